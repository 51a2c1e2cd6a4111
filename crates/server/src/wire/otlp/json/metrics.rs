//! Metrics.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint,
        Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
        ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
};
use serde::Deserialize;

use super::{
    Pair, ResourceJson, ScopeJson,
    field::{Enum, Float, Hex, Int, Nullable},
    pairs, resource, scope,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    #[serde(default)]
    resource_metrics: Nullable<Vec<ResourceMetricsJson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceMetricsJson {
    resource: Option<ResourceJson>,
    scope_metrics: Nullable<Vec<ScopeMetricsJson>>,
    schema_url: Nullable<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeMetricsJson {
    scope: Option<ScopeJson>,
    metrics: Nullable<Vec<MetricJson>>,
    schema_url: Nullable<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MetricJson {
    name: Nullable<String>,
    description: Nullable<String>,
    unit: Nullable<String>,
    gauge: Option<DataJson<NumberJson>>,
    sum: Option<DataJson<NumberJson>>,
    histogram: Option<DataJson<HistogramJson>>,
    exponential_histogram: Option<DataJson<ExponentialJson>>,
    summary: Option<DataJson<SummaryJson>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
struct DataJson<T> {
    #[serde(default)]
    data_points: Nullable<Vec<T>>,
    #[serde(default)]
    aggregation_temporality: Enum,
    #[serde(default)]
    is_monotonic: Nullable<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NumberJson {
    attributes: Nullable<Vec<Pair>>,
    start_time_unix_nano: Int<u64>,
    time_unix_nano: Int<u64>,
    as_double: Option<Float>,
    as_int: Option<Int<i64>>,
    flags: Int<u32>,
    exemplars: Nullable<Vec<ExemplarJson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HistogramJson {
    attributes: Nullable<Vec<Pair>>,
    start_time_unix_nano: Int<u64>,
    time_unix_nano: Int<u64>,
    count: Int<u64>,
    sum: Option<Float>,
    bucket_counts: Nullable<Vec<Int<u64>>>,
    explicit_bounds: Nullable<Vec<Float>>,
    flags: Int<u32>,
    exemplars: Nullable<Vec<ExemplarJson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExponentialJson {
    attributes: Nullable<Vec<Pair>>,
    start_time_unix_nano: Int<u64>,
    time_unix_nano: Int<u64>,
    count: Int<u64>,
    sum: Option<Float>,
    scale: Int<i32>,
    zero_count: Int<u64>,
    zero_threshold: Float,
    positive: Option<BucketsJson>,
    negative: Option<BucketsJson>,
    flags: Int<u32>,
    exemplars: Nullable<Vec<ExemplarJson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BucketsJson {
    offset: Int<i32>,
    bucket_counts: Nullable<Vec<Int<u64>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SummaryJson {
    attributes: Nullable<Vec<Pair>>,
    start_time_unix_nano: Int<u64>,
    time_unix_nano: Int<u64>,
    count: Int<u64>,
    sum: Float,
    quantile_values: Nullable<Vec<QuantileJson>>,
    flags: Int<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExemplarJson {
    filtered_attributes: Nullable<Vec<Pair>>,
    time_unix_nano: Int<u64>,
    as_double: Option<Float>,
    as_int: Option<Int<i64>>,
    span_id: Hex,
    trace_id: Hex,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct QuantileJson {
    quantile: Float,
    value: Float,
}

impl From<Request> for ExportMetricsServiceRequest {
    fn from(request: Request) -> Self {
        let groups = request.resource_metrics.0.into_iter().map(|group| ResourceMetrics {
            resource: resource(group.resource),
            scope_metrics: group.scope_metrics.0.into_iter().map(Into::into).collect(),
            schema_url: group.schema_url.0,
        });
        Self { resource_metrics: groups.collect() }
    }
}

impl From<ScopeMetricsJson> for ScopeMetrics {
    fn from(group: ScopeMetricsJson) -> Self {
        let metrics = group.metrics.0.into_iter().map(Into::into).collect();
        Self { scope: scope(group.scope), metrics, schema_url: group.schema_url.0 }
    }
}

impl From<MetricJson> for Metric {
    fn from(metric: MetricJson) -> Self {
        let (name, description, unit) = (metric.name.0, metric.description.0, metric.unit.0);
        let temporality =
            |temporality: Enum| temporality.number(AggregationTemporality::from_str_name);
        let data = if let Some(gauge) = metric.gauge {
            Some(Data::Gauge(Gauge { data_points: convert(gauge.data_points) }))
        } else if let Some(sum) = metric.sum {
            Some(Data::Sum(Sum {
                data_points: convert(sum.data_points),
                aggregation_temporality: temporality(sum.aggregation_temporality),
                is_monotonic: sum.is_monotonic.0,
            }))
        } else if let Some(histogram) = metric.histogram {
            Some(Data::Histogram(Histogram {
                data_points: convert(histogram.data_points),
                aggregation_temporality: temporality(histogram.aggregation_temporality),
            }))
        } else if let Some(histogram) = metric.exponential_histogram {
            Some(Data::ExponentialHistogram(ExponentialHistogram {
                data_points: convert(histogram.data_points),
                aggregation_temporality: temporality(histogram.aggregation_temporality),
            }))
        } else {
            metric
                .summary
                .map(|summary| Data::Summary(Summary { data_points: convert(summary.data_points) }))
        };
        Self { name, description, unit, data, ..Self::default() }
    }
}

fn convert<T: Into<U>, U>(points: Nullable<Vec<T>>) -> Vec<U> {
    points.0.into_iter().map(Into::into).collect()
}

impl From<ExemplarJson> for Exemplar {
    fn from(exemplar: ExemplarJson) -> Self {
        let as_int = exemplar.as_int.map(|Int(value)| exemplar::Value::AsInt(value));
        let as_double = exemplar.as_double.map(|Float(value)| exemplar::Value::AsDouble(value));
        Self {
            filtered_attributes: pairs(exemplar.filtered_attributes),
            time_unix_nano: exemplar.time_unix_nano.0,
            span_id: exemplar.span_id.0,
            trace_id: exemplar.trace_id.0,
            value: as_double.or(as_int),
        }
    }
}

impl From<NumberJson> for NumberDataPoint {
    fn from(point: NumberJson) -> Self {
        let as_int = point.as_int.map(|Int(value)| number_data_point::Value::AsInt(value));
        let as_double =
            point.as_double.map(|Float(value)| number_data_point::Value::AsDouble(value));
        Self {
            attributes: pairs(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano.0,
            time_unix_nano: point.time_unix_nano.0,
            value: as_double.or(as_int),
            flags: point.flags.0,
            exemplars: convert(point.exemplars),
        }
    }
}

impl From<HistogramJson> for HistogramDataPoint {
    fn from(point: HistogramJson) -> Self {
        Self {
            attributes: pairs(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano.0,
            time_unix_nano: point.time_unix_nano.0,
            count: point.count.0,
            sum: point.sum.map(|sum| sum.0),
            bucket_counts: point.bucket_counts.0.into_iter().map(|count| count.0).collect(),
            explicit_bounds: point.explicit_bounds.0.into_iter().map(|bound| bound.0).collect(),
            flags: point.flags.0,
            exemplars: convert(point.exemplars),
            ..Self::default()
        }
    }
}

impl From<ExponentialJson> for ExponentialHistogramDataPoint {
    fn from(point: ExponentialJson) -> Self {
        let buckets = |buckets: BucketsJson| Buckets {
            offset: buckets.offset.0,
            bucket_counts: buckets.bucket_counts.0.into_iter().map(|count| count.0).collect(),
        };
        Self {
            attributes: pairs(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano.0,
            time_unix_nano: point.time_unix_nano.0,
            count: point.count.0,
            sum: point.sum.map(|sum| sum.0),
            scale: point.scale.0,
            zero_count: point.zero_count.0,
            zero_threshold: point.zero_threshold.0,
            positive: point.positive.map(buckets),
            negative: point.negative.map(buckets),
            flags: point.flags.0,
            exemplars: convert(point.exemplars),
            ..Self::default()
        }
    }
}

impl From<SummaryJson> for SummaryDataPoint {
    fn from(point: SummaryJson) -> Self {
        let quantile =
            |at: QuantileJson| ValueAtQuantile { quantile: at.quantile.0, value: at.value.0 };
        Self {
            attributes: pairs(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano.0,
            time_unix_nano: point.time_unix_nano.0,
            count: point.count.0,
            sum: point.sum.0,
            quantile_values: point.quantile_values.0.into_iter().map(quantile).collect(),
            flags: point.flags.0,
        }
    }
}
