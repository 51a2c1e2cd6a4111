//! History from elsewhere: counts of the time before telemetry came in.
//!
//! A back-fill is all or nothing, is labelled with its source, and may be repeated: a stretch of time that was back-filled
//! once is skipped, whatever source it came from then.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::Timestamp;

use crate::{Counts, counter::Counter, counters::Counters, ring::Tier};

/// The most buckets in one call; a year of hours is 8,760.
pub const BUCKETS_MAX: usize = 100_000;

/// The most sources that an SLO's history may have.
pub const SOURCES_MAX: usize = 100;

/// The widths that a bucket may have, in seconds: those that are stored.
pub const WIDTHS_S: [u64; 4] = [10, 60, 300, 3600];

/// The counts of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// A multiple of `width` since the epoch.
    pub start: Timestamp,
    /// 10, 60, 300 or 3600 s.
    pub width: Duration,
    pub good: u64,
    pub total: u64,
}

/// What became of a back-fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backfilled {
    /// Buckets that were counted.
    pub accepted: u64,
    /// Buckets whose time had been back-filled before, or is beyond what is kept.
    pub skipped: u64,
}

/// Why a back-fill is refused; nothing of it was counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackfillError {
    #[error("cannot back-fill SLO `{slo}`: there is none of that name")]
    UnknownSlo { slo: Box<str> },
    #[error(
        "cannot back-fill from source `{source_name}`: a source is named with 1 to 200 bytes on one line, and an SLO has at most {SOURCES_MAX}"
    )]
    Source { source_name: Box<str> },
    #[error("cannot back-fill {given} buckets at once; at most {BUCKETS_MAX}")]
    TooMany { given: usize },
    #[error(
        "cannot back-fill a bucket of {width_s} s from `{start}`: a bucket is 10, 60, 300 or 3600 s wide and starts at a multiple of that"
    )]
    Shape { start: Timestamp, width_s: u64 },
    #[error(
        "cannot back-fill the bucket from `{start}`: {good} of {total} events cannot be good; both are at most 2.8e14"
    )]
    Count { start: Timestamp, good: u64, total: u64 },
    #[error(
        "cannot back-fill the bucket from `{start}`: it ends after `{limit}`, when the first event was counted live"
    )]
    Live { start: Timestamp, limit: Timestamp },
    #[error("cannot back-fill the bucket from `{start}`: it overlaps another one in part")]
    Overlap { start: Timestamp },
}

/// Which stretches of time were back-filled, and from where.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coverage {
    pub(crate) sources: BTreeSet<Box<str>>,
    /// Ends by start, in Unix seconds; disjoint, not touching.
    pub(crate) stretches: BTreeMap<i64, i64>,
}

impl Coverage {
    fn contains(&self, start: i64, end: i64) -> bool {
        self.stretches.range(..=start).next_back().is_some_and(|(_, covered)| *covered >= end)
    }

    fn overlaps(&self, start: i64, end: i64) -> bool {
        self.stretches.range(..end).next_back().is_some_and(|(_, covered)| *covered > start)
    }

    pub(crate) fn cover(&mut self, mut start: i64, mut end: i64) {
        while let Some((&first, &last)) = self.stretches.range(..=end).next_back() {
            if last < start {
                break;
            }
            (start, end) = (start.min(first), end.max(last));
            self.stretches.remove(&first);
        }
        self.stretches.insert(start, end);
    }
}

impl Counters {
    /// Counts history into the SLO `name`: buckets in any order, not overlapping, before the first event counted live.
    ///
    /// # Errors
    /// See [`BackfillError`]; then nothing was counted.
    pub fn backfill(
        &mut self,
        name: &str,
        source: &str,
        buckets: &[Bucket],
        now: Timestamp,
    ) -> Result<Backfilled, BackfillError> {
        let counter =
            self.counter_mut(name).ok_or_else(|| BackfillError::UnknownSlo { slo: name.into() })?;
        let sources = &counter.coverage.sources;
        let full = sources.len() >= SOURCES_MAX && !sources.contains(source);
        let is_name =
            !source.is_empty() && source.len() <= 200 && !source.chars().any(char::is_control);
        if !is_name || full {
            let source_name: String = source.chars().take(200).collect();
            let source_name = source_name.escape_debug().to_string().into();
            return Err(BackfillError::Source { source_name });
        }
        if buckets.len() > BUCKETS_MAX {
            return Err(BackfillError::TooMany { given: buckets.len() });
        }
        let new = plan(counter, buckets, now)?;
        for bucket in &new {
            count(counter, bucket, now);
        }
        let accepted = new.len() as u64;
        if accepted > 0 {
            counter.coverage.sources.insert(source.into());
        }
        Ok(Backfilled { accepted, skipped: buckets.len() as u64 - accepted })
    }
}

/// The buckets that are to be counted.
fn plan(
    counter: &Counter,
    buckets: &[Bucket],
    now: Timestamp,
) -> Result<Vec<Bucket>, BackfillError> {
    let limit = counter.live_since.map_or(now, |since| since.min(now));
    let [.., longest] = Tier::ALL;
    let oldest = now - longest.reach() + longest.width();
    let mut planned = Coverage::default();
    let mut new = Vec::new();
    for bucket in buckets {
        let (start, end) = check(bucket)?;
        if planned.overlaps(start, end) {
            return Err(BackfillError::Overlap { start: bucket.start });
        }
        planned.cover(start, end);
        if counter.coverage.contains(start, end) || bucket.start < oldest {
            continue;
        }
        if counter.coverage.overlaps(start, end) {
            return Err(BackfillError::Overlap { start: bucket.start });
        }
        if bucket.start + bucket.width > limit {
            return Err(BackfillError::Live { start: bucket.start, limit });
        }
        new.push(*bucket);
    }
    Ok(new)
}

