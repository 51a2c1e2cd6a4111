//! A stream of spans through the map and the series.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use catalog::{Catalog, Histograms, SpanMetrics};
use model::{Batch, Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value};

const SERVICES: u64 = 50;
const BATCHES: u64 = 200;
const BATCH: u64 = 500;

/// Calls of each service to the next, and to a database; a span every 100 µs.
fn batch(number: u64) -> Batch {
    let resources: Vec<Arc<Resource>> = (0..SERVICES)
        .map(|service| {
            Arc::new(Resource {
                service: format!("service-{service}").into(),
                environment: "prod".into(),
                version: "1".into(),
                ..Resource::default()
            })
        })
        .collect();
    let start = Timestamp::from_secs(1_000_000);
    let span = |call: u64| {
        let (service, part) = (call / 3 % SERVICES, call % 3);
        let at = start + Duration::from_micros(100 * call);
        let id = |part: u64| SpanId((3 * (call / 3) + part + 1).to_be_bytes());
        let attributes = match part {
            0 => vec![("server.address".into(), Value::string("next"))],
            1 => Vec::new(),
            _ => vec![("db.system.name".into(), Value::string("postgresql"))],
        };
        let place = if part == 1 { (service + 1) % SERVICES } else { service };
        Span {
            trace_id: TraceId(u128::from(call / 3).to_be_bytes()),
            span_id: id(part),
            parent: (part == 1).then(|| id(0)),
            resource: Arc::clone(&resources[usize::try_from(place).unwrap()]),
            name: format!("operation {}", call / 3 % 20).into(),
            kind: if part == 1 { SpanKind::Server } else { SpanKind::Client },
            start: at,
            end: at + Duration::from_micros(500 + call * 37 % 100_000),
            status: SpanStatus::Unset,
            status_message: "".into(),
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            ..Span::default()
        }
    };
    let spans: Vec<Span> = (number * BATCH..(number + 1) * BATCH).map(span).collect();
    let received_at = spans[spans.len() - 1].start + Duration::from_secs(1);
    Batch { received_at, spans, ..Batch::default() }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_stream_of_spans_is_counted() {
    let batches: Vec<Batch> = (0..BATCHES).map(batch).collect();
    let spans = BATCHES * BATCH;
    let (mut catalog, mut metrics) = (Catalog::default(), SpanMetrics::new(Histograms::Both));
    let began = Instant::now();
    batches.iter().for_each(|batch| catalog.observe(batch));
    let observed = began.elapsed();
    batches.iter().for_each(|batch| metrics.observe(&batch.spans, batch.received_at));
    let counted = began.elapsed() - observed;
    let now = batches.last().unwrap().received_at;
    let flushed = metrics.flush(now);
    let out = began.elapsed() - observed - counted;
    let view = catalog.map_window(now - Duration::from_secs(60), now);
    let asked = began.elapsed() - observed - counted - out;
    println!(
        "{spans} spans: catalogue and map {observed:?}, series {counted:?}; flush of {} series {out:?}, \
         map of {} edges {asked:?}",
        flushed.series.len(),
        view.edges.len()
    );
    let calls: u64 = view.edges.iter().map(|edge| edge.requests.total).sum();
    assert_eq!(calls, spans / 3 * 2, "a call and a query of each three");
    assert!(began.elapsed() < Duration::from_secs(60));
}
