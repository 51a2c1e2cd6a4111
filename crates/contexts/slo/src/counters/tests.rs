//! Counting, and what must not change a count.

use std::sync::Arc;

use model::{
    Labels, LogRecord, Resource, Sample, Series, SpanId, SpanKind, SpanStatus, TraceId, Value,
};

use super::*;
use crate::{CounterIndicator, Part, SpanFilter, SpanIndicator, StatusFilter};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_400_005);

/// All server spans of the service of the same name; errors are bad; 99.9 % over 30 days.
pub(crate) fn slo(name: &str) -> Slo {
    let total = SpanFilter::of(name);
    let bad = SpanFilter { status: Some(StatusFilter::Error), ..total.clone() };
    Slo {
        name: name.into(),
        display_name: name.into(),
        description: "".into(),
        service: name.into(),
        environment: None,
        indicator: Indicator::Spans(SpanIndicator { total, part: Part::Bad(bad) }),
        objective: "0.999".parse().unwrap(),
        window: "30d".parse().unwrap(),
        owner: None,
        labels: Labels::default(),
    }
}

/// A good span of `checkout` that ended at [`NOW`].
pub(crate) fn span(id: u64) -> Span {
    Span {
        trace_id: TraceId::default(),
        span_id: SpanId(id.to_be_bytes()),
        resource: Arc::new(Resource { service: "checkout".into(), ..Resource::default() }),
        name: "POST /order".into(),
        kind: SpanKind::Server,
        start: NOW,
        end: NOW,
        status: SpanStatus::Unset,
        ..Span::default()
    }
}

pub(crate) fn batch(received_at: Timestamp, spans: Vec<Span>) -> Batch {
    Batch { received_at, spans, ..Batch::default() }
}

fn bad(id: u64) -> Span {
    Span { status: SpanStatus::Error, ..span(id) }
}

fn counts(counters: &Counters, name: &str) -> (u64, u64) {
    let budget = counters.evaluate_one(name, NOW).unwrap().budget;
    (budget.bad_events, budget.total_events)
}

#[test]
fn a_span_sent_again_counts_once_for_every_slo() {
    let other = Slo { name: "other".into(), ..slo("checkout") };
    let mut counters = Counters::new(vec![slo("checkout"), other]);
    counters.observe(&batch(NOW, vec![span(1), bad(2), span(1)]));
    counters.observe(&batch(NOW, vec![span(1), bad(2)]));
    assert_eq!(counts(&counters, "checkout"), (1, 2));
    assert_eq!(counts(&counters, "other"), (1, 2));
}

#[test]
fn a_new_configuration_keeps_the_counts_of_an_unchanged_indicator() {
    let mut counters =
        Counters::new(vec![slo("checkout"), Slo { name: "b".into(), ..slo("checkout") }]);
    counters.observe(&batch(NOW, vec![span(1), bad(2)]));
    let stricter = Slo { objective: "0.9999".parse().unwrap(), ..slo("checkout") };
    let other = Slo { name: "b".into(), ..slo("cart") };
    counters.reconfigure(vec![other, stricter.clone()]);
    assert_eq!(counts(&counters, "checkout"), (1, 2));
    assert_eq!(counts(&counters, "b"), (0, 0));
    assert_eq!(counters.slo("checkout"), Some(&stricter));
    counters.reconfigure(Vec::new());
    assert_eq!(counters.evaluate(NOW), []);
}

#[test]
fn counters_and_spans_are_counted_side_by_side() {
    let selector = |code: &str| {
        let matcher = Matcher::new("code", MatchOp::Regex, code).unwrap();
        vec![Matcher::equal("__name__", "requests_total"), matcher]
    };
    let indicator = CounterIndicator { total: selector(".*"), part: Part::Bad(selector("5..")) };
    let metrics =
        Slo { name: "metrics".into(), indicator: Indicator::Counters(indicator), ..slo("cart") };
    let mut counters = Counters::new(vec![metrics, slo("checkout")]);
    let series = |name: &str, code: &str, value: f64, ago_s: i64| Series {
        labels: Labels::from_pairs([("__name__", name), ("code", code)]),
        samples: vec![Sample { at_ms: NOW.as_millis() - ago_s * 1000, value }],
    };
    for (ago_s, ok, failed) in [(60, 1000.0, 5.0), (30, 1100.0, 5.0), (0, 1190.0, 15.0)] {
        counters.observe(&Batch {
            received_at: NOW - Duration::from_secs(u64::try_from(ago_s).unwrap()),
            series: vec![
                series("requests_total", "200", ok, ago_s),
                series("requests_total", "503", failed, ago_s),
                series("other_total", "503", 7.0 * ok, ago_s),
            ],
            ..Batch::default()
        });
    }
    assert_eq!(counts(&counters, "metrics"), (10, 200));
    assert_eq!(counts(&counters, "checkout"), (0, 0));
}

