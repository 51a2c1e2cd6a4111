//! The rules of the language, one by one, on records that tell them apart.

use std::sync::Arc;

use eventql::{matches, plan};
use model::{
    LogRecord, Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value,
    span::SpanEvent,
};

fn attributes(pairs: Vec<(&str, Value)>) -> model::Attributes {
    pairs.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn resource() -> Arc<Resource> {
    Arc::new(Resource {
        service: "checkout".into(),
        version: "1.10".into(),
        environment: "prod".into(),
        instance: "".into(),
        attributes: attributes(vec![
            ("k8s.pod.name", Value::string("checkout-7f9")),
            ("http.route", Value::string("of the resource")),
        ]),
        ..Resource::default()
    })
}

fn span() -> Span {
    Span {
        trace_id: TraceId([0x4b; 16]),
        span_id: SpanId([0xf0; 8]),
        parent: None,
        resource: resource(),
        scope: Arc::new(model::Scope { name: "axum".into(), ..model::Scope::default() }),
        name: "POST /checkout".into(),
        kind: SpanKind::Server,
        start: Timestamp::from_secs(1_795_000_000),
        end: Timestamp::from_millis(1_795_000_000_301),
        status: SpanStatus::Error,
        status_message: "payment failed".into(),
        attributes: attributes(vec![
            ("http.route", Value::string("/checkout")),
            ("http.response.status_code", Value::Int(502)),
            ("code.text", Value::string("502")),
            ("ratio", Value::Double(0.5)),
            ("nan", Value::Double(f64::NAN)),
            ("retry", Value::Bool(true)),
            ("digest", Value::Bytes([0xca, 0xfe].into())),
            ("status", Value::string("an attribute")),
            ("tags", Value::Array(vec![Value::string("Gold"), Value::Int(7)])),
            ("none", Value::Array(vec![Value::Empty])),
            ("empty", Value::string("")),
            (
                "cart",
                Value::Map(attributes(vec![("items", Value::Int(3)), ("a.b", Value::Int(4))])),
            ),
        ]),
        events: vec![SpanEvent {
            at: Timestamp::EPOCH,
            name: "exception".into(),
            attributes: attributes(vec![(
                "exception.message",
                Value::string("Card declined: insufficient_funds"),
            )]),
            ..SpanEvent::default()
        }],
        links: vec![],
        ..Span::default()
    }
}

fn log() -> LogRecord {
    LogRecord {
        resource: resource(),
        at: Timestamp::from_secs(1_795_000_000),
        severity: 18,
        severity_text: "ERROR2".into(),
        event_name: "cart.failed".into(),
        body: Value::string("GET /api/cart_items failed:\n upstream Timed out after 30s"),
        trace_id: None,
        span_id: None,
        attributes: attributes(vec![("user.name", Value::string("timeless"))]),
        ..LogRecord::default()
    }
}

#[track_caller]
fn holds_of_span(text: &str) -> bool {
    matches(&plan(text).unwrap_or_else(|error| panic!("{text}: {error}")).filter, &span())
}

#[track_caller]
fn holds_of_log(text: &str) -> bool {
    matches(&plan(text).unwrap_or_else(|error| panic!("{text}: {error}")).filter, &log())
}

#[track_caller]
fn check(holds: fn(&str) -> bool, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(holds(text), "{text} should hold");
        assert!(!holds(&format!("-({text})")), "-({text}) should not hold");
    }
    for text in no {
        assert!(!holds(text), "{text} should not hold");
        assert!(holds(&format!("NOT ({text})")), "NOT ({text}) should hold");
    }
}

