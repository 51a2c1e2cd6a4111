//! `sum_over_time` and `avg_over_time`.

use std::sync::Arc;

use model::{HistogramSample, Points, ResetHint};

use super::{About, RangeCall, RangeFunction, Ticker, window::Edges};
use crate::{
    eval::{
        EvalError,
        cells::Cells,
        notes::{Join, Kind},
    },
    histogram::{Incompatible, Mean, Outcome, Sum},
    kahan::Kahan,
};

pub(super) fn fill(
    call: &RangeCall,
    points: &Points,
    cells: &mut Cells,
    about: &About<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<(), EvalError> {
    if points.histograms.is_empty() {
        return floats(call, points, cells, ticker);
    }
    for window in call.windows(points) {
        ticker.tick(1 + window.len())?;
        if !window.times.is_empty() && !window.histograms.is_empty() {
            about.notes.add(Kind::MixedFloatsHistograms, call.span, &(about.name)());
        } else if window.histograms.is_empty() {
            cells.set(window.step, of(call.function, window.values));
        } else {
            histograms(call, window.histograms, window.step, cells, about);
        }
    }
    Ok(())
}

/// The sum or mean of one window, in Prometheus' order of additions.
fn of(function: RangeFunction, values: &[f64]) -> f64 {
    if function == RangeFunction::Sum { sum(values) } else { mean(values) }
}

fn sum(values: &[f64]) -> f64 {
    let mut total = Kahan::default();
    values.iter().for_each(|value| total.add(*value));
    if total.sum.is_infinite() { total.sum } else { total.total() }
}

#[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
fn mean(values: &[f64]) -> f64 {
    let mut total = Kahan { sum: values[0], lost: 0.0 };
    for (at, value) in values.iter().enumerate().skip(1) {
        let before = total;
        total.add(*value);
        if total.sum.is_infinite() {
            return following_mean(before, at, values);
        }
    }
    let count = values.len() as f64;
    total.sum / count + total.lost / count
}

/// Goes on with a mean that follows each value, once the sum of the first `from` values cannot take another.
#[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
fn following_mean(sum: Kahan, from: usize, values: &[f64]) -> f64 {
    let so_far = from as f64;
    let mut mean = Kahan { sum: sum.sum / so_far, lost: sum.lost / so_far };
    for (at, value) in values.iter().enumerate().skip(from) {
        let count = (at + 1) as f64;
        let part = (count - 1.0) / count;
        mean = Kahan { sum: part * mean.sum, lost: part * mean.lost };
        mean.add(value / count);
    }
    mean.total()
}

/// A sum as two floats, with twice the digits of one.
#[derive(Clone, Copy, Default)]
struct Long {
    high: f64,
    low: f64,
}

impl Long {
    fn plus(self, value: f64) -> Self {
        let high = self.high + value;
        let part = high - self.high;
        let lost = (self.high - (high - part)) + (value - part);
        let low = self.low + lost;
        // Renormalised, so that `low` stays what `high` cannot hold.
        let sum = high + low;
        Self { high: sum, low: low - (sum - high) }
    }

    /// `self - other`, rounded once.
    fn minus(self, other: Self) -> f64 {
        let high = self.high - other.high;
        let part = high - self.high;
        let lost = (self.high - (high - part)) + (-other.high - part);
        high + (lost + (self.low - other.low))
    }
}

/// Windows that overlap much are differences of one running sum, where its digits allow; else each is summed anew.
fn floats(
    call: &RangeCall,
    points: &Points,
    cells: &mut Cells,
    ticker: &mut Ticker<'_>,
) -> Result<(), EvalError> {
    let (times, values) = (points.times.as_slice(), points.values.as_slice());
    let mut edges = Edges::default();
    let mut windows = Vec::with_capacity(call.moments.len());
    let mut looked_at = 0;
    for (step, end) in call.moments.iter().enumerate() {
        edges.advance(times.len(), |at| times[at], end.saturating_sub(call.range_ms), end);
        if edges.to > edges.from {
            windows.push((step, edges));
            looked_at += edges.to - edges.from;
        }
    }
    let running = (looked_at > 4 * values.len()).then(|| running(values)).flatten();
    for (step, Edges { from, to }) in windows {
        if let Some((sums, largest)) = &running {
            let sum = sums[to].minus(sums[from]);
            // Below this the difference has fewer good digits than a sum of its own would have.
            if sum.abs() >= largest * (1.0 / (1_u64 << 40) as f64) {
                #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 samples")]
                let count = (to - from) as f64;
                let value = if call.function == RangeFunction::Sum { sum } else { sum / count };
                cells.set(step, value);
                continue;
            }
        }
        ticker.tick(to - from)?;
        cells.set(step, of(call.function, &values[from..to]));
    }
    Ok(())
}

/// Sums of all values before each, and the largest of them; `None` when one is not finite.
#[expect(clippy::cast_precision_loss, reason = "a power of two")]
fn running(values: &[f64]) -> Option<(Vec<Long>, f64)> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = Long::default();
    let mut largest = 0.0_f64;
    sums.push(sum);
    for value in values {
        sum = sum.plus(*value);
        largest = largest.max(sum.high.abs());
        sums.push(sum);
    }
    let finite = largest.is_finite() && sum.high.is_finite() && sum.low.is_finite();
    (finite && largest < f64::MAX / (1_u64 << 10) as f64).then_some((sums, largest))
}

fn histograms(
    call: &RangeCall,
    all: &[HistogramSample],
    step: usize,
    cells: &mut Cells,
    about: &About<'_>,
) {
    let Some((first, rest)) = all.split_first() else { return };
    let has = |hint: ResetHint| all.iter().any(|one| one.histogram.reset_hint == hint);
    if has(ResetHint::Reset) && has(ResetHint::NotReset) {
        about.notes.add(Kind::ResetCollision(Join::Aggregation), call.span, "");
    }
    let result = if call.function == RangeFunction::Sum {
        let mut sum = Sum::new(&first.histogram);
        joined(rest, |one| sum.add(one)).map(|reconciled| (sum.finish(), reconciled))
    } else {
        let mut mean = Mean::new(&first.histogram);
        joined(rest, |one| mean.add(one)).map(|reconciled| (mean.finish(), reconciled))
    };
    match result {
        Ok((result, reconciled)) => {
            if reconciled {
                about.notes.add(Kind::MismatchedBuckets(Join::Aggregation), call.span, "");
            }
            cells.set_histogram(step, Arc::new(result));
        }
        Err(Incompatible) => about.notes.add(Kind::MixedSchemas, call.span, &(about.name)()),
    }
}

/// Adds all, and tells whether custom bounds differed.
fn joined(
    all: &[HistogramSample],
    mut add: impl FnMut(&model::Histogram) -> Result<Outcome, Incompatible>,
) -> Result<bool, Incompatible> {
    all.iter().try_fold(false, |any, one| Ok(add(&one.histogram)?.reconciled | any))
}
