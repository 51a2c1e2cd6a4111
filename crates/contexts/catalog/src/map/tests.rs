//! Maps out of small traces, in any order.

use std::{sync::Arc, time::Duration};

use model::{
    Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value, span::SpanLink,
};
use proptest::prelude::*;

use super::*;
use crate::limits;

fn at(secs: i64) -> Timestamp {
    // A minute's start.
    Timestamp::from_secs(1_000_020 + secs)
}

fn id(name: &str) -> SpanId {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    SpanId(bytes)
}

/// `id parent service kind start-second millis [!] [key=value …]`; `link=` names a span.
fn span(line: &str) -> Span {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [own, parent, service, kind, start, millis, rest @ ..] = &words[..] else {
        panic!("`{line}` has too few words")
    };
    let pairs = || rest.iter().filter_map(|word| word.split_once('='));
    let start = at(start.parse().unwrap());
    Span {
        trace_id: TraceId([1; 16]),
        span_id: id(own),
        parent: (*parent != "-").then(|| id(parent)),
        resource: Arc::new(Resource {
            service: (*service).into(),
            environment: "prod".into(),
            ..Resource::default()
        }),
        name: "x".into(),
        kind: match *kind {
            "server" => SpanKind::Server,
            "client" => SpanKind::Client,
            "producer" => SpanKind::Producer,
            "consumer" => SpanKind::Consumer,
            _ => SpanKind::Internal,
        },
        start,
        end: start + Duration::from_millis(millis.parse().unwrap()),
        status: if rest.contains(&"!") { SpanStatus::Error } else { SpanStatus::Unset },
        status_message: "".into(),
        attributes: pairs()
            .filter(|(key, _)| *key != "link")
            .map(|(key, value)| (key.into(), Value::string(value)))
            .collect(),
        events: Vec::new(),
        links: pairs()
            .filter(|(key, _)| *key == "link")
            .map(|(_, name)| SpanLink {
                trace_id: TraceId([1; 16]),
                span_id: id(name),
                attributes: Vec::new(),
                ..SpanLink::default()
            })
            .collect(),
        ..Span::default()
    }
}

fn spans(text: &str) -> Vec<Span> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(span).collect()
}

/// The edges of a window, one a line, after every wait has ended.
fn shown(map: &ServiceMap, from: i64, to: i64) -> Vec<String> {
    let mut map = map.clone();
    map.sweep(at(3_600));
    let node = |node: &Node| match node.kind {
        NodeKind::Service => node.name.to_string(),
        kind => format!("{}:{}", kind.as_str(), node.name),
    };
    let edge = |edge: MapEdge| {
        let MapEdge { from, to, requests, unanswered, .. } = edge;
        let unanswered = if unanswered > 0 { format!(" ?{unanswered}") } else { String::new() };
        format!(
            "{} > {} {}/{}{unanswered}",
            node(&from),
            node(&to),
            requests.failed,
            requests.total
        )
    };
    map.window(at(from), at(to), |_, _| false).edges.into_iter().map(edge).collect()
}

fn check(text: &str, expected: &[&str]) {
    let mut map = ServiceMap::default();
    map.observe(&spans(text), at(10));
    assert_eq!(shown(&map, 0, 60), expected, "{text}");
    let mut backwards = ServiceMap::default();
    for span in spans(text).into_iter().rev() {
        backwards.observe(std::slice::from_ref(&span), at(10));
        // A span that comes again counts once.
        backwards.observe(&[span], at(11));
    }
    assert_eq!(shown(&backwards, 0, 60), expected, "backwards: {text}");
}

#[test]
fn a_call_is_joined_of_its_two_spans() {
    check(
        "a - web client 0 20
         b a cart server 0 10 !
         c - web client 0 20 !
         d c cart server 0 10",
        &["web > cart 2/2"],
    );
}

