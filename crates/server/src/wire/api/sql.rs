//! Read-only SQL over spans and log records.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /evenkeel/v1/sql`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    /// One `SELECT` over `spans` and `logs`, at most 64 KiB. Names are taken as they are written.
    pub query: String,
    /// Only files that may have rows from then on are read (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Only files that may have rows up to then are read (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// How many rows at most, up to 10,000 [default: 1000].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SqlRows {
    pub columns: Vec<SqlColumn>,
    /// A value for each column. Times are RFC 3339; `NaN` and the infinities are text.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub rows: Vec<Vec<serde_json::Value>>,
    /// There are more rows than `limit`.
    pub cut: bool,
    pub scanned_bytes: u64,
    /// What damage on the disk keeps from being seen, in words; empty when nothing does.
    pub damaged: Vec<String>,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SqlColumn {
    pub name: String,
    /// As Apache Arrow names it.
    #[serde(rename = "type")]
    pub kind: String,
}
