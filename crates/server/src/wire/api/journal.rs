//! The journal, its verification, the stream of its facts, and the test page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::Actor;

/// `GET /evenkeel/v1/journal?after&kind&subject&limit`, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FactList {
    pub items: Vec<Fact>,
    /// Ask on with `after` set to this; absent at the end.
    pub next_after: Option<u64>,
}

/// One fact of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    pub seq: u64,
    /// A ULID.
    pub id: String,
    /// Such as `incident.opened`.
    pub kind: String,
    /// Version of the payload's schema.
    pub schema: u32,
    /// RFC 3339: when it happened.
    pub occurred_at: String,
    /// RFC 3339: when the journal took it.
    pub recorded_at: String,
    pub actor: Actor,
    /// Number of the fact that caused it.
    pub cause: Option<u64>,
    /// What it is about, such as `inc_…` or `service/checkout`.
    pub subject: String,
    /// Any JSON value; null after it was erased.
    pub payload: serde_json::Value,
    /// SHA-256, hexadecimal.
    pub payload_hash: String,
}

/// `GET /evenkeel/v1/journal/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalVerification {
    pub ok: bool,
    /// Facts that were read.
    pub checked: u64,
    pub last_seq: u64,
    /// Hash of the last fact, hexadecimal.
    pub last_hash: String,
    /// Empty when it is whole.
    pub problems: Vec<JournalProblem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalProblem {
    pub seq: u64,
    /// `changed`, `missing`, `reordered` or `tail-cut`.
    pub kind: String,
    /// One sentence.
    pub message: String,
}

/// `POST /evenkeel/v1/journal/accept-break`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBreakRequest {
    /// The number that the banner names, so that no other break is accepted.
    pub seq: u64,
    pub reason: String,
}

/// Data of one event of `GET /evenkeel/v1/events`; the event's `id:` is `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamEvent {
    pub seq: u64,
    /// Such as `incident.opened`.
    pub kind: String,
    /// What it is about, such as `inc_…` or `service/checkout`.
    pub subject: String,
    /// RFC 3339.
    pub at: String,
}

/// `POST /evenkeel/v1/notifications/test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestNotificationRequest {
    /// A receiver that `routing.yaml` declares.
    pub receiver: String,
}

/// What was queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestNotificationAnswer {
    /// `ntf_…`, one for each channel of the receiver.
    pub notifications: Vec<String>,
    pub seq: u64,
}
