//! Random trees and records over a small vocabulary, so that they often meet.

use std::{ops::Bound, sync::Arc};

use eventql::{
    Field, Known, Span as Place,
    ast::{Comparison, Expr, ExprKind, Term, Test, Words},
    field::{Origin, Type},
    wildcard::{Piece, Wildcard},
};
use model::{
    Attributes, LogRecord, Resource, Scope, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId,
    Value, span::SpanEvent,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// Texts of values and of terms.
pub(crate) const TEXTS: &[&str] = &[
    "a",
    "b",
    "A",
    "ab",
    "card",
    "Card declined",
    "card_x",
    "5",
    "5.0",
    "-1",
    "300ms",
    "10KB",
    "true",
    "2026-01-01",
    "é x",
    "a.b",
    "xz",
];

pub(crate) fn text() -> BoxedStrategy<Box<str>> {
    select(TEXTS).prop_map(Into::into).boxed()
}

/// Any text: what a query has to quote or escape.
pub(crate) fn odd_text() -> BoxedStrategy<Box<str>> {
    let odd = "[ -~é\n\t\u{7f}\u{85}κ]{0,5}".prop_map(Into::into);
    let words =
        select(vec!["AND", "OR", "NOT", "TO", "", "by", "-", "-5", "/x/", "a:b", "//", "*", "\\"]);
    prop_oneof![text(), odd, words.prop_map(Into::into)].boxed()
}

fn wildcard(text: BoxedStrategy<Box<str>>) -> impl Strategy<Value = Words> {
    let piece = prop_oneof![text.prop_map(Piece::Text), Just(Piece::One), Just(Piece::Many)];
    let like = vec(piece, 1..4).prop_map(Wildcard::new);
    let wild = |wildcard: &Wildcard| {
        let pieces = wildcard.pieces();
        pieces.iter().any(|piece| !matches!(piece, Piece::Text(_))) && *pieces != [Piece::Many]
    };
    like.prop_filter("has wildcards", wild).prop_map(Words::Like)
}

fn words(text: BoxedStrategy<Box<str>>) -> impl Strategy<Value = Words> {
    prop_oneof![3 => text.clone().prop_map(Words::Plain), 1 => wildcard(text)]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessEqual,
        Comparison::Greater,
        Comparison::GreaterEqual,
    ])
}

/// Any test, with these texts.
fn test(
    text: BoxedStrategy<Box<str>>,
    pattern: BoxedStrategy<Box<str>>,
) -> impl Strategy<Value = Test> {
    prop_oneof![
        1 => Just(Test::Exists),
        4 => words(text.clone()).prop_map(Test::Is),
        1 => words(text.clone()).prop_map(Test::Has),
        1 => pattern.clone().prop_map(Test::Matches),
        1 => pattern.prop_map(Test::NotMatches),
        4 => ordered(text),
    ]
}

/// Comparisons and ranges.
fn ordered(text: BoxedStrategy<Box<str>>) -> BoxedStrategy<Test> {
    let bound = |text: BoxedStrategy<Box<str>>| {
        prop_oneof![
            text.clone().prop_map(Bound::Included),
            text.prop_map(Bound::Excluded),
            Just(Bound::Unbounded)
        ]
    };
    let range = (bound(text.clone()), bound(text.clone()))
        .prop_filter("has an end", |ends| *ends != (Bound::Unbounded, Bound::Unbounded))
        .prop_map(|(low, high)| Test::Range(low, high));
    prop_oneof![
        (comparison(), text).prop_map(|(comparison, text)| Test::Compare(comparison, text)),
        range
    ]
    .boxed()
}

fn expr_of(kind: ExprKind) -> Expr {
    Expr { kind, span: Place::default() }
}

fn term(field: Field, test: Test) -> Expr {
    expr_of(ExprKind::Term(Term {
        field,
        field_span: Place::default(),
        test,
        value_span: Place::default(),
    }))
}

/// Joined as a parser joins: parts that are joined the same way are taken in.
fn joined(parts: Vec<Expr>, and: bool) -> Expr {
    let mut flat = Vec::new();
    for part in parts {
        match part.kind {
            ExprKind::And(inner) if and => flat.extend(inner),
            ExprKind::Or(inner) if !and => flat.extend(inner),
            kind => flat.push(expr_of(kind)),
        }
    }
    expr_of(if and { ExprKind::And(flat) } else { ExprKind::Or(flat) })
}

