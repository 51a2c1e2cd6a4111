//! What holds of any bag of spans.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use model::{Resource, Span, SpanId, SpanKind, SpanStatus, TraceId};
use proptest::prelude::*;
use traces::{Digest, Offsets, Profile, Trace};

use crate::support::at;

fn made(own: u8, parent: Option<u8>, kind: SpanKind, start: i64, took: i64, host: u8) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([own + 1; 8]),
        parent: parent.map(|parent| SpanId([parent; 8])),
        resource: Arc::new(Resource {
            service: format!("s{}", host % 3).into(),
            instance: format!("h{host}").into(),
            ..Resource::default()
        }),
        name: format!("op{}", own % 5).into(),
        kind,
        start: at(start),
        end: at(start + took),
        status: if own.is_multiple_of(4) { SpanStatus::Error } else { SpanStatus::Unset },
        status_message: "".into(),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        ..Span::default()
    }
}

fn kind() -> impl Strategy<Value = SpanKind> {
    prop_oneof![
        3 => Just(SpanKind::Internal),
        3 => Just(SpanKind::Server),
        3 => Just(SpanKind::Client),
        1 => Just(SpanKind::Producer),
        1 => Just(SpanKind::Consumer),
    ]
}

/// Spans with few ids, so that they meet, repeat, and go round in rings.
fn rubbish() -> impl Strategy<Value = Vec<Span>> {
    let span = (0..40u8, prop::option::of(0..45u8), kind(), 0..1000i64, -50..400i64, 0..4u8)
        .prop_map(|(own, parent, kind, start, took, host)| {
            made(own, parent, kind, start, took, host)
        });
    prop::collection::vec(span, 0..60)
}

/// A trace in which each span's children lie within it, one after another.
fn sequential() -> impl Strategy<Value = Vec<Span>> {
    let parts = prop::collection::vec((0..u8::MAX, 1..5i64), 1..60);
    parts.prop_map(|parts| {
        // Each span's place is cut from its parent's rest.
        let mut spans = vec![made(0, None, SpanKind::Internal, 0, 1_000_000, 0)];
        let mut free = vec![(0, 1_000_000)];
        for (own, (under, share)) in (1u8..).zip(parts) {
            let parent = usize::from(under) % spans.len();
            let (from, to) = free[parent];
            let took = (to - from) / (share + 2);
            let start = from + took / 3;
            free[parent].0 = start + took;
            let above = u8::try_from(parent).unwrap() + 1;
            spans.push(made(own, Some(above), SpanKind::Internal, start, took, 0));
            free.push((start, start + took));
        }
        spans
    })
}

fn shuffled(spans: &[Span], seed: u64) -> Vec<Span> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| {
        let key = u64::from(span.span_id.0[0]) + span.start.as_nanos().unsigned_abs();
        key.wrapping_mul(seed | 1).rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    spans
}

