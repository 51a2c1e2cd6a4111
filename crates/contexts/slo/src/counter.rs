//! The counts of one SLO: an event goes into every ring that still reaches back to it.
//!
//! A window ends at `now` and consists of the newest whole number of buckets, the open one included; of a window of length
//! `W` over buckets of width `w` it therefore sees between `W - w` and `W`.

use std::time::Duration;

use model::{Labels, Sample, Timestamp};

use crate::{
    CounterIndicator, Counts, Indicator, Part,
    backfill::Coverage,
    increment::{Followed, Increment},
    indicator::selects,
    ring::{Ring, Tally, Tier},
};

/// How long the two halves of a good/total ratio may be apart on their way: Prometheus flushes a shard after 5 s.
///
/// Until then totals whose good half is still on its way would look bad and could page; so windows over such an indicator
/// leave out what is younger. All other indicators are read up to now.
pub(crate) const SETTLE: Duration = Duration::from_secs(5);

/// An increment over a longer time than this (Prometheus' look-back) is spread evenly over that time.
const SPREAD_AFTER: Duration = Duration::from_secs(300);

/// The most parts that one increment is spread into.
const SPREAD_PARTS_MAX: u64 = 288;

/// Which events a tally marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Bad,
}

/// How an indicator is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) mark: Mark,
    /// Whether the youngest events are left out, see [`SETTLE`].
    settles: bool,
}

impl Reading {
    pub(crate) fn of(indicator: &Indicator) -> Self {
        let (mark, settles) = match indicator {
            // A span is judged when it comes, so that its bad ones can be marked whichever filter was given.
            Indicator::Spans(_) => (Mark::Bad, false),
            Indicator::Counters(CounterIndicator { part: Part::Good(_), .. }) => (Mark::Good, true),
            Indicator::Counters(CounterIndicator { part: Part::Bad(_), .. }) => (Mark::Bad, false),
        };
        Self { mark, settles }
    }

    fn counts(self, tally: Tally) -> Counts {
        let marked = tally.marked.min(tally.total);
        let good = match self.mark {
            Mark::Good => marked,
            Mark::Bad => tally.total - marked,
        };
        Counts { good, total: tally.total }
    }

    pub(crate) fn tally(self, counts: Counts) -> Tally {
        let marked = match self.mark {
            Mark::Good => counts.good,
            Mark::Bad => counts.bad(),
        };
        Tally { total: counts.total, marked }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    pub(crate) reading: Reading,
    pub(crate) rings: [Ring; Tier::ALL.len()],
    pub(crate) total: Followed,
    pub(crate) part: Followed,
    /// When the oldest event happened, back-filled ones included.
    pub(crate) first_event_at: Option<Timestamp>,
    /// When the oldest event happened that came in as telemetry.
    pub(crate) live_since: Option<Timestamp>,
    /// When the newest event happened.
    pub(crate) last_event_at: Option<Timestamp>,
    /// When telemetry that the indicator reads last came in, whether or not it brought an event.
    pub(crate) fed_at: Option<Timestamp>,
    pub(crate) coverage: Coverage,
}

impl Counter {
    pub(crate) fn new(indicator: &Indicator) -> Self {
        Self {
            reading: Reading::of(indicator),
            rings: Tier::ALL.map(Ring::new),
            total: Followed::default(),
            part: Followed::default(),
            first_event_at: None,
            live_since: None,
            last_event_at: None,
            fed_at: None,
            coverage: Coverage::default(),
        }
    }

    /// Telemetry for this SLO came in.
    pub(crate) fn feed(&mut self, now: Timestamp) {
        self.fed_at = Some(now);
    }

    /// Counts one event that happened at `at`; a time after `now` is taken as `now`.
    pub(crate) fn count(&mut self, at: Timestamp, good: bool, now: Timestamp) {
        let tally = self.reading.tally(Counts { good: u64::from(good), total: 1 });
        self.count_live(at.min(now), tally, now);
    }

