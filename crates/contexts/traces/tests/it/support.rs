//! Spans out of small texts.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value};
use traces::Trace;

/// Milliseconds of the tests' own time; it begins where no time is zero.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + millis)
}

pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millis() - 1_000_000_000_000
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// `b2` is a span id.
pub(crate) fn id(name: &str) -> SpanId {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    SpanId(bytes)
}

pub(crate) fn name(id: SpanId) -> String {
    String::from_utf8(id.0.into_iter().take_while(|byte| *byte != 0).collect()).unwrap()
}

/// One span a line: `id parent service kind start end operation [!] [key=value …]`, times in milliseconds, `-` for no parent, `!`
/// for an error. `host=` names the host, `trace=` a digit for the trace.
pub(crate) fn spans(text: &str) -> Vec<Span> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(span).collect()
}

pub(crate) fn trace(text: &str) -> Trace {
    Trace::new(spans(text))
}

#[expect(clippy::panic, reason = "a test fails by a panic")]
fn span(line: &str) -> Span {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [own, parent, service, kind, start, end, operation, rest @ ..] = &words[..] else {
        panic!("`{line}` has too few words")
    };
    let mut values: BTreeMap<&str, &str> =
        rest.iter().filter_map(|word| word.split_once('=')).collect();
    let host = values.remove("host").unwrap_or_default();
    let trace = values.remove("trace").map_or(1, |digit| digit.parse().unwrap());
    let attributes = values.into_iter().map(|(key, value)| {
        (key.into(), value.parse().map_or_else(|_| Value::string(value), Value::Int))
    });
    Span {
        trace_id: TraceId([trace; 16]),
        span_id: id(own),
        parent: (*parent != "-").then(|| id(parent)),
        resource: Arc::new(Resource {
            service: (*service).into(),
            instance: host.into(),
            ..Resource::default()
        }),
        name: (*operation).into(),
        kind: match *kind {
            "server" => SpanKind::Server,
            "client" => SpanKind::Client,
            "producer" => SpanKind::Producer,
            "consumer" => SpanKind::Consumer,
            "internal" => SpanKind::Internal,
            _ => panic!("`{kind}` is no kind"),
        },
        start: at(start.parse().unwrap()),
        end: if *end == "never" { Timestamp::EPOCH } else { at(end.parse().unwrap()) },
        status: if rest.contains(&"!") { SpanStatus::Error } else { SpanStatus::Unset },
        status_message: "".into(),
        attributes: attributes.collect(),
        events: Vec::new(),
        links: Vec::new(),
        ..Span::default()
    }
}
