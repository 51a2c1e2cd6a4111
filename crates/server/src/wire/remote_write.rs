//! Prometheus remote write 1.0 and 2.0: `POST /api/v1/write`, snappy-compressed protobuf.
//!
//! What is valid is stored even when something else in the request is not; then the answer is 400 with the reasons, so that the
//! sender does not send it again for ever (the specifications' "partial write"). Version 2 is told how much was written.

mod labels;
mod read;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use exposition::remote_write::Version;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    Problem,
    body::Encoding,
    intake::{Intake, Protocol, Written},
    wire::otlp::Partial,
};

pub(crate) use read::read;

/// How much of each kind was stored; version 2's senders compare it with what they sent.
const SAMPLES_HEADER: &str = "x-prometheus-remote-write-samples-written";
const HISTOGRAMS_HEADER: &str = "x-prometheus-remote-write-histograms-written";
const EXEMPLARS_HEADER: &str = "x-prometheus-remote-write-exemplars-written";

/// The route.
pub(crate) fn router(intake: Intake) -> Router {
    Router::new().route("/api/v1/write", post(write)).with_state(intake)
}

async fn write(State(intake): State<Intake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let version = match check_headers(&parts.headers) {
        Ok(version) => version,
        Err(problem) => {
            intake.failed(Protocol::RemoteWrite, &problem);
            return problem.into_response();
        }
    };
    let (mut response, written) = match take(&intake, &parts.headers, version, body).await {
        Ok((written, None)) => (StatusCode::NO_CONTENT.into_response(), written),
        Ok((written, Some(partial))) => {
            let detail = format!(
                "{} samples were refused, the rest was stored: {}",
                partial.rejected, partial.message
            );
            let title = "Some samples were refused";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "samples-refused", title, detail);
            (problem.into_response(), written)
        }
        Err(problem) => {
            intake.failed(Protocol::RemoteWrite, &problem);
            (problem.into_response(), Written::default())
        }
    };
    if version == Some(Version::V2) {
        let headers = response.headers_mut();
        headers.insert(SAMPLES_HEADER, HeaderValue::from(written.samples));
        headers.insert(HISTOGRAMS_HEADER, HeaderValue::from(written.histograms));
        headers.insert(EXEMPLARS_HEADER, HeaderValue::from(written.exemplars));
    }
    response
}

async fn take(
    intake: &Intake,
    headers: &HeaderMap,
    version: Option<Version>,
    body: axum::body::Body,
) -> Result<(Written, Option<Partial>), Problem> {
    let raw = intake.reader.receive(headers, body).await?;
    let (bytes, turn) = intake.reader.inflate(raw, Encoding::Snappy).await?;
    let bytes_max = intake.reader.limits().bytes_max;
    let hasher = intake.key_hasher();
    let decode = move || read(bytes, version, &hasher, bytes_max);
    let (written, refused) = intake.take_keyed(Protocol::RemoteWrite, turn, decode).await?;
    Ok((written, Partial::of(&refused)))
}

/// Without a `Content-Type`, as old senders have it, the version is `None`: 1, unless the message is plainly of version 2.
fn check_headers(headers: &HeaderMap) -> Result<Option<Version>, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let version = match text(header::CONTENT_TYPE).map(Version::of_content_type) {
        None => None,
        Some(Ok(version)) => Some(version),
        Some(Err(error)) => return Err(Problem::unsupported(error.to_string())),
    };
    match text(header::CONTENT_ENCODING) {
        None => Ok(version),
        Some(encoding) if encoding.eq_ignore_ascii_case("snappy") => Ok(version),
        Some(encoding) => Err(Problem::unsupported(format!(
            "{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
        ))),
    }
}
