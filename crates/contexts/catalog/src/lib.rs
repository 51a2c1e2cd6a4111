//! The service catalogue: what the production repo declares, what telemetry shows, and who calls whom.
//!
//! A service is *declared* by a catalogue file ([`Entry`]) and *observed* by its telemetry ([`Observed`]). The [`ServiceMap`]
//! says who calls whom, and [`SpanMetrics`] turns spans into series of calls, errors and durations.
//!
//! **Invariant:** nothing here reads a clock, a store or the network; memory is bounded by the limits named below.

mod entry;
mod first;
mod latency;
mod map;
mod observed;
mod red;
mod topology;
mod window;

pub use entry::{Entry, Link};
pub use first::{First, Heard};
pub use latency::{Latency, RELATIVE_ERROR};
pub use map::{
    EdgeSnapshot, MapCounts, MapEdge, MapNode, MapSnapshot, MapView, MinuteSnapshot, Node,
    NodeKind, ServiceMap,
};
pub use observed::{Observed, VersionSeen};
pub use red::{Flushed, Histograms, SpanMetrics};
pub use topology::{Edge, Topology};
pub use window::Requests;

use std::{collections::BTreeMap, time::Duration};

use model::{Batch, Emitter, Resource, SpanKind, SpanStatus, Timestamp};

use self::observed::RUNNING_WITHIN;

/// A service in an environment; the environment is empty where telemetry names none.
pub type Key = (Box<str>, Box<str>);

/// Limits of this context.
pub mod limits {
    /// Services with telemetry; a further one is not shown until another has gone quiet.
    pub const SERVICES_MAX: usize = 5_000;
    /// Versions and instances of one service.
    pub const INSTANCES_MAX: usize = 1_000;
    /// Pairs of caller and callee.
    pub const EDGES_MAX: usize = 20_000;
    /// Services, databases, queues and external peers on the map.
    pub const NODES_MAX: usize = 10_000;
    /// How far back the map can be asked.
    pub const RETENTION: std::time::Duration = std::time::Duration::from_secs(6 * 3600);
    /// Classes of latency that the map holds for all minutes of all edges, 8 bytes each; a minute itself counts for 16. Of more, the
    /// earliest minutes go before their time. An edge of 20 classes takes 36 a minute, so that 1,200 such edges fill it in 6 h.
    pub const MAP_CELLS_MAX: usize = 16 << 20;
    /// Spans that wait for their other half.
    pub const PENDING_MAX: usize = 100_000;
    /// Bytes of the name of a node or a span; a longer one is cut.
    pub const NAME_BYTES_MAX: usize = 256;
    /// Series of calls that one service's spans make; further spans count in a series marked `otel_metric_overflow="true"`.
    pub const SPAN_SERIES_MAX: usize = 2_000;
    /// Of all services.
    pub const SPAN_SERIES_ALL_MAX: usize = 50_000;
}

/// How long edges and rates are remembered.
pub const WINDOW: Duration = Duration::from_secs(600);
/// A service that has been silent for this long is forgotten, unless it is declared.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);

/// What telemetry shows of services and calls.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    services: BTreeMap<Key, Observed>,
    first: BTreeMap<Key, First>,
    map: ServiceMap,
    swept_at: Timestamp,
}

impl Catalog {
    /// Takes note of who sent this batch and who called whom.
    pub fn observe(&mut self, batch: &Batch) {
        let now = batch.received_at;
        let mut last: Option<(&Resource, Key)> = None;
        for span in &batch.spans {
            let resource = &*span.resource;
            // Spans of one emitter come together.
            let key = match last.take() {
                Some((known, key)) if std::ptr::eq(known, resource) => key,
                _ => self.note(resource, Heard::Span, now),
            };
            if matches!(span.kind, SpanKind::Server | SpanKind::Consumer)
                && let Some(service) = self.services.get_mut(&key)
            {
                service.requests.add(now, span.status == SpanStatus::Error, span.duration());
            }
            last = Some((resource, key));
        }
        self.map.observe(&batch.spans, now);
        for log in &batch.logs {
            self.note(&log.resource, Heard::Log, now);
        }
        for series in &batch.series {
            let newest = series.samples.iter().map(|sample| sample.at_ms).max();
            let is_new = newest
                .is_some_and(|newest| now.since(Timestamp::from_millis(newest)) < RUNNING_WITHIN);
            let Some(emitter) = Emitter::of(&series.labels).filter(|_| is_new) else { continue };
            let key = (emitter.service.into(), emitter.environment.into());
            if let Some(seen) = self.service(key, Heard::Sample, now) {
                seen.seen(emitter.version, emitter.instance, now);
            }
        }
        self.sweep(now);
    }

