//! Counts are exact against a naive count, and no order of events changes an answer.

use std::collections::BTreeMap;

use model::{Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value};
use proptest::{collection::vec, option, prelude::*};
use triage::difference::{self, Counter, Difference, Term};

/// Values of keys, whether it is inside, and what it stands for.
type Event = (Vec<Option<u8>>, bool, u8);

const KEYS: [&str; 4] = ["a", "b", "c", "n"];

/// Events of which the first key decides the side more often than not, so that there is something to find.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (vec(option::weighted(0.9, 0..5_u8), KEYS.len()), 0..10_u8, 1..4_u8).prop_map(
        |(values, side, weight)| {
            let often = values[0] == Some(0) && values[1] != Some(1);
            (values, side < if often { 7 } else { 1 }, weight)
        },
    );
    vec(event, 0..400)
}

/// The last key is numeric.
fn of(events: &[Event]) -> Difference {
    let mut counter = Counter::new(&KEYS);
    let keys = KEYS.map(|name| counter.key(name).unwrap());
    let ids = |values: &[Option<u8>], counter: &mut Counter| -> Vec<_> {
        let id = |(at, value): (usize, &Option<u8>)| {
            let value = (*value)?;
            Some(if at == 3 {
                counter.number(keys[at], f64::from(value) * 100.0)
            } else {
                counter.text(keys[at], &format!("v{value}"))
            })
        };
        values.iter().enumerate().map(id).collect()
    };
    let coded: Vec<_> = events
        .iter()
        .map(|(values, inside, weight)| (ids(values, &mut counter), *inside, f64::from(*weight)))
        .collect();
    for (values, inside, weight) in &coded {
        counter.observe(*inside, *weight, values);
    }
    let mut pairs = counter.into_pairs();
    for (values, inside, weight) in &coded {
        pairs.observe(*inside, *weight, values);
    }
    pairs.into_difference()
}

fn has(values: &[Option<u8>], term: &Term) -> bool {
    let at = KEYS.iter().position(|key| *key == term.key()).unwrap();
    match (term, values[at]) {
        (Term::Missing { .. }, value) => value.is_none(),
        (Term::Value { value, .. }, Some(have)) => {
            **value
                == if at == 3 { (u32::from(have) * 100).to_string() } else { format!("v{have}") }
        }
        (Term::Range { from, to, .. }, Some(have)) => {
            let have = f64::from(have) * 100.0;
            from.is_none_or(|from| have >= from) && to.is_none_or(|to| have <= to)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn counts_are_those_of_a_naive_count(events in events()) {
        let found = of(&events);
        let rows = found.rows.iter().chain(&found.perhaps).chain(&found.rarer);
        for (terms, with) in rows.flat_map(|row| {
            row.beside.iter().map(|it| (&it.terms, &it.with)).chain([(&row.terms, &row.with)])
        }) {
            let mut naive = BTreeMap::from([(false, (0, 0.0)), (true, (0, 0.0))]);
            for (values, inside, weight) in &events {
                if terms.iter().all(|term| has(values, term)) {
                    let side = naive.get_mut(inside).unwrap();
                    *side = (side.0 + 1, side.1 + f64::from(*weight));
                }
            }
            prop_assert_eq!((with.inside.events, with.inside.weight), naive[&true]);
            prop_assert_eq!((with.outside.events, with.outside.weight), naive[&false]);
        }
    }

    #[test]
    fn no_order_of_events_changes_the_answer(
        (events, shuffled) in events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        prop_assert_eq!(of(&events), of(&shuffled));
    }

    #[test]
    fn rubbish_does_no_harm(
        spans in vec((".{0,8}", vec((".{0,3}", any::<f64>()), 0..6), any::<bool>(), any::<f64>()), 0..40)
    ) {
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(name, attributes, inside, weight)| (span(&name, attributes), inside, weight))
            .collect();
        let found = difference::of_spans(spans.iter().map(|(span, inside, weight)| (span, *inside, *weight)), &[]);
        prop_assert_eq!(found.total.events(), spans.len() as u64);
    }
}

fn span(name: &str, attributes: Vec<(String, f64)>) -> Span {
    Span {
        trace_id: TraceId::default(),
        span_id: SpanId::default(),
        parent: None,
        resource: Resource { service: "shop".into(), ..Resource::default() }.into(),
        name: name.into(),
        kind: SpanKind::Server,
        start: Timestamp::EPOCH,
        end: Timestamp::EPOCH,
        status: SpanStatus::Unset,
        status_message: "".into(),
        attributes: attributes
            .into_iter()
            .map(|(key, value)| (key.into(), Value::Double(value)))
            .collect(),
        events: Vec::new(),
        links: Vec::new(),
        ..Span::default()
    }
}

#[test]
fn spans_are_compared_by_what_they_say() {
    let spans: Vec<_> = (0..400_u32)
        .map(|n| {
            let slow = n % 10 == 3;
            let mut span = span(if n % 2 == 0 { "GET /" } else { "POST /" }, vec![]);
            span.attributes = vec![
                ("region".into(), Value::string(if slow || n % 5 == 0 { "eu" } else { "us" })),
                ("size".into(), Value::Int(i64::from(n % 97))),
            ];
            if !slow {
                span.attributes.push(("cache.key".into(), Value::Bool(true)));
            }
            (span, slow)
        })
        .collect();
    let events = spans.iter().map(|(span, slow)| (span, *slow, 1.0));
    let names = |skip: &[&str]| -> Vec<String> {
        difference::of_spans(events.clone(), skip).rows.iter().map(|row| row.sentence()).collect()
    };
    assert_eq!(names(&[])[0], "no cache.key: 100 % of the selection, 0 % of the rest");
    let without = names(&["cache.key"]);
    assert_eq!(
        without[0], "operation=\"POST /\" and region=eu: 100 % of the selection, 11 % of the rest",
        "{without:#?}"
    );
}

#[test]
fn logs_are_compared_by_severity_and_attributes() {
    let logs: Vec<_> = (0..300_u32)
        .map(|n| {
            let log = model::LogRecord {
                resource: Resource::default().into(),
                at: Timestamp::EPOCH,
                severity: if n % 6 == 0 { 17 } else { 9 },
                severity_text: "".into(),
                body: Value::Empty,
                trace_id: None,
                span_id: None,
                attributes: vec![("n".into(), Value::Double(f64::from(n)))],
                ..model::LogRecord::default()
            };
            (log, n % 6 == 0)
        })
        .collect();
    let found = difference::of_logs(logs.iter().map(|(log, inside)| (log, *inside, 1.0)), &[]);
    assert_eq!(found.rows[0].sentence(), "severity=error: 100 % of the selection, 0 % of the rest");
    assert_eq!(found.rarer[0].name(), "severity=info");
}
