//! Histograms as scripts write them: `{{schema:0 sum:5 count:4 buckets:[1 2 1]}}`.

use std::sync::Arc;

use model::{BucketSpan, Histogram, ResetHint};

use super::series::{Sequence, number};

/// One histogram, and whether a hint of resets was written.
fn parse(text: &str) -> (Histogram, bool) {
    let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).unwrap();
    let mut histogram = Histogram::default();
    let (mut offset, mut n_offset, mut hint) = (0, 0, false);
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').unwrap_or_else(|| panic!("{text}"));
        let after = after.trim_start();
        let (value, left) = if let Some(list) = after.strip_prefix('[') {
            let (list, left) = list.split_once(']').unwrap();
            (list, left)
        } else {
            after.split_once(char::is_whitespace).unwrap_or((after, ""))
        };
        rest = left.trim_start();
        let float = || number(value).unwrap_or_else(|| panic!("{key}:{value}"));
        let list = || value.split_whitespace().map(|one| number(one).unwrap()).collect::<Vec<_>>();
        match key.trim() {
            "schema" => histogram.schema = value.parse().unwrap(),
            "sum" => histogram.sum = float(),
            "count" => histogram.count = float(),
            "z_bucket" => histogram.zero_count = float(),
            "z_bucket_w" => histogram.zero_threshold = float(),
            "custom_values" => histogram.custom_values = list(),
            "buckets" => histogram.positive = list(),
            "n_buckets" => histogram.negative = list(),
            "offset" => offset = value.parse().unwrap(),
            "n_offset" => n_offset = value.parse().unwrap(),
            "counter_reset_hint" => {
                hint = true;
                histogram.reset_hint = match value {
                    "unknown" => ResetHint::Unknown,
                    "reset" => ResetHint::Reset,
                    "not_reset" => ResetHint::NotReset,
                    "gauge" => ResetHint::Gauge,
                    other => panic!("hint {other}"),
                };
            }
            other => panic!("{other} in {text}"),
        }
    }
    let spans = |offset: i32, counts: &[f64]| {
        if counts.is_empty() {
            Vec::new()
        } else {
            vec![BucketSpan { offset, length: u32::try_from(counts.len()).unwrap() }]
        }
    };
    histogram.positive_spans = spans(offset, &histogram.positive);
    histogram.negative_spans = spans(n_offset, &histogram.negative);
    (histogram, hint)
}

/// A histogram, with repetitions and increments.
pub(super) fn item(word: &str, values: &mut Vec<Sequence>) {
    let end = word.find("}}").unwrap() + 2;
    let (mut histogram, hint) = parse(&word[..end]);
    let rest = &word[end..];
    if rest.is_empty() {
        return values.push(Sequence::Histogram(Arc::new(histogram), hint));
    }
    if let Some(times) = rest.strip_prefix('x') {
        let one = Sequence::Histogram(Arc::new(histogram), hint);
        return values.extend(std::iter::repeat_n(one, times.parse::<usize>().unwrap() + 1));
    }
    let end = rest.rfind("}}").unwrap() + 2;
    let (step, step_hint) = parse(&rest[1..end]);
    let times: usize = rest[end..].strip_prefix('x').unwrap().parse().unwrap();
    for _ in 0..=times {
        values.push(Sequence::Histogram(Arc::new(histogram.clone()), hint || step_hint));
        let joined = if rest.starts_with('-') {
            promql::histogram::subtract(&mut histogram, &step)
        } else {
            promql::histogram::add(&mut histogram, &step)
        };
        joined.unwrap();
    }
}