    /// Observed services by name and environment.
    pub fn services(&self) -> impl Iterator<Item = (&Key, &Observed)> {
        self.services.iter()
    }

    pub fn get(&self, service: &str, environment: &str) -> Option<&Observed> {
        self.services.get(&(service.into(), environment.into()))
    }

    /// The last time that any signal of the service arrived, in this environment or (when `None`) in any.
    pub fn last_seen(&self, service: &str, environment: Option<&str>) -> Option<Timestamp> {
        self.services
            .iter()
            .filter(|((name, place), _)| {
                &**name == service && environment.is_none_or(|asked| asked == &**place)
            })
            .map(|(_, observed)| observed.last_seen)
            .max()
    }

    /// All calls of the last `span`, at most [`WINDOW`].
    pub fn edges(&self, now: Timestamp, span: Duration) -> Vec<Edge> {
        self.map.edges(now, span, |environment, name| self.get(name, environment).is_some())
    }

    /// Who called whom within the minutes that hold `from` to `to`.
    pub fn map_window(&self, from: Timestamp, to: Timestamp) -> MapView {
        self.map.window(from, to, |environment, name| self.get(name, environment).is_some())
    }

    /// The service map; [`Catalog::map_window`] asks it with the services that are known here.
    pub fn map(&self) -> &ServiceMap {
        &self.map
    }

    /// Gives the map what an earlier process had kept of it.
    pub fn restore_map(&mut self, snapshot: MapSnapshot) {
        self.map.restore(snapshot);
    }

    /// Who depends on whom, as traces of the last [`WINDOW`] and the declared dependencies have it.
    pub fn topology(&self, declared: &[Entry], now: Timestamp) -> Topology {
        Topology::new(&self.edges(now, WINDOW), declared)
    }

    /// When each service was first heard of; at most [`limits::SERVICES_MAX`] of them.
    pub fn first(&self) -> impl Iterator<Item = (&Key, First)> {
        self.first.iter().map(|(key, first)| (key, *first))
    }

    /// Remembers what an earlier process had heard of.
    pub fn remember(&mut self, first: impl IntoIterator<Item = (Key, First)>) {
        self.first.extend(first.into_iter().take(limits::SERVICES_MAX));
    }

    /// Takes note that an emitter lives.
    fn note(&mut self, resource: &Resource, by: Heard, now: Timestamp) -> Key {
        let key = (resource.service.clone(), resource.environment.clone());
        if let Some(service) = self.service(key.clone(), by, now) {
            service.seen(&resource.version, &resource.instance, now);
        }
        key
    }

    fn service(&mut self, key: Key, by: Heard, now: Timestamp) -> Option<&mut Observed> {
        if !self.services.contains_key(&key) {
            if self.services.len() >= limits::SERVICES_MAX {
                return None;
            }
            if self.first.len() < limits::SERVICES_MAX {
                self.first.entry(key.clone()).or_insert(First { by, at: now });
            }
        }
        Some(self.services.entry(key).or_insert_with(|| Observed::new(now)))
    }

    /// Once a minute: forgets who has gone.
    fn sweep(&mut self, now: Timestamp) {
        if now.since(self.swept_at) < Duration::from_secs(60) {
            return;
        }
        self.swept_at = now;
        self.services.retain(|_, service| now.since(service.last_seen) < FORGOTTEN_AFTER);
        for service in self.services.values_mut() {
            service.forget(now);
        }
    }
}

/// As much of a name as is kept.
fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(limits::NAME_BYTES_MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
