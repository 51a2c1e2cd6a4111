//! Limits seen from outside: what is cut says how long it was, at a character, and is counted.

use ingest::{
    DeltaState, Ingested, RawBatch, RawLog, RawResource, RawSpan, Redactor, Translation, limit,
};
use model::{Attributes, Limits, SpanId, Timestamp, TraceId, Value, span::SpanEvent};

fn run(resource: RawResource) -> Ingested {
    let raw = RawBatch { resources: vec![resource], ..RawBatch::default() };
    let (limits, redactor) = (Limits::default(), Redactor::new());
    ingest::ingest(
        raw,
        &limits,
        &redactor,
        &Translation::default(),
        &mut DeltaState::default(),
        Timestamp::from_secs(1000),
    )
}

fn log(body: Value, attributes: Attributes) -> RawResource {
    let log = RawLog { body, attributes, ..RawLog::default() };
    RawResource { logs: vec![log], ..RawResource::default() }
}

#[test]
fn a_megabyte_of_log_is_cut_with_a_mark() {
    let ingested = run(log(Value::string("ü".repeat(512 << 10)), vec![]));
    let body = ingested.batch.logs[0].body.as_str().unwrap();
    assert!(body.len() <= 256 << 10 && body.len() > (256 << 10) - 8);
    assert!(body.ends_with("ü…[truncated from 1048576 bytes]"));
    assert_eq!(ingested.trimmed.get("logs_truncated"), Some(&1));
}

#[test]
fn a_secret_that_a_limit_would_cut_is_hidden_first() {
    let text = format!("{} password=hunter2-hunter2-hunter2", "x".repeat((16 << 10) - 20));
    let ingested = run(log(Value::Empty, vec![("note".into(), Value::string(text))]));
    let kept = ingested.batch.logs[0].attributes[0].1.to_string();
    assert!(!kept.contains("hunter2") && kept.contains("…[truncated from "), "{kept}");
}

#[test]
fn a_span_with_too_much_of_everything_stays_within_its_size() {
    let value = || Value::string("v".repeat(20 << 10));
    let attributes = |count| -> Attributes {
        (0..count).map(|at| (format!("key.{at}").into(), value())).collect()
    };
    let event =
        || SpanEvent { name: "e".into(), attributes: attributes(2), ..SpanEvent::default() };
    let span = RawSpan {
        trace_id: Some(TraceId([1; 16])),
        span_id: Some(SpanId([1; 8])),
        start: Timestamp::from_secs(1),
        attributes: attributes(40),
        events: (0..200).map(|_| event()).collect(),
        ..RawSpan::default()
    };
    let ingested = run(RawResource { spans: vec![span], ..RawResource::default() });
    let span = &ingested.batch.spans[0];
    let size = |attributes: &Attributes| -> usize {
        attributes.iter().map(|(key, value)| key.len() + value.to_string().len()).sum()
    };
    let total = size(&span.attributes)
        + span.events.iter().map(|event| size(&event.attributes)).sum::<usize>();
    assert!(total <= limit::RECORD_BYTES_MAX, "{total}");
    assert_eq!(span.events.len(), 128, "events are listed, though what is in them had no room");
    let kept = span.attributes.len()
        + span.events.iter().map(|event| event.attributes.len()).sum::<usize>();
    let dropped = ingested.trimmed["attributes_dropped"];
    assert_eq!(dropped, u64::try_from(40 + 128 * 2 - kept).unwrap());
    assert!(ingested.trimmed["events_dropped"] == 72 && ingested.trimmed["values_truncated"] > 0);
}

#[test]
fn what_is_deeper_than_redaction_looks_is_not_kept() {
    let deep = (0..100).fold(Value::string("password=hunter2-hunter2"), |inner, at| match at % 2 {
        0 => Value::Array(vec![inner]),
        _ => Value::Map(vec![("n".into(), inner)]),
    });
    let ingested = run(log(deep.clone(), vec![("deep".into(), deep)]));
    let log = &ingested.batch.logs[0];
    for value in [&log.body, &log.attributes[0].1] {
        assert!(
            !format!("{value:?}").contains("hunter2") && format!("{value:?}").contains(limit::DEEP)
        );
    }
    assert_eq!(ingested.trimmed.get("values_too_deep"), Some(&2));
}
