//! What the sample store holds, and who fills it, as metrics of `/metrics`.

use std::{fmt::Error, sync::Arc};

use app::App;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};

use axum::extract::State;

use super::{request::Json, view::time};
use crate::{Metrics, Problem, wire::api as dto};

/// Reads all of the store; what is damaged is counted and copied aside by that.
pub(super) async fn verify(
    State(app): State<Arc<App>>,
) -> Result<Json<dto::StoreVerification>, Problem> {
    let report = app.verify_metrics().await.map_err(|error| {
        tracing::error!(%error, "the metric store could not be verified");
        Problem::internal()
    })?;
    let damage = report.damage.iter().map(|one| dto::StoreDamage {
        file: one.file.to_string(),
        offset: one.offset,
        bytes: one.bytes,
        what: one.what.clone(),
        lost: one.lost.map(|lost| dto::StoreLoss {
            samples: lost.samples,
            from: time(lost.from),
            to: time(lost.to),
        }),
        copy: one.copy.as_ref().map(ToString::to_string),
    });
    let damage = damage.collect();
    let (data_dir, reading) = (app.data_dir().to_string(), Arc::clone(&app));
    let aside =
        tokio::task::spawn_blocking(move || app::offline::parts_set_aside(reading.data_dir()));
    let aside = aside.await.map_err(|_| Problem::internal())?;
    Ok(Json(dto::StoreVerification {
        ok: report.is_whole() && aside.is_empty(),
        data_dir,
        parts: count(report.parts),
        sections: report.sections,
        samples: report.samples,
        log_records: report.log_records,
        damage,
        damage_more: report.more,
        set_aside: aside.iter().map(ToString::to_string).collect(),
    }))
}

/// Adds the families `evenkeel_metrics_…` to `metrics`.
pub fn measure_store(app: &Arc<App>, metrics: &Metrics) {
    metrics.collect(Measured(Arc::clone(app)));
}

#[derive(Debug)]
struct Measured(Arc<App>);

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let (stats, limits) = (self.0.stores.metrics.stats(), self.0.limits());
        let gauges: [(&str, &str, u64); 14] = [
            ("series", "Series with samples in the store", count(stats.series)),
            (
                "active_series",
                "Series that had a sample in the last two hours",
                count(stats.series_active),
            ),
            (
                "active_series_limit",
                "As many as `limits.max_active_series` allows",
                count(limits.active_series_max),
            ),
            (
                "service_series_limit",
                "Active series that `limits.max_active_series_per_service` allows",
                count(limits.active_series_per_service_max),
            ),
            ("samples", "Samples in parts and in memory", stats.samples),
            ("head_samples", "Samples in memory that are in no part yet", stats.head_samples),
            ("head_bytes", "What these take in memory", stats.head_bytes),
            ("index_bytes", "What labels and their index take in memory", stats.index_bytes),
            ("disk_bytes", "What the store takes on the disk", stats.bytes),
            ("wal_bytes", "Of which the write-ahead log", stats.wal_bytes),
            ("parts", "Immutable files of samples", count(stats.parts)),
            ("exemplars", "Exemplars that are kept", count(stats.exemplars)),
            (
                "damaged_parts",
                "Damaged stretches found in parts since the start",
                stats.parts_damaged_total,
            ),
            ("tombstones", "Deletions that are not carried out yet", count(stats.tombstones)),
        ];
        for (name, help, value) in gauges {
            let metric = gauge(value);
            let name = format!("evenkeel_metrics_{name}");
            metric.encode(encoder.encode_descriptor(&name, help, None, metric.metric_type())?)?;
        }
        let top = [
            (
                "top_label_values",
                "Distinct values of the labels that have the most",
                "label",
                &stats.labels,
            ),
            (
                "top_service_series",
                "Active series of the services that have the most",
                "service",
                &stats.services,
            ),
        ];
        for (name, help, label, offenders) in top {
            let name = format!("evenkeel_metrics_{name}");
            let kind = gauge(0).metric_type();
            let mut family = encoder.encode_descriptor(&name, help, None, kind)?;
            for one in offenders {
                gauge(count(one.count)).encode(family.encode_family(&[(label, &*one.name)])?)?;
            }
        }
        let name = "evenkeel_metrics_samples_refused";
        let help =
            "Samples that the store refused; with the label that exploded, for a limit on series";
        let kind = prometheus_client::metrics::MetricType::Counter;
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for one in &stats.refused_by {
            let labels = [
                ("reason", one.reason.as_str()),
                ("service", &*one.service),
                ("label", &*one.label),
            ];
            let counter = prometheus_client::metrics::counter::ConstCounter::new(one.samples);
            counter.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
