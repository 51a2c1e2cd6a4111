//! OpenTelemetry metrics become Prometheus series.
//!
//! The rules are OpenTelemetry's "Prometheus and OpenMetrics compatibility": names with unit and `_total`, explicit histograms as
//! `_bucket`, `_sum` and `_count`, exponential ones as native histograms, the emitter as `job` and `instance`. [`Translation`] has
//! what can be chosen. So that a query needs no join, the emitter's identity is also on each series: `service_name`,
//! `service_version`, `deployment_environment_name`, `service_instance_id`. What else the resource says is on `target_info`.

pub mod delta;
pub mod exponential;
pub mod name;
pub mod translation;

mod exemplar;
mod output;
mod points;

use std::sync::Arc;

use model::{
    Attributes, Batch, Labels, Metadata, MetricKind, Resource, Scope, Value, value::attribute,
};

use self::{name::Suffix, output::Output, translation::Translation};
use crate::{
    DeltaState, Place, RawData, RawMetric, Signal, Temporality, Work, enrich, limit,
    refused::{NO_POINT, reason},
    series::{self, Pairs},
};
pub(crate) use output::Leaders;

/// By what an emitter's metrics are converted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) translation: &'a Translation,
    pub(crate) resource: &'a Resource,
}

/// Converts the metrics of one emitter into `batch`.
pub(crate) fn convert(
    metrics: Vec<RawMetric>,
    rules: &Rules<'_>,
    deltas: &mut DeltaState,
    work: &mut Work<'_>,
    batch: &mut Batch,
    leaders: &mut Leaders,
) {
    if metrics.is_empty() {
        return;
    }
    let identity = identity(rules);
    let mut out = Output::new(identity, rules.translation, deltas, work, leaders, batch);
    for metric in metrics {
        let about = one(metric, &rules.resource.service, &mut out);
        out.batch.metadata.extend(about);
    }
    target_info(rules, &mut out);
}

/// What the points of one metric have in common.
struct Family {
    name: String,
    temporality: Temporality,
    /// Whether it counts up from a start.
    counts: bool,
    /// `otel_scope_*`, where they are wanted.
    scope: Pairs,
}

fn one(mut metric: RawMetric, service: &str, out: &mut Output<'_, '_>) -> Option<Metadata> {
    for name in [&mut metric.name, &mut metric.unit] {
        out.work.redactor.name(name, out.work.tally.redacted.at(Place::MetricName));
    }
    let redactor = out.work.redactor;
    let shown = |text: &str| redactor.shown(text);
    let (kind, temporality, suffix) = match &metric.data {
        RawData::Gauge(_) => (MetricKind::Gauge, Temporality::Cumulative, Suffix::Gauge),
        RawData::Sum { monotonic: true, temporality, .. } => {
            (MetricKind::Counter, *temporality, Suffix::Total)
        }
        RawData::Sum { monotonic: false, temporality, .. } => {
            (MetricKind::Gauge, *temporality, Suffix::Other)
        }
        RawData::Histogram { temporality, .. }
        | RawData::ExponentialHistogram { temporality, .. } => {
            (MetricKind::Histogram, *temporality, Suffix::Other)
        }
        RawData::Summary(_) => (MetricKind::Summary, Temporality::Cumulative, Suffix::Other),
        RawData::Empty => {
            out.work.tally.refuse(Signal::Samples, reason::NO_DATA, 1, || {
                format!("metric `{}` of `{}` has no data", shown(&metric.name), shown(service))
            });
            return None;
        }
    };
    let name = name::family(&metric.name, &metric.unit, suffix, out.translation.names);
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
    let counts = kind != MetricKind::Gauge;
    let scope = metric.scope.take().filter(|_| out.translation.promote_scope_metadata);
    let scope = scope.map(|scope| scope_labels(&scope, out)).unwrap_or_default();
    let family = Family { name, temporality, counts, scope };
    match std::mem::take(&mut metric.data) {
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

/// `otel_scope_name`, `otel_scope_version`, `otel_scope_schema_url`, and a label for each of its attributes.
fn scope_labels(scope: &Scope, out: &mut Output<'_, '_>) -> Pairs {
    let own =
        [("name", &scope.name), ("version", &scope.version), ("schema_url", &scope.schema_url)];
    let mut attributes: Attributes =
        own.map(|(key, text)| (key.into(), Value::String(text.clone()))).into();
    // What the scope says of itself wins over attributes of the same names.
    let more =
        scope.attributes.iter().filter(|(key, _)| !own.iter().any(|(own, _)| **own == **key));
    attributes.extend(more.cloned());
    let work = &mut *out.work;
    work.redactor.attributes(&mut attributes, work.tally.redacted.at(Place::Scope));
    let utf8 = out.translation.names.utf8();
    let pairs = name::labels(&attributes, utf8).into_iter();
    pairs
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (format!("otel_scope_{name}").into(), value))
        .collect()
}

/// The labels by which an emitter's series are told from others'.
fn identity(rules: &Rules<'_>) -> Pairs {
    let Rules { translation, resource } = *rules;
    let namespace = attribute(&resource.attributes, "service.namespace").map(ToString::to_string);
    let job = match namespace.as_deref() {
        Some(namespace) if !namespace.is_empty() => format!("{namespace}/{}", resource.service),
        _ => resource.service.to_string(),
    };
    let instance: Arc<str> = resource.instance.clone().into();
    let own: [(&str, Arc<str>); 6] = [
        ("job", job.into()),
        ("instance", Arc::clone(&instance)),
        ("service_name", resource.service.clone().into()),
        ("service_version", resource.version.clone().into()),
        ("deployment_environment_name", resource.environment.clone().into()),
        ("service_instance_id", instance),
    ];
    let mut pairs: Pairs = own
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.into(), value))
        .collect();
    let wanted = &translation.promote_resource_attributes;
    let promoted: Attributes =
        resource.attributes.iter().filter(|(key, _)| wanted.contains(key)).cloned().collect();
    for (name, value) in name::labels(&promoted, translation.names.utf8()) {
        if !value.is_empty() && !pairs.iter().any(|(taken, _)| *taken == name) {
            pairs.push((name, value));
        }
    }
    pairs
}

/// One series per emitter with all that its resource says (OpenMetrics' `target_info`); values that would break a limit are left out.
fn target_info(rules: &Rules<'_>, out: &mut Output<'_, '_>) {
    let Some(at) = out.latest else {
        return;
    };
    let mut pairs = out.identity.clone();
    let room = out.work.limits.labels_max.saturating_sub(pairs.len() + 1);
    let max = out.work.limits.label_value_bytes_max;
    let said = rules.resource.attributes.iter();
    let said: Attributes = said.filter(|(key, _)| !enrich::is_identity(key)).cloned().collect();
    let more = name::labels(&said, rules.translation.names.utf8());
    let usable = |(name, value): &(Arc<str>, Arc<str>)| {
        value.len() <= max
            && name.len() <= limit::KEY_BYTES_MAX
            && !out.identity.iter().any(|(taken, _)| taken == name)
    };
    pairs.extend(more.into_iter().filter(usable).take(room));
    pairs.push((Labels::METRIC_NAME.into(), "target_info".into()));
    let family = Family {
        name: "target_info".to_owned(),
        temporality: Temporality::Cumulative,
        counts: false,
        scope: Pairs::new(),
    };
    // No point of the sender's: what becomes of it is not reported.
    (out.leader, out.refused, out.start) = (Some(NO_POINT), true, None);
    out.push(&family, pairs, at, Some(1.0));
}
