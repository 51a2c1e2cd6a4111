//! The fixtures of Jaeger's user interface, as traces.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use model::{Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp};
use serde_json::Value;
use traces::{Profile, Trace};

const FOLDER: &str = "traces-jaeger-ui/packages/jaeger-ui/src/utils/fixtures";

#[expect(clippy::disallowed_methods, reason = "where the data is differs from machine to machine")]
fn folder() -> Option<PathBuf> {
    let data = std::env::var("EVENKEEL_CONFORMANCE_DATA").ok().map(PathBuf::from)?;
    Some(data.join(FOLDER)).filter(|folder| folder.is_dir())
}

fn of_jaeger(trace: &Value) -> Vec<Span> {
    let span = |span: &Value| {
        let process = &trace["processes"][span["processID"].as_str().unwrap()];
        let tag = |key: &str| {
            span["tags"]
                .as_array()
                .unwrap()
                .iter()
                .find(|tag| tag["key"] == key)
                .map(|tag| &tag["value"])
        };
        let parent =
            span["references"].as_array().unwrap().iter().find(|one| one["refType"] == "CHILD_OF");
        let start = span["startTime"].as_i64().unwrap() * 1000;
        let kind = match tag("span.kind").and_then(Value::as_str) {
            Some("server") => SpanKind::Server,
            Some("client") => SpanKind::Client,
            _ => SpanKind::Internal,
        };
        made(
            (&span["traceID"], &span["spanID"], parent.map(|parent| &parent["spanID"])),
            (process["serviceName"].as_str().unwrap(), span["operationName"].as_str().unwrap()),
            kind,
            (start, start + span["duration"].as_i64().unwrap() * 1000),
        )
    };
    trace["spans"].as_array().unwrap().iter().map(span).collect()
}

fn of_otlp(file: &Value) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in file["resourceSpans"].as_array().unwrap() {
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        let service = attributes.iter().find(|one| one["key"] == "service.name");
        let service = service.map_or("", |one| one["value"]["stringValue"].as_str().unwrap());
        for span in resource["scopeSpans"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|scope| scope["spans"].as_array().unwrap())
        {
            let nanos = |key: &str| match &span[key] {
                Value::String(text) => text.parse::<i64>().unwrap(),
                other => other.as_i64().unwrap(),
            };
            let kind = match span["kind"].as_i64().unwrap_or(0) {
                2 => SpanKind::Server,
                3 => SpanKind::Client,
                _ => SpanKind::Internal,
            };
            let parent = Some(&span["parentSpanId"])
                .filter(|id| id.as_str().is_some_and(|id| !id.is_empty()));
            spans.push(made(
                (&span["traceId"], &span["spanId"], parent),
                (service, span["name"].as_str().unwrap()),
                kind,
                (nanos("startTimeUnixNano"), nanos("endTimeUnixNano")),
            ));
        }
    }
    spans
}

fn made(
    (trace, own, parent): (&Value, &Value, Option<&Value>),
    (service, name): (&str, &str),
    kind: SpanKind,
    (start, end): (i64, i64),
) -> Span {
    let id = |id: &Value| id.as_str().unwrap().parse::<SpanId>().unwrap();
    Span {
        trace_id: trace.as_str().unwrap().parse().unwrap(),
        span_id: id(own),
        parent: parent.map(id),
        resource: Arc::new(Resource { service: service.into(), ..Resource::default() }),
        name: name.into(),
        kind,
        start: Timestamp::from_nanos(start),
        end: Timestamp::from_nanos(end),
        status: SpanStatus::Unset,
        status_message: "".into(),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        ..Span::default()
    }
}

#[test]
fn jaegers_fixtures_are_traces() {
    let Some(folder) = folder() else {
        println!(
            "conformance traces-jaeger-ui: 0 ran, 5 skipped: EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let mut shown = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut by_trace: BTreeMap<_, Vec<Span>> = BTreeMap::new();
        let spans: Vec<Span> = match file["data"].as_array() {
            Some(traces) => traces.iter().flat_map(of_jaeger).collect(),
            None => of_otlp(&file),
        };
        for span in spans {
            by_trace.entry(span.trace_id).or_default().push(span);
        }
        let mut profile = Profile::default();
        let mut told = Vec::new();
        for spans in by_trace.into_values() {
            let count = spans.len();
            let trace = Trace::new(spans);
            profile.add(&trace);
            let path = trace.critical_path();
            assert_eq!(path.duration(), trace.spans()[0].duration(), "{path:?}");
            let anomalies: Vec<_> = trace.anomalies().iter().map(ToString::to_string).collect();
            told.push((count, trace.len(), trace.roots().count(), anomalies.len()));
        }
        assert!(profile.traces() > 0);
        shown.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), told);
    }
    println!("conformance traces-jaeger-ui: {} ran, 0 skipped: {shown:?}", shown.len());
    assert_eq!(shown.len(), 5);
}