#[test]
fn logs_show_that_a_service_is_there() {
    let mut counters = Counters::new(vec![slo("checkout")]);
    assert_eq!(counters.telemetry_seen("checkout"), None);
    let log = LogRecord {
        resource: span(1).resource,
        at: NOW,
        severity: 9,
        severity_text: "INFO".into(),
        body: Value::string("started"),
        ..LogRecord::default()
    };
    counters.observe(&Batch { received_at: NOW, logs: vec![log], ..Batch::default() });
    assert_eq!(counters.telemetry_seen("checkout"), Some(NOW));
}

#[test]
fn a_chart_has_every_event_once_whatever_its_step() {
    let mut counters = Counters::new(vec![slo("checkout")]);
    let ago = |secs: u64| NOW - Duration::from_secs(secs);
    for id in 0..1000 {
        let end = ago((1000 - id) * 200);
        counters.observe(&batch(
            end,
            vec![Span { end, ..if id % 10 == 0 { bad(id) } else { span(id) } }],
        ));
    }
    for (hours, step_s, expected) in
        [(1, 10, 18), (5, 60, 90), (60, 1, 1000), (60, 7200, 1000), (24 * 400, 0, 1000)]
    {
        let points = counters
            .series("checkout", ago(hours * 3600), NOW, Duration::from_secs(step_s))
            .unwrap();
        let total: u64 = points.iter().map(|point| point.total).sum();
        assert!(total.abs_diff(expected) <= 1, "{hours} h by {step_s} s: {total}");
        assert!(points.len() <= Counters::POINTS_MAX);
        assert!(points.windows(2).all(|pair| pair[0].start + pair[0].width == pair[1].start));
    }
    assert_eq!(counters.series("gone", ago(10), NOW, Duration::ZERO), None);
    let backwards = counters.series("checkout", NOW, ago(10), Duration::MAX).unwrap();
    assert_eq!(backwards, []);
}

#[test]
fn a_clock_that_was_ahead_hides_no_burn() {
    for ahead_s in [60, 3600, 86_400, 315_360_000] {
        let mut counters = Counters::new(vec![slo("checkout")]);
        let ahead = NOW + Duration::from_secs(ahead_s);
        let spans = (0..20).map(|id| Span { end: ahead, ..span(id) });
        counters.observe(&batch(ahead, spans.collect()));
        counters.observe(&batch(NOW, (100..200).map(bad).collect()));
        let found = &counters.evaluate(NOW)[0];
        assert!(found.burns[0].crossed(), "{ahead_s} s ahead: {}", found.reason);
        counters.observe(&batch(NOW, (100..200).map(bad).collect()));
        assert_eq!(counters.evaluate(NOW)[0].burns[0].long.bad, 100, "{ahead_s} s ahead");
        let later = counters.evaluate(NOW + Counters::PRESENT_FOR + Duration::from_secs(1));
        assert!(later[0].reason.contains("telemetry has stopped") || !later[0].burns[0].crossed());
    }
}

#[test]
fn a_snapshot_of_rubbish_restores_to_something_sound() {
    let mut counters = Counters::new(vec![slo("checkout")]);
    counters.observe(&batch(NOW, vec![span(1)]));
    let mut snapshot = counters.snapshot();
    let tier = &mut snapshot.counters[0].tiers[0];
    let slot = tier.slots[0];
    tier.slots.push(crate::SlotSnapshot { index: slot.index, total: u64::MAX, marked: u64::MAX });
    tier.slots.push(crate::SlotSnapshot { index: i64::MIN, total: 1, marked: 1 });
    tier.slots.push(crate::SlotSnapshot { index: i64::MAX, total: 1, marked: 1 });
    snapshot.counters[0].tiers[1].head = i64::MAX;
    snapshot.counters[0].tiers[2].head = i64::MIN;
    snapshot.counters[0].backfilled = vec![(5, 1), (i64::MIN, i64::MAX)];
    let restored = Counters::restore(&snapshot, vec![slo("checkout")]);
    assert_eq!(restored.evaluate(NOW).len(), 1);
    assert!(
        restored.series("checkout", Timestamp::EPOCH, Timestamp::MAX, Duration::ZERO).is_some()
    );
}
