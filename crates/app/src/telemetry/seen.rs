//! When the first of each signal came, when the last, and how much of each.

use std::time::Duration;

use model::{Batch, Timestamp};

/// How long the rate looks back.
const RATE_OVER: Duration = Duration::from_secs(SECONDS as u64);
const SECONDS: usize = 60;

/// When the first of each signal came, also before a restart, and how much of each since the start.
#[derive(Clone, Debug, Default)]
pub struct FirstSeen {
    pub spans: SignalSeen,
    pub logs: SignalSeen,
    pub samples: SignalSeen,
}

#[derive(Clone, Debug)]
pub struct SignalSeen {
    pub first_at: Option<Timestamp>,
    /// Since the start.
    pub last_at: Option<Timestamp>,
    pub accepted: u64,
    /// What came in each of the last seconds, and the number of the newest of these.
    recent: [u64; SECONDS],
    newest: i64,
}

impl Default for SignalSeen {
    fn default() -> Self {
        Self { first_at: None, last_at: None, accepted: 0, recent: [0; SECONDS], newest: 0 }
    }
}

impl FirstSeen {
    /// Counts what came in `batch`, and the samples that were stored of it.
    pub(super) fn note(&mut self, batch: &Batch, samples: u64) {
        for (signal, count) in self.signals(batch, samples) {
            if count > 0 {
                signal.note(count, batch.received_at);
            }
        }
    }

    /// Takes from a batch of before the start only that it came.
    pub(super) fn recall(&mut self, batch: &Batch) {
        let samples = u64::from(!batch.series.is_empty());
        for (signal, count) in self.signals(batch, samples) {
            if count > 0 {
                signal.first_at.get_or_insert(batch.received_at);
            }
        }
    }

    fn signals(&mut self, batch: &Batch, samples: u64) -> [(&mut SignalSeen, u64); 3] {
        [
            (&mut self.spans, batch.spans.len() as u64),
            (&mut self.logs, batch.logs.len() as u64),
            (&mut self.samples, samples),
        ]
    }
}

impl SignalSeen {
    /// First seen by an earlier process.
    pub(super) fn since(first_at: Option<Timestamp>) -> Self {
        Self { first_at, ..Self::default() }
    }

    fn note(&mut self, count: u64, now: Timestamp) {
        self.first_at.get_or_insert(now);
        self.last_at = Some(now);
        self.accepted += count;
        self.advance(second(now));
        self.recent[slot(self.newest)] += count;
    }

    /// The mean of the last minute, or of the time since `started` where that is shorter.
    pub fn per_second(&self, started: Timestamp, now: Timestamp) -> f64 {
        let mut recent = self.clone();
        recent.advance(second(now));
        let span = now.since(started).clamp(Duration::from_secs(1), RATE_OVER);
        #[expect(clippy::cast_precision_loss, reason = "records of a minute")]
        let sum = recent.recent.iter().sum::<u64>() as f64;
        sum / span.as_secs_f64()
    }

    /// Forgets the seconds that `to` leaves behind; a clock that steps back changes nothing.
    fn advance(&mut self, to: i64) {
        let steps = usize::try_from(to.saturating_sub(self.newest)).unwrap_or(0).min(SECONDS);
        for step in 0..steps {
            self.recent[slot(to - step as i64)] = 0;
        }
        self.newest = self.newest.max(to);
    }
}

fn second(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SECONDS as i64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let at = |secs: i64| Timestamp::from_secs(1_000_000 + secs);
        let mut seen = SignalSeen::default();
        seen.note(600, at(0));
        let check = |seen: &SignalSeen, now, expected: f64| {
            let found = seen.per_second(at(-3600), at(now));
            assert!((found - expected).abs() < 1e-9, "{found} at {now}");
        };
        check(&seen, 0, 10.0);
        seen.note(60, at(30));
        check(&seen, 59, 11.0);
        check(&seen, 60, 1.0);
        check(&seen, 200, 0.0);
        seen.note(60, at(5));
        check(&seen, 30, 12.0);
        assert_eq!((seen.accepted, seen.first_at), (720, Some(at(0))));
        let mut young = SignalSeen::default();
        young.note(50, at(4));
        assert!((young.per_second(at(0), at(5)) - 10.0).abs() < 1e-9);
    }
}
