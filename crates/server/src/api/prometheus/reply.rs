//! Answers that say yes: what all of them are in, and how they leave.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::header;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use super::json::Out;

/// Values that are written at once, on the thread that has them.
const INLINE_MAX: usize = 2_000;
/// Values from which an answer leaves in pieces while it is written.
const STREAMED_MIN: usize = 500_000;
/// Bytes of one value, about.
const VALUE_BYTES_ABOUT: usize = 36;
/// Pieces that wait for the reader.
const PIECES_MAX: usize = 16;

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// What is said beside the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remarks {
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
}

impl Remarks {
    pub(super) fn warn(warnings: Vec<String>) -> Self {
        Self { warnings, infos: Vec::new() }
    }

    /// Prometheus' word for a list that `limit` has cut.
    pub(super) fn truncated(&mut self) {
        self.warnings.push("results truncated due to limit".to_owned());
    }
}

fn enveloped(out: &mut Out, remarks: &Remarks, write: impl FnOnce(&mut Out)) {
    out.raw("{\"status\":\"success\",\"data\":");
    write(out);
    out.remarks("warnings", &remarks.warnings);
    out.remarks("infos", &remarks.infos);
    out.raw("}");
}

/// A small answer.
pub(super) fn success(remarks: &Remarks, write: impl FnOnce(&mut Out)) -> Response {
    let mut out = Out::new();
    enveloped(&mut out, remarks, write);
    (JSON, out.into_bytes()).into_response()
}

/// An answer without data.
pub(super) fn nothing() -> Response {
    (JSON, "{\"status\":\"success\"}").into_response()
}

/// An answer of about `values` values: a large one is written on a thread for such work, a very large one in pieces.
pub(super) async fn large(
    values: usize,
    remarks: Remarks,
    write: impl FnOnce(&mut Out) + Send + 'static,
) -> Response {
    if values <= INLINE_MAX {
        return success(&remarks, write);
    }
    if values < STREAMED_MIN {
        let written = tokio::task::spawn_blocking(move || {
            let mut out = Out::with_capacity(values.saturating_mul(VALUE_BYTES_ABOUT));
            enveloped(&mut out, &remarks, write);
            out.into_bytes()
        });
        return match written.await {
            Ok(bytes) => (JSON, bytes).into_response(),
            Err(_) => crate::Problem::internal().into_response(),
        };
    }
    let (to, pieces) = mpsc::channel::<Bytes>(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let mut out = Out::streaming(to);
        enveloped(&mut out, &remarks, write);
        out.flush();
    });
    let pieces = ReceiverStream::new(pieces).map(Ok::<_, std::convert::Infallible>);
    (JSON, Body::from_stream(pieces)).into_response()
}
