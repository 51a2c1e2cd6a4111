//! `changes` and `resets`: how often a sample differs from the one before.

use model::{Histogram, Points};

use super::{RangeCall, RangeFunction, Ticker, Window, start_resets, window::Edges};
use crate::{
    ast::Extension,
    eval::{EvalError, cells::Cells},
    histogram::{detect_reset, same},
};

pub(super) fn fill(
    call: &RangeCall,
    points: &Points,
    cells: &mut Cells,
    ticker: &mut Ticker<'_>,
) -> Result<(), EvalError> {
    let starts = call.start_timestamps && !points.starts.is_empty();
    if points.histograms.is_empty() && call.extension.is_none() && !starts {
        floats(call, points, cells);
        return Ok(());
    }
    for window in call.windows(points) {
        ticker.tick(1 + window.len())?;
        if let Some(count) = count(call, &window) {
            cells.set(window.step, count);
        }
    }
    Ok(())
}

/// Floats without start times: what each pair counts is summed once, and each step takes a difference.
fn floats(call: &RangeCall, points: &Points, cells: &mut Cells) {
    let (times, values) = (points.times.as_slice(), points.values.as_slice());
    let resets = call.function == RangeFunction::Resets;
    let mut so_far = vec![0_u32; values.len()];
    for at in 1..values.len() {
        let (before, value) = (values[at - 1], values[at]);
        let counts = if resets { value < before } else { changed(before, value) };
        so_far[at] = so_far[at - 1] + u32::from(counts);
    }
    let mut edges = Edges::default();
    for (step, end) in call.moments.iter().enumerate() {
        edges.advance(times.len(), |at| times[at], end.saturating_sub(call.range_ms), end);
        if edges.to > edges.from {
            cells.set(step, f64::from(so_far[edges.to - 1] - so_far[edges.from]));
        }
    }
}

fn changed(before: f64, value: f64) -> bool {
    value != before && !(value.is_nan() && before.is_nan())
}

enum Seen<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

/// Both kinds in one window.
fn count(call: &RangeCall, window: &Window<'_>) -> Option<f64> {
    let (mut float, mut histogram) = first(call, window)?;
    let mut before: Option<(i64, i64, Seen<'_>)> = None;
    let mut count = 0_u32;
    loop {
        let next_float = window.times.get(float);
        let next_histogram = window.histograms.get(histogram);
        let takes_float = match (next_float, next_histogram) {
            (None, None) => break,
            (Some(at), Some(other)) => *at < other.at_ms,
            (Some(_), None) => true,
            (None, Some(_)) => false,
        };
        let (at, start, seen) = if takes_float {
            float += 1;
            let start = window.starts.get(float - 1).copied().unwrap_or(0);
            (window.times[float - 1], start, Seen::Float(window.values[float - 1]))
        } else {
            histogram += 1;
            let start = window.histogram_starts.get(histogram - 1).copied().unwrap_or(0);
            let sample = &window.histograms[histogram - 1];
            (sample.at_ms, start, Seen::Histogram(&sample.histogram))
        };
        if let Some((old_at, old_start, old)) = &before {
            let resets = call.function == RangeFunction::Resets;
            let by_start = resets && start_resets(*old_start, *old_at, start, at);
            let counts = match (old, &seen) {
                (Seen::Float(old), Seen::Float(new)) if resets => by_start || new < old,
                (Seen::Float(old), Seen::Float(new)) => changed(*old, *new),
                (Seen::Histogram(old), Seen::Histogram(new)) if resets => {
                    by_start || detect_reset(new, old)
                }
                (Seen::Histogram(old), Seen::Histogram(new)) => !same(new, old),
                (Seen::Float(_), Seen::Histogram(_)) | (Seen::Histogram(_), Seen::Float(_)) => true,
            };
            count += u32::from(counts);
        }
        before = Some((at, start, seen));
    }
    Some(f64::from(count))
}

/// The first sample of each kind that counts. Of an anchored range this is the last one before it, of whichever kind;
/// `None` when nothing lies within the range itself.
fn first(call: &RangeCall, window: &Window<'_>) -> Option<(usize, usize)> {
    if call.extension != Some(Extension::Anchored) {
        return Some((0, 0));
    }
    let float = window.times.partition_point(|at| *at <= window.start);
    let histogram = window.histograms.partition_point(|one| one.at_ms <= window.start);
    if float == window.times.len() && histogram == window.histograms.len() {
        return None;
    }
    let last_float = float.checked_sub(1).map(|at| window.times[at]);
    let last_histogram = histogram.checked_sub(1).map(|at| window.histograms[at].at_ms);
    Some(match (last_float, last_histogram) {
        (None, None) => (0, 0),
        (Some(_), None) => (float - 1, histogram),
        (None, Some(_)) => (float, histogram - 1),
        (Some(a), Some(b)) if a >= b => (float - 1, histogram),
        (Some(_), Some(_)) => (float, histogram - 1),
    })
}