fn tree(leaf: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (vec(inner.clone(), 2..4), any::<bool>()).prop_map(|(parts, and)| joined(parts, and)),
            inner.prop_map(|inner| expr_of(ExprKind::Not(Box::new(inner)))),
        ]
    })
    .boxed()
}

pub(crate) fn odd_field() -> BoxedStrategy<Field> {
    let from = select(vec![Origin::Any, Origin::Record, Origin::Resource, Origin::Body]);
    let names = select(vec![
        "a",
        "http.route",
        "status",
        "service",
        "resource.x",
        "scope.x",
        "odd name",
        "AND",
    ]);
    let name = prop_oneof![names.prop_map(Into::into), odd_text()];
    prop_oneof![
        known().prop_map(Field::Known),
        (from, name).prop_map(|(from, name)| Field::Attribute { from, name }),
    ]
    .boxed()
}

fn known() -> impl Strategy<Value = Known> {
    select(eventql::KNOWN.iter().map(|about| about.field).collect::<Vec<_>>())
}

/// Trees that a query can be written for, sense or none.
pub(crate) fn any_tree() -> BoxedStrategy<Expr> {
    // A quote in a pattern is never escaped, and a backslash always escapes something.
    let pattern = vec(select(vec!["a", "\"", "'", "/", " ", "|", "(", "\\\\", "\\d", "é"]), 0..4);
    let pattern = pattern.prop_map(|parts| parts.concat().into()).boxed();
    let term = (odd_field(), test(odd_text(), pattern)).prop_map(|(field, test)| term(field, test));
    let text = words(odd_text()).prop_map(|words| expr_of(ExprKind::Text(words)));
    tree(prop_oneof![3 => term, 1 => text, 1 => Just(expr_of(ExprKind::All))].boxed())
}

/// Literals that fit a type.
pub(crate) fn literals(values: Type) -> &'static [&'static str] {
    match values {
        Type::Duration => &["1ms", "300ms", "1.5s", "1m30s", "2000us", "5ns"],
        Type::Time => &["2026-01-01", "2026-01-01T00:00:01Z", "1767225600"],
        Type::Severity => &["trace", "info", "WARN", "error", "fatal", "9", "12"],
        Type::Integer => &["1", "9", "12", "17", "-3"],
        Type::Kind => &["server", "Client", "internal"],
        Type::Status => &["ok", "ERROR", "unset"],
        Type::Bool => &["true", "false"],
        Type::TraceId => &["00000000000000000000000000000001", "0000000000000002"],
        Type::SpanId => &["0000000000000001", "0000000000000002"],
        Type::Text | Type::FullText => TEXTS,
    }
}

fn sensible_term() -> BoxedStrategy<Expr> {
    let pattern =
        select(vec!["a", "a.*", "(?i)card.*", ".", "[0-9]+", ".*e"]).prop_map(Into::into).boxed();
    let from = select(vec![Origin::Any, Origin::Record, Origin::Resource, Origin::Body]);
    let name = select(vec!["a", "b", "m", "m.x", "m.n.x", "m.n"]);
    let attribute =
        (from, name).prop_map(|(from, name)| Field::Attribute { from, name: name.into() });
    let of_attribute =
        (attribute, test(text(), pattern.clone())).prop_map(|(field, test)| term(field, test));
    let of_known = known().prop_flat_map(move |known| {
        let values = known.about().values;
        let literal = select(literals(values)).prop_map(Box::<str>::from).boxed();
        let equal = (literal.clone(), 0..3).prop_map(|(text, form)| match form {
            0 => Test::Is(Words::Plain(text)),
            1 => Test::Compare(Comparison::Equal, text),
            _ => Test::Compare(Comparison::NotEqual, text),
        });
        let test = match values {
            Type::Text | Type::FullText => test(text(), pattern.clone()).boxed(),
            Type::Duration | Type::Time | Type::Severity | Type::Integer => {
                prop_oneof![equal, ordered(literal)].boxed()
            }
            _ => prop_oneof![5 => equal, 1 => Just(Test::Exists)].boxed(),
        };
        test.prop_map(move |test| term(Field::Known(known), test))
    });
    prop_oneof![of_attribute, of_known].boxed()
}

