//! Self time: how long a span was at it itself.

use std::time::Duration;

use crate::{Trace, spoken::lasting};

impl Trace {
    /// By row: the part of the span's time that none of its children covers. Where children overlap, they cover once; what of
    /// them lies outside of the span covers nothing.
    pub fn self_times(&self) -> Vec<Duration> {
        (0..self.len()).map(|row| self.self_time(row)).collect()
    }

    /// As [`Trace::self_times`], of one row.
    pub fn self_time(&self, row: usize) -> Duration {
        let (from, to) = self.window(row);
        let mut own = Duration::ZERO;
        // Children come by start.
        let mut covered = from;
        for child in self.children(row) {
            let (start, end) = self.window(child);
            own += lasting(covered, start.min(to));
            covered = covered.max(end.min(to));
        }
        own + lasting(covered, to)
    }
}
