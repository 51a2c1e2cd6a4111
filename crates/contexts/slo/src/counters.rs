//! The counts of all SLOs: fed with batches, read by evaluations and charts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{Batch, MatchOp, Matcher, Span, Timestamp};

use crate::{
    Counts, Evaluation, Indicator, Presence, Slo,
    counter::Counter,
    evaluation,
    ring::Tier,
    seen::{SPANS_PER_GENERATION_MAX, Seen},
    snapshot::{CounterSnapshot, load},
};

/// The counts of all SLOs, and who was heard of when.
#[derive(Clone, Debug)]
pub struct Counters {
    /// By name.
    entries: Vec<Entry>,
    index: Index,
    seen: Seen,
    presence: Presence,
    /// Counts of SLOs that were not configured when they were restored.
    pub(crate) orphans: Vec<CounterSnapshot>,
}

#[derive(Clone, Debug)]
struct Entry {
    slo: Slo,
    counter: Counter,
}

/// Which entries a record may concern, by their place.
#[derive(Clone, Debug, Default)]
struct Index {
    by_service: BTreeMap<Box<str>, Vec<usize>>,
    by_metric: BTreeMap<Box<str>, Vec<usize>>,
    /// Those whose selectors do not name their metrics.
    any_metric: Vec<usize>,
}

/// The counts of one step of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub start: Timestamp,
    pub width: Duration,
    pub good: u64,
    pub total: u64,
}

impl Counters {
    /// The most points that [`Self::series`] gives.
    pub const POINTS_MAX: usize = 11_000;

    /// How far before a snapshot batches have to be [seeded](Self::seed) for spans sent twice to be told apart.
    pub const SEED_SPAN: Duration = Duration::from_secs(15 * 60);

    /// Telemetry of a service is taken as missing when nothing came for this long.
    pub const PRESENT_FOR: Duration = Duration::from_secs(5 * 60);

    /// Empty counts. Of two SLOs with one name the last wins.
    pub fn new(slos: Vec<Slo>) -> Self {
        let mut counters = Self {
            entries: Vec::new(),
            index: Index::default(),
            seen: Seen::new(SPANS_PER_GENERATION_MAX),
            presence: Presence::default(),
            orphans: Vec::new(),
        };
        counters.reconfigure(slos);
        counters
    }

    /// Takes a new configuration. An SLO whose name and indicator stay keeps its counts; all else starts empty or goes.
    ///
    /// Counts that were [kept](Self::restore_keeping) for it are an SLO's own again; the others go.
    pub fn reconfigure(&mut self, slos: Vec<Slo>) {
        let mut old: BTreeMap<Box<str>, Entry> =
            self.entries.drain(..).map(|entry| (entry.slo.name.clone(), entry)).collect();
        let new: BTreeMap<Box<str>, Slo> =
            slos.into_iter().map(|slo| (slo.name.clone(), slo)).collect();
        let orphans = std::mem::take(&mut self.orphans);
        let counter = |slo: &Slo| {
            let mut counter = Counter::new(&slo.indicator);
            let fingerprint = slo.indicator.fingerprint();
            let own = |saved: &&CounterSnapshot| {
                saved.name == slo.name && *saved.indicator == *fingerprint
            };
            if let Some(saved) = orphans.iter().find(own) {
                load(&mut counter, saved);
            }
            counter
        };
        self.entries = new
            .into_values()
            .map(|slo| match old.remove(&slo.name) {
                Some(before) if before.slo.indicator == slo.indicator => {
                    Entry { slo, counter: before.counter }
                }
                _ => Entry { counter: counter(&slo), slo },
            })
            .collect();
        self.index = Index::of(&self.entries);
    }

    /// Which series are counted, by the names of their metrics.
    pub fn counted_metrics(&self) -> CountedMetrics {
        CountedMetrics {
            names: self.index.by_metric.keys().cloned().collect(),
            all: !self.index.any_metric.is_empty(),
        }
    }

