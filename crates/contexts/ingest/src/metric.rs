//! OpenTelemetry metrics become Prometheus series.
//!
//! The rules are OpenTelemetry's "Prometheus and OpenMetrics compatibility": names with unit and `_total`, explicit
//! and exponential histograms as `_bucket`, `_sum` and `_count`, the emitter as `job` and `instance`. So that a query needs no join,
//! the emitter's identity is also on each series: `service_name`, `service_version`, `deployment_environment_name`,
//! `service_instance_id`. What else the resource says is on `target_info`.

pub mod delta;
pub mod exponential;
pub mod name;

mod points;

use std::{collections::HashMap, sync::Arc};

use model::{
    Attributes, Batch, Labels, Metadata, MetricKind, Resource, Sample, Series, Timestamp,
    value::attribute,
};

use crate::{
    DeltaState, RawData, RawMetric, Signal, Temporality, Work, limit,
    refused::{NO_POINT, reason},
    series::{self, Pairs},
};

/// Converts the metrics of one emitter into `batch`.
pub(crate) fn convert(
    metrics: Vec<RawMetric>,
    resource: &Resource,
    deltas: &mut DeltaState,
    work: &mut Work<'_>,
    batch: &mut Batch,
    leaders: &mut Vec<u32>,
) {
    if metrics.is_empty() {
        return;
    }
    let mut out = Output {
        identity: identity(resource),
        series: Vec::new(),
        index: HashMap::new(),
        first: batch.series.len(),
        leaders,
        leader: None,
        refused: false,
        latest: None,
        deltas,
        work,
    };
    for metric in metrics {
        batch.metadata.extend(one(metric, &resource.service, &mut out));
    }
    target_info(resource, &mut out);
    batch.series.append(&mut out.series);
}

/// Where converted points go.
struct Output<'a, 'w> {
    identity: Pairs,
    series: Vec<Series>,
    index: HashMap<Labels, usize>,
    /// How many series the batch had before.
    first: usize,
    leaders: &'a mut Vec<u32>,
    /// The series that stands for the point at hand.
    leader: Option<u32>,
    /// Whether the point at hand was counted as refused.
    refused: bool,
    latest: Option<Timestamp>,
    deltas: &'a mut DeltaState,
    work: &'a mut Work<'w>,
}

/// What the points of one metric have in common.
struct Family {
    name: String,
    temporality: Temporality,
}

fn one(mut metric: RawMetric, service: &str, out: &mut Output<'_, '_>) -> Option<Metadata> {
    for name in [&mut metric.name, &mut metric.unit] {
        out.work.redactor.name(name, &mut out.work.tally.redacted);
    }
    let redactor = out.work.redactor;
    let shown = |text: &str| redactor.shown(text);
    let (kind, temporality) = match &metric.data {
        RawData::Gauge(_) => (MetricKind::Gauge, Temporality::Cumulative),
        RawData::Sum { monotonic: true, temporality, .. } => (MetricKind::Counter, *temporality),
        RawData::Sum { monotonic: false, temporality, .. } => (MetricKind::Gauge, *temporality),
        RawData::Histogram { temporality, .. }
        | RawData::ExponentialHistogram { temporality, .. } => {
            (MetricKind::Histogram, *temporality)
        }
        RawData::Summary(_) => (MetricKind::Summary, Temporality::Cumulative),
        RawData::Empty => {
            out.work.tally.refuse(Signal::Samples, reason::NO_DATA, 1, || {
                format!("metric `{}` of `{}` has no data", shown(&metric.name), shown(service))
            });
            return None;
        }
    };
    let name = name::family(&metric.name, &metric.unit, kind);
    if name.is_empty() {
        out.work.tally.refuse(
            Signal::Samples,
            reason::NO_METRIC_NAME,
            points_of(&metric.data),
            || format!("a metric of `{}` has no name", shown(service)),
        );
        return None;
    }
    if temporality == Temporality::Unspecified {
        out.work.tally.refuse(
            Signal::Samples,
            reason::NO_TEMPORALITY,
            points_of(&metric.data),
            || {
                format!(
                    "`{}` of `{}` does not say whether it is cumulative or delta",
                    shown(&metric.name),
                    shown(service)
                )
            },
        );
        return None;
    }
    let family = Family { name, temporality };
    match std::mem::replace(&mut metric.data, RawData::Empty) {
        RawData::Gauge(points) | RawData::Sum { points, .. } => {
            points.into_iter().for_each(|point| points::number(&family, point, out));
        }
        RawData::Histogram { points, .. } => {
            points.into_iter().for_each(|point| points::histogram(&family, point, out));
        }
        RawData::Summary(points) => {
            points.into_iter().for_each(|point| points::summary(&family, point, out));
        }
        RawData::ExponentialHistogram { points, .. } => {
            points.into_iter().for_each(|point| points::exponential(&family, point, out));
        }
        RawData::Empty => {}
    }
    let raw =
        Metadata { family: family.name.into(), kind, help: metric.description, unit: metric.unit };
    Some(series::metadata(raw, out.work))
}

