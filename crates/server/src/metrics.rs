//! The server's own measurements, rendered in OpenMetrics' text at `/metrics`.
//!
//! Any part may add its own: a family is made once and cloned to where it counts. Names are given without `_total`, which the
//! format adds to counters.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Label names and values; names are ours, values may be anybody's, but of few.
pub type Labels = [(&'static str, String)];

type Pairs = Vec<(&'static str, String)>;

/// All families; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    /// Records taken in, by `signal`.
    pub(crate) ingest_records: Counters,
    /// Records refused, by `signal` and `reason`; counted through [`Metrics::refuse`].
    ingest_refused: Counters,
    /// The same, to be listed.
    refused: Arc<Mutex<BTreeMap<(&'static str, String), u64>>>,
    /// Values redacted, by `rule`.
    pub(crate) ingest_redacted: Counters,
    /// Values kept in part, by `what`.
    pub(crate) ingest_trimmed: Counters,
    /// Telemetry requests, by `protocol` and `result`.
    pub(crate) ingest_requests: Counters,
    /// Open connections, by `listener`.
    pub(crate) connections: Gauges,
    /// Connections that we closed, by `listener` and `why`.
    pub(crate) connections_closed: Counters,
    /// Requests refused by the guard, by `why`.
    pub(crate) guard_refused: Counters,
    /// Requests whose handler panicked.
    pub(crate) panics: Counters,
}

/// Counters of one name.
#[derive(Clone, Debug)]
pub struct Counters(Family<Pairs, Counter>);

/// Gauges of one name.
#[derive(Clone, Debug)]
pub struct Gauges(Family<Pairs, Gauge>);

/// Histograms of one name.
#[derive(Clone, Debug)]
pub struct Histograms(Family<Pairs, Histogram, fn() -> Histogram>);

impl Counters {
    pub fn add(&self, labels: &Labels, count: u64) {
        self.0.get_or_create(&labels.to_vec()).inc_by(count);
    }

    pub fn get(&self, labels: &Labels) -> u64 {
        self.0.get_or_create(&labels.to_vec()).get()
    }
}

impl Gauges {
    pub fn set(&self, labels: &Labels, value: i64) {
        self.0.get_or_create(&labels.to_vec()).set(value);
    }

    pub fn add(&self, labels: &Labels, difference: i64) {
        self.0.get_or_create(&labels.to_vec()).inc_by(difference);
    }
}

impl Histograms {
    /// In seconds, for durations.
    pub fn observe(&self, labels: &Labels, value: f64) {
        self.0.get_or_create(&labels.to_vec()).observe(value);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Upper bounds of histograms of durations, in seconds.
    pub const SECONDS: [f64; 11] =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

    pub fn new() -> Self {
        let mut registry = Registry::default();
        let mut counters = |name: &str, help: &str| counters(&mut registry, name, help);
        let ingest_records = counters("evenkeel_ingest_records", "Telemetry records taken in");
        let ingest_refused =
            counters("evenkeel_ingest_refused", "Telemetry records refused, by reason");
        let ingest_redacted = counters("evenkeel_ingest_redacted", "Secrets redacted, by rule");
        let ingest_trimmed =
            counters("evenkeel_ingest_trimmed", "Values cut or dropped by a limit");
        let ingest_requests = counters("evenkeel_ingest_requests", "Telemetry requests, by result");
        let connections_closed =
            counters("evenkeel_http_connections_closed", "Connections that we closed");
        let guard_refused =
            counters("evenkeel_http_refused", "Requests refused before their handler");
        let panics = counters("evenkeel_http_panics", "Requests whose handler panicked");
        let connections = gauges(&mut registry, "evenkeel_http_connections", "Open connections");
        Self {
            registry: Arc::new(Mutex::new(registry)),
            ingest_records,
            ingest_refused,
            refused: Arc::default(),
            ingest_redacted,
            ingest_trimmed,
            ingest_requests,
            connections,
            connections_closed,
            guard_refused,
            panics,
        }
    }

    /// Counts records that were refused.
    pub(crate) fn refuse(&self, signal: &'static str, reason: &str, count: u64) {
        if count > 0 {
            let labels = [("signal", signal.to_owned()), ("reason", reason.to_owned())];
            self.ingest_refused.add(&labels, count);
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused.entry((signal, reason.to_owned())).or_default() += count;
        }
    }

    /// Why records of the signal were refused, and how many.
    pub(crate) fn refused(&self, signal: &str) -> Vec<(String, u64)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let of_signal = refused.iter().filter(|((found, _), _)| *found == signal);
        of_signal.map(|((_, reason), count)| (reason.clone(), *count)).collect()
    }

    /// A family of counters; `name` without `_total`.
    pub fn counters(&self, name: &str, help: &str) -> Counters {
        counters(&mut self.lock(), name, help)
    }

    /// A family of gauges.
    pub fn gauges(&self, name: &str, help: &str) -> Gauges {
        gauges(&mut self.lock(), name, help)
    }

    /// A family of histograms of durations, with the bounds [`Metrics::SECONDS`].
    pub fn histograms(&self, name: &str, help: &str) -> Histograms {
        let make: fn() -> Histogram = || Histogram::new(Self::SECONDS);
        let family = Family::new_with_constructor(make);
        self.lock().register(name, help, family.clone());
        Histograms(family)
    }

    /// Families whose values are asked for when they are rendered.
    pub(crate) fn collect(&self, collector: impl Collector + 'static) {
        self.lock().register_collector(Box::new(collector));
    }

    /// All families as OpenMetrics' text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.lock()).expect("writing to a string cannot fail");
        out
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counters(registry: &mut Registry, name: &str, help: &str) -> Counters {
    let family = Family::default();
    registry.register(name, help, family.clone());
    Counters(family)
}

fn gauges(registry: &mut Registry, name: &str, help: &str) -> Gauges {
    let family = Family::default();
    registry.register(name, help, family.clone());
    Gauges(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_what_was_counted() {
        let metrics = Metrics::new();
        metrics.refuse("logs", "future", 2);
        metrics.histograms("x_seconds", "x").observe(&[], 0.02);
        let text = metrics.render();
        assert!(
            text.contains(r#"evenkeel_ingest_refused_total{signal="logs",reason="future"} 2"#),
            "{text}"
        );
        assert_eq!(metrics.refused("logs"), [("future".to_owned(), 2)]);
        assert_eq!(metrics.refused("spans"), []);
        assert!(text.contains(r#"x_seconds_bucket{le="0.025"} 1"#), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
