//! Services and calls out of small traces.

use std::sync::Arc;

use model::{Resource, Span, SpanId, TraceId, Value};

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

/// A span of `service`; `id` and `parent` are the last bytes of the span ids.
fn span(service: &str, kind: SpanKind, id: u8, parent: Option<u8>) -> Span {
    let resource = Resource {
        service: service.into(),
        version: "1.0".into(),
        environment: "prod".into(),
        instance: format!("{service}-1").into(),
        ..Resource::default()
    };
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([id; 8]),
        parent: parent.map(|parent| SpanId([parent; 8])),
        resource: Arc::new(resource),
        name: "GET /".into(),
        kind,
        start: at(0),
        end: at(0) + Duration::from_millis(20),
        status: SpanStatus::Unset,
        ..Span::default()
    }
}

fn observe(catalog: &mut Catalog, secs: i64, spans: Vec<Span>) {
    catalog.observe(&Batch { received_at: at(secs), spans, ..Batch::default() });
}

fn edges(catalog: &Catalog, secs: i64) -> Vec<String> {
    let shown = |edge: Edge| {
        let sign = if edge.external { "~>" } else { "->" };
        format!(
            "{} {sign} {} {}/{}",
            edge.caller, edge.callee, edge.requests.failed, edge.requests.total
        )
    };
    catalog.edges(at(secs), WINDOW).into_iter().map(shown).collect()
}

#[test]
fn joins_the_two_spans_of_a_call_in_either_order() {
    let client = || span("web", SpanKind::Client, 1, None);
    let mut failed = span("cart", SpanKind::Server, 2, Some(1));
    failed.status = SpanStatus::Error;
    for (first, second) in [(client(), failed.clone()), (failed, client())] {
        let mut catalog = Catalog::default();
        observe(&mut catalog, 0, vec![first]);
        observe(&mut catalog, 1, vec![second]);
        assert_eq!(edges(&catalog, 2), ["web -> cart 1/1"]);
    }
}

#[test]
fn a_peer_without_telemetry_is_external() {
    let mut catalog = Catalog::default();
    let mut client = span("payment", SpanKind::Client, 1, None);
    client.attributes.push(("server.address".into(), Value::string("provider")));
    observe(&mut catalog, 0, vec![client]);
    assert!(edges(&catalog, 1).is_empty(), "the server's span may still come");
    observe(&mut catalog, 61, vec![span("web", SpanKind::Internal, 9, None)]);
    assert_eq!(edges(&catalog, 62), ["payment ~> provider 0/1"]);
}

#[test]
fn edges_leave_after_the_window() {
    let mut catalog = Catalog::default();
    observe(
        &mut catalog,
        0,
        vec![span("web", SpanKind::Client, 1, None), span("cart", SpanKind::Server, 2, Some(1))],
    );
    assert_eq!(edges(&catalog, 500).len(), 1);
    assert!(edges(&catalog, 700).is_empty());
}

#[test]
fn counts_instances_by_version_and_latency() {
    let mut catalog = Catalog::default();
    observe(&mut catalog, 0, vec![span("cart", SpanKind::Server, 1, None)]);
    let cart = catalog.get("cart", "prod").unwrap();
    let versions = cart.versions(at(10));
    assert_eq!((versions.len(), versions[0].instances), (1, 1));
    let p50 = cart.requests(at(10), WINDOW).latency_secs(0.5).unwrap();
    assert!((0.01..0.03).contains(&p50), "{p50}");
    assert!(cart.versions(at(400)).is_empty(), "silent for five minutes");
    assert_eq!(catalog.last_seen("cart", None), Some(at(0)));
    assert_eq!(catalog.last_seen("cart", Some("dev")), None);
}

#[test]
fn an_instance_that_was_replaced_is_gone_soon() {
    let mut catalog = Catalog::default();
    for secs in 0..10 {
        observe(&mut catalog, secs, vec![span("cart", SpanKind::Internal, 1, None)]);
    }
    let running = |secs| catalog.get("cart", "prod").unwrap().versions(at(secs)).len();
    assert_eq!((running(20), running(30)), (1, 0), "it spoke every second");
}

#[test]
fn rates_are_over_the_time_that_was_observed() {
    let mut catalog = Catalog::default();
    for secs in 0..100 {
        observe(&mut catalog, secs, vec![span("cart", SpanKind::Server, 1, None)]);
    }
    let cart = catalog.get("cart", "prod").unwrap();
    let requests = cart.requests(at(100), WINDOW);
    assert_eq!((requests.total, requests.over), (100, Duration::from_secs(100)));
    let requests = cart.requests(at(100), Duration::from_secs(60));
    assert!(requests.total.abs_diff(requests.over.as_secs()) <= 1, "{requests:?}");
}

#[test]
fn dependencies_are_found_through_calls_and_declarations() {
    let mut catalog = Catalog::default();
    observe(
        &mut catalog,
        0,
        vec![span("web", SpanKind::Client, 1, None), span("cart", SpanKind::Server, 2, Some(1))],
    );
    let declared = [Entry {
        name: "cart".into(),
        depends_on: vec!["db".into(), "web".into()],
        ..Entry::default()
    }];
    let topology = catalog.topology(&declared, at(1));
    assert!(topology.calls("prod", "web", "cart"));
    assert!(!topology.calls("dev", "web", "cart"));
    let names = topology.dependencies("prod", "web");
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["cart", "db"]);
}

#[test]
fn the_first_word_of_a_service_outlasts_its_silence() {
    let mut catalog = Catalog::default();
    let known = First { by: Heard::Log, at: at(-9) };
    catalog.remember([(("cart".into(), "prod".into()), known)]);
    observe(&mut catalog, 0, vec![span("cart", SpanKind::Server, 1, None)]);
    observe(&mut catalog, 5, vec![span("web", SpanKind::Server, 2, None)]);
    observe(&mut catalog, 200_000, vec![span("web", SpanKind::Server, 3, None)]);
    assert!(catalog.get("cart", "prod").is_none(), "silent for more than a day");
    let first: Vec<_> = catalog.first().map(|((service, _), first)| (&**service, first)).collect();
    assert_eq!(first, [("cart", known), ("web", First { by: Heard::Span, at: at(5) })]);
}
