//! Whether a counter began anew between two histograms, and whether two are the same.

use model::{Histogram, ResetHint};

use super::{
    add::{Sides, common_bounds, onto, same_bounds},
    bins,
};

/// Whether the counter began anew between `previous` and `current`.
pub fn detect_reset(current: &Histogram, previous: &Histogram) -> bool {
    match current.reset_hint {
        ResetHint::Reset => return true,
        ResetHint::NotReset => return false,
        ResetHint::Unknown | ResetHint::Gauge => {}
    }
    if current.count < previous.count {
        return true;
    }
    if current.is_custom() {
        return !previous.is_custom() || custom_reset(current, previous);
    }
    if previous.is_custom()
        || current.schema > previous.schema
        || current.zero_threshold < previous.zero_threshold
    {
        return true;
    }
    let now = Sides::of(current);
    let mut before = Sides::of(previous);
    before.widen(current.zero_threshold);
    if before.threshold != current.zero_threshold || current.zero_count < before.zero {
        return true;
    }
    let before = before.reduced(current.schema);
    fewer(&now.positive, &before.positive) || fewer(&now.negative, &before.negative)
}

fn custom_reset(current: &Histogram, previous: &Histogram) -> bool {
    let now = bins::bins(&current.positive_spans, &current.positive);
    let before = bins::bins(&previous.positive_spans, &previous.positive);
    if same_bounds(&current.custom_values, &previous.custom_values) {
        return fewer(&now, &before);
    }
    let bounds = common_bounds(&current.custom_values, &previous.custom_values);
    let mut counts = vec![(0.0, 0.0); bounds.len() + 1];
    onto(&bounds, &now, &current.custom_values, |at, count| counts[at].0 += count);
    onto(&bounds, &before, &previous.custom_values, |at, count| counts[at].1 += count);
    counts.iter().any(|(now, before)| now < before)
}

/// Whether a bucket counts less now than before; one that is not there counts nothing.
fn fewer(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    let mut now = now.iter().peekable();
    before.iter().any(|(index, before)| {
        while now.peek().is_some_and(|(at, _)| at < index) {
            now.next();
        }
        match now.peek() {
            Some((at, count)) if at == index => count < before,
            Some(_) | None => *before != 0.0,
        }
    })
}

/// Whether two histograms are the same; buckets are compared as they are, empty ones too.
pub(crate) fn same(a: &Histogram, b: &Histogram) -> bool {
    let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
    a.schema == b.schema
        && bits(a.count, b.count)
        && bits(a.sum, b.sum)
        && (!a.is_custom() || same_bounds(&a.custom_values, &b.custom_values))
        && a.zero_threshold == b.zero_threshold
        && bits(a.zero_count, b.zero_count)
        && alike(&a.positive_spans, &a.positive, &b.positive_spans, &b.positive)
        && alike(&a.negative_spans, &a.negative, &b.negative_spans, &b.negative)
}

fn alike(
    spans: &[model::BucketSpan],
    counts: &[f64],
    other_spans: &[model::BucketSpan],
    other_counts: &[f64],
) -> bool {
    if counts.len() != other_counts.len() {
        return false;
    }
    let (a, b) = (bins::bins(spans, counts), bins::bins(other_spans, other_counts));
    a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && a.1.to_bits() == b.1.to_bits())
}