    /// Takes samples of a series that `indicator` may read.
    pub(crate) fn take(
        &mut self,
        indicator: &CounterIndicator,
        labels: &Labels,
        samples: &[Sample],
        now: Timestamp,
    ) {
        if selects(&indicator.total, labels) {
            self.feed(now);
            let mut increments = Vec::new();
            self.total.take(labels, samples, now, |increment| increments.push(increment));
            for increment in increments {
                self.spread(increment, Tally { total: increment.count, marked: 0 }, now);
            }
        }
        if selects(indicator.part_selector(), labels) {
            self.feed(now);
            let mut increments = Vec::new();
            self.part.take(labels, samples, now, |increment| increments.push(increment));
            for increment in increments {
                self.spread(increment, Tally { total: 0, marked: increment.count }, now);
            }
        }
    }

    /// After a gap nobody knows when the events happened; all at its end would look like a burst.
    fn spread(&mut self, increment: Increment, tally: Tally, now: Timestamp) {
        let gap = increment.until.since(increment.after);
        let parts = if gap > SPREAD_AFTER {
            gap.as_secs().div_ceil(SPREAD_AFTER.as_secs()).min(SPREAD_PARTS_MAX)
        } else {
            1
        };
        let step = gap / u32::try_from(parts).expect("at most 288 parts");
        for part in 0..parts {
            let back = step * u32::try_from(parts - 1 - part).expect("at most 288 parts");
            self.count_live(increment.until - back, tally.share(part, parts), now);
        }
    }

    fn count_live(&mut self, at: Timestamp, tally: Tally, now: Timestamp) {
        if self.add(at, tally, now) {
            self.live_since = Some(self.live_since.map_or(at, |since| since.min(at)));
        }
    }

    /// Adds to every ring that reaches back to `at`; whether the longest one does and there was an event.
    pub(crate) fn add(&mut self, at: Timestamp, tally: Tally, now: Timestamp) -> bool {
        if tally.is_zero() {
            return false;
        }
        let mut held = false;
        for ring in &mut self.rings {
            ring.advance(ring.tier().index(now));
            let index = ring.tier().index(at);
            held = index >= ring.oldest();
            ring.add(index, tally);
        }
        let counted = held && tally.total > 0;
        if counted {
            self.first_event_at = Some(self.first_event_at.map_or(at, |first| first.min(at)));
            self.last_event_at = self.last_event_at.max(Some(at));
        }
        counted
    }

    /// The counts of the window that ends at `now`.
    pub(crate) fn window(&self, window: Duration, now: Timestamp) -> Counts {
        let ring = self.ring(|tier| tier.reach() >= window);
        let last = ring.tier().index(now);
        let buckets = window.as_secs() / u64::from(ring.tier().width_s);
        let first = last.saturating_sub(i64::try_from(buckets).unwrap_or(i64::MAX)) + 1;
        self.reading.counts(ring.sum(first, last).minus(self.unsettled(now)))
    }

    /// The counts of `from..=now` in whole buckets of the finest ring that reaches back to `from`.
    pub(crate) fn since(&self, from: Timestamp, now: Timestamp) -> Counts {
        let ring = self.ring(|tier| now.since(from) < tier.reach());
        let tier = ring.tier();
        let first = tier.index(from) + i64::from(tier.start(tier.index(from)) < from);
        let settled = ring.sum(first, tier.index(now)).minus(self.unsettled(now));
        self.reading.counts(settled)
    }

    /// The counts of `tier`'s buckets `first..=last`.
    pub(crate) fn buckets(&self, tier: Tier, first: i64, last: i64) -> Counts {
        self.reading.counts(self.ring(|other| other == tier).sum(first, last))
    }

    /// The finest ring that fits, else the longest.
    fn ring(&self, fits: impl Fn(Tier) -> bool) -> &Ring {
        let [.., longest] = &self.rings;
        self.rings.iter().find(|ring| fits(ring.tier())).unwrap_or(longest)
    }

    /// What came in too lately for both halves of the ratio to be there.
    fn unsettled(&self, now: Timestamp) -> Tally {
        if !self.reading.settles {
            return Tally::default();
        }
        let [finest, ..] = &self.rings;
        let tier = finest.tier();
        finest.sum(tier.index(now - SETTLE), tier.index(now))
    }

    /// Samples of new series that were not followed for want of room.
    pub(crate) fn refused(&self) -> u64 {
        self.total.refused().saturating_add(self.part.refused())
    }
}

#[cfg(test)]
mod tests {
    use model::Matcher;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_400_005);

