//! Rate, errors and duration of requests.

use app::catalog::Requests;

use super::{number, ratio};
use crate::wire::api as dto;

/// Absent when there were none.
pub(in crate::api) fn requests(requests: &Requests) -> Option<dto::Requests> {
    let error_ratio = ratio(requests.failed, requests.total)?;
    Some(dto::Requests {
        per_second: number(requests.total) / requests.over.as_secs_f64().max(1.0),
        error_ratio,
        p50_seconds: requests.latency_secs(0.5),
        p95_seconds: requests.latency_secs(0.95),
    })
}
