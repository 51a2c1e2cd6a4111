//! All counts as plain data, for whoever stores them.
//!
//! What is not in it: which spans were seen lately. Whoever restores feeds the batches of the last 15 minutes before the
//! snapshot to [`Counters::seed`](crate::Counters::seed), and those after it to [`Counters::observe`](crate::Counters::observe);
//! the counts then equal those of a process that never stopped.

use model::{Labels, Timestamp};

use crate::{
    Slo,
    backfill::Coverage,
    counter::Counter,
    counters::Counters,
    emitters::{Begun, Emitter, Emitters},
    increment::{Followed, Last},
    ring::{Ring, Tally},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CountersSnapshot {
    pub counters: Vec<CounterSnapshot>,
    pub presence: Vec<PresenceSnapshot>,
}

/// The counts of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterSnapshot {
    /// The SLO's name.
    pub name: Box<str>,
    /// [`Indicator::fingerprint`](crate::Indicator::fingerprint); counts of another indicator are not restored.
    pub indicator: Box<str>,
    pub tiers: Vec<TierSnapshot>,
    pub total_series: Vec<SeriesSnapshot>,
    pub part_series: Vec<SeriesSnapshot>,
    /// Who sends the total; `None` in a snapshot of before there were any.
    pub emitters: Option<Vec<EmitterSnapshot>>,
    pub first_event_at: Option<Timestamp>,
    pub live_since: Option<Timestamp>,
    pub last_event_at: Option<Timestamp>,
    pub fed_at: Option<Timestamp>,
    /// Since when one half of a good/total ratio is behind the other.
    pub behind_since: Option<Timestamp>,
    /// Where back-filled counts came from.
    pub backfill_sources: Vec<Box<str>>,
    /// Start and end of what was back-filled, in Unix seconds.
    pub backfilled: Vec<(i64, i64)>,
}

/// The buckets of one width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierSnapshot {
    pub width_s: u32,
    /// The index of the newest bucket; an index is a start in Unix seconds divided by the width.
    pub head: i64,
    /// Only those that are not empty, oldest first.
    pub slots: Vec<SlotSnapshot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSnapshot {
    pub index: i64,
    pub total: u64,
    /// Good events or bad ones, whichever the indicator marks.
    pub marked: u64,
}

/// The last sample of a counter series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSnapshot {
    pub labels: Labels,
    pub at: Timestamp,
    pub value: u64,
}

/// When an emitter of counters was heard, by the time of its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct EmitterSnapshot {
    pub labels: Labels,
    /// The first time after a gap, the last but one, and the last.
    pub since: Timestamp,
    pub before: Timestamp,
    pub at: Timestamp,
    /// Events after `since`.
    pub events: u64,
}

/// When an instance was last heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceSnapshot {
    pub service: Box<str>,
    pub environment: Box<str>,
    pub instance: Box<str>,
    pub at: Timestamp,
}

impl Counters {
    pub fn snapshot(&self) -> CountersSnapshot {
        let presence =
            self.presence().iter().map(|(service, environment, instance, at)| PresenceSnapshot {
                service: service.into(),
                environment: environment.into(),
                instance: instance.into(),
                at,
            });
        let counters = self.entries().map(|(slo, counter)| save(slo, counter));
        let counters = counters.chain(self.orphans.iter().cloned());
        CountersSnapshot { counters: counters.collect(), presence: presence.collect() }
    }

    /// The counts of `snapshot` under the configuration of now: an SLO that is new or has another indicator starts empty,
    /// and what an SLO that is gone had counted is dropped. What does not fit the rings is passed over.
    pub fn restore(snapshot: &CountersSnapshot, slos: Vec<Slo>) -> Self {
        let mut counters = Self::new(slos);
        for saved in &snapshot.counters {
            let known = counters.slo(&saved.name).map(|slo| slo.indicator.fingerprint());
            if known.as_deref() != Some(&*saved.indicator) {
                continue;
            }
            if let Some(counter) = counters.counter_mut(&saved.name) {
                load(counter, saved);
            }
        }
        for seen in &snapshot.presence {
            counters.presence_mut().see(&seen.service, &seen.environment, &seen.instance, seen.at);
        }
        counters
    }
}

