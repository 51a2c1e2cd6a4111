//! A trace as one clock would have seen it: a view for the eye, beside the times as reported.

use std::time::Duration;

use model::Timestamp;

use super::{Clocks, clocks::Link};
use crate::{Trace, host};

/// A trace by the clock of its first root's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The host whose clock it is; `None` when the root names none, and then nothing is adjusted.
    pub host: Option<Box<str>>,
    /// One for each row of the trace.
    pub rows: Vec<AdjustedRow>,
}

/// A span's times by the reference clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjustedRow {
    pub start: Timestamp,
    pub end: Timestamp,
    /// What was added to the times as reported (nanoseconds). Not 0 only where both clocks cannot agree: to be marked as adjusted.
    pub shift_nanos: i64,
    /// The true shift lies this close below and above; `None` where nothing bounds it.
    pub less: Option<Duration>,
    pub more: Option<Duration>,
}

impl AdjustedRow {
    pub fn is_adjusted(&self) -> bool {
        self.shift_nanos != 0
    }
}

impl Clocks {
    /// The trace by its first root's clock. A host is shifted only where all its calls together show that its clock cannot agree
    /// with that one, and then by the estimate: the view is a guess within the bounds that it gives.
    pub fn adjusted(&self, trace: &Trace) -> Adjusted {
        let reference = trace.spans().first().and_then(|span| host(&span.resource));
        let offsets = reference.map(|reference| self.all_from(reference)).unwrap_or_default();
        let row = |row: usize| {
            let span = &trace.spans()[row];
            let own = host(&span.resource);
            let link = if own.is_some() && own == reference {
                Some(Link::SAME)
            } else {
                own.and_then(|own| offsets.get(own)).copied()
            };
            let shift = link.filter(|link| !link.bounds.contains(0)).map_or(0, |link| {
                // By how much the host's clock is ahead is what goes.
                link.offset.saturating_neg()
            });
            let moved = |at: Timestamp| Timestamp::from_nanos(at.as_nanos().saturating_add(shift));
            let within = link.map(|link| link.bounds.reversed());
            let apart = |one: i64, other: i64| Duration::from_nanos(one.abs_diff(other));
            AdjustedRow {
                start: moved(span.start),
                end: moved(span.end),
                shift_nanos: shift,
                less: within.and_then(|within| within.low).map(|low| apart(low, shift)),
                more: within.and_then(|within| within.high).map(|high| apart(high, shift)),
            }
        };
        Adjusted { host: reference.map(Into::into), rows: (0..trace.len()).map(row).collect() }
    }
}