#[test]
fn a_call_that_nobody_answered_has_an_external_node_or_the_service_s() {
    check(
        "a - web client 0 20 server.address=api.bank.example server.port=443
         b - web client 0 20 rpc.service=Geo !
         c - web client 0 20
         d - web client 0 20 server.address=cart
         e - web client 0 20 peer.service=cart server.address=10.0.0.7
         f e cart server 0 10",
        &[
            "web > cart 0/2 ?1",
            "web > external:Geo 1/1 ?1",
            "web > external:api.bank.example 0/1 ?1",
        ],
    );
}

#[test]
fn a_service_that_calls_itself_is_no_edge() {
    check("a - web client 0 20 server.address=web\n b a web server 0 10", &[]);
}

#[test]
fn databases_are_told_by_the_client_alone() {
    check(
        "a - web client 0 20 db.system.name=postgresql db.namespace=orders server.address=db-1
         b - web client 0 20 db.system=redis !
         c - web client 0 20 db.system=mysql db.name=carts",
        &["web > database:carts 0/1", "web > database:db-1 0/1", "web > database:redis 1/1"],
    );
    let mut map = ServiceMap::default();
    map.observe(
        &[span(
            "a - web client 0 20 db.system.name=postgresql db.namespace=orders server.address=db-1",
        )],
        at(1),
    );
    let view = map.window(at(0), at(60), |_, _| false);
    let node = &view.edges[0].to;
    assert_eq!((&*node.system, &*node.namespace), ("postgresql", "orders"));
    assert_eq!(view.nodes.len(), 2);
}

#[test]
fn messages_go_through_their_queue() {
    check(
        "p - web producer 0 5 messaging.system=kafka messaging.destination.name=orders
         c p mail consumer 1 30 ! messaging.system=kafka messaging.destination.name=orders
         d - ship consumer 1 30 link=p messaging.system=kafka messaging.destination.name=orders",
        &["web > queue:orders 0/1", "queue:orders > mail 1/1", "queue:orders > ship 0/1"],
    );
}

#[test]
fn callers_by_name_are_never_queues_that_nobody_fills() {
    let taken = "c - mail consumer 1 30 messaging.destination.name=orders";
    let sent = "p - web producer 0 5 messaging.destination.name=orders";
    let mut map = ServiceMap::default();
    let named = |map: &ServiceMap| {
        let edges = map.edges(at(10), crate::WINDOW, |_, _| false);
        edges.into_iter().map(|edge| format!("{} {}", edge.caller, edge.callee)).collect::<Vec<_>>()
    };
    map.observe(&spans(taken), at(10));
    assert!(named(&map).is_empty());
    map.observe(&spans(sent), at(10));
    assert_eq!(named(&map), ["orders mail", "web orders"]);
}

#[test]
fn a_queue_that_one_end_names_is_known_to_the_other() {
    check(
        "p - web producer 0 5 messaging.destination.name=orders
         c - mail consumer 1 30 link=p
         q - shop producer 0 5
         d q mail consumer 1 30 messaging.destination.name=returns
         e q ship consumer 1 30
         r - bill producer 0 5
         f r mail consumer 1 30",
        &[
            "bill > mail 0/1",
            "shop > ship 0/1",
            "shop > queue:returns 0/1",
            "web > queue:orders 0/1",
            "queue:orders > mail 0/1",
            "queue:returns > mail 0/1",
        ],
    );
}

#[test]
fn clients_of_a_broker_send_and_take_too() {
    check(
        "p - web client 0 5 messaging.system=sqs messaging.destination.name=jobs messaging.operation.type=send
         q - web producer 0 5 messaging.system=sqs messaging.destination.name=jobs messaging.operation.type=create
         c - work client 1 30 messaging.system=sqs messaging.destination.name=jobs messaging.operation.type=receive
         s - work client 1 30 messaging.system=sqs messaging.destination.name=jobs messaging.operation.type=settle",
        &["web > queue:jobs 0/1", "queue:jobs > work 0/1"],
    );
}

