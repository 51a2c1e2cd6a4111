//! `…_over_time`, but for sums and means.

use std::sync::Arc;

use model::Points;

use super::{About, RangeCall, RangeFunction, Ticker, Window, window::Edges};
use crate::{
    eval::{EvalError, cells::Cells, notes::Kind, quantile},
    kahan::Kahan,
};

/// `count_over_time`
#[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
pub(super) fn count(call: &RangeCall, points: &Points, cells: &mut Cells) {
    for window in call.windows(points) {
        cells.set(window.step, window.len() as f64);
    }
}

/// `max_over_time` and `min_over_time`: the best of a window is kept until it falls out.
pub(super) fn extremes(
    call: &RangeCall,
    points: &Points,
    cells: &mut Cells,
    about: &About<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<(), EvalError> {
    let (times, values) = (points.times.as_slice(), points.values.as_slice());
    let max = call.function == RangeFunction::Max;
    let better =
        |value: f64, best: f64| (if max { value > best } else { value < best }) || best.is_nan();
    let mut edges = Edges::default();
    let mut best = 0;
    let mut seen = 0;
    for (step, end) in call.moments.iter().enumerate() {
        edges.advance(times.len(), |at| times[at], end.saturating_sub(call.range_ms), end);
        let Edges { from, to } = edges;
        if from == to {
            continue;
        }
        if best < from || seen <= from {
            ticker.tick(to - from)?;
            (best, seen) = (from, from);
        }
        for at in seen..to {
            if better(values[at], values[best]) {
                best = at;
            }
        }
        seen = to;
        cells.set(step, values[best]);
    }
    if !points.histograms.is_empty() {
        let mixed = |window: Window<'_>| !window.times.is_empty() && !window.histograms.is_empty();
        if call.windows(points).any(mixed) {
            about.notes.add(Kind::IgnoredInMixedRange, call.span, &(about.name)());
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age")]
fn secs(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// All others, window by window.
pub(super) fn set(call: &RangeCall, window: &Window<'_>, cells: &mut Cells, about: &About<'_>) {
    use RangeFunction as F;
    let step = window.step;
    let (first, last) = (window.times.first().copied(), window.times.last().copied());
    let first_histogram = window.histograms.first();
    let last_histogram = window.histograms.last();
    match call.function {
        F::Present => return cells.set(step, 1.0),
        F::First => {
            return match first_histogram {
                Some(one) if first.is_none_or(|at| at >= one.at_ms) => {
                    cells.set_histogram(step, Arc::clone(&one.histogram));
                }
                Some(_) | None => cells.set(step, window.values[0]),
            };
        }
        F::Last => {
            return match last_histogram {
                Some(one) if last.is_none_or(|at| at <= one.at_ms) => {
                    cells.set_histogram(step, Arc::clone(&one.histogram));
                }
                Some(_) | None => cells.set(step, window.values[window.values.len() - 1]),
            };
        }
        F::TimeOfFirst => {
            let both = [first, first_histogram.map(|one| one.at_ms)];
            return cells.set(step, secs(both.into_iter().flatten().min().unwrap_or(0)));
        }
        F::TimeOfLast => {
            let both = [last, last_histogram.map(|one| one.at_ms)];
            return cells.set(step, secs(both.into_iter().flatten().max().unwrap_or(0)));
        }
        _ => {}
    }
    if window.values.is_empty() {
        return;
    }
    if !window.histograms.is_empty() {
        about.notes.add(Kind::IgnoredInMixedRange, call.span, &(about.name)());
    }
    let values = window.values;
    let value = match call.function {
        F::Quantile => {
            let q = call.param(0, step);
            if !(0.0..=1.0).contains(&q) {
                about.notes.add(Kind::InvalidQuantile(q.to_bits()), call.span, "");
            }
            quantile(q, &mut values.to_vec())
        }
        F::Mad => deviation(values),
        F::Stddev => variance(values).sqrt(),
        F::Stdvar => variance(values),
        F::TimeOfMax => secs(window.times[latest(values, |value, best| value >= best)]),
        F::TimeOfMin => secs(window.times[latest(values, |value, best| value <= best)]),
        _ => return,
    };
    cells.set(step, value);
}

/// Where the best value stands; the last of several.
fn latest(values: &[f64], better: impl Fn(f64, f64) -> bool) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if better(*value, values[best]) || values[best].is_nan() {
            best = at;
        }
    }
    best
}

/// The median of the distances to the median.
fn deviation(values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, &mut values)
}

/// Welford's variance.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares, mut count) = (Kahan::default(), Kahan::default(), 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean.total();
        mean.add(delta / count);
        squares.add(delta * (value - mean.total()));
    }
    squares.total() / count
}
