//! The counts of one SLO: an event goes into every ring that still reaches back to it.
//!
//! A window ends at `now` and consists of the newest whole number of buckets, the open one included; of a window of length
//! `W` over buckets of width `w` it therefore sees between `W - w` and `W`.

use std::time::Duration;

use model::{Labels, Sample, Timestamp};

use crate::{
    CounterIndicator, Counts, Indicator, Part,
    backfill::Coverage,
    emitters::Emitters,
    increment::{Followed, Increment},
    indicator::selects,
    ring::{Ring, Tally, Tier},
};

/// How long samples of one moment may be apart on their way: Prometheus flushes a shard after 5 s.
///
/// Totals whose good half is still on its way would look bad and could page; so windows over such an indicator leave out
/// what is younger. All other indicators are read up to now.
const SETTLE: Duration = Duration::from_secs(5);

/// While one half of a good/total ratio is behind the other, windows end where it stands: totals alone would look bad. A
/// half that brings nothing for this long, twice the usual interval of an exporter, has no more to bring.
const BEHIND_MAX: Duration = Duration::from_secs(120);

/// An increment over a longer time than this (Prometheus' look-back) is spread evenly over that time.
const SPREAD_AFTER: Duration = Duration::from_secs(300);

/// The most parts that one increment is spread into.
const SPREAD_PARTS_MAX: u64 = 288;

const FINEST: Tier = Tier::ALL[0];

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
    /// Whether events are left out until both halves of the ratio are there, see [`SETTLE`] and [`BEHIND_MAX`].
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
    /// Who sends the total.
    pub(crate) emitters: Emitters,
    /// When the oldest event happened, back-filled ones included.
    pub(crate) first_event_at: Option<Timestamp>,
    /// When the oldest event happened that came in as telemetry.
    pub(crate) live_since: Option<Timestamp>,
    /// When the newest event happened.
    pub(crate) last_event_at: Option<Timestamp>,
    /// When telemetry that the indicator reads last came in, whether or not it brought an event.
    pub(crate) fed_at: Option<Timestamp>,
    /// Since when one half of a good/total ratio is behind the other and does not come nearer.
    pub(crate) behind_since: Option<Timestamp>,
    pub(crate) coverage: Coverage,
}

