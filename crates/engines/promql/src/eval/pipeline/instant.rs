//! Instant selectors: the latest sample within the lookback, at each step.

use std::sync::Arc;

use model::{Points, Sample};

use crate::{
    eval::{
        cells::Cells,
        notes::Kind,
        range::{About, Moments, between, between_histograms},
    },
    span::Span,
};

/// What is taken of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstantKind {
    Value,
    /// `timestamp(selector)`
    Time,
    /// `start_timestamp(selector)`
    StartTime,
    /// `selector smoothed`: the value between the samples before and after.
    Smoothed,
}

/// An instant selector at all steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstantCall {
    pub(crate) moments: Moments,
    pub(crate) lookback_ms: i64,
    pub(crate) kind: InstantKind,
    pub(crate) span: Span,
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age")]
fn secs(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// Moves `next` on to the first sample after `end`; it only ever grows.
#[inline]
fn advance(next: &mut usize, len: usize, time: impl Fn(usize) -> i64, end: i64) {
    while *next < len && time(*next) <= end {
        *next += 1;
    }
}

impl InstantCall {
    /// Sets the cells of all steps that see a sample.
    pub(crate) fn fill(
        &self,
        points: &Points,
        cells: &mut Cells,
        about: &About<'_>,
        per_step: &mut [u64],
    ) {
        if self.kind == InstantKind::Smoothed {
            return self.smoothed(points, cells, about);
        }
        let (times, all) = (points.times.as_slice(), points.histograms.as_slice());
        let single = self.moments.len() == 1;
        let (mut floats, mut histograms) = (0, 0);
        for (step, moment) in self.moments.iter().enumerate() {
            if single {
                floats = times.partition_point(|at| *at <= moment);
                histograms = all.partition_point(|one| one.at_ms <= moment);
            } else {
                advance(&mut floats, times.len(), |at| times[at], moment);
                advance(&mut histograms, all.len(), |at| all[at].at_ms, moment);
            }
            let oldest = moment.saturating_sub(self.lookback_ms);
            let float = floats.checked_sub(1).filter(|at| times[*at] > oldest);
            let histogram = histograms.checked_sub(1).filter(|at| all[*at].at_ms > oldest);
            let float = match (float, histogram) {
                (Some(at), Some(other)) if times[at] < all[other].at_ms => None,
                (found, _) => found,
            };
            if let Some(at) = float {
                let value = points.values[at];
                if value.to_bits() != Sample::STALE {
                    let value = match self.kind {
                        InstantKind::Value | InstantKind::Smoothed => value,
                        InstantKind::Time => secs(times[at]),
                        InstantKind::StartTime => match points.starts.get(at) {
                            Some(start) => secs(*start),
                            None => 0.0,
                        },
                    };
                    cells.set(step, value);
                    if let Some(count) = per_step.get_mut(step) {
                        *count += 1;
                    }
                }
            } else if let Some(at) = histogram {
                let one = &all[at];
                if !one.histogram.is_stale() {
                    match self.kind {
                        InstantKind::Value | InstantKind::Smoothed => {
                            cells.set_histogram(step, Arc::clone(&one.histogram));
                        }
                        InstantKind::Time => cells.set(step, secs(one.at_ms)),
                        InstantKind::StartTime => {
                            let start = points.histogram_starts.get(at).copied().unwrap_or(0);
                            cells.set(step, secs(start));
                        }
                    }
                    if let Some(count) = per_step.get_mut(step) {
                        *count += crate::histogram::size(&one.histogram) as u64;
                    }
                }
            }
        }
    }

    /// The value on the line between the samples around each moment; without one after, the last.
    fn smoothed(&self, points: &Points, cells: &mut Cells, about: &About<'_>) {
        let mut clean = points.clone();
        crate::eval::subquery::drop_stale(&mut clean);
        let (times, all) = (&clean.times, &clean.histograms);
        for (step, moment) in self.moments.iter().enumerate() {
            let (oldest, newest) =
                (moment.saturating_sub(self.lookback_ms), moment.saturating_add(self.lookback_ms));
            let inside = |at: i64| at > oldest && at <= newest;
            let has_floats = times.iter().any(|at| inside(*at));
            let has_histograms = all.iter().any(|one| inside(one.at_ms));
            if has_floats && has_histograms {
                about.notes.add(Kind::MixedFloatsHistograms, self.span, &(about.name)());
                continue;
            }
            if has_floats {
                let after = times.partition_point(|at| *at < moment);
                let next = times.get(after).copied().filter(|at| *at <= newest);
                let before = after.checked_sub(1).filter(|at| times[*at] > oldest);
                match (before, next) {
                    (_, Some(at)) if at == moment => cells.set(step, clean.values[after]),
                    (Some(old), Some(at)) => {
                        let (a, b) = ((times[old], clean.values[old]), (at, clean.values[after]));
                        cells.set(step, between(a, b, moment, false));
                    }
                    (Some(old), None) => cells.set(step, clean.values[old]),
                    (None, _) => {}
                }
            } else if has_histograms {
                let after = all.partition_point(|one| one.at_ms < moment);
                let next = all.get(after).filter(|one| one.at_ms <= newest);
                let before =
                    after.checked_sub(1).map(|at| &all[at]).filter(|one| one.at_ms > oldest);
                match (before, next) {
                    (_, Some(one)) if one.at_ms == moment => {
                        cells.set_histogram(step, Arc::clone(&one.histogram));
                    }
                    (Some(a), Some(b)) => {
                        let say = |join| {
                            about.notes.add(Kind::MismatchedBuckets(join), self.span, "");
                        };
                        let counter = b.histogram.reset_hint != model::ResetHint::Gauge;
                        match between_histograms(a, b, moment, counter, say) {
                            Some(found) => cells.set_histogram(step, Arc::new(found)),
                            None => {
                                about.notes.add(Kind::MixedSchemas, self.span, &(about.name)());
                            }
                        }
                    }
                    (Some(a), None) => cells.set_histogram(step, Arc::clone(&a.histogram)),
                    (None, _) => {}
                }
            }
        }
    }
}
