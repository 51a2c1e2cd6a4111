//! A fact of the journal as it is.

use app::journal::Record;

use super::{actor, deploy::hex, time};
use crate::wire::api as dto;

/// `cause` is the number of the fact that led to it.
pub(in crate::api) fn fact(record: &Record, cause: Option<u64>) -> dto::Fact {
    let payload = record.payload.as_deref();
    dto::Fact {
        seq: record.seq,
        id: record.id.to_string(),
        kind: record.kind.to_string(),
        schema: u32::from(record.schema),
        occurred_at: time(record.occurred_at),
        recorded_at: time(record.recorded_at),
        actor: actor(&record.actor),
        cause,
        subject: record.subject.to_string(),
        payload: payload.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default(),
        payload_hash: hex(&record.payload_hash),
    }
}

pub(in crate::api) fn event(record: &Record) -> dto::StreamEvent {
    dto::StreamEvent {
        seq: record.seq,
        kind: record.kind.to_string(),
        subject: record.subject.to_string(),
        at: time(record.occurred_at),
    }
}
