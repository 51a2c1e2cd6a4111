//! Critical paths and self times of small traces, drawn as texts.

use model::{SpanKind, Value, span::SpanLink};
use traces::Trace;

use crate::support::{id, millis, ms, name, spans, trace};

/// `a 0-10, b 10-50`.
fn path(trace: &Trace) -> String {
    let shown = |section: &traces::Section| {
        format!("{} {}-{}", name(section.span), millis(section.from), millis(section.to))
    };
    trace.critical_path().sections.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn check(text: &str, expected: &str) {
    assert_eq!(path(&trace(text)), expected, "{text}");
}

#[test]
fn the_child_that_ends_last_is_waited_for() {
    check(
        "a - web internal 0 100 x
         b a web internal 20 40 x
         c a web internal 50 60 x",
        "a 0-20, b 20-40, a 40-50, c 50-60, a 60-100",
    );
    // d still ran when b began: nobody waited for it.
    check(
        "a - web internal 0 100 x
         d a web internal 10 30 x
         b a web internal 20 90 x
         c a web internal 50 80 x",
        "a 0-20, b 20-90, a 90-100",
    );
}

#[test]
fn a_child_that_ends_where_the_next_begins_is_waited_for() {
    check(
        "a - web internal 0 30 x
         b a web internal 0 10 x
         c a web internal 10 20 x
         d a web internal 20 30 x",
        "b 0-10, c 10-20, d 20-30",
    );
}

#[test]
fn paths_go_down_through_levels() {
    check(
        "a - web internal 0 100 x
         b a web client 10 90 x
         c b cart server 20 80 x
         d c cart client 30 70 x
         e c cart internal 25 60 x",
        "a 0-10, b 10-20, c 20-30, d 30-70, c 70-80, b 80-90, a 90-100",
    );
}

#[test]
fn what_sticks_out_is_cut_and_what_lies_outside_is_left_out() {
    check("a - web internal 10 30 x\n b a web internal 5 35 x", "b 10-30");
    let trace = trace(
        "a - web internal 10 50 x
         b a web internal 0 20 x
         c a web internal 40 90 x
         d c web internal 45 60 x
         e a web internal 60 70 x
         f e web internal 61 65 x",
    );
    assert_eq!(path(&trace), "b 10-20, a 20-40, c 40-45, d 45-50");
    let names = |rows: &[usize]| {
        rows.iter().map(|row| name(trace.spans()[*row].span_id)).collect::<Vec<_>>()
    };
    let found = trace.critical_path();
    assert_eq!(names(&found.cut), ["b", "c", "d"]);
    assert_eq!(names(&found.left_out), ["e"]);
    assert_eq!(found.duration(), ms(40));
}

#[test]
fn consumers_and_followers_are_not_waited_for() {
    check(
        "a - web internal 0 100 x
         p a web producer 10 20 x
         c p mail consumer 15 90 x
         l a web producer 50 120 x",
        "a 0-10, p 10-20, a 20-100",
    );
    let mut spans = spans("a - web internal 0 100 x\n b a web internal 10 60 x");
    spans[1].links = vec![SpanLink {
        trace_id: spans[0].trace_id,
        span_id: id("a"),
        attributes: vec![("opentracing.ref_type".into(), Value::string("follows_from"))],
        ..SpanLink::default()
    }];
    assert_eq!(path(&Trace::new(spans)), "a 0-100");
}

#[test]
fn a_consumer_that_is_the_root_has_a_path() {
    let trace = trace("c - mail consumer 0 50 x\n d c mail client 10 20 x");
    assert_eq!(trace.spans()[0].kind, SpanKind::Consumer);
    assert_eq!(path(&trace), "c 0-10, d 10-20, c 20-50");
}

#[test]
fn any_span_has_a_path_of_its_own() {
    let trace = trace(
        "a - web internal 0 100 x
         b a web internal 10 60 x
         c b web internal 20 30 x",
    );
    let path = trace.critical_path_of(1);
    assert_eq!(path.duration(), ms(50));
    assert_eq!(path.by_row(), [(1, ms(40)), (2, ms(10))]);
}

#[test]
fn self_time_is_what_no_child_covers() {
    let trace = trace(
        "a - web internal 0 100 x
         b a web internal 10 40 x
         c a web internal 30 50 x
         d a web internal 35 45 x
         e a web internal 90 130 x
         f b web internal 0 20 x",
    );
    let times = trace.self_times();
    let of = |span| times[trace.row(id(span)).unwrap()];
    assert_eq!((of("a"), of("b"), of("c"), of("e")), (ms(50), ms(20), ms(20), ms(40)));
}