#[test]
fn the_map_can_be_asked_as_of_any_window() {
    let mut map = ServiceMap::default();
    for minute in 0..10 {
        let (second, number) = (minute * 60, minute);
        for call in 0..=number {
            let text = format!(
                "c{minute}.{call} - web client {second} {} {}
                 s{minute}.{call} c{minute}.{call} cart server {second} 5",
                10 * (minute + 1),
                if call == 0 { "!" } else { "" },
            );
            map.observe(&spans(&text), at(second + 1));
        }
    }
    map.sweep(at(600));
    let ask = |from: i64, to: i64| map.window(at(from), at(to), |_, _| false);
    let edge = |from, to| ask(from, to).edges.first().cloned();
    assert_eq!(edge(0, 60).unwrap().requests.total, 1);
    assert_eq!(edge(121, 122).unwrap().requests.total, 3, "a window is widened to minutes");
    let all = edge(0, 600).unwrap().requests;
    assert_eq!((all.total, all.failed, all.over), (55, 10, Duration::from_secs(600)));
    assert!(
        (all.rate() - 55.0 / 600.0).abs() < 1e-9 && (all.error_ratio() - 10.0 / 55.0).abs() < 1e-9
    );
    let p99 = all.latency_secs(0.99).unwrap();
    assert!((p99 - 0.1).abs() < 0.1 * crate::RELATIVE_ERROR, "{p99}");
    assert_eq!((edge(600, 700), edge(-100, 0)), (None, None));
    assert_eq!(map.kept_since(), Some(at(0)));
    assert_eq!(ask(60, 30).edges.len(), 0, "a window the wrong way round is empty");
}

#[test]
fn minutes_are_kept_for_a_stated_time() {
    let mut map = ServiceMap::default();
    map.observe(&spans("a - web client 0 20 db.system=redis"), at(1));
    let end = i64::try_from(limits::RETENTION.as_secs()).unwrap();
    map.sweep(at(end));
    assert_eq!(map.kept_since(), Some(at(0)));
    map.sweep(at(end + 60));
    assert_eq!(map.kept_since(), None);
    map.observe(&spans("b - web client 0 20 db.system=redis"), at(end + 61));
    assert_eq!(map.counts().too_late, 1);
    let future = format!("c - web client {} 20 db.system=redis", end + 9_000);
    map.observe(&spans(&future), at(end + 62));
    assert_eq!(map.kept_since(), Some(at(end + 60)), "what comes from the future counts as now");
}

#[test]
fn edges_nodes_and_waiting_spans_are_bounded() {
    let mut map = ServiceMap::default();
    for number in 0..limits::NODES_MAX + 10 {
        map.observe(&spans(&format!("n{number} - web client 0 20 db.system=d{number}")), at(1));
    }
    assert_eq!(map.counts().too_many, 11, "the service is a node as well");
    let view = map.window(at(0), at(60), |_, _| false);
    assert_eq!((view.nodes.len(), view.edges.len()), (limits::NODES_MAX, limits::NODES_MAX - 1));
    let mut map = ServiceMap::default();
    let one = span("a - web client 0 20 server.address=api");
    for number in 0..limits::PENDING_MAX as u64 + 5 {
        map.observe(&[Span { span_id: SpanId(number.to_be_bytes()), ..one.clone() }], at(1));
    }
    assert_eq!(map.counts().cut_short, 5);
    assert_eq!(map.window(at(0), at(60), |_, _| false).edges[0].requests.total, 5);
}

#[test]
fn classes_of_latency_are_bounded_and_the_earliest_minutes_go() {
    // Each edge has as many classes in each minute as there are.
    let latency: Vec<(u16, u32)> = (0..976).map(|class| (class, 1)).collect();
    let minutes: Vec<MinuteSnapshot> = (0..180)
        .map(|minute| MinuteSnapshot {
            at: at(60 * minute),
            calls: 976,
            failed: 0,
            unanswered: 0,
            latency: latency.clone(),
        })
        .collect();
    let edge = |number: u32| EdgeSnapshot {
        environment: "".into(),
        from: Node::new(NodeKind::Service, "web"),
        to: Node::new(NodeKind::External, &format!("e{number}")),
        began: at(0),
        minutes: minutes.clone(),
    };
    let mut map = ServiceMap::default();
    for number in 0..120 {
        map.restore(MapSnapshot { now: at(180 * 60), edges: vec![edge(number)] });
    }
    assert!(map.counts().minutes_dropped > 0 && map.counts().too_late > 0, "{:?}", map.counts());
    let kept: usize = map.snapshot().edges.iter().map(|edge| edge.minutes.len()).sum();
    assert!(kept * (976 + 16) <= limits::MAP_CELLS_MAX + 992, "{kept}");
    assert!(map.kept_since() > Some(at(0)));
}