/// Trees of terms that make sense but for a few, which the checker refuses.
pub(crate) fn sensible_tree() -> BoxedStrategy<Expr> {
    let text = words(text()).prop_map(|words| expr_of(ExprKind::Text(words)));
    tree(prop_oneof![4 => sensible_term(), 1 => text].boxed())
}

fn value() -> BoxedStrategy<Value> {
    let scalar = prop_oneof![
        4 => text().prop_map(Value::String),
        2 => select(vec![5, -1, 10_000, 300_000_000]).prop_map(Value::Int),
        2 => select(vec![5.0, 5.5, f64::NAN, -1.0]).prop_map(Value::Double),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Bytes([0xab].into())),
        1 => Just(Value::Empty),
    ];
    scalar
        .prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(Value::Array),
                attributes(inner).prop_map(Value::Map),
            ]
        })
        .boxed()
}

fn attributes(
    value: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Attributes> {
    let pair = |name: &'static str| {
        let value = value.clone();
        option::of(value).prop_map(move |value| value.map(|value| (name.into(), value)))
    };
    let pairs = (pair("a"), pair("b"), pair("m"), pair("x"), pair("n"), pair("m.x"));
    pairs
        .prop_map(|(a, b, m, x, n, dotted)| [a, b, m, x, n, dotted].into_iter().flatten().collect())
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    let name = || prop_oneof![Just("".into()), text()];
    (name(), name(), name(), attributes(value())).prop_map(
        |(service, version, environment, attributes)| {
            Arc::new(Resource {
                service,
                version,
                environment,
                instance: "a".into(),
                attributes,
                ..Resource::default()
            })
        },
    )
}

fn scope() -> impl Strategy<Value = Arc<Scope>> {
    let name = || prop_oneof![Just("".into()), text()];
    (name(), name())
        .prop_map(|(name, version)| Arc::new(Scope { name, version, ..Scope::default() }))
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-2i64..3).prop_map(|secs| Timestamp::from_secs(1_767_225_600 + secs))
}

pub(crate) fn log() -> impl Strategy<Value = LogRecord> {
    let ids = (option::of(0u8..3), option::of(0u8..3));
    let event = prop_oneof![Just("".into()), text()];
    let from = (resource(), scope());
    (from, time(), 0u8..=24, text(), value(), ids, attributes(value()), event).prop_map(
        |(
            (resource, scope),
            at,
            severity,
            severity_text,
            body,
            (trace, span),
            attributes,
            event_name,
        )| {
            LogRecord {
                resource,
                scope,
                event_name,
                at,
                severity,
                severity_text,
                body,
                trace_id: trace.map(trace_id),
                span_id: span.map(span_id),
                attributes,
                ..LogRecord::default()
            }
        },
    )
}

fn trace_id(last: u8) -> TraceId {
    TraceId(
        (0..16).map(|at| if at == 15 { last } else { 0 }).collect::<Vec<_>>().try_into().unwrap(),
    )
}

fn span_id(last: u8) -> SpanId {
    SpanId([0, 0, 0, 0, 0, 0, 0, last])
}

pub(crate) fn span() -> impl Strategy<Value = Span> {
    let event = (text(), attributes(value())).prop_map(|(name, attributes)| SpanEvent {
        at: Timestamp::EPOCH,
        name,
        attributes,
        ..SpanEvent::default()
    });
    let kind = select(vec![SpanKind::Internal, SpanKind::Server, SpanKind::Client]);
    let status = select(vec![SpanStatus::Unset, SpanStatus::Ok, SpanStatus::Error]);
    let nanos =
        select(vec![5, 1_000_000, 2_000_000, 300_000_000, 1_500_000_000, 90_000_000_000i64]);
    let message = prop_oneof![Just("".into()), text()];
    let parts = (
        (resource(), scope()),
        (0u8..3, option::of(0u8..3)),
        text(),
        (kind, status),
        time(),
        nanos,
    );
    (parts, message, attributes(value()), vec(event, 0..3)).prop_map(
        |(
            ((resource, scope), (id, parent), name, (kind, status), start, nanos),
            status_message,
            attributes,
            events,
        )| Span {
            trace_id: trace_id(id),
            span_id: span_id(id),
            parent: parent.map(span_id),
            resource,
            scope,
            name,
            kind,
            start,
            end: Timestamp::from_nanos(start.as_nanos() + nanos),
            status,
            status_message,
            attributes,
            events,
            links: Vec::new(),
            ..Span::default()
        },
    )
}
