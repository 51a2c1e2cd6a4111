//! The order of rows, and anomalies.

use traces::Trace;

use crate::support::{id, ms, name, spans, trace};

/// Rows as an indented list.
fn shown(trace: &Trace) -> String {
    let row = |row: usize| "  ".repeat(trace.depth(row)) + &name(trace.spans()[row].span_id);
    (0..trace.len()).map(row).collect::<Vec<_>>().join("\n")
}

fn anomalies(trace: &Trace) -> Vec<String> {
    let word = |text: String| {
        trace.anomalies().iter().fold(text, |text, anomaly| {
            text.replace(&anomaly.span.to_string(), &name(anomaly.span))
        })
    };
    trace.anomalies().iter().map(|anomaly| word(anomaly.to_string())).collect()
}

#[test]
fn children_come_by_start_under_their_parents() {
    let trace = trace(
        "d b web internal 30 40 x
         c a web internal 60 80 x
         b a web internal 10 50 x
         e b web internal 20 30 x
         a - web server    0 90 x",
    );
    assert_eq!(shown(&trace), "a\n  b\n    e\n    d\n  c");
    assert_eq!((trace.descendants(0), trace.descendants(1), trace.descendants(4)), (4, 2, 0));
    assert_eq!(trace.children(0).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(trace.subtree(1), 1..4);
    assert_eq!((trace.row(id("d")), trace.row(id("z"))), (Some(3), None));
    assert_eq!(trace.parent(3), Some(1));
    assert!(trace.anomalies().is_empty());
}

#[test]
fn several_roots_and_lost_parents_stand_after_the_first_root() {
    let trace = trace(
        "o z cart internal -5 9 x
         r - web  server   10 20 x
         a - web  server    0 30 x
         p o cart internal  1 5 x",
    );
    assert_eq!(shown(&trace), "a\nr\no\n  p");
    assert_eq!(trace.roots().collect::<Vec<_>>(), [0, 1, 2]);
    let lost = format!("span o names a parent that never came: {}", id("z"));
    assert_eq!(anomalies(&trace), ["span r is a further root", &lost]);
}

#[test]
fn rings_are_opened_before_the_earliest() {
    let trace = trace(
        "a c web internal 30 40 x
         b a web internal 10 50 x
         c b web internal 20 25 x
         d c web internal 20 25 x
         s s web internal 1 2 x",
    );
    assert_eq!(shown(&trace), "s\nb\n  c\n    d\n    a");
    let ring = "span b is in a ring of 3 spans that are each other's parents";
    let found = anomalies(&trace);
    assert!(found.iter().any(|one| one == ring), "{found:?}");
    assert!(found.iter().any(|one| one == "span s names itself as its parent"), "{found:?}");
}

#[test]
fn of_spans_with_one_id_the_fullest_stays() {
    let trace = trace(
        "a - web server 0 100 x
         a - web server 0 100 x
         b a web internal 10 20 x
         b a web internal 10 30 x k=v
         b a web internal 10 30 x",
    );
    assert_eq!(shown(&trace), "a\n  b");
    assert_eq!(trace.spans()[1].attributes.len(), 1);
    assert_eq!(
        anomalies(&trace),
        ["span a came 2 times", "span b came 3 times with different contents"]
    );
}

#[test]
fn a_client_and_a_server_may_share_an_id() {
    let trace = trace(
        "a - web  client 0 100 x
         a - cart server 10 90 x
         b a cart internal 20 30 x",
    );
    assert_eq!(shown(&trace), "a\n  a\n    b");
    assert_eq!(anomalies(&trace), ["span a is both a client's and a server's"]);
}

#[test]
fn times_that_make_no_sense_are_named_and_kept() {
    let trace = trace(
        "a - web server 10 100 x
         b a web internal 40 30 x
         c a web internal 50 50 x
         d a web internal  5 20 x
         e a web internal 90 120 x
         f - web internal 200 210 x trace=2",
    );
    assert_eq!(shown(&trace), "a\n  d\n  b\n  c\n  e\nf");
    let other = format!("span f belongs to another trace: {}", "02".repeat(16));
    assert_eq!(
        anomalies(&trace),
        [
            "span d starts 5 ms before its parent",
            "span b ends 10 ms before it starts",
            "span c takes no time",
            "span e ends 20 ms after its parent",
            &other,
        ]
    );
    assert_eq!(trace.self_times()[2], ms(0));
}

#[test]
fn nothing_is_a_trace_too() {
    let trace = Trace::new(Vec::new());
    assert!(trace.is_empty() && trace.critical_path().sections.is_empty());
    assert_eq!((trace.extent(), trace.findings().len()), (None, 0));
}

#[test]
fn a_parent_id_of_zeros_is_none() {
    let mut spans = spans("a - web server 0 10 x");
    spans[0].parent = Some(model::SpanId::default());
    assert!(Trace::new(spans).anomalies().is_empty());
}
