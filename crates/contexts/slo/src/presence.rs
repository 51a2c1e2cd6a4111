//! Who has been heard of lately: any signal counts, for quiet is not unknown.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Batch, Emitter, Resource, Timestamp, same_environment};

/// When each instance of each service was last heard of, by the arrival of its telemetry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Presence {
    services: BTreeMap<Box<str>, BTreeMap<Box<str>, Instances>>,
    entries: usize,
}

/// When each was last heard of.
type Instances = BTreeMap<Box<str>, Timestamp>;

/// Samples that are older than this when they arrive say nothing of who is there now.
const OLD: Duration = Duration::from_secs(300);

impl Presence {
    /// The most instances that are remembered; above that, those not heard of for longest are forgotten.
    pub const ENTRIES_MAX: usize = 50_000;

    /// When any instance of `service` was last heard of, in one environment or in any.
    ///
    /// Telemetry that names no environment may be of the one that is asked about.
    pub fn last_seen(&self, service: &str, environment: Option<&str>) -> Option<Timestamp> {
        let environments = self.services.get(service)?;
        match environment {
            Some(asked) => environments
                .iter()
                .filter(|(place, _)| same_environment(place, asked))
                .flat_map(|(_, instances)| instances.values())
                .max()
                .copied(),
            None => environments.values().flat_map(BTreeMap::values).max().copied(),
        }
    }

    /// All instances: service, environment, instance, last heard of; in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str, Timestamp)> {
        self.services.iter().flat_map(|(service, environments)| {
            environments.iter().flat_map(move |(environment, instances)| {
                instances.iter().map(move |(instance, at)| {
                    (service.as_ref(), environment.as_ref(), instance.as_ref(), *at)
                })
            })
        })
    }

    pub(crate) fn observe(&mut self, batch: &Batch) {
        let at = batch.received_at;
        let mut last: Option<&Arc<Resource>> = None;
        let spans = batch.spans.iter().map(|span| &span.resource);
        for resource in spans.chain(batch.logs.iter().map(|log| &log.resource)) {
            // Records of one emitter come in a row.
            if last.is_none_or(|last| !Arc::ptr_eq(last, resource)) {
                self.see(&resource.service, &resource.environment, &resource.instance, at);
            }
            last = Some(resource);
        }
        for series in &batch.series {
            let newest = series.samples.iter().map(|sample| sample.at_ms).max();
            let is_new =
                newest.is_some_and(|newest| at.since(Timestamp::from_millis(newest)) < OLD);
            if let Some(emitter) = Emitter::of(&series.labels).filter(|_| is_new) {
                self.see(emitter.service, emitter.environment, emitter.instance, at);
            }
        }
    }

    pub(crate) fn see(&mut self, service: &str, environment: &str, instance: &str, at: Timestamp) {
        let known = self
            .services
            .get_mut(service)
            .and_then(|environments| environments.get_mut(environment)?.get_mut(instance));
        if let Some(known) = known {
            // The last word counts, even when the clock has gone back since.
            *known = at;
            return;
        }
        if self.entries >= Self::ENTRIES_MAX {
            self.forget_older_half();
        }
        self.entries += 1;
        let environments = self.services.entry(service.into()).or_default();
        environments.entry(environment.into()).or_default().insert(instance.into(), at);
    }

    /// Half at a time, so that a flood of instances does not cost a sweep for each.
    fn forget_older_half(&mut self) {
        let mut times: Vec<Timestamp> = self.iter().map(|(.., at)| at).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        let mut drop = times.len() / 2;
        self.services.retain(|_, environments| {
            environments.retain(|_, instances| {
                instances.retain(|_, at| {
                    let keep = drop == 0 || *at > middle;
                    drop -= usize::from(!keep);
                    keep
                });
                !instances.is_empty()
            });
            !environments.is_empty()
        });
        self.entries = self.iter().count();
    }
}

#[cfg(test)]
mod tests {
    use model::{Labels, Sample, Series};

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn any_signal_of_any_instance_counts() {
        let mut presence = Presence::default();
        presence.see("cart", "prod", "a", at(10));
        presence.see("cart", "prod", "b", at(30));
        presence.see("cart", "dev", "a", at(90));
        presence.see("cart", "dev", "a", at(40));
        assert_eq!(presence.last_seen("cart", Some("prod")), Some(at(30)));
        assert_eq!(presence.last_seen("cart", None), Some(at(40)));
        assert_eq!(presence.last_seen("cart", Some("stage")), None);
        assert_eq!(presence.last_seen("payment", None), None);
    }

    #[test]
    fn a_series_says_by_its_labels_whose_it_is() {
        let series_of = |pairs: &[(&str, &str)], secs| Series {
            labels: Labels::from_pairs(pairs.iter().copied()),
            samples: vec![Sample { at_ms: at(secs).as_millis(), value: 1.0 }],
        };
        let series = |pairs: &[(&str, &str)]| series_of(pairs, 7);
        let mut presence = Presence::default();
        presence.observe(&Batch {
            received_at: at(7),
            series: vec![
                series(&[("job", "shop/cart"), ("instance", "a"), ("env", "prod")]),
                series(&[("service_name", "auth"), ("job", "node")]),
                series(&[("__name__", "up")]),
                series_of(&[("job", "search")], -400),
            ],
            ..Batch::default()
        });
        let all: Vec<_> = presence.iter().collect();
        assert_eq!(all, [("auth", "", "", at(7)), ("cart", "prod", "a", at(7))]);
    }

    #[test]
    fn a_flood_of_instances_is_bounded_and_the_newest_stay() {
        let mut presence = Presence::default();
        for second in 0..120_000 {
            presence.see("cart", "prod", &second.to_string(), at(second));
        }
        assert!(presence.iter().count() <= Presence::ENTRIES_MAX);
        assert_eq!(presence.iter().count(), presence.entries);
        assert_eq!(presence.last_seen("cart", None), Some(at(119_999)));
        for _ in 0..120_000 {
            presence.see("cart", "prod", &presence.entries.to_string(), at(5));
        }
        assert!(presence.iter().count() <= Presence::ENTRIES_MAX);
    }
}