/// The bucket's start and end in Unix seconds.
fn check(bucket: &Bucket) -> Result<(i64, i64), BackfillError> {
    let Bucket { start, width, good, total } = *bucket;
    let width_s = width.as_secs();
    let whole = width.subsec_nanos() == 0 && WIDTHS_S.contains(&width_s);
    if !whole || start.floor(width) != start {
        return Err(BackfillError::Shape { start, width_s });
    }
    if good > total || total > crate::ring::Tally::MAX {
        return Err(BackfillError::Count { start, good, total });
    }
    Ok((start.as_secs(), (start + width).as_secs()))
}

/// What is finer than the bucket gets equal shares of it.
fn count(counter: &mut Counter, bucket: &Bucket, now: Timestamp) {
    let whole = counter.reading.tally(Counts { good: bucket.good, total: bucket.total });
    for ring in &mut counter.rings {
        let tier = ring.tier();
        ring.advance(tier.index(now));
        let parts = (bucket.width.as_secs() / u64::from(tier.width_s)).max(1);
        let first = tier.index(bucket.start);
        for (index, part) in (first..).zip(0..parts) {
            ring.add(index, whole.share(part, parts));
        }
    }
    counter.coverage.cover(bucket.start.as_secs(), (bucket.start + bucket.width).as_secs());
    if bucket.total > 0 {
        let (start, end) = (bucket.start, bucket.start + bucket.width);
        counter.first_event_at =
            Some(counter.first_event_at.map_or(start, |first| first.min(start)));
        counter.last_event_at = counter.last_event_at.max(Some(end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::tests::{NOW, batch, slo, span};

    const HOUR: Duration = Duration::from_secs(3600);

    fn hour(ago: u32) -> Bucket {
        let start = NOW.floor(HOUR) - HOUR * ago;
        Bucket { start, width: HOUR, good: 990, total: 1000 }
    }

    fn month(counters: &Counters) -> (u64, u64) {
        let found = counters.evaluate(NOW);
        (found[0].budget.bad_events, found[0].budget.total_events)
    }

    #[test]
    fn a_repeated_back_fill_is_skipped() {
        let mut counters = Counters::new(vec![slo("checkout")]);
        let hours: Vec<_> = (1..=48).rev().map(hour).collect();
        let first = counters.backfill("checkout", "prometheus", &hours, NOW);
        assert_eq!(first, Ok(Backfilled { accepted: 48, skipped: 0 }));
        assert_eq!(month(&counters), (480, 48_000));
        let more: Vec<_> = (1..=50).map(hour).collect();
        let second = counters.backfill("checkout", "other", &more, NOW);
        assert_eq!(second, Ok(Backfilled { accepted: 2, skipped: 48 }));
        assert_eq!(month(&counters), (500, 50_000));
        let found = counters.evaluate(NOW);
        assert!(found[0].backfilled);
        // The last hour begins in the middle of a back-filled one: 279 of its 360 ten-second shares are in.
        assert_eq!(found[0].burns[0].long.total, 1000 - 1000 * 81 / 360);
    }

    #[test]
    fn what_was_counted_live_is_not_counted_again() {
        let mut counters = Counters::new(vec![slo("checkout")]);
        counters.observe(&batch(NOW, vec![span(1)]));
        let now_open = Bucket { start: NOW.floor(HOUR), width: HOUR, good: 1, total: 1 };
        let error = counters.backfill("checkout", "x", &[hour(1), now_open], NOW).unwrap_err();
        assert!(matches!(error, BackfillError::Live { .. }), "{error}");
        assert_eq!(month(&counters), (0, 1));
        assert!(counters.backfill("checkout", "x", &[hour(1)], NOW).is_ok());
        assert_eq!(month(&counters), (10, 1001));
    }

    #[test]
    fn names_what_is_wrong() {
        let mut counters = Counters::new(vec![slo("checkout")]);
        let mut check = |name: &str, source: &str, buckets: &[Bucket]| {
            counters.backfill(name, source, buckets, NOW).unwrap_err().to_string()
        };
        let (good, half) = (hour(1), Duration::from_secs(300));
        insta::assert_snapshot!(check("cart", "x", &[good]), @"cannot back-fill SLO `cart`: there is none of that name");
        insta::assert_snapshot!(check("checkout", "", &[good]), @"cannot back-fill from source ``: a source is named with 1 to 200 bytes on one line, and an SLO has at most 100");
        insta::assert_snapshot!(check("checkout", "x", &[Bucket { width: Duration::from_secs(7), ..good }]), @"cannot back-fill a bucket of 7 s from `2026-11-23T01:00:00Z`: a bucket is 10, 60, 300 or 3600 s wide and starts at a multiple of that");
        insta::assert_snapshot!(check("checkout", "x", &[Bucket { start: good.start + half, ..good }]), @"cannot back-fill a bucket of 3600 s from `2026-11-23T01:05:00Z`: a bucket is 10, 60, 300 or 3600 s wide and starts at a multiple of that");
        insta::assert_snapshot!(check("checkout", "x", &[Bucket { good: 1001, ..good }]), @"cannot back-fill the bucket from `2026-11-23T01:00:00Z`: 1001 of 1000 events cannot be good; both are at most 2.8e14");
        insta::assert_snapshot!(check("checkout", "x", &[good, Bucket { width: half, ..good }]), @"cannot back-fill the bucket from `2026-11-23T01:00:00Z`: it overlaps another one in part");
    }
}
