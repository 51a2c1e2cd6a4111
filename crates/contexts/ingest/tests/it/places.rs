//! Secrets of many kinds in each place that a request has: none is left in any mode, and a dry run tells of each.

use std::sync::Arc;

use ingest::{
    DeltaState, Ingested, RawBatch, RawData, RawEmitter, RawExemplar, RawLog, RawMetric, RawPoint,
    RawResource, RawSeries, RawSpan, Redactor, Translation, redact::Action,
};
use model::{
    Attributes, Exemplar, Labels, Limits, Metadata, MetricKind, Sample, Scope, SpanId, Timestamp,
    TraceId, Value,
    span::{SpanEvent, SpanLink},
};

use crate::support;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

/// What is planted, as a text that holds it and the part that must not be found again. Made of parts, so that no scanner takes this file for a leak.
fn kinds() -> Vec<(&'static str, String, String)> {
    let mut kinds = Vec::new();
    let mut kind = |name, text: &str, secret: &str| {
        kinds.push((name, text.replace("{}", secret), secret.to_owned()));
    };
    kind("password in a text", "login failed for ana password={} from 10.0.0.1", "Tr0ub4dor-and-3");
    kind("password in JSON", r#"{"user":"ana","password":"{}","n":1}"#, "c0rrect horse battery");
    kind("password in escaped JSON", r#"msg="{\"db\":{\"password\":\"{}\"}}""#, "st4ple.battery");
    kind(
        "basic authentication in a URL",
        "GET https://ana:{}@shop.example.com/a",
        "hunter2-hunter2",
    );
    kind("connection string", "Server=db;User Id=sa;Password={};Encrypt=true", "Sq1Server_pw");
    kind("DSN of a driver", "open app:{}@tcp(db:3306)/shop", "g0-dr1ver-pw");
    kind("bearer", "sent Authorization: Bearer {}", "mF_9.B5f-4.1JqM");
    kind("basic header", "Authorization: Basic {}", "YW5hOmh1bnRlcjItaHVudGVyMg==");
    kind("cookie", "Cookie: sid={}; theme=dark", "s3ss10n-of-ana");
    kind("AWS access key", "assumed {} in eu-west-1", &["AKIA", "IOSFODNN7EXAMPLE"].concat());
    kind(
        "AWS secret key",
        "found {} in env",
        &["wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].concat(),
    );
    kind("Google key", "key {} used", &["AIza", "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"].concat());
    kind(
        "Azure account key",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}",
        &[
            "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1",
            "OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        ]
        .concat(),
    );
    kind(
        "Azure client secret",
        "client {} expired",
        &["abc8Q~", "dEFghIJklMNopQRstUVwxYZ0123456789_a"].concat(),
    );
    kind(
        "GitHub token",
        "cloned with {}",
        &["ghp_", "0123456789abcdefghijABCDEFGHIJ012345"].concat(),
    );
    kind("GitLab token", "cloned with {}", &["glpat-", "abcdefghij0123456789"].concat());
    kind("Slack token", "posted with {}", &["xoxb-", "123456789012-abcdefABCDEF"].concat());
    kind(
        "Slack hook",
        "POST https://hooks.slack.com/services/{}",
        "T00000000/B00000000/XXXXXXXXxxxxXXXXXXXX0000",
    );
    kind("Stripe key", "charged with {}", &["sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat());
    kind("Twilio key", "sms by {}", &["SK", "0123456789abcdef0123456789abcdef"].concat());
    kind("SendGrid key", "mail by {}", &["SG.", "abcdefghijklmnop.ABCDEFGHIJKLMNOPQRST"].concat());
    kind("npm token", "publish {}", &["npm_", "abcdefghijklmnopqrstuvwxyz0123456789"].concat());
    kind(
        "PyPI token",
        "publish {}",
        &["pypi-", "AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMA"].concat(),
    );
    kind(
        "JWT",
        "id {} ok",
        &["eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"].concat(),
    );
    kind(
        "private key of many lines",
        "read -----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\nok",
        "MIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi\nZ1BjP5CE/Wm/Rr500PRK",
    );
    kind(
        "private key in one line",
        r"key=-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj",
    );
    kind("percent-encoded", "GET /in?next=%2Fcb%3Ftoken%3D{}&a=1", "pct-3nc0ded-tok");
    kind(
        "base64 of JSON",
        "payload {} queued",
        "eyJ1c2VyIjoiYW5hIiwicGFzc3dvcmQiOiJodW50ZXIyLWh1bnRlcjIifQ==",
    );
    kind("long random text", "stored {} for ana", "kX9vQ2mZ7pLr4TnB8wYc1HsJ6dFgA3eU");
    kind("card", "paid with {}", "4111 1111 1111 1111");
    kind("vendor's header", "Private-Token: {}", "zyX9-87654-abc");
    kind("key in a query", "GET /v1?api_key={}&b=2", "0f8fad5bd9cb469fa165");
    kind("signature in a query", "/blob?sv=1&sig={}&se=2", "a%2Bb0c1d2e3f4%3D");
    kind("flag", "run --db-password {} --verbose", "fl4g-passw0rd");
    kind("SQL", "CREATE USER a IDENTIFIED BY '{}'", "sql-pw-123");
    kind("environment", "env DB_PASS={} PATH=/bin", "env-pw-1");
    kinds
}

fn text_attributes(text: &str) -> Attributes {
    vec![("note".into(), Value::string(text)), ("plain".into(), Value::string("kept"))]
}

/// A place, and a request that has the text there and nowhere else.
fn places(text: &str) -> Vec<(&'static str, RawBatch)> {
    let span = RawSpan {
        trace_id: Some(TraceId([1; 16])),
        span_id: Some(SpanId([2; 8])),
        name: "op".into(),
        start: Timestamp::from_secs(1),
        end: Timestamp::from_secs(2),
        ..RawSpan::default()
    };
    let log = RawLog {
        at: Some(Timestamp::from_secs(1)),
        severity: 9,
        severity_text: "INFO".into(),
        body: Value::string("plain"),
        ..RawLog::default()
    };
    let with_span = |span: RawSpan| RawResource { spans: vec![span], ..RawResource::default() };
    let with_log = |log: RawLog| RawResource { logs: vec![log], ..RawResource::default() };
    let resource = |resource| RawBatch { resources: vec![resource], ..RawBatch::default() };
    let event = |name: &str, attributes| SpanEvent {
        at: NOW,
        name: name.into(),
        attributes,
        ..SpanEvent::default()
    };
    let body = |body: Value| resource(with_log(RawLog { body, ..log.clone() }));
    let attributed = |value: Value| {
        resource(with_span(RawSpan { attributes: vec![("note".into(), value)], ..span.clone() }))
    };
    let point = |attributes, exemplars| RawPoint {
        attributes,
        exemplars,
        at: Some(Timestamp::from_secs(1)),
        start: None,
        value: Some(1.0),
    };
    let metric = |name: &str, description: &str, scope, point| {
        let metric = RawMetric {
            name: name.into(),
            description: description.into(),
            unit: "1".into(),
            data: RawData::Gauge(vec![point]),
            scope,
        };
        resource(RawResource { metrics: vec![metric], ..RawResource::default() })
    };
    let series = |pairs: Vec<(Box<str>, Box<str>)>, exemplars| {
        let samples = vec![Sample { at_ms: 1, value: 1.0 }];
        let series = RawSeries { labels: Ok(pairs), samples, exemplars, ..RawSeries::default() };
        RawBatch { series: vec![series], ..RawBatch::default() }
    };
    let up = || vec![("__name__".into(), "up".into())];
    let nested = |value| Value::Map(vec![("a".into(), Value::Map(vec![("b".into(), value)]))]);
    vec![
        ("span_name", resource(with_span(RawSpan { name: text.into(), ..span.clone() }))),
        (
            "span_status",
            resource(with_span(RawSpan { status_message: text.into(), ..span.clone() })),
        ),
        ("span_attribute", attributed(Value::string(text))),
        ("span_attribute", attributed(Value::Array(vec![Value::Int(1), Value::string(text)]))),
        ("span_attribute", attributed(nested(Value::string(text)))),
        ("span_attribute", attributed(Value::Bytes(text.as_bytes().into()))),
        (
            "span_attribute",
            attributed(Value::Bytes([b"\xff\xfe ", text.as_bytes(), b" \xff"].concat().into())),
        ),
        (
            "event_name",
            resource(with_span(RawSpan { events: vec![event(text, vec![])], ..span.clone() })),
        ),
        (
            "event_attribute",
            resource(with_span(RawSpan {
                events: vec![event("e", text_attributes(text))],
                ..span.clone()
            })),
        ),
        (
            "link_attribute",
            resource(with_span(RawSpan {
                links: vec![SpanLink {
                    trace_id: TraceId([3; 16]),
                    span_id: SpanId([4; 8]),
                    attributes: text_attributes(text),
                    ..SpanLink::default()
                }],
                ..span.clone()
            })),
        ),
        ("log_body", body(Value::string(text))),
        ("log_body", body(nested(Value::Array(vec![Value::string(text)])))),
        ("log_body", body(Value::Bytes(text.as_bytes().into()))),
        ("log_severity", resource(with_log(RawLog { severity_text: text.into(), ..log.clone() }))),
        (
            "log_attribute",
            resource(with_log(RawLog { attributes: text_attributes(text), ..log.clone() })),
        ),
        (
            "log_attribute",
            resource(with_log(RawLog {
                attributes: vec![(text.into(), Value::Int(1))],
                ..log.clone()
            })),
        ),
        (
            "scope",
            resource(with_span(RawSpan {
                scope: Arc::new(Scope { attributes: text_attributes(text), ..Scope::default() }),
                ..span.clone()
            })),
        ),
        ("trace_state", resource(with_span(RawSpan { trace_state: text.into(), ..span.clone() }))),
        ("log_event_name", resource(with_log(RawLog { event_name: text.into(), ..log.clone() }))),
        (
            "resource",
            resource(RawResource {
                emitter: RawEmitter { attributes: text_attributes(text), ..RawEmitter::default() },
                ..with_span(span.clone())
            }),
        ),
        ("metric_label", metric("m", "", None, point(text_attributes(text), vec![]))),
        (
            "exemplar",
            metric(
                "m",
                "",
                None,
                point(
                    vec![],
                    vec![RawExemplar {
                        attributes: text_attributes(text),
                        ..RawExemplar::default()
                    }],
                ),
            ),
        ),
        (
            "scope",
            metric(
                "m",
                "",
                Some(Arc::new(Scope { attributes: text_attributes(text), ..Scope::default() })),
                point(vec![], vec![]),
            ),
        ),
        ("metric_label", series([up(), vec![("note".into(), text.into())]].concat(), vec![])),
        (
            "exemplar",
            series(
                up(),
                vec![Exemplar {
                    labels: Labels::from_pairs([("note", text)]),
                    value: 1.0,
                    at_ms: 1,
                }],
            ),
        ),
        (
            "metric_metadata",
            RawBatch {
                metadata: vec![Metadata {
                    family: "up".into(),
                    kind: MetricKind::Gauge,
                    help: text.into(),
                    unit: "".into(),
                }],
                ..RawBatch::default()
            },
        ),
    ]
}

/// An exemplar's labels beyond 128 characters go before anything looks at them.
fn is_never_kept(place: &str, text: &str) -> bool {
    place == "exemplar" && text.len() > 100
}

fn run(raw: RawBatch, redactor: &Redactor) -> Ingested {
    // Room for a label that stays whole in a dry run.
    ingest::ingest(
        raw,
        &Limits::default(),
        redactor,
        &Translation { promote_scope_metadata: true, ..Translation::default() },
        &mut DeltaState::default(),
        NOW,
    )
}

/// All that would be stored or answered, in the form in which a secret would be found again.
fn told(ingested: &Ingested) -> String {
    let mut told = format!("{:?} {:?}", ingested.batch, ingested.refused);
    let mut bytes = |value: &Value| {
        if let Value::Bytes(bytes) = value {
            told += &String::from_utf8_lossy(bytes);
        }
    };
    ingested.batch.logs.iter().for_each(|log| bytes(&log.body));
    ingested
        .batch
        .spans
        .iter()
        .flat_map(|span| &span.attributes)
        .for_each(|(_, value)| bytes(value));
    let debug = |text: &str| format!("{text:?}");
    // `Debug` escapes; what it escaped is looked for as it was, too.
    let plain = told.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
    format!("{told}\n{plain}\n{}", debug(&plain))
}

#[test]
fn nothing_planted_is_left_in_any_place() {
    let mut planted = 0;
    for action in [Action::Mask, Action::Token, Action::Drop] {
        let redactor = support::acting(action, false);
        for (kind, text, secret) in kinds() {
            for (place, raw) in places(&text) {
                let after = run(raw, &redactor);
                let what = format!("{kind} in {place} with {}", action.as_str());
                assert!(!told(&after).contains(&secret), "{what}: {:?}", after.batch);
                planted += 1;
                if is_never_kept(place, &text) {
                    continue;
                }
                assert!(after.redacted.values().sum::<u64>() > 0, "{what}: not counted");
                let found: Vec<_> = after.found.found().collect();
                assert!(
                    found.iter().all(|(one, _)| one.place.as_str() == place),
                    "{what}: {found:?}"
                );
                assert!(!format!("{found:?}").contains(&secret), "{what}: told in the report");
            }
        }
    }
    println!("{planted} secrets were planted");
    assert!(planted > 40 * 3);
}

#[test]
fn a_dry_run_changes_nothing_and_tells_of_all() {
    let nothing = none();
    let dry = support::acting(Action::Token, true);
    for (kind, text, secret) in kinds() {
        for (place, raw) in places(&text) {
            let (untouched, tried) = (run(raw.clone(), &nothing), run(raw, &dry));
            assert_eq!(untouched.batch, tried.batch, "{kind} in {place}");
            assert_eq!(tried.redacted.len(), 0, "{kind} in {place}: nothing was hidden");
            if is_never_kept(place, &text) {
                continue;
            }
            let found: Vec<_> = tried.found.found().collect();
            assert!(
                !found.is_empty() && found.iter().all(|(one, _)| one.dry_run),
                "{kind} in {place}"
            );
            assert!(
                found.iter().all(|(one, _)| one.place.as_str() == place),
                "{kind} in {place}: {found:?}"
            );
            assert!(!format!("{found:?}").contains(&secret), "{kind} in {place}: {found:?}");
        }
    }
}

/// A redactor whose rules are all off.
fn none() -> Redactor {
    use ingest::redact::{Policy, Setting};
    let off = Setting { enabled: Some(false), ..Setting::default() };
    let rules = Redactor::built_in().into_iter().map(|(name, _)| (name.into(), off)).collect();
    Redactor::with(&Policy { rules, ..Policy::default() }).expect("the rules compile")
}

#[test]
fn a_telling_key_hides_whatever_it_holds() {
    let key = |value: Value| vec![("db.password".into(), value)];
    let values = [
        Value::string("x"),
        Value::Int(1234),
        Value::Double(1.5),
        Value::Bytes([1, 2].into()),
        Value::Array(vec![Value::string("a"), Value::string("b")]),
        Value::Map(vec![("v".into(), Value::string("x"))]),
    ];
    for value in values {
        let (masked, found) =
            support::value(&support::acting(Action::Mask, false), Value::Map(key(value.clone())));
        assert_eq!(masked, r#"{"db.password":"[redacted:key]"}"#);
        assert_eq!(found, ["1 key mask other db.password"]);
        let (dropped, _) =
            support::value(&support::acting(Action::Drop, false), Value::Map(key(value.clone())));
        assert_eq!(dropped, "{}");
        let (token, _) =
            support::value(&support::acting(Action::Token, false), Value::Map(key(value)));
        assert!(token.starts_with(r#"{"db.password":"[token:key:k1:"#), "{token}");
    }
    for kept in [Value::Bool(true), Value::Empty, Value::string("")] {
        let (out, found) =
            support::value(&support::acting(Action::Mask, false), Value::Map(key(kept.clone())));
        assert_eq!((out, found.len()), (Value::Map(key(kept)).to_string(), 0));
    }
}
