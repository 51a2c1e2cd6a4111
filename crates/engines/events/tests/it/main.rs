//! The store of spans and logs against a plain list, and on a disk that forgets and rots.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod crash;
mod retention;
mod rot;
mod search;
mod sql;

use std::sync::Arc;

use events::{Events, Options, Position, Recovery};
use model::{LogRecord, Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value};
use wal::{SimDisk, SyncPolicy};

/// A number that the environment gives, such as how many rounds are to be run.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is said outside of it")]
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

pub(crate) fn secs(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(crate) fn options() -> Options {
    Options { segment_bytes: 4096, sync: SyncPolicy::Never, free_bytes_min: 0, ..Options::new("e") }
}

pub(crate) fn open(disk: &SimDisk, options: Options) -> (Events, Recovery) {
    Events::open(options, Arc::new(disk.clone()), secs(0)).unwrap()
}

pub(crate) fn resource(service: &str) -> Arc<Resource> {
    Arc::new(Resource {
        service: service.into(),
        version: "1.9.0".into(),
        environment: "prod".into(),
        ..Resource::default()
    })
}

pub(crate) fn span(service: &str, number: u64, end: Timestamp) -> Span {
    let mut trace = [0; 16];
    trace[..8].copy_from_slice(&(number / 3).to_le_bytes());
    Span {
        trace_id: TraceId(trace),
        span_id: SpanId(number.to_le_bytes()),
        resource: resource(service),
        name: format!("op {}", number % 5).into(),
        kind: if number.is_multiple_of(2) { SpanKind::Server } else { SpanKind::Client },
        start: end - std::time::Duration::from_millis(number % 100),
        end,
        status: if number.is_multiple_of(7) { SpanStatus::Error } else { SpanStatus::Unset },
        attributes: vec![("http.route".into(), Value::string("/checkout"))],
        ..Span::default()
    }
}

pub(crate) fn log(service: &str, number: u64, at: Timestamp) -> LogRecord {
    let mut trace = [0; 16];
    trace[..8].copy_from_slice(&(number / 3).to_le_bytes());
    LogRecord {
        resource: resource(service),
        at,
        severity: u8::try_from(number % 24).unwrap(),
        severity_text: "".into(),
        body: Value::String(format!("line {number}").into()),
        trace_id: Some(TraceId(trace)),
        ..LogRecord::default()
    }
}

/// All that is in the store after a position.
pub(crate) fn contents(
    store: &Events,
    from: Position,
) -> Vec<(Timestamp, Vec<Span>, Vec<LogRecord>)> {
    let mut contents = Vec::new();
    store.replay(from, |at, spans, logs| contents.push((at, spans, logs))).unwrap();
    contents
}