impl Counter {
    pub(crate) fn new(indicator: &Indicator) -> Self {
        Self {
            reading: Reading::of(indicator),
            rings: Tier::ALL.map(Ring::new),
            total: Followed::default(),
            part: Followed::default(),
            emitters: Emitters::default(),
            first_event_at: None,
            live_since: None,
            last_event_at: None,
            fed_at: None,
            behind_since: None,
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
        let (is_total, is_part) =
            (selects(&indicator.total, labels), selects(indicator.part_selector(), labels));
        if !is_total && !is_part {
            return;
        }
        let before = (self.both_until(), self.fed_at);
        self.feed(now);
        let emitter = Emitters::key(labels);
        // Asked once, though a series may be of both halves.
        let mut answer = None;
        let mut began = |at, value| {
            *answer.get_or_insert_with(|| self.emitters.began_after(emitter.as_ref()?, at, value))
        };
        let (mut totals, mut parts) = (Vec::new(), Vec::new());
        if is_total {
            self.total.take(labels, samples, now, &mut began, |increment| totals.push(increment));
        }
        if is_part {
            self.part.take(labels, samples, now, &mut began, |increment| parts.push(increment));
        }
        if let Some(key) = emitter.filter(|_| is_total) {
            let at = samples.iter().map(|sample| Timestamp::from_millis(sample.at_ms).min(now));
            let events =
                totals.iter().map(|increment| increment.count).fold(0, u64::saturating_add);
            at.max().into_iter().for_each(|at| self.emitters.hear(key.clone(), at, events));
        }
        for increment in totals {
            self.spread(increment, Tally { total: increment.count, marked: 0 }, now);
        }
        for increment in parts {
            self.spread(increment, Tally { total: 0, marked: increment.count }, now);
        }
        self.note_behind(before, now);
    }

    /// The time up to which both halves have brought samples.
    fn both_until(&self) -> Option<Timestamp> {
        self.total.newest().min(self.part.newest())
    }

    /// Keeps [`Self::behind_since`], after samples came in; `before` them, both halves reached up to a time and something
    /// was last fed.
    fn note_behind(&mut self, before: (Option<Timestamp>, Option<Timestamp>), now: Timestamp) {
        if !self.reading.settles || self.total.newest() == self.part.newest() {
            self.behind_since = None;
            return;
        }
        let (both_until, fed_at) = before;
        let nearer = self.both_until() > both_until;
        // After silence of both halves neither is behind yet: one of them has to come first.
        let silent = fed_at.is_none_or(|at| now.since(at) > BEHIND_MAX);
        if nearer || silent || self.behind_since.is_none() {
            self.behind_since = Some(now);
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

    /// The counts of the window that ends at `now`, or where events are settled.
    pub(crate) fn window(&self, window: Duration, now: Timestamp) -> Counts {
        let ring = self.ring(|tier| tier.reach() >= window);
        let settled = self.settled_until(now);
        let newest = settled.map_or(now, |until| until - FINEST.width());
        let last = ring.tier().index(newest);
        let buckets = window.as_secs() / u64::from(ring.tier().width_s);
        let first = last.saturating_sub(i64::try_from(buckets).unwrap_or(i64::MAX)) + 1;
        self.sum(ring, first, last, settled)
    }

    /// The counts of `from..=now` in whole buckets of the finest ring that reaches back to `from`.
    pub(crate) fn since(&self, from: Timestamp, now: Timestamp) -> Counts {
        let ring = self.ring(|tier| now.since(from) < tier.reach());
        let tier = ring.tier();
        let first = tier.index(from) + i64::from(tier.start(tier.index(from)) < from);
        self.sum(ring, first, tier.index(now), self.settled_until(now))
    }

    /// The counts of `tier`'s buckets `first..=last`, without what one half of the ratio had not brought at the last look.
    pub(crate) fn buckets(&self, tier: Tier, first: i64, last: i64) -> Counts {
        let ring = self.ring(|other| other == tier);
        let settled = self.fed_at.and_then(|at| self.settled_until(at + SETTLE));
        self.sum(ring, first, last, settled.filter(|_| self.behind_since.is_some()))
    }

    /// The counts of the buckets `first..=last` of `ring`, without what is not `settled`.
    fn sum(&self, ring: &Ring, first: i64, last: i64, settled: Option<Timestamp>) -> Counts {
        let mut sum = ring.sum(first, last);
        if let Some(until) = settled {
            let tier = ring.tier();
            let (from, to) = (tier.start(first).max(until), tier.start(last + 1));
            // A finer ring tells the settled events of a wide bucket from the others.
            let finer = self.rings.iter().take_while(|other| other.tier().width_s < tier.width_s);
            let holds = |other: &&Ring| other.tier().index(from) >= other.oldest();
            let fine = finer.into_iter().find(holds).unwrap_or(ring);
            sum = sum.minus(fine.sum(fine.tier().index(from), fine.tier().index(to) - 1));
        }
        self.reading.counts(sum)
    }

    /// The finest ring that fits, else the longest.
    fn ring(&self, fits: impl Fn(Tier) -> bool) -> &Ring {
        let [.., longest] = &self.rings;
        self.rings.iter().find(|ring| fits(ring.tier())).unwrap_or(longest)
    }

    /// Events from this time on, a multiple of the finest width, are left out; `None` when all count.
    fn settled_until(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.reading.settles {
            return None;
        }
        let behind = self.behind_since.is_some_and(|since| now.since(since) <= BEHIND_MAX);
        let both = if behind { self.both_until().unwrap_or_default() } else { now };
        let until = (now - SETTLE).min(both);
        Some(until.floor(FINEST.width()))
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

    fn good_counter() -> (Counter, CounterIndicator) {
        counter(Part::Good(vec![Matcher::equal("__name__", "good_total")]))
    }

    /// Both halves on the minute, the good one `behind_s` later on its way; 1 of 100 is bad. The bad share at each second
    /// of five minutes, at most, and the events that were seen at the end.
    fn with_good_half_behind(behind_s: u64) -> (f64, u64) {
        let (mut counter, indicator) = good_counter();
        let mut worst: f64 = 0.0;
        for second in 0..300 {
            let now = NOW + Duration::from_secs(second);
            let mut arrive = |name, sent: u64, each: f64| {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let value = each * (sent / 15) as f64;
                let at = NOW + Duration::from_secs(sent);
                let labels = Labels::from_pairs([("__name__", name)]);
                counter.take(&indicator, &labels, &[Sample { at_ms: at.as_millis(), value }], now);
            };
            if second.is_multiple_of(15) {
                arrive("requests_total", second, 100.0);
            }
            if second >= behind_s && (second - behind_s).is_multiple_of(15) {
                arrive("good_total", second - behind_s, 99.0);
            }
            for window_s in [300, 6 * 3600, 86_400, 30 * 86_400] {
                let counts = counter.window(Duration::from_secs(window_s), now);
                worst = worst.max(counts.bad_ratio().unwrap_or_default());
            }
        }
        (worst, counter.window(Duration::from_secs(3600), NOW + Duration::from_secs(299)).total)
    }

    #[test]
    fn totals_whose_good_half_is_on_its_way_are_not_bad() {
        assert_eq!(with_good_half_behind(0), (0.01, 1800));
        assert_eq!(with_good_half_behind(2), (0.01, 1800));
        assert_eq!(with_good_half_behind(20), (0.01, 1700));
        assert_eq!(with_good_half_behind(100), (0.01, 1200));
    }

    #[test]
    fn a_backlog_that_drains_one_half_first_is_not_bad() {
        let (mut counter, indicator) = good_counter();
        take(&mut counter, &indicator, "requests_total", &[(3600, 0.0)]);
        take(&mut counter, &indicator, "good_total", &[(3600, 0.0)]);
        let drain = |counter: &mut Counter, name: &str, each: f64| {
            let labels = Labels::from_pairs([("__name__", name)]);
            for minute in 1..=60 {
                let at = NOW - Duration::from_secs(3600 - minute * 60);
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let sample = Sample { at_ms: at.as_millis(), value: each * minute as f64 };
                counter.take(&indicator, &labels, &[sample], NOW);
            }
        };
        let month = Duration::from_secs(30 * 86_400);
        drain(&mut counter, "requests_total", 10.0);
        let later = NOW + Duration::from_secs(20);
        assert_eq!(counter.window(month, later).bad(), 0);
        assert_eq!(counter.since(NOW - Duration::from_secs(1800), later).bad(), 0);
        drain(&mut counter, "good_total", 10.0);
        assert_eq!(counter.window(month, later), Counts { good: 600, total: 600 });
    }

    #[test]
    fn a_good_half_that_never_comes_again_is_bad() {
        let (mut counter, indicator) = good_counter();
        take(&mut counter, &indicator, "good_total", &[(200, 0.0), (180, 100.0)]);
        for ago_s in [200, 180, 160, 140, 120, 100, 80, 60, 40, 20] {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let value = (200 - ago_s) as f64 * 5.0;
            take(&mut counter, &indicator, "requests_total", &[(ago_s, value)]);
        }
        let at = |ago_s| counter.window(Duration::from_secs(300), NOW - Duration::from_secs(ago_s));
        assert_eq!(at(42).bad(), 0);
        assert_eq!(at(15), Counts { good: 100, total: 800 });
    }

    #[test]
    fn a_good_half_that_stands_still_is_bad_at_once() {
        let (mut counter, indicator) = good_counter();
        for (ago_s, total) in [(60, 0.0), (30, 100.0), (15, 200.0)] {
            take(&mut counter, &indicator, "requests_total", &[(ago_s, total)]);
            take(&mut counter, &indicator, "good_total", &[(ago_s, total.min(100.0))]);
        }
        let counts = counter.window(Duration::from_secs(300), NOW);
        assert_eq!(counts, Counts { good: 100, total: 200 });
    }

    #[test]
    fn the_first_error_counts_where_its_series_is_known_to_be_new() {
        let code = |code| Matcher::new("code", model::MatchOp::Regex, code).unwrap();
        let name = Matcher::equal("__name__", "requests_total");
        let found = |heard_s: u64, errors: f64| {
            let (mut counter, indicator) = counter(Part::Bad(vec![name.clone(), code("5..")]));
            let mut send = |ago_s: u64, code: &str, value: f64| {
                let at = NOW - Duration::from_secs(ago_s);
                let pairs = [("__name__", "requests_total"), ("instance", "a"), ("code", code)];
                let sample = Sample { at_ms: at.as_millis(), value };
                counter.take(&indicator, &Labels::from_pairs(pairs), &[sample], at);
            };
            for ago_s in (0..=heard_s).rev().step_by(15) {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                send(ago_s, "200", (1000 + heard_s - ago_s) as f64);
            }
            send(0, "503", errors);
            let counts = counter.window(Duration::from_secs(300), NOW);
            (counts.bad(), counts.total - counts.bad())
        };
        assert_eq!(found(600, 30.0), (30, 300));
        assert_eq!(found(600, 5000.0), (0, 300));
        assert_eq!(found(60, 30.0), (0, 60));
    }

    #[test]
    fn a_label_more_makes_no_burst_of_old_errors() {
        let name = Matcher::equal("__name__", "requests_total");
        let code = Matcher::new("code", model::MatchOp::Regex, "5..").unwrap();
        let (mut counter, indicator) = counter(Part::Bad(vec![name, code]));
        let mut send = |ago_s: u64, pairs: &[(&str, &str)], value: f64| {
            let at = NOW - Duration::from_secs(ago_s);
            let own = [("__name__", "requests_total"), ("instance", "a")];
            let labels = Labels::from_pairs(own.iter().chain(pairs).copied());
            counter.take(&indicator, &labels, &[Sample { at_ms: at.as_millis(), value }], at);
        };
        let routes: Vec<String> = (0..100).map(|route| route.to_string()).collect();
        for ago_s in (1..=41).rev().map(|step| step * 15) {
            for route in &routes {
                send(ago_s, &[("code", "500"), ("route", route)], 9.0);
            }
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            send(ago_s, &[("code", "200")], (100_000 - ago_s) as f64);
        }
        for route in &routes {
            send(0, &[("code", "500"), ("route", route), ("team", "x")], 9.0);
        }
        send(0, &[("code", "200"), ("team", "x")], 100_000.0);
        let bad = counter.window(Duration::from_secs(300), NOW).bad();
        assert!(bad <= 32, "{bad} of 900 old errors");
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
