//! Rate, errors and duration out of spans, as running series.
//!
//! Named as the OpenTelemetry Collector's span-metrics connector and Prometheus' naming of OTLP have them:
//! `traces_span_metrics_calls_total` and `traces_span_metrics_duration_seconds`, with `service_name`, `span_name`, `span_kind`
//! (`SPAN_KIND_SERVER`) and `status_code` (`STATUS_CODE_ERROR`); and with `service_version` and `deployment_environment_name`.
//!
//! The series stand beside the catalogue because both are running state by service, fed by every batch and bounded by service;
//! what a single trace says has neither state nor time. They count each span that comes, sampled or not later on, and begin at
//! zero with the process: a counter's reset.

mod flush;
mod series;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Resource, Span, SpanKind, SpanStatus, Timestamp};

pub use self::flush::Flushed;
use self::series::Red;
use crate::{cut, limits};

/// A series that no span touched for so long ends.
const QUIET_AFTER: Duration = Duration::from_secs(900);
/// The connector's own bounds, in seconds.
const BOUNDS: [f64; 16] =
    [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0];

/// How durations are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Histograms {
    /// `_bucket`, `_sum` and `_count`.
    #[default]
    Classic,
    Native,
    Both,
}

/// Calls, errors and durations by service, environment, version, operation, kind and status.
#[derive(Clone, Debug, Default)]
pub struct SpanMetrics {
    histograms: Histograms,
    /// Places in `emitters` by service, environment and version.
    places: BTreeMap<Emitter, usize>,
    emitters: Vec<BTreeMap<Box<str>, BTreeMap<Class, Red>>>,
    /// By service: how many series it has, and what of it is beyond the limit.
    services: BTreeMap<Box<str>, (usize, Option<Red>)>,
    /// What is beyond the limit of all services.
    overflow: Option<Red>,
    series: usize,
}

type Emitter = (Box<str>, Box<str>, Box<str>);

/// Kind and status of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    kind: &'static str,
    status: &'static str,
}

impl Class {
    /// As the connector writes them.
    fn of(span: &Span) -> Self {
        let kind = match span.kind {
            SpanKind::Unspecified => "SPAN_KIND_UNSPECIFIED",
            SpanKind::Internal => "SPAN_KIND_INTERNAL",
            SpanKind::Server => "SPAN_KIND_SERVER",
            SpanKind::Client => "SPAN_KIND_CLIENT",
            SpanKind::Producer => "SPAN_KIND_PRODUCER",
            SpanKind::Consumer => "SPAN_KIND_CONSUMER",
        };
        let status = match span.status {
            SpanStatus::Unset => "STATUS_CODE_UNSET",
            SpanStatus::Ok => "STATUS_CODE_OK",
            SpanStatus::Error => "STATUS_CODE_ERROR",
        };
        Self { kind, status }
    }
}

impl SpanMetrics {
    pub fn new(histograms: Histograms) -> Self {
        Self { histograms, ..Self::default() }
    }

    /// Counts spans that came at `now`.
    pub fn observe(&mut self, spans: &[Span], now: Timestamp) {
        let mut last: Option<(&Arc<Resource>, usize)> = None;
        for span in spans {
            let place = match last {
                Some((resource, place)) if Arc::ptr_eq(resource, &span.resource) => place,
                _ => self.place(&span.resource),
            };
            last = Some((&span.resource, place));
            let is_native = self.histograms != Histograms::Classic;
            self.red(place, span, now).observe(span, now, is_native);
        }
    }

    /// Series that are kept, those of overflow aside.
    pub fn series(&self) -> usize {
        self.series
    }

    fn place(&mut self, resource: &Resource) -> usize {
        let Resource { service, environment, version, .. } = resource;
        let key = (cut(service).into(), cut(environment).into(), cut(version).into());
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        // Whose series would be too many anyway needs no place.
        if self.places.len() >= limits::SPAN_SERIES_ALL_MAX {
            return usize::MAX;
        }
        self.emitters.push(BTreeMap::new());
        self.places.insert(key, self.emitters.len() - 1);
        self.emitters.len() - 1
    }

    fn red(&mut self, place: usize, span: &Span, now: Timestamp) -> &mut Red {
        let class = Class::of(span);
        let (service, name) = (cut(&span.resource.service), cut(&span.name));
        let is_known = self
            .emitters
            .get(place)
            .and_then(|names| names.get(name))
            .is_some_and(|classes| classes.contains_key(&class));
        if !is_known {
            if self.series >= limits::SPAN_SERIES_ALL_MAX || place >= self.emitters.len() {
                return self.overflow.get_or_insert_with(|| Red::new(now));
            }
            let (count, overflow) = self.services.entry(service.into()).or_default();
            if *count >= limits::SPAN_SERIES_MAX {
                return overflow.get_or_insert_with(|| Red::new(now));
            }
            *count += 1;
            self.series += 1;
        }
        let names = &mut self.emitters[place];
        if !names.contains_key(name) {
            names.insert(name.into(), BTreeMap::new());
        }
        let classes = names.get_mut(name).expect("it was put there if it was not");
        classes.entry(class).or_insert_with(|| Red::new(now))
    }

    /// Drops series that nothing touched for long, after they were given out for the last time.
    fn forget(&mut self, now: Timestamp) {
        let is_quiet = |red: &Red| now.since(red.touched) >= QUIET_AFTER;
        for (key, place) in &self.places {
            let Some(names) = self.emitters.get_mut(*place) else { continue };
            let mut gone = 0;
            for classes in names.values_mut() {
                let before = classes.len();
                classes.retain(|_, red| !is_quiet(red));
                gone += before - classes.len();
            }
            names.retain(|_, classes| !classes.is_empty());
            self.series -= gone;
            if let Some((count, _)) = self.services.get_mut(&key.0) {
                *count -= gone;
            }
        }
        for (_, overflow) in self.services.values_mut() {
            *overflow = overflow.take().filter(|red| !is_quiet(red));
        }
        self.overflow = self.overflow.take().filter(|red| !is_quiet(red));
        self.services.retain(|_, (count, overflow)| *count > 0 || overflow.is_some());
        // Places stay good between flushes only; empty ones go.
        let emitters = &mut self.emitters;
        let mut kept = Vec::with_capacity(emitters.len());
        self.places.retain(|_, place| {
            let names = std::mem::take(&mut emitters[*place]);
            let stays = !names.is_empty();
            if stays {
                *place = kept.len();
                kept.push(names);
            }
            stays
        });
        self.emitters = kept;
    }
}

#[cfg(test)]
mod tests;