proptest! {
    #[test]
    fn any_bag_is_a_tree(spans in rubbish()) {
        let ids: BTreeSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
        let trace = Trace::new(spans);
        let found: BTreeSet<SpanId> = trace.spans().iter().map(|span| span.span_id).collect();
        prop_assert_eq!(&found, &ids);
        let mut seen = 0;
        for root in trace.roots() {
            prop_assert_eq!(trace.depth(root), 0);
            seen += trace.descendants(root) + 1;
        }
        prop_assert_eq!(seen, trace.len());
        for row in 0..trace.len() {
            let starts: Vec<_> = trace.children(row).map(|child| trace.spans()[child].start).collect();
            prop_assert!(starts.is_sorted());
            for child in trace.children(row) {
                prop_assert_eq!(trace.parent(child), Some(row));
                prop_assert_eq!(trace.depth(child), trace.depth(row) + 1);
                prop_assert!(trace.subtree(row).contains(&child));
            }
        }
    }

    #[test]
    fn a_path_fills_its_span_without_overlap(spans in rubbish()) {
        let trace = Trace::new(spans);
        for row in 0..trace.len() {
            let span = &trace.spans()[row];
            let path = trace.critical_path_of(row);
            let mut until = span.start;
            for section in &path.sections {
                prop_assert!(section.from < section.to);
                prop_assert_eq!(section.from, until);
                prop_assert!(trace.subtree(row).contains(&section.row));
                let own = &trace.spans()[section.row];
                prop_assert!(own.start <= section.from && section.to <= own.end);
                until = section.to;
            }
            prop_assert_eq!(path.duration(), span.duration());
            prop_assert!(trace.self_time(row) <= span.duration());
        }
    }

    #[test]
    fn order_does_not_matter(spans in rubbish(), seed: u64) {
        let (one, other) = (Trace::new(spans.clone()), Trace::new(shuffled(&spans, seed)));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one.findings(), other.findings());
        prop_assert_eq!(one.critical_path(), other.critical_path());
    }

    #[test]
    fn self_times_of_a_sequential_trace_add_up(spans in sequential()) {
        let trace = Trace::new(spans);
        let sum: Duration = trace.self_times().into_iter().sum();
        prop_assert_eq!(sum, trace.spans()[0].duration());
        // Nothing runs side by side, so that the path is each span's own time.
        let mut own = trace.self_times();
        for (row, time) in trace.critical_path().by_row() {
            prop_assert_eq!(own[row], time);
            own[row] = Duration::ZERO;
        }
        prop_assert!(own.iter().all(Duration::is_zero));
    }

    #[test]
    fn sets_do_not_depend_on_order(bags in prop::collection::vec(rubbish(), 1..6)) {
        let traces: Vec<Trace> = bags.into_iter().map(Trace::new).collect();
        let told = |order: &mut dyn Iterator<Item = &Trace>| {
            let (mut profile, mut digest, mut offsets) =
                (Profile::default(), Digest::default(), Offsets::default());
            for trace in order {
                profile.add(trace);
                digest.add(trace);
                offsets.add(trace);
            }
            let clocks = offsets.clocks(at(500));
            (
                (profile.shares(), profile.flame(), digest.rows().clone()),
                (clocks.estimates().to_vec(), clocks.inconsistent().to_vec()),
            )
        };
        let there = told(&mut traces.iter());
        prop_assert_eq!(&told(&mut traces.iter().rev()), &there);
        let total: Duration = there.0.0.iter().map(|share| share.time).sum();
        let paths: Duration =
            there.0.1.iter().filter(|frame| frame.depth == 0).map(|frame| frame.total).sum();
        prop_assert_eq!(total, paths);
    }

    /// The clock of `h1` is ahead by what is planted; some calls name a wrong host, at most one in twenty.
    #[test]
    fn a_planted_offset_lies_within_the_bounds(
        ahead in -5_000..5_000i64,
        drift_ppm in -100..=100i64,
        calls in prop::collection::vec((0..600_000i64, 1..200i64, 0..50i64, 1..200i64), 1..120),
        wrong in -90_000..90_000i64,
    ) {
        let mut offsets = Offsets::default();
        for (number, (sent, there, took, back)) in calls.iter().enumerate() {
            let wrong = if number % 20 == 19 { wrong } else { 0 };
            let drifted = |at: i64| at * drift_ppm / 1_000_000;
            let by_server = |at: i64| at + ahead + wrong + drifted(at);
            let (start, end) = (by_server(sent + there), by_server(sent + there + took));
            let mut client = made(1, None, SpanKind::Client, *sent, there + took + back, 0);
            client.trace_id = TraceId(u128::try_from(number).unwrap().to_be_bytes());
            let mut server = made(2, Some(2), SpanKind::Server, start, end - start, 1);
            server.trace_id = client.trace_id;
            offsets.add(&Trace::new(vec![client, server]));
        }
        let when = 300_000;
        let clocks = offsets.clocks(at(when));
        // Times are in whole milliseconds, and so is the drift that is planted.
        let truth = (ahead * 1_000_000) + when * drift_ppm;
        let estimate = clocks.estimates().first();
        if calls.len() < 20 {
            prop_assert!(estimate.is_some());
        }
        if let Some(estimate) = estimate {
            let (low, high) = (estimate.low_nanos.unwrap(), estimate.high_nanos.unwrap());
            let rounding = 1_000_000;
            prop_assert!(low - rounding <= truth && truth <= high + rounding, "{} {}", truth, estimate);
            prop_assert!(low <= estimate.offset_nanos && estimate.offset_nanos <= high);
        }
    }

    /// For one call, the view shifts as Jaeger's rule does: the latency halved, or to the client's start.
    #[test]
    fn one_call_is_shown_as_jaegers_rule_has_it(
        sent in 0..1_000i64, waited in 1..1_000i64, start in -2_000..3_000i64, took in 0..1_500i64,
    ) {
        let jaeger = if took > waited {
            (sent - start).max(0)
        } else if start >= sent && start + took <= sent + waited {
            0
        } else {
            // In halves, so that nothing is rounded.
            sent + (waited - took) / 2 - start
        };
        let client = made(1, None, SpanKind::Client, sent, waited, 0);
        let server = made(2, Some(2), SpanKind::Server, start, took, 1);
        let trace = Trace::new(vec![client, server]);
        let mut offsets = Offsets::default();
        offsets.add(&trace);
        let clocks = offsets.clocks(at(sent));
        let shown = clocks.adjusted(&trace).rows[1];
        let jaeger = jaeger * 1_000_000;
        prop_assert!((shown.shift_nanos - jaeger).abs() <= 500_000, "{} {}", shown.shift_nanos, jaeger);
        prop_assert_eq!(shown.is_adjusted(), !trace.impossible_orders(None).is_empty());
    }
}
