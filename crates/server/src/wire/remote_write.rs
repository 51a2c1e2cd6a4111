//! Prometheus remote write 1.0: `POST /api/v1/write`, snappy-compressed protobuf.
//!
//! What is valid is stored even when something else in the request is not; then the answer is 400 with the reasons, so that the
//! sender does not send it again for ever (the specification's "partial write").

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use ingest::{RawBatch, RawSeries};
use model::{Metadata, MetricKind, Sample};
use prost::Message;

use crate::{
    Problem,
    body::Encoding,
    intake::{Intake, Protocol},
    wire::{otlp::Partial, weigh},
};

/// `prometheus.WriteRequest` (prompb/remote.proto).
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// `prometheus.TimeSeries`; of exemplars and native histograms only the number is read.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<LabelPair>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<SampleMessage>,
    #[prost(message, repeated, tag = "3")]
    pub exemplars: Vec<Unread>,
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Unread>,
}

/// `prometheus.Label`.
#[derive(Clone, PartialEq, Message)]
pub struct LabelPair {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `prometheus.Sample`.
#[derive(Clone, PartialEq, Message)]
pub struct SampleMessage {
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// `prometheus.MetricMetadata`.
#[derive(Clone, PartialEq, Message)]
pub struct MetricMetadata {
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(string, tag = "2")]
    pub family: String,
    #[prost(string, tag = "4")]
    pub help: String,
    #[prost(string, tag = "5")]
    pub unit: String,
}

/// A message whose fields are skipped.
#[derive(Clone, PartialEq, Message)]
pub struct Unread {}

/// The route.
pub(crate) fn router(intake: Intake) -> Router {
    Router::new().route("/api/v1/write", post(write)).with_state(intake)
}

async fn write(State(intake): State<Intake>, request: Request) -> Response {
    match take(&intake, request).await {
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(partial)) => {
            let detail = format!(
                "{} samples were refused, the rest was stored: {}",
                partial.rejected, partial.message
            );
            let title = "Some samples were refused";
            Problem::new(StatusCode::BAD_REQUEST, "samples-refused", title, detail).into_response()
        }
        Err(problem) => {
            intake.failed(Protocol::RemoteWrite, &problem);
            problem.into_response()
        }
    }
}

async fn take(intake: &Intake, request: Request) -> Result<Option<Partial>, Problem> {
    let (parts, body) = request.into_parts();
    check_headers(&parts.headers)?;
    let raw = intake.reader.receive(&parts.headers, body).await?;
    let (bytes, turn) = intake.reader.inflate(raw, Encoding::Snappy).await?;
    let bytes_max = intake.reader.limits().bytes_max;
    let decode = move || {
        weigh::protobuf(&bytes, &weigh::WRITE, bytes_max)?;
        let request = WriteRequest::decode(&*bytes).map_err(|error| {
            Problem::malformed(format!("the body is not a `prometheus.WriteRequest`: {error}"))
        })?;
        drop(bytes);
        Ok(into_raw(request))
    };
    let refused = intake.take(Protocol::RemoteWrite, turn, decode).await?;
    Ok(Partial::of(&refused))
}

/// `Content-Type` may be absent, as old senders have it; version 2 of the protocol is another message.
fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(kind) = text(header::CONTENT_TYPE) {
        let mut parts = kind.split(';').map(str::trim);
        let protobuf =
            parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-protobuf"));
        let message = parts.find_map(|part| part.strip_prefix("proto="));
        if !protobuf || message.is_some_and(|message| message != "prometheus.WriteRequest") {
            return Err(Problem::unsupported(
                "the content type is not supported; use `application/x-protobuf` with remote write 1.0 (`prometheus.WriteRequest`)",
            ));
        }
    }
    match text(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case("snappy") => Ok(()),
        Some(_) => Err(Problem::unsupported(
            "the content encoding is not supported; remote write uses `snappy`",
        )),
    }
}

fn into_raw(request: WriteRequest) -> RawBatch {
    let series = request.timeseries.into_iter().map(|series| RawSeries {
        labels: series
            .labels
            .into_iter()
            .map(|label| (label.name.into(), label.value.into()))
            .collect(),
        samples: series
            .samples
            .into_iter()
            .map(|sample| Sample { at_ms: sample.timestamp, value: sample.value })
            .collect(),
        native_histograms: series.histograms.len() as u64,
        exemplars: series.exemplars.len() as u64,
    });
    let metadata = request.metadata.into_iter().map(|metadata| Metadata {
        family: metadata.family.into(),
        kind: match metadata.kind {
            1 => MetricKind::Counter,
            2 => MetricKind::Gauge,
            3 => MetricKind::Histogram,
            5 => MetricKind::Summary,
            _ => MetricKind::Unknown,
        },
        help: metadata.help.into(),
        unit: metadata.unit.into(),
    });
    RawBatch { series: series.collect(), metadata: metadata.collect(), ..RawBatch::default() }
}