    /// Counts a batch as of its `received_at`.
    pub fn observe(&mut self, batch: &Batch) {
        let now = batch.received_at;
        self.presence.observe(batch);
        self.seen.advance(now);
        for span in &batch.spans {
            self.count_span(span, now);
        }
        for series in &batch.series {
            for &at in self.index.of_metric(series.labels.metric_name().unwrap_or_default()) {
                let Entry { slo, counter } = &mut self.entries[at];
                if let Indicator::Counters(indicator) = &slo.indicator {
                    counter.take(indicator, &series.labels, &series.samples, now);
                }
            }
        }
    }

    /// Remembers the batch's spans as counted, without counting them: for batches that a snapshot includes.
    pub fn seed(&mut self, batch: &Batch) {
        self.seen.advance(batch.received_at);
        for span in &batch.spans {
            let concerned = self.index.of_service(&span.resource.service).iter().any(|&at| {
                let indicator = &self.entries[at].slo.indicator;
                matches!(indicator, Indicator::Spans(spans) if spans.total.matches(span))
            });
            if concerned {
                self.seen.is_new(span);
            }
        }
    }

    fn count_span(&mut self, span: &Span, now: Timestamp) {
        let mut is_new = None;
        for &at in self.index.of_service(&span.resource.service) {
            let Entry { slo, counter } = &mut self.entries[at];
            let Indicator::Spans(indicator) = &slo.indicator else { continue };
            let Some(good) = indicator.judge(span) else { continue };
            counter.feed(now);
            if *is_new.get_or_insert_with(|| self.seen.is_new(span)) {
                counter.count(span.end, good, now);
            }
        }
    }

    /// Judges every SLO at `now`; in order of name.
    pub fn evaluate(&self, now: Timestamp) -> Vec<Evaluation> {
        self.entries().map(|(slo, counter)| self.judge(slo, counter, now)).collect()
    }

    /// Judges one SLO at `now`.
    pub fn evaluate_one(&self, name: &str, now: Timestamp) -> Option<Evaluation> {
        let entry = self.entry(name)?;
        Some(self.judge(&entry.slo, &entry.counter, now))
    }

    fn judge(&self, slo: &Slo, counter: &Counter, now: Timestamp) -> Evaluation {
        let heard = self.presence.last_seen(&slo.service, slo.environment.as_deref());
        let nearest = |at: &Timestamp| now.since(*at).max(at.since(now));
        let telemetry_at = [heard, counter.fed_at].into_iter().flatten().min_by_key(nearest);
        evaluation::evaluate(slo, counter, telemetry_at, now)
    }

    /// The counts from the first whole bucket (10 s in the last two hours) at or after `since` up to `now`.
    pub fn count_since(&self, name: &str, since: Timestamp, now: Timestamp) -> Option<Counts> {
        Some(self.entry(name)?.counter.since(since, now))
    }

    /// The counts from `from` to `to` in equal steps, oldest first; `None` when there is no such SLO.
    ///
    /// A step is a multiple of the width of the finest buckets that are still held for `from`, at least `step_hint`, and
    /// so long that there are at most [`Self::POINTS_MAX`]. A step without events has zeros.
    pub fn series(
        &self,
        name: &str,
        from: Timestamp,
        to: Timestamp,
        step_hint: Duration,
    ) -> Option<Vec<Point>> {
        let counter = &self.entry(name)?.counter;
        if to <= from {
            return Some(Vec::new());
        }
        let [.., longest] = Tier::ALL;
        let head = counter.rings.iter().map(|ring| ring.tier().start(ring.head())).max();
        let newest = head.unwrap_or_default().max(to);
        let fits = |tier: &Tier| newest.since(from) + tier.width() <= tier.reach();
        let tier = Tier::ALL.into_iter().find(fits).unwrap_or(longest);
        let from = from.max(newest - longest.reach());
        let least = step_for(to.since(from), Self::POINTS_MAX - 1).max(step_hint);
        let buckets = least.as_secs().div_ceil(u64::from(tier.width_s)).max(1);
        let buckets = i64::try_from(buckets).unwrap_or(i64::MAX).min(i64::from(tier.slots));
        let mut points = Vec::new();
        let mut first = tier.index(from).div_euclid(buckets) * buckets;
        while tier.start(first) < to {
            let Counts { good, total } = counter.buckets(tier, first, first + buckets - 1);
            let width = tier.width() * u32::try_from(buckets).unwrap_or(tier.slots);
            points.push(Point { start: tier.start(first), width, good, total });
            first += buckets;
        }
        Some(points)
    }

