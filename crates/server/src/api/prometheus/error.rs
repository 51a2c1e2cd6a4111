//! What is wrong, as Prometheus says it.

use app::{promql::EvalError, query::QueryError, remote::AskError};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::json::Out;

/// Prometheus' kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Timeout,
    Canceled,
    Execution,
    BadData,
    Internal,
    Unavailable,
}

impl Kind {
    /// As `errorType` has it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Execution => "execution",
            Self::BadData => "bad_data",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            // The client has closed the connection, as nginx numbers it.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An answer that says no.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) warnings: Vec<String>,
}

impl Refused {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), warnings: Vec::new() }
    }
}

pub(super) fn bad_data(text: impl Into<String>) -> Refused {
    Refused::new(Kind::BadData, text)
}

/// A parameter that cannot be read.
pub(super) fn invalid(name: &str, why: impl std::fmt::Display) -> Refused {
    bad_data(format!("invalid parameter \"{name}\": {why}"))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut out = Out::new();
        out.raw("{\"status\":\"error\",\"errorType\":");
        out.string(self.kind.as_str());
        out.raw(",\"error\":");
        out.string(&self.text);
        out.remarks("warnings", &self.warnings);
        out.raw("}");
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (self.kind.status(), kind, out.into_bytes()).into_response()
    }
}

impl From<QueryError> for Refused {
    fn from(error: QueryError) -> Self {
        let kind = match &error {
            QueryError::Parse(_) | QueryError::Eval(EvalError::Points { .. }) => Kind::BadData,
            QueryError::Timeout { .. } => Kind::Timeout,
            QueryError::Cancelled => Kind::Canceled,
            QueryError::Store(_) | QueryError::Broken => Kind::Internal,
            QueryError::Eval(_) | QueryError::TooMany { .. } => Kind::Execution,
            QueryError::Remote(error) => of_remote(error),
        };
        Self::new(kind, error.to_string())
    }
}

fn of_remote(error: &AskError) -> Kind {
    match error {
        AskError::Refused { kind, .. } => match &**kind {
            "bad_data" => Kind::BadData,
            "timeout" => Kind::Timeout,
            "canceled" => Kind::Canceled,
            "internal" => Kind::Internal,
            "unavailable" => Kind::Unavailable,
            _ => Kind::Execution,
        },
        AskError::Timeout { .. } => Kind::Timeout,
        AskError::Cancelled => Kind::Canceled,
        AskError::Unreachable { .. } | AskError::Status { .. } => Kind::Unavailable,
        AskError::TooLong { .. } | AskError::Unreadable { .. } => Kind::Execution,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn kinds_have_prometheus_statuses() {
        let check = |error: QueryError, kind: &str, status: u16| {
            let refused = Refused::from(error);
            assert_eq!((refused.kind.as_str(), refused.kind.status().as_u16()), (kind, status));
        };
        check(QueryError::Timeout { timeout: Duration::from_secs(1) }, "timeout", 503);
        check(QueryError::Cancelled, "canceled", 499);
        check(EvalError::Timeout { max: Duration::from_secs(1) }.into(), "timeout", 503);
        check(EvalError::Cancelled.into(), "canceled", 499);
        check(EvalError::Source("x".into()).into(), "internal", 500);
        check(QueryError::Store("x".into()), "internal", 500);
        check(EvalError::Samples { max: 1 }.into(), "execution", 422);
        check(EvalError::Points { points: 2, max: 1 }.into(), "bad_data", 400);
        let remote = AskError::Unreachable { remote: "r".into(), text: "refused".into() };
        check(remote.into(), "unavailable", 503);
    }
}
