//! Telemetry that can be told apart, and the ways by which it is sent: the same bytes at each try.

use std::time::Duration;

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{ExportLogsServiceRequest, logs_service_client::LogsServiceClient},
        metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
        trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    },
    common::v1::{AnyValue, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
    },
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status},
};
use prost::Message;
use rand::{RngExt, rngs::StdRng};
use tonic::{Code, transport::Channel};

use super::{
    client::Told,
    message::{LabelPair, SampleMessage, TimeSeries, WriteRequest},
};
use crate::{keep::Address, unix};

pub(super) const SPANS_PER_REQUEST: u64 = 20;
const LOGS_PER_REQUEST: u64 = 10;

#[derive(Clone, Debug)]
pub(super) enum Body {
    Spans(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Samples(ExportMetricsServiceRequest),
    /// Remote write, which has one way.
    Written(WriteRequest),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Json,
    Protobuf,
    Grpc,
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = any_value::Value::StringValue(value.to_owned());
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn resource() -> Option<Resource> {
    let attributes = vec![
        attribute("service.name", "checkout"),
        attribute("service.version", "v1"),
        attribute("deployment.environment.name", "production"),
    ];
    Some(Resource { attributes, ..Resource::default() })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap()
}

/// Spans that end now, with the id of each and whether it is bad.
pub(super) fn spans(dice: &mut StdRng) -> (Body, Vec<(u64, bool)>) {
    let end = unix();
    let bad_ones = dice.random_range(0..SPANS_PER_REQUEST / 2);
    let ids: Vec<(u64, bool)> =
        (0..SPANS_PER_REQUEST).map(|at| (dice.random::<u64>() | 1, at < bad_ones)).collect();
    let span = |(id, bad): &(u64, bool)| Span {
        trace_id: u128::from(*id).to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: "POST /orders".to_owned(),
        kind: 2,
        start_time_unix_nano: nanos(end - Duration::from_millis(10)),
        end_time_unix_nano: nanos(end),
        status: Some(Status { code: if *bad { 2 } else { 0 }, ..Status::default() }),
        ..Span::default()
    };
    let scope = ScopeSpans { spans: ids.iter().map(span).collect(), ..ScopeSpans::default() };
    let all =
        ResourceSpans { resource: resource(), scope_spans: vec![scope], ..Default::default() };
    (Body::Spans(ExportTraceServiceRequest { resource_spans: vec![all] }), ids)
}

/// Log records whose texts begin with `token`.
pub(super) fn logs(token: &str) -> (Body, Vec<String>) {
    let texts: Vec<String> = (0..LOGS_PER_REQUEST).map(|at| format!("{token}-{at}")).collect();
    let record = |text: &String| LogRecord {
        time_unix_nano: nanos(unix()),
        severity_number: 9,
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(text.clone())) }),
        ..LogRecord::default()
    };
    let records = texts.iter().map(record).collect();
    let scope = ScopeLogs { log_records: records, ..ScopeLogs::default() };
    let all = ResourceLogs { resource: resource(), scope_logs: vec![scope], ..Default::default() };
    (Body::Logs(ExportLogsServiceRequest { resource_logs: vec![all] }), texts)
}

/// One point of a client's own gauge.
pub(super) fn sample(client: &str, at_ms: i64, value: f64) -> Body {
    let point = NumberDataPoint {
        attributes: vec![attribute("client", client)],
        time_unix_nano: nanos(Duration::from_millis(u64::try_from(at_ms).unwrap())),
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: "load_level".to_owned(),
        data: Some(metric::Data::Gauge(Gauge { data_points: vec![point] })),
        ..Metric::default()
    };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let all =
        ResourceMetrics { resource: resource(), scope_metrics: vec![scope], ..Default::default() };
    Body::Samples(ExportMetricsServiceRequest { resource_metrics: vec![all] })
}

/// The same by remote write, as another metric.
pub(super) fn written(client: &str, at_ms: i64, value: f64) -> Body {
    let pair = |name: &str, value: &str| LabelPair { name: name.into(), value: value.into() };
    let labels =
        vec![pair("__name__", "written_level"), pair("client", client), pair("job", "checkout")];
    let samples = vec![SampleMessage { value, timestamp: at_ms }];
    Body::Written(WriteRequest { timeseries: vec![TimeSeries { labels, samples }] })
}

/// Sends it once.
pub(super) async fn send(http: &reqwest::Client, to: &Address, way: Way, body: &Body) -> Told {
    if let (Way::Grpc, Body::Spans(_) | Body::Logs(_) | Body::Samples(_)) = (way, body) {
        return by_grpc(&to.grpc, body).await;
    }
    let (path, json, bytes) = match body {
        Body::Spans(body) => ("v1/traces", serde_json::to_vec(body), body.encode_to_vec()),
        Body::Logs(body) => ("v1/logs", serde_json::to_vec(body), body.encode_to_vec()),
        Body::Samples(body) => ("v1/metrics", serde_json::to_vec(body), body.encode_to_vec()),
        Body::Written(body) => {
            let bytes = snap::raw::Encoder::new().compress_vec(&body.encode_to_vec()).unwrap();
            ("api/v1/write", Ok(Vec::new()), bytes)
        }
    };
    let request = http.post(format!("{}/{path}", to.url));
    let request = match (way, body) {
        (_, Body::Written(_)) => request
            .header("content-type", "application/x-protobuf")
            .header("content-encoding", "snappy")
            .body(bytes),
        (Way::Json, _) => request.header("content-type", "application/json").body(json.unwrap()),
        _ => request.header("content-type", "application/x-protobuf").body(bytes),
    };
    super::client::told(request, path).await
}

async fn by_grpc(url: &str, body: &Body) -> Told {
    let Ok(channel) = Channel::from_shared(url.to_owned()).unwrap().connect().await else {
        return Told::Nothing;
    };
    let rejected = match body {
        Body::Spans(body) => TraceServiceClient::new(channel)
            .export(body.clone())
            .await
            .map(|answer| answer.into_inner().partial_success.map(|part| part.error_message)),
        Body::Logs(body) => LogsServiceClient::new(channel)
            .export(body.clone())
            .await
            .map(|answer| answer.into_inner().partial_success.map(|part| part.error_message)),
        Body::Samples(body) => MetricsServiceClient::new(channel)
            .export(body.clone())
            .await
            .map(|answer| answer.into_inner().partial_success.map(|part| part.error_message)),
        Body::Written(_) => unreachable!("remote write has no gRPC"),
    };
    match rejected {
        Ok(None) => Told::Done(serde_json::Value::Null),
        Ok(Some(why)) => panic!("refused in part: {why}"),
        // Killed meanwhile, or it says to come again.
        Err(status)
            if matches!(
                status.code(),
                Code::Unavailable
                    | Code::ResourceExhausted
                    | Code::Unknown
                    | Code::Cancelled
                    | Code::Internal
            ) =>
        {
            Told::Nothing
        }
        Err(status) => panic!("{status}"),
    }
}