impl Counters {
    /// As [`restore`](Self::restore), where the configuration at hand may not be the one that was in force: what it does not
    /// know is kept until the next one comes, and is part of further snapshots.
    pub fn restore_keeping(snapshot: &CountersSnapshot, slos: Vec<Slo>) -> Self {
        let mut counters = Self::restore(snapshot, slos);
        let unknown = |saved: &&CounterSnapshot| {
            let known = counters.slo(&saved.name).map(|slo| slo.indicator.fingerprint());
            known.as_deref() != Some(&*saved.indicator)
        };
        counters.orphans = snapshot.counters.iter().filter(unknown).cloned().collect();
        counters
    }
}

fn save(slo: &Slo, counter: &Counter) -> CounterSnapshot {
    let series = |followed: &Followed| {
        let one = |(labels, last): (&Labels, Last)| SeriesSnapshot {
            labels: labels.clone(),
            at: last.at,
            value: last.value,
        };
        followed.iter().map(one).collect()
    };
    CounterSnapshot {
        name: slo.name.clone(),
        indicator: slo.indicator.fingerprint().into(),
        tiers: counter.rings.iter().map(save_ring).collect(),
        total_series: series(&counter.total),
        part_series: series(&counter.part),
        emitters: Some(counter.emitters.iter().map(save_emitter).collect()),
        first_event_at: counter.first_event_at,
        live_since: counter.live_since,
        last_event_at: counter.last_event_at,
        fed_at: counter.fed_at,
        behind_since: counter.behind_since,
        backfill_sources: counter.coverage.sources.iter().cloned().collect(),
        backfilled: counter.coverage.stretches.iter().map(|(start, end)| (*start, *end)).collect(),
    }
}

fn save_emitter((labels, emitter): (&Labels, Emitter)) -> EmitterSnapshot {
    let Emitter { since, before, at, events, begun: _ } = emitter;
    EmitterSnapshot { labels: labels.clone(), since, before, at, events }
}

fn load_emitter(saved: &EmitterSnapshot) -> (Labels, Emitter) {
    let EmitterSnapshot { labels, since, before, at, events } = saved;
    let (since, before, at, events) = (*since, *before, *at, *events);
    (labels.clone(), Emitter { since, before, at, events, begun: Begun::default() })
}

fn save_ring(ring: &Ring) -> TierSnapshot {
    let slot = |(index, tally): (i64, Tally)| SlotSnapshot {
        index,
        total: tally.total,
        marked: tally.marked,
    };
    TierSnapshot {
        width_s: ring.tier().width_s,
        head: ring.head(),
        slots: ring.filled().map(slot).collect(),
    }
}

pub(crate) fn load(counter: &mut Counter, saved: &CounterSnapshot) {
    for ring in &mut counter.rings {
        let own = ring.tier();
        // An index beyond any time is not ours.
        let sound = |tier: &&TierSnapshot| {
            tier.width_s == own.width_s && own.index(own.start(tier.head)) == tier.head
        };
        for tier in saved.tiers.iter().filter(sound) {
            ring.advance(tier.head);
            for slot in &tier.slots {
                ring.add(slot.index, Tally { total: slot.total, marked: slot.marked });
            }
        }
    }
    let series = |saved: &[SeriesSnapshot]| {
        let one = |series: &SeriesSnapshot| {
            (series.labels.clone(), Last { at: series.at, value: series.value })
        };
        Followed::restore(saved.iter().map(one))
    };
    counter.total = series(&saved.total_series);
    counter.part = series(&saved.part_series);
    counter.emitters = Emitters::restore(saved.emitters.iter().flatten().map(load_emitter));
    counter.first_event_at = saved.first_event_at;
    counter.live_since = saved.live_since;
    counter.last_event_at = saved.last_event_at;
    counter.fed_at = saved.fed_at;
    counter.behind_since = saved.behind_since;
    counter.coverage = Coverage::default();
    counter.coverage.sources.extend(saved.backfill_sources.iter().cloned());
    for &(start, end) in saved.backfilled.iter().filter(|(start, end)| start < end) {
        counter.coverage.cover(start, end);
    }
}
