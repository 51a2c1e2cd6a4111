//! What the samples of a histogram owe each other.

use super::{Fault, Pairs, Sample, Seconds};
use crate::number::parse_float;

/// What was seen of one histogram at one time.
#[derive(Debug, Default)]
struct Seen {
    group: Pairs,
    at: Option<Seconds>,
    bound: Option<f64>,
    value: f64,
    count: Option<f64>,
    sum: bool,
    gauge_sum: bool,
    negative_gauge_sum: bool,
    negative_bounds: bool,
}

/// Checks a family of histograms.
pub(super) fn check(samples: &[Sample]) -> Fault {
    let mut seen: Option<Seen> = None;
    for sample in samples {
        let mut group = sample.labels.clone();
        if sample.suffix == "_bucket" {
            group.remove("le");
        }
        let same = |seen: &Seen| seen.group == group && seen.at == sample.at_ms;
        if !seen.as_ref().is_some_and(same) {
            if let Some(seen) = seen.take() {
                seen.check()?;
            }
            seen = Some(Seen { group, at: sample.at_ms, ..Seen::default() });
        }
        if let Some(seen) = &mut seen {
            seen.add(sample)?;
        }
    }
    seen.map_or(Ok(()), |seen| seen.check())
}

impl Seen {
    fn add(&mut self, sample: &Sample) -> Fault {
        match sample.suffix.as_str() {
            "_bucket" => {
                let bound = sample.labels.get("le").map_or("", String::as_str);
                let bound = parse_float(bound.as_bytes()).unwrap_or(f64::NAN);
                self.negative_bounds |= bound < 0.0;
                if self.bound.is_some_and(|last| bound <= last) {
                    return Err("the bounds of buckets do not ascend".to_owned());
                }
                if sample.value < self.value {
                    return Err("the counts of buckets go down".to_owned());
                }
                (self.bound, self.value) = (Some(bound), sample.value);
            }
            "_count" | "_gcount" => self.count = Some(sample.value),
            "_sum" => self.sum = true,
            "_gsum" => {
                self.gauge_sum = true;
                self.negative_gauge_sum = sample.value < 0.0;
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Fault {
        let fault = if self.bound != Some(f64::INFINITY) {
            "a histogram has no bucket `+Inf`"
        } else if self.count.is_some_and(|count| count != self.value) {
            "a histogram's count is not that of its bucket `+Inf`"
        } else if (self.sum || self.gauge_sum) && self.count.is_none() {
            "a histogram has a sum and no count"
        } else if !(self.sum || self.gauge_sum) && self.count.is_some() {
            "a histogram has a count and no sum"
        } else if self.negative_bounds && self.sum {
            "a histogram with negative bounds has a sum"
        } else if !self.negative_bounds && self.negative_gauge_sum {
            "a histogram without negative bounds has a negative sum"
        } else {
            return Ok(());
        };
        Err(fault.to_owned())
    }
}
