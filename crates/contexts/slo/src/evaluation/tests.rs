//! Judgements over small numbers, silence, and the words for them.

use std::time::Duration;

use model::{Span, SpanStatus, Timestamp};

use super::*;
use crate::{
    Bucket,
    counters::tests::{NOW, batch, slo, span},
};

/// Counters with `hours` of clean history at 1,000 events an hour, then `bad` of `total` events in the last minute.
fn counters(hours: u32, bad: u64, total: u64) -> Counters {
    let mut counters = Counters::new(vec![slo("checkout")]);
    let hour = Duration::from_secs(3600);
    let history: Vec<_> = (1..=hours)
        .map(|ago| Bucket {
            start: NOW.floor(hour) - hour * ago,
            width: hour,
            good: 1000,
            total: 1000,
        })
        .collect();
    counters.backfill("checkout", "test", &history, NOW).unwrap();
    let at = NOW - Duration::from_secs(60);
    let spans = (0..total).map(|id| {
        let status = if id < bad { SpanStatus::Error } else { SpanStatus::Ok };
        Span { end: at, status, ..span(id) }
    });
    counters.observe(&batch(at, spans.collect()));
    counters
}

fn check(counters: &Counters, now: Timestamp) -> String {
    let found = counters.evaluate(now);
    let verdicts: Vec<_> =
        found[0].burns.iter().map(|burn| format!("{:?}", burn.verdict)).collect();
    format!("{:?} [{}] {}", found[0].state, verdicts.join(" "), found[0].reason)
}

#[test]
fn a_burn_crosses_when_both_windows_exceed() {
    insta::assert_snapshot!(check(&counters(48, 100, 1000), NOW), @"");
    insta::assert_snapshot!(check(&counters(48, 0, 1000), NOW), @"");
}

#[test]
fn young_counts_need_ten_bad_events() {
    insta::assert_snapshot!(check(&counters(0, 9, 100), NOW), @"");
    insta::assert_snapshot!(check(&counters(0, 10, 100), NOW), @"");
}

#[test]
fn one_bad_event_of_three_is_chance() {
    let only = |bad, total| {
        let mut counters = counters(0, 0, 0);
        let old = Bucket {
            start: NOW.floor(Duration::from_secs(3600)) - Duration::from_secs(20 * 3600),
            width: Duration::from_secs(3600),
            good: 50_000,
            total: 50_000,
        };
        counters.backfill("checkout", "test", &[old], NOW).unwrap();
        let spans = (0..total).map(|id| {
            let status = if id < bad { SpanStatus::Error } else { SpanStatus::Ok };
            Span { status, ..span(id) }
        });
        counters.observe(&batch(NOW, spans.collect()));
        check(&counters, NOW)
    };
    insta::assert_snapshot!(only(1, 3), @"");
    insta::assert_snapshot!(only(3, 3), @"");
}

#[test]
fn silence_is_not_health() {
    let counters = counters(48, 100, 1000);
    insta::assert_snapshot!(check(&Counters::new(vec![slo("checkout")]), NOW), @"");
    insta::assert_snapshot!(check(&counters, NOW + Duration::from_secs(230)), @"");
    insta::assert_snapshot!(check(&counters, NOW + Duration::from_secs(600)), @"");
}

#[test]
fn a_quiet_service_that_is_there_is_clear_in_time_and_not_before() {
    let mut counters = counters(48, 100, 1000);
    let mut at = |secs| {
        let now = NOW + Duration::from_secs(secs);
        // A health check, of another kind than what counts.
        let ping = Span { kind: model::SpanKind::Internal, ..span(9) };
        counters.observe(&batch(now, vec![ping]));
        counters.evaluate(now)[0].burns[0].verdict
    };
    assert_eq!([0, 1800, 3700].map(&mut at), [Verdict::Crossed, Verdict::Unknown, Verdict::Clear]);
}

#[test]
fn a_spent_budget_says_so() {
    insta::assert_snapshot!(check(&counters(2, 500, 1000), NOW), @"");
}

#[test]
fn the_time_to_exhaustion_follows_the_last_hour() {
    let left = |counters: Counters| counters.evaluate(NOW)[0].time_to_exhaustion;
    assert_eq!(left(counters(48, 0, 1000)), None);
    assert_eq!(left(counters(2, 500, 1000)), Some(Duration::ZERO));
    let burning = counters(700, 100, 1000);
    let found = &burning.evaluate(NOW)[0];
    let (rate, fraction) =
        (found.burns[0].long.burn.unwrap(), found.budget.remaining_fraction.unwrap());
    let expected = 30.0 * 86_400.0 * fraction / rate;
    assert!((found.time_to_exhaustion.unwrap().as_secs_f64() - expected).abs() < 1.0);
}
