//! The moments that steps look at, and the samples in the window before each.

use model::{HistogramSample, Points};

use super::RangeCall;
use crate::ast::Extension;

/// The moment that each step looks at: evenly spaced, or all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moments {
    first: i64,
    step: i64,
    len: usize,
}

impl Moments {
    pub(crate) fn new(first: i64, step: i64, len: usize) -> Self {
        Self { first, step, len }
    }

    #[inline]
    pub(crate) fn get(self, step: usize) -> i64 {
        let steps = i64::try_from(step).unwrap_or(i64::MAX);
        self.first.saturating_add(self.step.saturating_mul(steps))
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    pub(crate) fn first(self) -> i64 {
        self.first
    }

    pub(crate) fn last(self) -> i64 {
        self.get(self.len.saturating_sub(1))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = i64> {
        (0..self.len).map(move |step| self.get(step))
    }
}

/// What one step sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) step: usize,
    /// Samples at this time are outside.
    pub(crate) start: i64,
    /// Samples at this time are inside.
    pub(crate) end: i64,
    pub(crate) times: &'a [i64],
    pub(crate) values: &'a [f64],
    /// Empty where start times are not known.
    pub(crate) starts: &'a [i64],
    pub(crate) histograms: &'a [HistogramSample],
    pub(crate) histogram_starts: &'a [i64],
}

impl Window<'_> {
    pub(crate) fn len(&self) -> usize {
        self.times.len() + self.histograms.len()
    }
}

/// A walk over the windows of all steps; those without samples are left out.
pub(crate) struct Windows<'a> {
    points: &'a Points,
    moments: Moments,
    range_ms: i64,
    before_ms: i64,
    after_ms: i64,
    starts: bool,
    step: usize,
    floats: Edges,
    histograms: Edges,
}

/// The samples of a window: from the first to before the second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edges {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Edges {
    /// Moves on to the samples in `(start, end]`; both only ever grow.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        len: usize,
        time: impl Fn(usize) -> i64,
        start: i64,
        end: i64,
    ) {
        while self.to < len && time(self.to) <= end {
            self.to += 1;
        }
        while self.from < self.to && time(self.from) <= start {
            self.from += 1;
        }
    }
}

impl<'a> Windows<'a> {
    pub(super) fn new(call: &RangeCall, points: &'a Points) -> Self {
        let (before_ms, after_ms) = match call.extension {
            Some(Extension::Anchored) => (call.lookback_ms, 0),
            Some(Extension::Smoothed) => (call.lookback_ms, call.lookback_ms),
            None => (0, 0),
        };
        Self {
            points,
            moments: call.moments,
            range_ms: call.range_ms,
            before_ms,
            after_ms,
            starts: call.start_timestamps,
            step: 0,
            floats: Edges::default(),
            histograms: Edges::default(),
        }
    }
}

impl<'a> Iterator for Windows<'a> {
    type Item = Window<'a>;

    fn next(&mut self) -> Option<Window<'a>> {
        let points = self.points;
        while self.step < self.moments.len() {
            let step = self.step;
            self.step += 1;
            let end = self.moments.get(step);
            let start = end.saturating_sub(self.range_ms);
            let (first, last) =
                (start.saturating_sub(self.before_ms), end.saturating_add(self.after_ms));
            self.floats.advance(points.times.len(), |at| points.times[at], first, last);
            let all = &points.histograms;
            self.histograms.advance(all.len(), |at| all[at].at_ms, first, last);
            let (floats, histograms) = (self.floats, self.histograms);
            if floats.from == floats.to && histograms.from == histograms.to {
                continue;
            }
            let within = |starts: &'a [i64], edges: Edges| {
                if self.starts { starts.get(edges.from..edges.to).unwrap_or(&[]) } else { &[] }
            };
            return Some(Window {
                step,
                start,
                end,
                times: &points.times[floats.from..floats.to],
                values: &points.values[floats.from..floats.to],
                starts: within(&points.starts, floats),
                histograms: &all[histograms.from..histograms.to],
                histogram_starts: within(&points.histogram_starts, histograms),
            });
        }
        None
    }
}