#[test]
fn a_snapshot_restores_the_map_and_rubbish_does_no_harm() {
    let mut map = ServiceMap::default();
    map.observe(
        &spans("a - web client 0 20\n b a cart server 0 10\n c - web client 61 20 db.system=redis"),
        at(62),
    );
    let snapshot = map.snapshot();
    let mut other = ServiceMap::default();
    other.restore(snapshot.clone());
    assert_eq!(other.snapshot(), snapshot);
    assert_eq!(shown(&other, 0, 120), shown(&map, 0, 120));
    let mut rubbish = snapshot;
    let minute = &mut rubbish.edges[0].minutes[0];
    (minute.failed, minute.unanswered, minute.at) = (9, 9, at(7));
    minute.latency = vec![(u16::MAX, 3), (5, 1), (2, 1)];
    let mut other = ServiceMap::default();
    other.restore(rubbish);
    assert_eq!(shown(&other, 0, 60), ["web > cart 1/1 ?1"]);
}

/// Spans of a few services, whose ids meet.
fn some_spans() -> impl Strategy<Value = Vec<Span>> {
    let kinds = prop_oneof![
        Just("client"),
        Just("server"),
        Just("client"),
        Just("server"),
        Just("producer"),
        Just("consumer"),
        Just("internal"),
    ];
    let more = prop_oneof![
        4 => Just(""), 1 => Just("!"), 1 => Just("server.address=s1"), 1 => Just("db.system=redis"),
        2 => Just("messaging.destination.name=q"), 1 => Just("messaging.system=kafka messaging.operation.type=receive"),
    ];
    let one = (0..30u8, 0..30u8, 0..4u8, kinds, 0..200i64, 0..500u64, more).prop_map(
        |(own, parent, service, kind, start, millis, more)| {
            let parent = if parent == own { "-".to_owned() } else { format!("p{parent}") };
            span(&format!("p{own} {parent} s{service} {kind} {start} {millis} {more}"))
        },
    );
    // Each id is one span.
    prop::collection::vec(one, 0..40).prop_map(|mut spans| {
        spans.sort_by_key(|span| span.span_id);
        spans.dedup_by_key(|span| span.span_id);
        spans
    })
}

fn mixed(spans: &[Span], seed: u64) -> Vec<Span> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| {
        let key = u64::from_be_bytes(span.span_id.0);
        key.wrapping_mul(seed | 1).rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    spans
}

proptest! {
    #[test]
    fn the_order_of_batches_does_not_matter(spans in some_spans(), seed: u64, size in 1..8usize) {
        let (mut one, mut other) = (ServiceMap::default(), ServiceMap::default());
        one.observe(&spans, at(200));
        for batch in mixed(&spans, seed).chunks(size) {
            other.observe(batch, at(200));
            other.observe(batch, at(201));
        }
        one.sweep(at(400));
        other.sweep(at(400));
        prop_assert_eq!(one.snapshot(), other.snapshot());
    }

    #[test]
    fn parts_that_are_merged_make_the_whole(spans in some_spans(), seed: u64, part in 0..40usize) {
        let mut whole = ServiceMap::default();
        whole.observe(&spans, at(200));
        let mixed = mixed(&spans, seed);
        let (left, right) = mixed.split_at(part.min(mixed.len()));
        let (mut one, mut other) = (ServiceMap::default(), ServiceMap::default());
        one.observe(left, at(200));
        other.observe(right, at(200));
        one.merge(other);
        one.sweep(at(400));
        whole.sweep(at(400));
        prop_assert_eq!(one.snapshot(), whole.snapshot());
    }
}