fn points_of(data: &RawData) -> u64 {
    let points = match data {
        RawData::Gauge(points) | RawData::Sum { points, .. } => points.len(),
        RawData::Histogram { points, .. } => points.len(),
        RawData::ExponentialHistogram { points, .. } => points.len(),
        RawData::Summary(points) => points.len(),
        RawData::Empty => 1,
    };
    points.max(1) as u64
}

impl Output<'_, '_> {
    /// The pairs of a point: its own attributes, then the emitter's identity, which wins.
    fn labels_of(&mut self, mut attributes: Attributes) -> Pairs {
        let work = &mut *self.work;
        work.redactor.attributes(&mut attributes, &mut work.tally.redacted);
        let mut pairs = name::labels(&attributes);
        pairs.retain(|(name, _)| !self.identity.iter().any(|(taken, _)| taken == name));
        pairs.extend(self.identity.iter().cloned());
        pairs
    }

    /// Counts the point at hand as refused, whatever of it was stored; once.
    fn refuse(&mut self, reason: &'static str, message: impl FnOnce() -> String) {
        let first = !std::mem::replace(&mut self.refused, true);
        self.work.tally.refuse(Signal::Samples, reason, u64::from(first), message);
    }

    /// Begins a point. Whether its time is one that we store; counts it when not.
    fn dated(&mut self, family: &Family, at: Option<Timestamp>) -> Option<Timestamp> {
        let redactor = self.work.redactor;
        (self.leader, self.refused) = (None, false);
        let Some(at) = at else {
            self.refuse(reason::NO_TIME, || {
                format!("a point of `{}` has no time", redactor.shown(&family.name))
            });
            return None;
        };
        if self.work.is_future(Signal::Samples, at, "a data point") {
            return None;
        }
        self.latest = self.latest.max(Some(at));
        Some(at)
    }

    /// Adds one sample; a delta is summed up first. `value: None` marks the series' end.
    fn push(&mut self, family: &Family, pairs: Pairs, at: Timestamp, value: Option<f64>) -> bool {
        let count = u64::from(!self.refused);
        let Some(labels) = series::checked(pairs, count, self.work) else {
            self.refused = true;
            return false;
        };
        let value = match value {
            None => f64::from_bits(Sample::STALE),
            Some(delta) if family.temporality == Temporality::Delta => {
                let redactor = self.work.redactor;
                match self.deltas.add(&labels, at, delta) {
                    Ok(total) => total,
                    Err(refusal) => {
                        self.refuse(refusal.reason(), || {
                            format!("{}: {refusal}", redactor.shown(&labels.to_string()))
                        });
                        return false;
                    }
                }
            }
            Some(value) => value,
        };
        let sample = Sample { at_ms: at.as_millis(), value };
        if let Some(&known) = self.index.get(&labels) {
            self.series[known].samples.push(sample);
            self.leader.get_or_insert(self.leaders[self.first + known]);
        } else {
            // A request has fewer series than this, for each takes bytes of its body.
            let place = u32::try_from(self.leaders.len()).unwrap_or(NO_POINT);
            self.leaders.push(*self.leader.get_or_insert(place));
            self.index.insert(labels.clone(), self.series.len());
            self.series.push(Series { labels, samples: vec![sample] });
        }
        true
    }
}

fn identity(resource: &Resource) -> Pairs {
    let namespace = attribute(&resource.attributes, "service.namespace").map(ToString::to_string);
    let job = match namespace.as_deref() {
        Some(namespace) if !namespace.is_empty() => format!("{namespace}/{}", resource.service),
        _ => resource.service.to_string(),
    };
    let instance: Arc<str> = resource.instance.clone().into();
    let pairs: [(&str, Arc<str>); 6] = [
        ("job", job.into()),
        ("instance", Arc::clone(&instance)),
        ("service_name", resource.service.clone().into()),
        ("service_version", resource.version.clone().into()),
        ("deployment_environment_name", resource.environment.clone().into()),
        ("service_instance_id", instance),
    ];
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.into(), value))
        .collect()
}

/// One series per emitter with all that its resource says (OpenMetrics' `target_info`); values that would break a limit are left out.
fn target_info(resource: &Resource, out: &mut Output<'_, '_>) {
    let Some(at) = out.latest else {
        return;
    };
    let mut pairs = out.identity.clone();
    let room = out.work.limits.labels_max.saturating_sub(pairs.len() + 1);
    let max = out.work.limits.label_value_bytes_max;
    let more = name::labels(&resource.attributes);
    let usable = |(name, value): &(Arc<str>, Arc<str>)| {
        value.len() <= max
            && name.len() <= limit::KEY_BYTES_MAX
            && !out.identity.iter().any(|(taken, _)| taken == name)
    };
    pairs.extend(more.into_iter().filter(usable).take(room));
    pairs.push((Labels::METRIC_NAME.into(), "target_info".into()));
    let family = Family { name: "target_info".to_owned(), temporality: Temporality::Cumulative };
    // No point of the sender's: what becomes of it is not reported.
    (out.leader, out.refused) = (Some(NO_POINT), true);
    out.push(&family, pairs, at, Some(1.0));
}
