//! OTLP over HTTP: `POST /v1/traces`, `/v1/metrics`, `/v1/logs` in protobuf or JSON (OTLP specification 1.10).

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, HeaderValue, header};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use serde_json::json;

use crate::{
    Problem,
    intake::{Intake, Protocol},
    wire::{
        otlp::{Export, Partial},
        rpc_status, weigh,
    },
};

/// Where telemetry is sent to.
pub(crate) const PATHS: [&str; 3] = ["/v1/traces", "/v1/metrics", "/v1/logs"];

/// How the request, and so the answer, is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Protobuf,
    Json,
}

impl Format {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    /// JSON, which a person can read, where the request says something unknown.
    pub(crate) fn of_answer(headers: &HeaderMap) -> Self {
        Self::of(headers).unwrap_or(Self::Json)
    }

    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Protobuf => HeaderValue::from_static("application/x-protobuf"),
            Self::Json => HeaderValue::from_static("application/json"),
        }
    }
}

/// The three routes.
pub(crate) fn router(intake: Intake) -> Router {
    Router::new()
        .route(PATHS[0], post(export::<ExportTraceServiceRequest>))
        .route(PATHS[1], post(export::<ExportMetricsServiceRequest>))
        .route(PATHS[2], post(export::<ExportLogsServiceRequest>))
        .with_state(intake)
}

async fn export<E: Export>(State(intake): State<Intake>, request: Request) -> Response {
    let Some(format) = Format::of(request.headers()) else {
        let problem = Problem::unsupported(
            "the content type is not supported; use `application/x-protobuf` or `application/json`",
        );
        intake.failed(Protocol::OtlpHttp, &problem);
        return problem.into_response();
    };
    match take::<E>(&intake, format, request).await {
        Ok(partial) => answer::<E>(format, partial),
        Err(problem) => {
            intake.failed(Protocol::OtlpHttp, &problem);
            problem.into_response()
        }
    }
}

async fn take<E: Export>(
    intake: &Intake,
    format: Format,
    request: Request,
) -> Result<Option<Partial>, Problem> {
    let (parts, body) = request.into_parts();
    let (bytes, turn) = intake.reader.read(&parts.headers, body).await?;
    let bytes_max = intake.reader.limits().bytes_max;
    let decode = move || {
        match format {
            Format::Protobuf => weigh::protobuf(&bytes, E::SHAPE, bytes_max)?,
            Format::Json => weigh::json(&bytes, bytes_max)?,
        }
        let request = match format {
            Format::Protobuf => E::decode(&*bytes).map_err(|error| {
                Problem::malformed(format!("the body is not this protobuf message: {error}"))
            })?,
            Format::Json => E::from_json(&bytes).map_err(|error| {
                Problem::malformed(format!("the body is not this message's JSON: {error}"))
            })?,
        };
        drop(bytes);
        Ok(request.into_raw())
    };
    let refused = intake.take(Protocol::OtlpHttp, turn, decode).await?;
    Ok(Partial::of(&refused))
}

fn answer<E: Export>(format: Format, partial: Option<Partial>) -> Response {
    let body = match format {
        Format::Protobuf => E::answer(partial).encode_to_vec(),
        Format::Json => {
            // Protobuf's JSON writes 64-bit integers as strings.
            let body = partial.map_or_else(|| json!({}), |partial| {
                json!({ "partialSuccess": { E::REJECTED: partial.rejected.to_string(), "errorMessage": partial.message } })
            });
            body.to_string().into_bytes()
        }
    };
    ([(header::CONTENT_TYPE, format.content_type())], body).into_response()
}

/// OTLP wants a `google.rpc.Status` in the request's own encoding, from the guard as well; the content type and the body.
pub(crate) fn status(format: Format, problem: &Problem) -> (HeaderValue, Vec<u8>) {
    let body = match format {
        Format::Protobuf => rpc_status::of(problem).encode_to_vec(),
        Format::Json => rpc_status::json(problem).to_string().into_bytes(),
    };
    (format.content_type(), body)
}
