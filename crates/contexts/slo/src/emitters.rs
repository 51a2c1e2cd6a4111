//! Who sends the counters of an SLO, so that a series which begins is told from one that is merely seen for the first time.
//!
//! An exporter sends all its series each time. One that has been heard for a while without a gap, and now sends a series
//! more, has just made it: a first error makes `code="500"` appear with all that happened since the last time. A series
//! seen first at the start, for a new SLO or after a gap may be years old. So may series that together say more than their
//! emitter is likely to have done meanwhile: a filter before us may have let them through only now, or all its series have
//! got another label.

use std::{collections::BTreeMap, time::Duration};

use model::{Labels, Timestamp};

/// The labels by which emitters differ, and by which copies of one differ that several Prometheus servers send; one of
/// [`INSTANCE`] must be there.
const EMITTER: &[&str] = &[
    "__replica__",
    "cluster",
    "deployment_environment",
    "deployment_environment_name",
    "env",
    "environment",
    "instance",
    "job",
    "namespace",
    "pod",
    "prometheus",
    "prometheus_replica",
    "replica",
    "service",
    "service_instance_id",
    "service_name",
    "service_version",
];
const INSTANCE: &[&str] = &["instance", "pod", "service_instance_id"];

/// The most emitters that are known.
const EMITTERS_MAX: usize = 10_000;
/// An emitter not heard of for longer begins anew.
const GAP: Duration = Duration::from_secs(180);
/// How long an emitter must have been heard without a gap: longer than its series may be apart on their way.
const HEARD_MIN: Duration = Duration::from_secs(300);
/// All new series of an emitter may bring so many times what it usually does in that time, and this much in any case.
const BURST: f64 = 1.5;
const FEW: f64 = 10.0;

/// When an emitter was heard, by the time of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Emitter {
    /// The first time after a gap, the last but one, and the last.
    pub(crate) since: Timestamp,
    pub(crate) before: Timestamp,
    pub(crate) at: Timestamp,
    /// Events after `since`.
    pub(crate) events: u64,
    pub(crate) begun: Begun,
}

/// What the new series of an emitter said first, taken for new or not, within [`GAP`]. Not kept over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    after: Timestamp,
    events: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Emitters {
    known: BTreeMap<Labels, Emitter>,
    swept_at: Timestamp,
}

impl Emitters {
    pub(crate) fn restore(emitters: impl IntoIterator<Item = (Labels, Emitter)>) -> Self {
        Self { known: emitters.into_iter().take(EMITTERS_MAX).collect(), ..Self::default() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Labels, Emitter)> {
        self.known.iter().map(|(labels, emitter)| (labels, *emitter))
    }

    /// The emitter of a series; `None` where its labels do not tell one from another.
    pub(crate) fn key(labels: &Labels) -> Option<Labels> {
        let told = INSTANCE.iter().any(|name| labels.get(name).is_some());
        told.then(|| labels.filtered(|name| EMITTER.contains(&name)))
    }

    /// The emitter sent a sample of the time `at`, which brought `events`.
    pub(crate) fn hear(&mut self, key: Labels, at: Timestamp, events: u64) {
        if self.known.len() >= EMITTERS_MAX && !self.known.contains_key(&key) {
            // Room is looked for now and then, so that a flood of emitters costs few sweeps.
            if at.since(self.swept_at) > GAP {
                self.swept_at = at;
                self.known.retain(|_, emitter| at.since(emitter.at) <= GAP);
            }
            if self.known.len() >= EMITTERS_MAX {
                return;
            }
        }
        let new = Emitter { since: at, before: at, at, events: 0, begun: Begun::default() };
        let emitter = self.known.entry(key).or_insert(new);
        if at.since(emitter.at) > GAP {
            *emitter = new;
        } else if at > emitter.at {
            (emitter.before, emitter.at) = (emitter.at, at);
        }
        if emitter.at > emitter.since {
            emitter.events = emitter.events.saturating_add(events);
        }
    }

    /// The time after which a series began whose first sample is `value` at `at`; `None` when it may be older. Ask once per
    /// series: what is asked about counts.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn began_after(
        &mut self,
        key: &Labels,
        at: Timestamp,
        value: u64,
    ) -> Option<Timestamp> {
        let emitter = self.known.get_mut(key)?;
        let last = if at > emitter.at { emitter.at } else { emitter.before };
        let in_order = at >= emitter.at && last < at && at.since(last) <= GAP;
        if !in_order || last.since(emitter.since) < HEARD_MIN {
            return None;
        }
        let begun = &mut emitter.begun;
        if at.since(begun.after) > GAP {
            *begun = Begun { after: last, events: 0 };
        }
        // One that is too large counts as well: what comes with it is then as old.
        begun.events = begun.events.saturating_add(value);
        let heard = emitter.at.since(emitter.since).as_secs_f64();
        let usual = emitter.events as f64 / heard * at.since(begun.after).as_secs_f64();
        (begun.events as f64 <= FEW + BURST * usual).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Labels {
        Labels::from_pairs([("instance", "a"), ("job", "shop")])
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_795_400_000 + secs)
    }