    /// When any signal of any instance of the service last came in.
    pub fn telemetry_seen(&self, service: &str) -> Option<Timestamp> {
        self.presence.last_seen(service, None)
    }

    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// All SLOs, by name.
    pub fn slos(&self) -> impl ExactSizeIterator<Item = &Slo> {
        self.entries.iter().map(|entry| &entry.slo)
    }

    pub fn slo(&self, name: &str) -> Option<&Slo> {
        self.entry(name).map(|entry| &entry.slo)
    }

    /// Where the back-filled part of an SLO's history came from.
    pub fn backfill_sources(&self, name: &str) -> impl Iterator<Item = &str> {
        let sources = self.entry(name).map(|entry| &entry.counter.coverage.sources);
        sources.into_iter().flatten().map(AsRef::as_ref)
    }

    /// How many samples of new series were not counted because an SLO followed too many already.
    pub fn refused_series_samples(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.counter.refused()))
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| (*entry.slo.name).cmp(name)).ok()?;
        self.entries.get(at)
    }

    pub(crate) fn counter_mut(&mut self, name: &str) -> Option<&mut Counter> {
        let at = self.entries.binary_search_by(|entry| (*entry.slo.name).cmp(name)).ok()?;
        self.entries.get_mut(at).map(|entry| &mut entry.counter)
    }

    pub(crate) fn counter(&self, name: &str) -> Option<&Counter> {
        let at = self.entries.binary_search_by(|entry| (*entry.slo.name).cmp(name)).ok()?;
        self.entries.get(at).map(|entry| &entry.counter)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Slo, &Counter)> {
        self.entries.iter().map(|entry| (&entry.slo, &entry.counter))
    }

    pub(crate) fn presence_mut(&mut self) -> &mut Presence {
        &mut self.presence
    }
}

/// The shortest step, in whole seconds, of which at most `points` cover the time.
fn step_for(time: Duration, points: usize) -> Duration {
    Duration::from_secs((time.as_secs() + 1).div_ceil(points as u64))
}

impl Index {
    fn of(entries: &[Entry]) -> Self {
        let mut index = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            match &entry.slo.indicator {
                Indicator::Spans(spans) => {
                    index.by_service.entry(spans.total.service.clone()).or_default().push(at);
                }
                Indicator::Counters(counters) => {
                    let total = metric(&counters.total);
                    match (total, metric(counters.part_selector())) {
                        (Some(total), Some(part)) => {
                            index.by_metric.entry(total.into()).or_default().push(at);
                            if part != total {
                                index.by_metric.entry(part.into()).or_default().push(at);
                            }
                        }
                        _ => index.any_metric.push(at),
                    }
                }
            }
        }
        index
    }

    fn of_service(&self, service: &str) -> &[usize] {
        self.by_service.get(service).map_or(&[], Vec::as_slice)
    }

    fn of_metric(&self, metric: &str) -> impl Iterator<Item = &usize> {
        self.by_metric.get(metric).into_iter().flatten().chain(&self.any_metric)
    }
}

/// The metrics of which series are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountedMetrics {
    names: BTreeSet<Box<str>>,
    /// Some indicator selects by other labels alone.
    all: bool,
}

impl CountedMetrics {
    pub fn contains(&self, labels: &model::Labels) -> bool {
        self.all || labels.metric_name().is_some_and(|name| self.names.contains(name))
    }
}

/// The one metric that a selector names.
fn metric(selector: &[Matcher]) -> Option<&str> {
    let names = |matcher: &&Matcher| {
        matcher.op() == MatchOp::Equal && matcher.name() == model::Labels::METRIC_NAME
    };
    selector.iter().find(names).map(Matcher::value)
}

#[cfg(test)]
pub(crate) mod tests;
