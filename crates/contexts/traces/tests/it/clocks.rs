//! Clocks of hosts: small cases, Jaeger's subjects, and planted offsets.

use std::{path::PathBuf, time::Duration};

use model::Timestamp;
use traces::{Cause, Clocks, Offsets, Order, Trace};

use crate::support::{at, id, name, spans, trace};

fn clocks(trace: &Trace) -> Clocks {
    let mut offsets = Offsets::default();
    offsets.add(trace);
    let when = trace.extent().map_or(Timestamp::EPOCH, |(from, _)| from);
    offsets.clocks(when)
}

fn ms(nanos: Option<i64>) -> Option<f64> {
    nanos.map(|nanos| nanos as f64 / 1e6)
}

/// Runs the cases of `testdata/skew.txt`; what Jaeger's rule says of each is in the view, except where a `~` says otherwise.
#[test]
fn the_subjects_of_jaegers_adjuster_are_met() {
    let (mut ran, mut differing) = (0, 0);
    for case in include_str!("../../testdata/skew.txt").split("\n\n") {
        let lines: Vec<&str> = case.lines().filter(|line| !line.starts_with('#')).collect();
        let [title, rest @ ..] = &lines[..] else { continue };
        let of = |sign: &'static str| {
            rest.iter().filter_map(move |line| line.strip_prefix(sign)).map(str::trim)
        };
        let text: Vec<&str> =
            rest.iter().copied().filter(|line| !line.starts_with(['=', '~'])).collect();
        let spans = spans(&text.join("\n"));
        let trace = Trace::new(spans.clone());
        let view = clocks(&trace).adjusted(&trace);
        for expected in of("=") {
            let (span, shift) = expected.split_once(' ').unwrap();
            let row = trace.row(id(span)).unwrap();
            let shown = view.rows[row];
            // What drift between the call and the trace's start may do is microseconds.
            let shift = shift.parse::<i64>().unwrap() * 1_000_000;
            assert!((shown.shift_nanos - shift).abs() <= 2_000, "{title}: {shown:?}");
            assert_eq!(shown.is_adjusted(), shift != 0, "{title}");
            let reported = &trace.spans()[row];
            assert!(spans.contains(reported), "{title}: times stay as reported");
            assert_eq!(shown.start.as_nanos() - reported.start.as_nanos(), shown.shift_nanos);
        }
        ran += 1;
        differing += usize::from(of("~").count() > 0);
    }
    println!("skew subjects: {ran} ran, 0 skipped; {differing} where Jaeger's rule differs");
    assert_eq!((ran, differing), (13, 3));
}