    /// An emitter of 10 events/s that was heard at these seconds; whether a series of `value` at `second` is new.
    fn check(heard: impl IntoIterator<Item = i64>, second: i64, value: u64) -> bool {
        let mut emitters = Emitters::default();
        heard.into_iter().for_each(|second| emitters.hear(key(), at(second), 150));
        emitters.began_after(&key(), at(second), value).is_some()
    }

    #[test]
    fn a_series_of_an_emitter_that_was_heard_for_long_is_new() {
        let long = || (0..=40).map(|step| step * 15);
        assert!(check(long(), 615, 150));
        // Another series of the same time came first.
        assert!(check(long(), 600, 150));
        assert!(!check(long(), 615, 5000), "more than it can have done");
        assert!(!check(long(), 590, 1), "on its way since before");
        assert!(!check(long(), 900, 1), "after a gap");
        assert!(!check(long().chain([2000]), 2000, 1), "first heard after a gap");
        assert!(!check((0..=19).map(|step| step * 15), 300, 1), "heard for too short");
        assert!(!check([], 0, 1));
    }

    /// How many events the new series of an emitter of 10 events/s bring, each with its second and value.
    fn brought(series: impl IntoIterator<Item = (i64, u64)>) -> u64 {
        let mut emitters = Emitters::default();
        (0..=40).for_each(|step| emitters.hear(key(), at(step * 15), 150));
        let new = |(second, value): &(i64, u64)| {
            emitters.began_after(&key(), at(*second), *value).is_some()
        };
        series.into_iter().filter(new).map(|(_, value)| value).sum()
    }

    #[test]
    fn new_series_together_bring_no_more_than_their_emitter_does() {
        assert_eq!(brought([(615, 150), (615, 80)]), 230);
        assert_eq!(brought([(615, 150), (615, 150)]), 150);
        let small = |second| (0..1000).map(move |_| (second, 8));
        assert_eq!(brought(small(615)), 232, "relabelled, all of them small");
        assert_eq!(brought([(615, 90_000)].into_iter().chain(small(615))), 0, "beside an old one");
        let apart = (0..1000).map(|at| (615 + at / 100, 8));
        assert!(brought(apart) <= 10 + 15 * 24, "a few at a time");
    }

    #[test]
    fn replicas_are_emitters_of_their_own() {
        for replica in ["replica", "prometheus", "prometheus_replica", "__replica__"] {
            let of = |name| {
                Emitters::key(&Labels::from_pairs([("instance", "a"), (replica, name)])).unwrap()
            };
            assert_ne!(of("a"), of("b"));
        }
    }

    #[test]
    fn labels_without_an_instance_tell_no_emitter() {
        let labels = Labels::from_pairs([("__name__", "x"), ("job", "shop"), ("instance", "a")]);
        assert_eq!(Emitters::key(&labels), Some(key()));
        assert_eq!(Emitters::key(&Labels::from_pairs([("job", "shop")])), None);
    }
}