#[test]
fn the_example_holds() {
    check(
        holds_of_span,
        &[r#"service:checkout status:error duration>300ms "card declined" -env:staging"#],
        &[r#"service:checkout status:error duration>301ms "card declined" -env:staging"#],
    );
}

#[test]
fn nothing_but_a_negation_holds_of_what_is_missing() {
    check(
        holds_of_span,
        &[
            "gone!=x",
            "gone!~\"x\"",
            "-gone:*",
            "-none:*",
            "-instance:*",
            "empty:*",
            "empty:\"\"",
            "cart:*",
            "-parent:*",
        ],
        &[
            "gone:*",
            "gone:\"\"",
            "gone<5",
            "gone:[* TO z]",
            "level:error",
            "body:*",
            "none:*",
            "instance:*",
            "cart.x:*",
        ],
    );
    check(
        holds_of_log,
        &["-duration:*", "-trace:*", "level:*"],
        &[
            "duration<1h",
            "status:error",
            "name:*",
            "root:false",
            "trace!=4bf92f3577b34da6a3ce929d0e0e4736 trace:*",
        ],
    );
}

#[test]
fn values_equal_by_number_or_by_text() {
    check(
        holds_of_span,
        &[
            "http.response.status_code:502",
            "http.response.status_code=502.0",
            "http.response.status_code:\"502\"",
            "code.text:502",
            "ratio:.5",
            "ratio:5e-1",
            "retry:true",
            "digest:cafe",
            "service:\"checkout\"",
            "tags:Gold",
            "tags:7",
            "service:(cart OR checkout)",
            "version:1.10",
            "nan!=1",
            "nan:*",
        ],
        &[
            "http.response.status_code:503",
            "code.text:502.0",
            "service:Checkout",
            "service:check",
            "retry:TRUE",
            "retry:1",
            "digest:CAFE",
            "tags:gold",
            "version:1.1",
            "nan:NaN",
            "cart:3",
            "ratio:\"\"",
            "retry!=true",
        ],
    );
}

#[test]
fn patterns_match_whole_texts() {
    check(
        holds_of_span,
        &[
            "service:check*",
            "service:*out",
            "service:c?eckout",
            "http.response.status_code:5??",
            "retry:t*",
            "service=~\"check(out|in)\"",
            "http.response.status_code=~\"5..\"",
            "name:/POST.*/",
            "tags:G*",
            "service!~\"check\"",
            "name:*checkout",
            "digest:ca*",
            "service:/.*/",
        ],
        &[
            "service:Check*",
            "service:heck*",
            "service=~\"check\"",
            "ratio:0*",
            "ratio=~\".*\"",
            "cart:**x",
            "service=\"check*\"",
            "service:\"check*\"",
            "service:check\\*",
            "gone!~\"x\" gone:*",
        ],
    );
    check(
        holds_of_log,
        &["body=~\"GET.*30s\"", "body=~\"(?i).*timed OUT.*\""],
        &["body=~\"Timed out\"", "body=~\"get.*\""],
    );
}

#[test]
fn orders_compare_numbers_or_else_texts() {
    check(
        holds_of_span,
        &[
            "http.response.status_code>=502",
            "http.response.status_code:[500 TO 599]",
            "http.response.status_code:{501 TO *]",
            "code.text>=500",
            "code.text<6e2",
            "ratio<1",
            "ratio:{0.4 TO 0.6}",
            "service>=check",
            "service:[a TO d]",
            "version<1.9",
            "tags>6",
            "duration:[300ms TO 1s}",
            "duration>=301ms",
            "duration!=300ms",
        ],
        &[
            "http.response.status_code>502",
            "http.response.status_code:[500 TO 502}",
            "nan<1",
            "nan>=1",
            "service>5",
            "service:[a TO c]",
            "retry>0",
            "duration<301ms",
            "http.response.status_code>a",
            "cart>0",
        ],
    );
}

#[test]
fn attributes_are_found_where_they_are_said_to_be() {
    check(
        holds_of_span,
        &[
            "http.route:/checkout",
            "attributes.http.route:/checkout",
            "resource.http.route:\"of the resource\"",
            "k8s.pod.name:checkout-7f9",
            "resource.k8s.pod.name:*",
            "-attributes.k8s.pod.name:*",
            "\"status\":\"an attribute\"",
            "attributes.status:an*",
            "cart.items:3",
            "cart.a.b:4",
            "scope:axum",
            "scope.name:axum",
            "resource.service.name:checkout",
        ],
        &[
            "http.route:\"of the resource\"",
            "resource.http.route:/checkout",
            "cart.a:4",
            "resource.status:*",
            "body.x:*",
        ],
    );
}

#[test]
fn well_known_fields_have_types() {
    check(
        holds_of_span,
        &[
            "kind:SERVER",
            "status!=ok",
            "has_error:true",
            "root:true",
            "event:exception",
            "event:exc*",
            "trace:4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b",
            "span:f0f0f0f0f0f0f0f0",
            "time>=2026-11-18",
            "start<2026-11-19",
            "operation:\"POST /checkout\"",
            "status_message:\"payment failed\"",
            "environment:prod",
        ],
        &[
            "kind:client",
            "status:ok",
            "event:other",
            "event!=exception",
            "time>2027-01-01",
            "status_message:payment",
        ],
    );
    check(
        holds_of_log,
        &[
            "level:error",
            "level>=warn",
            "level>warn",
            "level:[warn TO fatal]",
            "level:18",
            "severity_number:[17 TO 20]",
            "severity_text:ERROR2",
            "has_error:true",
            "event:cart.failed",
            "level<=error",
            "level!=warn",
        ],
        &["level>error", "level<error", "level:warn", "level:17", "severity_text:error2"],
    );
}

#[test]
fn full_text_is_searched_by_words() {
    check(
        holds_of_log,
        &[
            "timed",
            "TIMED",
            "\"timed out\"",
            "cart_items",
            "time*",
            "api/cart*",
            "*items",
            "t?med",
            "30s",
            "body:upstream",
            "body:\"upstream timed\"",
            "body:(absent OR out)",
            "body:upst*",
            "failed upstream",
        ],
        &[
            "time",
            "cart",
            "\"out timed\"",
            "\"timed after\"",
            "timeless",
            "checkout",
            "upstream*s",
            "body:\"timed aft\"",
        ],
    );
    check(
        holds_of_span,
        &[
            "\"card declined\"",
            "name~checkout",
            "status_message~(declined OR PAYMENT)",
            "http.route~checkout",
            "tags~gold",
            "service~check*",
            "gone!=x -gone~x",
            "insufficient_funds",
            "exception",
            "payment",
            "post",
            "gold",
            "declined*",
            "\"POST /checkout\"",
        ],
        &[
            "insufficient",
            "\"failed exception\"",
            "prod",
            "502.5",
            "7",
            "name~check",
            "ratio~5",
            "cart~items",
            "http.response.status_code~502",
        ],
    );
}
