//! Requests counted by the minute, over the last [`WINDOW`](crate::WINDOW).

use std::{collections::VecDeque, time::Duration};

use model::Timestamp;

use crate::Latency;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const MINUTES: usize = 11;

#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// When the first request ever came.
    began: Option<Timestamp>,
    minutes: VecDeque<(Timestamp, Requests)>,
}

/// Requests, how many failed, and how long they took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub total: u64,
    pub failed: u64,
    /// The time within which they came: the span that was asked for, shortened to whole minutes and to what was observed.
    pub over: Duration,
    pub latency: Latency,
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
}

impl Requests {
    pub(crate) fn add(&mut self, failed: bool, took: Duration) {
        self.total += 1;
        self.failed += u64::from(failed);
        self.latency.add(took);
    }

    /// Adds the counts of others; the time stays.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.failed += other.failed;
        self.latency.merge(&other.latency);
    }

    /// The `q`-quantile of latency in seconds, to within [`crate::RELATIVE_ERROR`]; `None` without requests.
    pub fn latency_secs(&self, q: f64) -> Option<f64> {
        self.latency.quantile_secs(q)
    }

    /// Of a second; 0 where no time is known.
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub fn rate(&self) -> f64 {
        if self.over.is_zero() { 0.0 } else { self.total as f64 / self.over.as_secs_f64() }
    }

    /// 0 to 1; 0 without requests.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    pub fn error_ratio(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.failed as f64 / self.total as f64 }
    }
}