    fn counter(part: Part<Vec<Matcher>>) -> (Counter, CounterIndicator) {
        let total = vec![Matcher::equal("__name__", "requests_total")];
        let indicator = CounterIndicator { total, part };
        (Counter::new(&Indicator::Counters(indicator.clone())), indicator)
    }

    fn take(
        counter: &mut Counter,
        indicator: &CounterIndicator,
        name: &str,
        points: &[(u64, f64)],
    ) {
        for &(ago_s, value) in points {
            let at = NOW - Duration::from_secs(ago_s);
            let labels = Labels::from_pairs([("__name__", name)]);
            let sample = Sample { at_ms: at.as_millis(), value };
            counter.take(indicator, &labels, &[sample], at);
        }
    }

    #[test]
    fn totals_whose_good_half_is_on_its_way_are_not_bad() {
        let good = vec![Matcher::equal("__name__", "good_total")];
        let (mut counter, indicator) = counter(Part::Good(good));
        take(&mut counter, &indicator, "requests_total", &[(60, 0.0), (30, 100.0), (1, 200.0)]);
        take(&mut counter, &indicator, "good_total", &[(60, 0.0), (30, 99.0)]);
        for window_s in [300, 6 * 3600, 86_400, 30 * 86_400] {
            let counts = counter.window(Duration::from_secs(window_s), NOW);
            assert_eq!(counts, Counts { good: 99, total: 100 }, "{window_s}");
        }
        let later = NOW + Duration::from_secs(15);
        assert_eq!(
            counter.window(Duration::from_secs(300), later),
            Counts { good: 99, total: 200 }
        );
    }

    #[test]
    fn bad_counters_are_read_up_to_now() {
        let bad = vec![Matcher::equal("__name__", "errors_total")];
        let (mut counter, indicator) = counter(Part::Bad(bad));
        take(&mut counter, &indicator, "requests_total", &[(60, 0.0), (1, 200.0)]);
        take(&mut counter, &indicator, "errors_total", &[(60, 0.0), (1, 20.0)]);
        assert_eq!(counter.window(Duration::from_secs(300), NOW), Counts { good: 180, total: 200 });
    }

    #[test]
    fn what_happened_in_a_gap_is_spread_over_it() {
        let bad = vec![Matcher::equal("__name__", "errors_total")];
        let (mut counter, indicator) = counter(Part::Bad(bad));
        take(&mut counter, &indicator, "requests_total", &[(7200, 0.0), (0, 24_000.0)]);
        let window = |secs| counter.window(Duration::from_secs(secs), NOW).total;
        assert_eq!(window(6 * 3600), 24_000);
        assert_eq!(window(3600), 12_000);
        assert_eq!(window(300), 1000);
    }

    #[test]
    fn a_late_event_goes_where_its_time_is_still_held() {
        let (mut counter, _) = counter(Part::Bad(Vec::new()));
        counter.count(NOW - Duration::from_secs(3 * 3600), false, NOW);
        counter.count(NOW - Duration::from_secs(500 * 86_400), false, NOW);
        counter.count(NOW + Duration::from_secs(60), true, NOW);
        let window = |secs| counter.window(Duration::from_secs(secs), NOW);
        assert_eq!(window(7200), Counts { good: 1, total: 1 });
        assert_eq!(window(6 * 3600), Counts { good: 1, total: 2 });
        assert_eq!(window(90 * 86_400), Counts { good: 1, total: 2 });
        assert_eq!(counter.last_event_at, Some(NOW));
    }

    #[test]
    fn counting_since_a_moment_leaves_out_the_bucket_that_it_cuts() {
        let (mut counter, _) = counter(Part::Bad(Vec::new()));
        for ago_s in 0..30 {
            counter.count(NOW - Duration::from_secs(ago_s), false, NOW);
        }
        assert_eq!(counter.since(NOW - Duration::from_secs(20), NOW).total, 16);
        assert_eq!(counter.since(NOW - Duration::from_secs(15), NOW).total, 16);
        assert_eq!(counter.since(NOW - Duration::from_secs(14), NOW).total, 6);
    }
}