/// The tables themselves, where they are; their format was seen of other projects' tables only.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "where the tables are differs from machine to machine"
)]
fn jaegers_own_tables_are_looked_for() {
    let Some(data) = std::env::var("EVENKEEL_CONFORMANCE_DATA").ok().map(PathBuf::from) else {
        println!(
            "conformance jaeger-clock-skew: 0 ran, 19 skipped: EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let tables = data.join("traces-jaeger/tables");
    let why =
        if tables.is_dir() { "the tables' format is not known" } else { "the data has no tables" };
    println!("conformance jaeger-clock-skew: 0 ran, 19 skipped: {why}");
}

#[test]
fn many_calls_bound_the_offset_more_closely_than_one() {
    // The clock of h2 is 500 ms ahead; calls take 1 to 20 ms each way.
    let mut text = "a - web server 0 9000 x host=h1".to_owned();
    for call in 0..50 {
        let (sent, there, back) = (call * 100, 1 + call * 7 % 20, 1 + call * 3 % 20);
        let start = sent + there + 500;
        let answered = sent + there + 10 + back;
        text += &format!("\nb{call} a web client {sent} {answered} x host=h1");
        text += &format!("\nc{call} b{call} cart server {start} {} x host=h2", start + 10);
    }
    let trace = trace(&text);
    let clocks = clocks(&trace);
    let [estimate] = clocks.estimates() else { panic!("{clocks:?}") };
    let (low, high) = (ms(estimate.low_nanos).unwrap(), ms(estimate.high_nanos).unwrap());
    assert!(low <= 500.0 && 500.0 <= high && high - low < 10.0, "{estimate}");
    assert!(!estimate.zero_lies_within());
    assert_eq!((estimate.calls, estimate.used, estimate.outliers), (50, 16, 0));
    assert_eq!(estimate.drift, None);
    let found = trace.impossible_orders(Some(&clocks));
    assert_eq!(found.len(), 50);
    assert!(
        found.iter().all(|one| one.cause == Cause::Clocks && one.order == Order::EndedAfterAnswer)
    );
    assert_eq!(trace.impossible_orders(None)[0].cause, Cause::Unknown);
}

#[test]
fn one_wrong_host_among_many_does_not_move_the_others() {
    let mut text = String::new();
    for call in 0..20 {
        let sent = call * 10_000;
        let ahead = if call % 7 == 3 { 60_000 } else { 40 };
        text += &format!("\nb{call} - web client {sent} {} x host=h1", sent + 30);
        let start = sent + 10 + ahead;
        text += &format!("\nc{call} b{call} cart server {start} {} x host=h2", start + 10);
    }
    let clocks = clocks(&trace(&text));
    let estimate = &clocks.estimates()[0];
    assert_eq!(estimate.outliers, 3);
    assert_eq!(estimate.offset_nanos, 40_000_000, "{estimate}");
}

#[test]
fn a_clock_that_was_set_gives_no_estimate() {
    let mut text = String::new();
    for call in 0..20 {
        let sent = call * 100;
        let start = sent + 10 + if call < 10 { 0 } else { 60_000 };
        text += &format!("\nb{call} - web client {sent} {} x host=h1", sent + 30);
        text += &format!("\nc{call} b{call} cart server {start} {} x host=h2", start + 10);
    }
    let clocks = clocks(&trace(&text));
    assert!(clocks.estimates().is_empty());
    assert_eq!(clocks.inconsistent(), [("h1".into(), "h2".into())]);
}

#[test]
fn chains_of_hosts_add_up_and_calls_both_ways_count() {
    let trace = trace(
        "a - web client 0 100 x host=h1
         b a cart server 1040 1060 x host=h2
         c b cart client 1045 1055 x host=h2
         d c bank server 3049 3051 x host=h3
         e d bank client 3050 3051 x host=h3
         f e cart server 1050 1050 x host=h2",
    );
    let clocks = clocks(&trace);
    let far = clocks.relative("h1", "h3").unwrap();
    assert_eq!(far.via, ["h2".into()]);
    assert!((2_950_000_000..=3_050_000_000).contains(&far.offset_nanos), "{far:?}");
    let back = clocks.relative("h3", "h1").unwrap();
    assert_eq!(back.low_nanos, far.high_nanos.map(|high| -high));
    assert_eq!(clocks.relative("h1", "h1").unwrap().offset_nanos, 0);
    assert_eq!(clocks.relative("h1", "nowhere"), None);
    let view = clocks.adjusted(&trace);
    assert_eq!(view.host.as_deref(), Some("h1"));
    let row = &view.rows[trace.row(id("d")).unwrap()];
    assert!(row.is_adjusted() && row.start > at(0) && row.end < at(100), "{row:?}");
    assert!(row.less.unwrap() > Duration::from_millis(1));
}

#[test]
fn messages_bound_one_side_and_order_by_one_clock_is_no_skew() {
    let trace = trace(
        "a - web producer 100 110 send host=h1
         b a mail consumer 50 90 take host=h2
         c - web client 200 300 call host=h1
         d c web server 150 170 serve host=h1",
    );
    let clocks = clocks(&trace);
    let estimate = &clocks.estimates()[0];
    assert_eq!(estimate.low_nanos, None);
    assert_eq!(estimate.high_nanos, Some(estimate.offset_nanos));
    assert_eq!(
        estimate.to_string(),
        "the clock of `h2` is 50 ms behind that of `h1` (at most -50 ms, from 1 calls)"
    );
    let found = trace.impossible_orders(Some(&clocks));
    let shown: Vec<_> = found.iter().map(|one| (name(one.span), one.order, one.cause)).collect();
    assert_eq!(
        shown,
        [
            ("b".to_owned(), Order::TakenBeforeSent, Cause::Clocks),
            ("d".to_owned(), Order::AnsweredBeforeAsked, Cause::OneClock),
        ]
    );
}

#[test]
fn drift_shows_over_minutes() {
    let mut offsets = Offsets::default();
    // 80 ppm: 4.8 ms a minute.
    for minute in 0..30i64 {
        for call in 0..10 {
            let sent = minute * 60_000 + call * 500;
            let mut spans = spans(&format!(
                "b{minute}.{call} - web client {sent} {} x host=h1
                 c{minute}.{call} b{minute}.{call} cart server {} {} x host=h2",
                sent + 4,
                sent + 1,
                sent + 3,
            ));
            let ahead = Duration::from_nanos(sent.unsigned_abs() * 80);
            (spans[1].start, spans[1].end) = (spans[1].start + ahead, spans[1].end + ahead);
            offsets.add(&Trace::new(spans));
        }
    }
    let middle = offsets.middle().unwrap();
    let clocks = offsets.clocks(middle);
    let estimate = &clocks.estimates()[0];
    let drift = estimate.drift.unwrap();
    assert!(drift.low_ppm <= 80.0 && 80.0 <= drift.high_ppm, "{drift:?}");
    assert!((drift.ppm - 80.0).abs() < 5.0, "{drift:?}");
    let truth = middle.since(at(0)).as_secs_f64() * 0.08;
    let (low, high) = (ms(estimate.low_nanos).unwrap(), ms(estimate.high_nanos).unwrap());
    assert!(low <= truth && truth <= high && high - low < 20.0, "{truth} {estimate}");
}
