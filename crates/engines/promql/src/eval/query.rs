//! The moments of a query.

use super::range::Moments;

/// The moments of a query, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    pub start_ms: i64,
    pub end_ms: i64,
    /// More than 0; 0 for an instant query, which has `start_ms == end_ms`.
    pub step_ms: i64,
}

impl Query {
    /// One moment.
    pub const fn instant(at_ms: i64) -> Self {
        Self { start_ms: at_ms, end_ms: at_ms, step_ms: 0 }
    }

    /// Whether it asks for one moment and not for a range.
    pub const fn is_instant(self) -> bool {
        self.step_ms == 0
    }

    /// How many moments there are.
    pub fn steps(self) -> usize {
        let span = self.end_ms.saturating_sub(self.start_ms);
        if span < 0 || self.step_ms < 0 {
            return 0;
        }
        if self.step_ms == 0 {
            return 1;
        }
        usize::try_from(span / self.step_ms).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// The moment of step `at`.
    pub fn moment(self, at: usize) -> i64 {
        self.moments().get(at)
    }

    pub(super) fn moments(self) -> Moments {
        Moments::new(self.start_ms, self.step_ms, self.steps())
    }
}
