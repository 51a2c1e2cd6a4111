//! OTLP's metrics as raw metrics.

use std::sync::Arc;

use ingest::{
    RawBuckets, RawData, RawExemplar, RawExponential, RawHistogram, RawMetric, RawPoint,
    RawSummary, Temporality,
};
use model::Scope;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Exemplar, ExponentialHistogramDataPoint,
    HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint, exemplar,
    exponential_histogram_data_point, metric::Data, number_data_point,
};

use super::{attributes, span_id, time, trace_id};

/// A metric of a library.
pub(super) fn raw(metric: Metric, scope: Option<&Arc<Scope>>) -> RawMetric {
    let data = match metric.data {
        Some(Data::Gauge(gauge)) => {
            RawData::Gauge(gauge.data_points.into_iter().map(number).collect())
        }
        Some(Data::Sum(sum)) => RawData::Sum {
            monotonic: sum.is_monotonic,
            temporality: temporality(sum.aggregation_temporality),
            points: sum.data_points.into_iter().map(number).collect(),
        },
        Some(Data::Histogram(histogram)) => RawData::Histogram {
            temporality: temporality(histogram.aggregation_temporality),
            points: histogram.data_points.into_iter().map(self::histogram).collect(),
        },
        Some(Data::ExponentialHistogram(histogram)) => RawData::ExponentialHistogram {
            temporality: temporality(histogram.aggregation_temporality),
            points: histogram.data_points.into_iter().map(exponential).collect(),
        },
        Some(Data::Summary(summary)) => {
            RawData::Summary(summary.data_points.into_iter().map(self::summary).collect())
        }
        None => RawData::Empty,
    };
    let (name, description, unit) =
        (metric.name.into(), metric.description.into(), metric.unit.into());
    RawMetric { name, description, unit, data, scope: scope.cloned() }
}

fn temporality(temporality: i32) -> Temporality {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Cumulative) => Temporality::Cumulative,
        Ok(AggregationTemporality::Delta) => Temporality::Delta,
        Ok(AggregationTemporality::Unspecified) | Err(_) => Temporality::Unspecified,
    }
}

fn number(point: NumberDataPoint) -> RawPoint {
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    let value = point.value.map(|value| match value {
        number_data_point::Value::AsDouble(value) => value,
        number_data_point::Value::AsInt(value) => value as f64,
    });
    RawPoint {
        attributes: attributes(point.attributes),
        at: time(point.time_unix_nano),
        start: time(point.start_time_unix_nano),
        value: value.filter(|_| !ended(point.flags)),
        exemplars: point.exemplars.into_iter().map(exemplar).collect(),
    }
}

fn histogram(point: HistogramDataPoint) -> RawHistogram {
    RawHistogram {
        attributes: attributes(point.attributes),
        at: time(point.time_unix_nano),
        start: time(point.start_time_unix_nano),
        count: point.count,
        sum: point.sum,
        bounds: point.explicit_bounds,
        counts: point.bucket_counts,
        ended: ended(point.flags),
        exemplars: point.exemplars.into_iter().map(exemplar).collect(),
    }
}

fn exponential(point: ExponentialHistogramDataPoint) -> RawExponential {
    let buckets = |buckets: Option<exponential_histogram_data_point::Buckets>| {
        let buckets = buckets.unwrap_or_default();
        RawBuckets { offset: buckets.offset, counts: buckets.bucket_counts }
    };
    RawExponential {
        attributes: attributes(point.attributes),
        at: time(point.time_unix_nano),
        start: time(point.start_time_unix_nano),
        count: point.count,
        sum: point.sum,
        scale: point.scale,
        zero_count: point.zero_count,
        zero_threshold: point.zero_threshold,
        positive: buckets(point.positive),
        negative: buckets(point.negative),
        ended: ended(point.flags),
        exemplars: point.exemplars.into_iter().map(exemplar).collect(),
    }
}

fn summary(point: SummaryDataPoint) -> RawSummary {
    RawSummary {
        attributes: attributes(point.attributes),
        at: time(point.time_unix_nano),
        start: time(point.start_time_unix_nano),
        count: point.count,
        sum: point.sum,
        quantiles: point.quantile_values.into_iter().map(|at| (at.quantile, at.value)).collect(),
        ended: ended(point.flags),
    }
}

/// One without a value is of 0, as protobuf has it.
fn exemplar(exemplar: Exemplar) -> RawExemplar {
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    let value = match exemplar.value {
        Some(exemplar::Value::AsDouble(value)) => value,
        Some(exemplar::Value::AsInt(value)) => value as f64,
        None => 0.0,
    };
    RawExemplar {
        attributes: attributes(exemplar.filtered_attributes),
        at: time(exemplar.time_unix_nano),
        value,
        trace_id: trace_id(&exemplar.trace_id),
        span_id: span_id(&exemplar.span_id),
    }
}

fn ended(flags: u32) -> bool {
    flags & (DataPointFlags::NoRecordedValueMask as u32) != 0
}
