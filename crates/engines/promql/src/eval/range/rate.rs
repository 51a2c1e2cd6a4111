//! `rate`, `increase` and `delta`.

use std::sync::Arc;

use model::Points;

use super::{
    About, RangeCall, RangeFunction, Ticker, Window, extended, histogram, seconds, start_overlaps,
    start_resets, window::Edges,
};
use crate::eval::{EvalError, cells::Cells, notes::Kind};

pub(super) fn fill(
    call: &RangeCall,
    points: &Points,
    cells: &mut Cells,
    about: &About<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<(), EvalError> {
    let starts = call.start_timestamps && !points.starts.is_empty();
    if points.histograms.is_empty() && call.extension.is_none() && !starts {
        floats(call, points, cells);
        return Ok(());
    }
    for window in call.windows(points) {
        ticker.tick(1 + window.len())?;
        if !window.times.is_empty() && !window.histograms.is_empty() {
            about.notes.add(Kind::MixedFloatsHistograms, call.span, &(about.name)());
            continue;
        }
        if call.extension.is_some() {
            if window.histograms.is_empty() {
                extended::floats(call, &window, cells);
            } else {
                extended::histograms(call, &window, cells, about);
            }
        } else if window.histograms.is_empty() {
            if let Some(value) = one(call, &window, about) {
                cells.set(window.step, value);
            }
        } else if let Some(value) = histogram::rate(call, &window, about) {
            cells.set_histogram(window.step, Arc::new(value));
        }
    }
    Ok(())
}

/// Floats without start times. Resets are found once, so that each step looks at the window's edges only.
fn floats(call: &RangeCall, points: &Points, cells: &mut Cells) {
    let (times, values) = (points.times.as_slice(), points.values.as_slice());
    let counter = call.function.is_counter();
    let resets = if counter { resets(values) } else { Vec::new() };
    let mut first_reset = 0;
    let mut edges = Edges::default();
    for (step, end) in call.moments.iter().enumerate() {
        let start = end.saturating_sub(call.range_ms);
        edges.advance(times.len(), |at| times[at], start, end);
        let Edges { from, to } = edges;
        if to - from < 2 {
            continue;
        }
        let mut result = values[to - 1] - values[from];
        if !resets.is_empty() {
            while resets.get(first_reset).is_some_and(|at| *at <= from) {
                first_reset += 1;
            }
            for at in resets[first_reset..].iter().take_while(|at| **at < to) {
                result += values[at - 1];
            }
        }
        let factor = Edge {
            first: times[from],
            last: times[to - 1],
            gaps: to - from - 1,
            start,
            end,
            counted: counter.then_some((values[from], result)),
            began: None,
        }
        .factor(call);
        cells.set(step, result * factor);
    }
}

/// Where a counter is lower than before.
fn resets(values: &[f64]) -> Vec<usize> {
    let falls = |pair: &[f64]| pair[1] < pair[0];
    // Most counters have none, which is faster to see without branches.
    if values.windows(2).fold(false, |any, pair| any | falls(pair)) {
        values
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| falls(pair))
            .map(|(at, _)| at + 1)
            .collect()
    } else {
        Vec::new()
    }
}

/// What extrapolation to the window's edges looks at.
pub(super) struct Edge {
    pub(super) first: i64,
    pub(super) last: i64,
    /// Samples less one.
    pub(super) gaps: usize,
    pub(super) start: i64,
    pub(super) end: i64,
    /// Of a counter: its first value and its increase.
    pub(super) counted: Option<(f64, f64)>,
    /// When a counter began within the window.
    pub(super) began: Option<i64>,
}

impl Edge {
    /// By what the increase between samples is multiplied. It goes on to the window's edge when that is near, else for
    /// half of an average interval; and a counter does not begin below zero.
    #[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^53 samples")]
    pub(super) fn factor(&self, call: &RangeCall) -> f64 {
        let mut sampled = seconds(self.first, self.last);
        let average = if self.gaps > 0 { sampled / self.gaps as f64 } else { 0.0 };
        let near = average * 1.1;
        let mut to_start = seconds(self.start, self.first);
        if let Some(began) = self.began {
            to_start = 0.0;
            sampled = seconds(began, self.last);
        } else {
            if to_start >= near {
                to_start = average / 2.0;
            }
            if let Some((first, increase)) = self.counted
                && increase > 0.0
                && first >= 0.0
            {
                let to_zero = sampled * (first / increase);
                if to_zero < to_start {
                    to_start = to_zero;
                }
            }
        }
        let mut to_end = seconds(self.last, self.end);
        if to_end >= near {
            to_end = average / 2.0;
        }
        let mut factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        if call.function == RangeFunction::Rate {
            factor /= seconds(0, call.range_ms);
        }
        factor
    }
}

/// When the counter began, where its first sample says that this was within the window.
pub(super) fn began(starts: &[i64], window_start: i64, first: i64) -> Option<i64> {
    starts.first().copied().filter(|start| *start != 0 && *start > window_start && *start < first)
}

/// Floats of one window, with start times.
fn one(call: &RangeCall, window: &Window<'_>, about: &About<'_>) -> Option<f64> {
    let (times, values) = (window.times, window.values);
    let (first, last) = (*values.first()?, *values.last()?);
    let counter = call.function.is_counter();
    let starts = if counter { window.starts } else { &[] };
    let mut result = last - first;
    if counter {
        let mut overlaps = false;
        for at in 1..values.len() {
            let mut reset = values[at] < values[at - 1];
            if let (Some(before), Some(start)) = (starts.get(at - 1), starts.get(at)) {
                overlaps |= start_overlaps(*before, times[at - 1], *start);
                reset |= start_resets(*before, times[at - 1], *start, times[at]);
            }
            if reset {
                result += values[at - 1];
            }
        }
        if overlaps {
            about.notes.add(Kind::StartTimeOverlap, call.span, &(about.name)());
        }
    }
    let began = began(starts, window.start, times[0]);
    if began.is_some() {
        result += first;
    } else if values.len() < 2 {
        return None;
    }
    let edge = Edge {
        first: times[0],
        last: *times.last()?,
        gaps: times.len() - 1,
        start: window.start,
        end: window.end,
        counted: counter.then_some((first, result)),
        began,
    };
    Some(result * edge.factor(call))
}
