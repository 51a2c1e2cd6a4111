//! Errors as HTTP: `application/problem+json` (RFC 9457), or gRPC's status for whoever speaks gRPC.
//!
//! **Invariant:** this is the one place where an error becomes a status code.

pub(crate) mod shown;

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{body::BodyError, sink::Refusal};

/// An error for the one who asked. An answer made of one has it in its extensions too, for the page that `shown` makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// A stable word, such as `body-too-large`; becomes the type `urn:evenkeel:problem:body-too-large`.
    pub kind: &'static str,
    /// The same for every problem of this kind.
    pub title: &'static str,
    /// This case: what failed, which, what is allowed.
    pub detail: String,
    /// The setting that allows more.
    pub setting: Option<&'static str>,
    /// When it is worth to try again.
    pub retry_after: Option<Duration>,
}

impl Problem {
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, kind, title, detail: detail.into(), setting: None, retry_after: None }
    }

    #[must_use]
    pub fn setting(mut self, setting: &'static str) -> Self {
        self.setting = Some(setting);
        self
    }

    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// 400: what was sent is not what it says it is.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// 415.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        let title = "The content type or encoding is not supported";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", title, detail)
    }

    /// 500: our fault; the cause is in the log.
    pub fn internal() -> Self {
        let detail = "an error of ours; the server's log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed inside", detail)
    }

    /// The same as gRPC's code (the gRPC specification's mapping of HTTP statuses, and OTLP's of what to retry).
    pub fn grpc_code(&self) -> tonic::Code {
        match self.status {
            StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                tonic::Code::InvalidArgument
            }
            // OTLP retries `resource exhausted` only with retry info, which these do not carry.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                tonic::Code::ResourceExhausted
            }
            StatusCode::UNAUTHORIZED => tonic::Code::Unauthenticated,
            StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => {
                tonic::Code::PermissionDenied
            }
            StatusCode::NOT_FOUND => tonic::Code::Unimplemented,
            StatusCode::REQUEST_TIMEOUT => tonic::Code::DeadlineExceeded,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::INSUFFICIENT_STORAGE => tonic::Code::Unavailable,
            _ => tonic::Code::Internal,
        }
    }

    /// For gRPC a trailers-only answer, else problem+json.
    pub fn into_response_for(self, request: &HeaderMap) -> Response {
        if is_grpc(request) {
            crate::wire::rpc_status::grpc(&self).into_http::<Body>()
        } else {
            self.into_response()
        }
    }
}

/// Whether the request speaks gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Sets `Retry-After`, in whole seconds, at least one.
pub(crate) fn set_retry_after(headers: &mut HeaderMap, after: Duration) {
    headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:evenkeel:problem:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(setting) = self.setting {
            body["setting"] = setting.into();
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            set_retry_after(headers, after);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"evenkeel\""),
            );
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let detail = error.to_string();
        let new = |status, kind, title| Self::new(status, kind, title, detail.clone());
        match error {
            BodyError::TooLarge { .. } | BodyError::Dense { .. } => {
                new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
                    .setting("limits.max_body_bytes")
            }
            BodyError::Ratio { .. } => new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "inflates-too-much",
                "The body inflates too much",
            )
            .setting("limits.max_inflation_ratio"),
            BodyError::Encoding { .. } => Self::unsupported(detail),
            BodyError::Corrupt { .. } | BodyError::Aborted => Self::malformed(detail),
            BodyError::TooSlow { .. } => {
                new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body came too slowly")
                    .setting("server.min_body_rate")
            }
            BodyError::Busy => {
                new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many bodies at once")
                    .setting("server.max_buffered_bytes")
                    .retry_after(Duration::from_secs(1))
            }
            BodyError::Failed => Self::internal(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let new = |status, kind, title| Self::new(status, kind, title, detail.clone());
        match refusal {
            Refusal::QueueFull { retry_after } => {
                new(StatusCode::TOO_MANY_REQUESTS, "queue-full", "Too much telemetry at once")
                    .retry_after(retry_after)
            }
            Refusal::DiskFull => {
                new(StatusCode::SERVICE_UNAVAILABLE, "disk-full", "The disk is full")
                    .retry_after(Duration::from_secs(30))
            }
            Refusal::Storage(_) => {
                new(StatusCode::SERVICE_UNAVAILABLE, "storage", "Telemetry cannot be stored")
                    .retry_after(Duration::from_secs(5))
            }
            Refusal::ShuttingDown => {
                new(StatusCode::SERVICE_UNAVAILABLE, "shutting-down", "The server is shutting down")
                    .retry_after(Duration::from_secs(5))
            }
        }
    }
}
