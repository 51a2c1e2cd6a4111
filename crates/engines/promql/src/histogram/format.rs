//! How histograms are written.

use std::fmt;

use model::{Histogram, ResetHint};

use super::buckets;
use crate::number::General;

/// `{count:3, sum:4, [-2,-1):1, (1,2]:3}`
pub(super) fn brief(histogram: &Histogram, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{{count:{}, sum:{}", General(histogram.count), General(histogram.sum))?;
    for bucket in buckets(histogram).filter(|bucket| bucket.count != 0.0) {
        let open = if bucket.lower_inclusive { '[' } else { '(' };
        let close = if bucket.upper_inclusive { ']' } else { ')' };
        let (lower, upper) = (General(bucket.lower), General(bucket.upper));
        write!(f, ", {open}{lower},{upper}{close}:{}", General(bucket.count))?;
    }
    f.write_str("}")
}

/// Prints a histogram as scripts for tests have it: `{{schema:1 count:3 sum:4 buckets:[1 2]}}`.
#[derive(Clone, Copy, Debug)]
pub struct TestForm<'a>(pub &'a Histogram);

impl fmt::Display for TestForm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut compact = self.0.clone();
        super::compact(&mut compact);
        let mut words = Vec::new();
        let mut word = |name: &str, value: f64| {
            if value != 0.0 {
                words.push(format!("{name}:{}", General(value)));
            }
        };
        word("schema", f64::from(compact.schema));
        word("count", compact.count);
        word("sum", compact.sum);
        word("z_bucket", compact.zero_count);
        word("z_bucket_w", compact.zero_threshold);
        let list = |values: &[f64]| {
            values.iter().map(|value| General(*value).to_string()).collect::<Vec<_>>().join(" ")
        };
        if compact.is_custom() {
            words.push(format!("custom_values:[{}]", list(&compact.custom_values)));
        }
        match compact.reset_hint {
            ResetHint::Unknown => {}
            ResetHint::Reset => words.push("counter_reset_hint:reset".to_owned()),
            ResetHint::NotReset => words.push("counter_reset_hint:not_reset".to_owned()),
            ResetHint::Gauge => words.push("counter_reset_hint:gauge".to_owned()),
        }
        for (offset, name, spans, counts) in [
            ("offset", "buckets", &compact.positive_spans, &compact.positive),
            ("n_offset", "n_buckets", &compact.negative_spans, &compact.negative),
        ] {
            let Some(first) = spans.first() else { continue };
            if first.offset != 0 {
                words.push(format!("{offset}:{}", first.offset));
            }
            let mut all = Vec::new();
            let mut counts = counts.iter();
            for (at, span) in spans.iter().enumerate() {
                let gap = if at == 0 { 0 } else { usize::try_from(span.offset).unwrap_or(0) };
                all.extend(std::iter::repeat_n(0.0, gap.min(10_000)));
                all.extend(counts.by_ref().take(usize::try_from(span.length).unwrap_or(0)));
            }
            words.push(format!("{name}:[{}]", list(&all)));
        }
        write!(f, "{{{{{}}}}}", words.join(" "))
    }
}
