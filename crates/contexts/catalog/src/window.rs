//! Requests counted by the minute, over the last [`WINDOW`](crate::WINDOW).

use std::{collections::VecDeque, time::Duration};

use model::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const MINUTES: usize = 11;
/// Latency classes: class 0 ends at 100 µs, each further one is half as wide again; the last is open.
const CLASSES: usize = 40;
const FIRST_CLASS_SECS: f64 = 1e-4;
const GROWTH: f64 = 1.5;

#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// When the first request ever came.
    began: Option<Timestamp>,
    minutes: VecDeque<(Timestamp, Requests)>,
}

/// Requests, how many failed, and how long they took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    pub total: u64,
    pub failed: u64,
    /// The time within which they came: the span that was asked for, shortened to whole minutes and to what was observed.
    pub over: Duration,
    classes: [u32; CLASSES],
}

impl Default for Requests {
    fn default() -> Self {
        Self { total: 0, failed: 0, over: Duration::ZERO, classes: [0; CLASSES] }
    }
}

impl Window {
    pub(crate) fn add(&mut self, at: Timestamp, failed: bool, took: Duration) {
        let minute = at.floor(MINUTE);
        self.began.get_or_insert(at);
        if self.minutes.back().is_none_or(|(last, _)| *last < minute) {
            self.minutes.push_back((minute, Requests::default()));
            if self.minutes.len() > MINUTES {
                self.minutes.pop_front();
            }
        }
        // Time only moves on here: what came late counts as now.
        if let Some((_, requests)) = self.minutes.back_mut() {
            requests.add(failed, took);
        }
    }

    pub(crate) fn sum(&self, now: Timestamp, span: Duration) -> Requests {
        let mut sum = Requests::default();
        for (_, requests) in self.minutes.iter().filter(|(minute, _)| now.since(*minute) <= span) {
            sum.merge(requests);
        }
        // The first minute that lies within the span as a whole.
        let whole = (now - span).floor(MINUTE);
        let whole = if whole < now - span { whole + MINUTE } else { whole };
        sum.over = now.since(self.began.unwrap_or(now).max(whole));
        sum
    }

    pub(crate) fn is_quiet(&self, now: Timestamp) -> bool {
        self.minutes.back().is_none_or(|(minute, _)| now.since(*minute) > crate::WINDOW)
    }
}

impl Requests {
    fn add(&mut self, failed: bool, took: Duration) {
        self.total += 1;
        self.failed += u64::from(failed);
        let class = (took.as_secs_f64() / FIRST_CLASS_SECS).max(1.0).log(GROWTH).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 0, then clamped"
        )]
        let class = (class as usize).min(CLASSES - 1);
        self.classes[class] = self.classes[class].saturating_add(1);
    }

    fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.failed += other.failed;
        for (mine, theirs) in self.classes.iter_mut().zip(other.classes) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// The `q`-quantile of latency in seconds, to within half; `None` without requests.
    pub fn latency_secs(&self, q: f64) -> Option<f64> {
        let total: u64 = self.classes.iter().map(|count| u64::from(*count)).sum();
        if total == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of ten minutes")]
        let rank = q.clamp(0.0, 1.0) * total as f64;
        let mut below = 0.0;
        let mut upper = FIRST_CLASS_SECS;
        for count in self.classes {
            let count = f64::from(count);
            if below + count >= rank && count > 0.0 {
                let lower = if upper > FIRST_CLASS_SECS { upper / GROWTH } else { 0.0 };
                return Some(lower + (upper - lower) * ((rank - below) / count));
            }
            below += count;
            upper *= GROWTH;
        }
        Some(upper)
    }
}
