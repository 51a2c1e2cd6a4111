//! A trace of 50,000 spans.

use std::time::{Duration, Instant};

use model::Span;
use traces::{Digest, Offsets, Profile, Trace};

use crate::support::spans;

const SPANS: usize = 50_000;

/// Spans whose parent is `above` of their number.
fn large(above: impl Fn(usize) -> usize) -> Vec<Span> {
    let pattern = spans(
        "a - web server 0 1000000 op host=h1
         b - web client 0 10 call host=h1 server.address=cart
         c - cart server 0 10 op host=h2",
    );
    let id = |number: usize| model::SpanId((number as u64 + 1).to_be_bytes());
    (0..SPANS)
        .map(|number| {
            let mut span = pattern[if number == 0 { 0 } else { 1 + number % 2 }].clone();
            span.span_id = id(number);
            if number > 0 {
                span.parent = Some(id(above(number)));
                span.start = span.start + Duration::from_millis(number as u64);
                span.end = span.start + Duration::from_millis(SPANS as u64 - number as u64);
            }
            span
        })
        .collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn fifty_thousand_spans_take_no_time() {
    type Above = fn(usize) -> usize;
    let shapes: [(&str, Above); 3] =
        [("flat", |_| 0), ("deep", |number| number - 1), ("bushy", |number| number / 8)];
    for (shape, above) in shapes {
        let mut bag = large(above);
        bag.reverse();
        let began = Instant::now();
        let trace = Trace::new(bag);
        let built = began.elapsed();
        let path = trace.critical_path();
        let followed = began.elapsed() - built;
        let own: Duration = trace.self_times().into_iter().sum();
        let findings = trace.findings().len();
        let found = began.elapsed() - built - followed;
        let (mut profile, mut digest, mut offsets) =
            (Profile::default(), Digest::default(), Offsets::default());
        profile.add(&trace);
        digest.add(&trace);
        offsets.add(&trace);
        let clocks = offsets.clocks(trace.extent().unwrap().0);
        let all = began.elapsed();
        println!(
            "{shape}: tree {built:?}, critical path {followed:?}, self time and findings {found:?}, with sets and clocks {all:?}"
        );
        assert_eq!((trace.len(), path.duration()), (SPANS, trace.spans()[0].duration()));
        assert!(!own.is_zero() && findings < SPANS && clocks.estimates().len() <= 2);
        // A debug build on a busy machine; what is quadratic would take minutes.
        assert!(all < Duration::from_secs(30), "{all:?}");
    }
}
