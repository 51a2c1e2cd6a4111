//! Increments of counter series, told apart from resets, duplicates and late samples.
//!
//! - The first sample of a series is a baseline only: how much of it is new cannot be known. Unless the series is known to
//!   have begun just before ([`crate::emitters`]): then all of it is new.
//! - A value below the last one is a reset (the process restarted): the whole new value counts.
//! - A sample not after the last one of its series counts nothing, so duplicates and late samples are harmless.
//! - A stale marker and a value that is no count are passed over; the baseline stays.

use std::{collections::BTreeMap, time::Duration};

use model::{Labels, Sample, Timestamp};

/// The most series that one SLO follows. A new series above that is not counted, an old one always is.
pub(crate) const SERIES_PER_SLO_MAX: usize = 100_000;

/// A series without samples for this long may make room for a new one.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// How often room is looked for, so that a flood of new series costs one sweep a minute.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The largest value that a float counts exactly.
const VALUE_MAX: f64 = 9_007_199_254_740_992.0;

/// The last sample of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) at: Timestamp,
    pub(crate) value: u64,
}

/// `count` events between two samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Increment {
    pub(crate) after: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) count: u64,
}

/// The series that one selector follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Followed {
    series: BTreeMap<Labels, Last>,
    /// The time of the newest sample.
    newest: Option<Timestamp>,
    swept_at: Timestamp,
    refused: u64,
}

impl Followed {
    pub(crate) fn restore(series: impl IntoIterator<Item = (Labels, Last)>) -> Self {
        let series: BTreeMap<_, _> = series.into_iter().take(SERIES_PER_SLO_MAX).collect();
        let newest = series.values().map(|last| last.at).max();
        Self { series, newest, ..Self::default() }
    }

    /// The time of the newest sample of any series.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Labels, Last)> {
        self.series.iter().map(|(labels, last)| (labels, *last))
    }

    /// How many samples of new series were not followed for want of room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes samples of one series and hands out their increments. A time after `now` is taken as `now`.
    ///
    /// `began_after` says of a first sample after which time its series began, where that is known.
    pub(crate) fn take(
        &mut self,
        labels: &Labels,
        samples: &[Sample],
        now: Timestamp,
        mut began_after: impl FnMut(Timestamp, u64) -> Option<Timestamp>,
        mut out: impl FnMut(Increment),
    ) {
        // Once a series was refused, one that is seen first may be that one.
        let room = self.series.len() < SERIES_PER_SLO_MAX && self.refused == 0;
        let known = self.series.get_mut(labels);
        let mut last = known.as_deref().copied();
        for sample in samples {
            let Some(value) = count(sample.value) else { continue };
            let at = Timestamp::from_millis(sample.at_ms).min(now);
            let Some(before) = last else {
                if let Some(after) = began_after(at, value).filter(|_| room) {
                    out(Increment { after, until: at, count: value });
                }
                last = Some(Last { at, value });
                continue;
            };
            if at <= before.at {
                continue;
            }
            let count = value.checked_sub(before.value).unwrap_or(value);
            out(Increment { after: before.at, until: at, count });
            last = Some(Last { at, value });
        }
        match (known, last) {
            (Some(known), Some(last)) => {
                *known = last;
                self.newest = self.newest.max(Some(last.at));
            }
            (None, Some(last)) => self.follow(labels, last, now),
            (_, None) => {}
        }
    }

    fn follow(&mut self, labels: &Labels, last: Last, now: Timestamp) {
        if self.series.len() >= SERIES_PER_SLO_MAX && now.since(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = now;
            self.series.retain(|_, last| now.since(last.at) < IDLE);
        }
        if self.series.len() >= SERIES_PER_SLO_MAX {
            self.refused = self.refused.saturating_add(1);
            return;
        }
        self.series.insert(labels.clone(), last);
        self.newest = self.newest.max(Some(last.at));
    }
}

/// Rounding the values, not the differences, keeps the sum of all increments exact.
fn count(value: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    (0.0..=VALUE_MAX).contains(&value).then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
        let mut followed = Followed::default();
        let labels = Labels::from_pairs([("__name__", "requests_total")]);
        let mut out = Vec::new();
        for &(second, value) in samples {
            let sample = Sample { at_ms: second * 1000, value };
            let now = Timestamp::from_secs(100);
            followed.take(
                &labels,
                &[sample],
                now,
                |_, _| None,
                |increment| {
                    out.push((increment.until.as_secs(), increment.count));
                },
            );
        }
        out
    }

    #[test]
    fn the_first_sample_is_a_baseline() {
        assert_eq!(check(&[(10, 500.0), (20, 507.0), (30, 507.0)]), [(20, 7), (30, 0)]);
    }

    #[test]
    fn a_lower_value_is_a_reset() {
        assert_eq!(check(&[(10, 500.0), (20, 3.0), (30, 5.0)]), [(20, 3), (30, 2)]);
    }

    #[test]
    fn duplicates_late_samples_and_what_is_no_count_are_harmless() {
        let stale = f64::from_bits(Sample::STALE);
        assert_eq!(
            check(&[
                (10, 1.0),
                (30, 5.0),
                (30, 5.0),
                (20, 3.0),
                (30, 9.0),
                (40, stale),
                (50, f64::INFINITY),
                (55, -1.0),
                (60, 6.0)
            ]),
            [(30, 4), (60, 1)]
        );
    }

    #[test]
    fn a_sample_from_the_future_does_not_shut_out_the_present() {
        assert_eq!(check(&[(10, 1.0), (500, 2.0)]), [(100, 1)]);
    }

    #[test]
    fn fractions_add_up() {
        let total: u64 = check(&[(1, 0.0), (2, 0.4), (3, 0.8), (4, 1.2), (5, 1.6), (6, 2.0)])
            .iter()
            .map(|(_, n)| n)
            .sum();
        assert_eq!(total, 2);
    }

    #[test]
    fn a_full_table_refuses_new_series_and_keeps_old_ones() {
        let mut followed = Followed::default();
        let labels = |n: usize| Labels::from_pairs([("n", n.to_string())]);
        let sample = |second: i64, value| [Sample { at_ms: second * 1000, value }];
        let mut take = |n: usize, second: i64, value: f64| {
            let mut count = 0;
            let now = Timestamp::from_secs(second);
            let unknown = |_, _| None;
            followed.take(&labels(n), &sample(second, value), now, unknown, |i| count += i.count);
            (count, followed.refused())
        };
        for n in 0..SERIES_PER_SLO_MAX {
            take(n, 100, 0.0);
        }
        assert_eq!(take(SERIES_PER_SLO_MAX, 200, 0.0), (0, 1));
        assert_eq!(take(5, 200, 3.0), (3, 1));
        assert_eq!(take(SERIES_PER_SLO_MAX, 100_000, 0.0), (0, 1));
        assert_eq!(take(SERIES_PER_SLO_MAX, 100_001, 4.0), (4, 1));
    }
}
