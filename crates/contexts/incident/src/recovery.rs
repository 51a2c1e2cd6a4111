//! When an incident is over: its own test, stricter and faster than its alerts' windows.
//!
//! Over one whole `window` after the mitigation there are at least `min_events` events, and no more bad ones than the
//! objective allows. An incident that nobody mitigated is tested the same way, from the moment when its last page resolved (its
//! last ticket, where it has no page): so what went away by itself ends by itself, but never while a page fires. One that was
//! reopened is tested from then on: it had ended while its page fired.

use std::time::Duration;

use model::Timestamp;

use crate::suspects::stats::beta_cdf;

/// The test's parameters, from the service's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPolicy {
    pub window: Duration,
    pub min_events: u64,
}

impl Default for RecoveryPolicy {
    fn default() -> Self {
        Self { window: Duration::from_secs(10 * 60), min_events: 30 }
    }
}

/// Counts of the incident's SLO between two moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub from: Timestamp,
    pub to: Timestamp,
    pub bad_events: u64,
    pub total_events: u64,
    /// 0 to 1.
    pub objective: f64,
}

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecoveryVerdict {
    /// The window reaches back before the mitigation.
    TooEarly,
    /// Too few events to tell; silence is not health.
    TooFewEvents,
    /// More bad events than the objective allows.
    StillFailing,
    Recovered,
}

impl RecoveryVerdict {
    pub const ALL: [Self; 4] =
        [Self::TooEarly, Self::TooFewEvents, Self::StillFailing, Self::Recovered];

    /// `too_early`, `too_few_events`, `still_failing`, `recovered`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooEarly => "too_early",
            Self::TooFewEvents => "too_few_events",
            Self::StillFailing => "still_failing",
            Self::Recovered => "recovered",
        }
    }
}

/// Where the test stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub verdict: RecoveryVerdict,
    pub reading: Reading,
    /// Bad events that the objective allows among the reading's, rounded down.
    pub allowed_bad: u64,
}

impl Progress {
    /// Such as `34 events in 60 s, 0 bad of 1 allowed: recovered`.
    pub fn sentence(&self, policy: &RecoveryPolicy) -> String {
        let Reading { bad_events, total_events, .. } = self.reading;
        let (window, needed, allowed) =
            (policy.window.as_secs(), policy.min_events, self.allowed_bad);
        match self.verdict {
            RecoveryVerdict::TooEarly => {
                format!("recovery is judged over {window} s after the mitigation; not yet full")
            }
            RecoveryVerdict::TooFewEvents => {
                format!("{total_events} events in {window} s are too few to tell; {needed} needed")
            }
            RecoveryVerdict::StillFailing => format!(
                "still failing: {bad_events} of {total_events} events bad in {window} s, {allowed} allowed"
            ),
            RecoveryVerdict::Recovered => format!(
                "recovered: {bad_events} of {total_events} events bad in {window} s, {allowed} allowed"
            ),
        }
    }
}

/// Judges a reading; the test starts at `start`, see [`Incident::recovery_starts_at`](crate::Incident::recovery_starts_at).
pub fn assess(policy: &RecoveryPolicy, start: Timestamp, reading: Reading) -> Progress {
    let allowed_bad = allowed_bad(reading.objective, reading.total_events);
    let full = reading.from >= start && reading.to.since(reading.from) >= policy.window;
    let verdict = if !full {
        RecoveryVerdict::TooEarly
    } else if reading.bad_events > allowed_bad {
        RecoveryVerdict::StillFailing
    } else if reading.total_events < policy.min_events {
        RecoveryVerdict::TooFewEvents
    } else {
        RecoveryVerdict::Recovered
    };
    Progress { verdict, reading, allowed_bad }
}

/// How many bad events among `total` keep the objective.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=total")]
#[expect(clippy::cast_precision_loss, reason = "2^53 events are more than a window holds")]
pub fn allowed_bad(objective: f64, total: u64) -> u64 {
    let share = (1.0 - objective).clamp(0.0, 1.0);
    // 1 - 0.9 is a hair under 0.1: one bad event in ten keeps the objective of 90 %.
    let allowed = (share * total as f64 + 1e-9 * total as f64).floor();
    if allowed.is_finite() { (allowed as u64).min(total) } else { 0 }
}

/// How likely so many bad events or more are by chance, where the objective is just kept: the binomial tail.
#[expect(clippy::cast_precision_loss, reason = "2^53 events are more than a window holds")]
pub(crate) fn chance(reading: &Reading) -> f64 {
    let Reading { bad_events, total_events, objective, .. } = *reading;
    if bad_events == 0 {
        return 1.0;
    }
    let good = total_events.saturating_sub(bad_events) as f64;
    beta_cdf(1.0 - objective, bad_events as f64, good + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: i64, to: i64, bad_events: u64, total_events: u64) -> RecoveryVerdict {
        let policy = RecoveryPolicy { window: Duration::from_secs(60), min_events: 30 };
        let (from, to) = (Timestamp::from_secs(from), Timestamp::from_secs(to));
        let reading = Reading { from, to, bad_events, total_events, objective: 0.99 };
        assess(&policy, Timestamp::from_secs(1000), reading).verdict
    }

    #[test]
    fn needs_a_whole_window_after_the_mitigation_enough_events_and_no_more_bad_than_allowed() {
        use RecoveryVerdict::*;
        assert_eq!(check(999, 1060, 0, 500), TooEarly);
        assert_eq!(check(1000, 1059, 0, 500), TooEarly);
        assert_eq!(check(1000, 1060, 0, 500), Recovered);
        assert_eq!(check(1000, 1060, 5, 500), Recovered);
        assert_eq!(check(1000, 1060, 6, 500), StillFailing);
        assert_eq!(check(1000, 1060, 0, 29), TooFewEvents);
        assert_eq!(check(1000, 1060, 0, 0), TooFewEvents);
        assert_eq!(check(1000, 1060, 1, 30), StillFailing);
        assert_eq!(check(1000, 1060, 3, 3), StillFailing);
    }

    #[test]
    fn chance_is_the_binomial_tail() {
        let check = |bad_events, total_events, objective, expected: f64| {
            let at = Timestamp::from_secs(0);
            let reading = Reading { from: at, to: at, bad_events, total_events, objective };
            let found = chance(&reading);
            assert!((found - expected).abs() < 1e-6, "{bad_events} of {total_events}: {found}");
        };
        check(0, 10, 0.999, 1.0);
        check(1, 3, 0.999, 0.002_997);
        check(3, 3, 0.5, 0.125);
        check(2, 100, 0.999, 0.004_638_6);
        check(5, 10, 0.5, 0.623_046_9);
        check(60, 1000, 0.999, 0.0);
    }

    #[test]
    fn allowed_bad_is_not_lost_to_rounding() {
        assert_eq!(allowed_bad(0.9, 10), 1);
        assert_eq!(allowed_bad(0.99, 100), 1);
        assert_eq!(allowed_bad(0.999, 999), 0);
        assert_eq!(allowed_bad(0.999, 1000), 1);
        assert_eq!(allowed_bad(0.7, 10), 3);
        assert_eq!(allowed_bad(f64::NAN, 10), 0);
        assert_eq!(allowed_bad(-3.0, 10), 10);
    }
}
