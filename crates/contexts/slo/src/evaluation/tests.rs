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
    insta::assert_snapshot!(check(&counters(48, 100, 1000), NOW), @"Exhausted [Crossed Crossed Crossed Crossed] the error budget is spent: 100 bad events in 30 d where 99.9 % allows 49; burning 56.3x over 1 h and 100x over 5 min, above 14.4x (page): 100 of 1,775 events were bad in 1 h");
    insta::assert_snapshot!(check(&counters(48, 0, 1000), NOW), @"Ok [Clear Clear Clear Clear] 100 % of 49,000 events were good in 30 d, 100 % of the error budget is left");
}

#[test]
fn young_counts_need_ten_bad_events() {
    insta::assert_snapshot!(check(&counters(0, 9, 100), NOW), @"Ok [Unknown Unknown Unknown Unknown] 91 % of 100 events were good in 30 d; no page yet: with 60 s of history it needs 10 bad events in 1 h, there are 9");
    insta::assert_snapshot!(check(&counters(0, 10, 100), NOW), @"Exhausted [Crossed Crossed Crossed Crossed] the error budget is spent: 10 bad events in 30 d where 99.9 % allows 0.1; burning 100x over 1 h and 100x over 5 min, above 14.4x (page): 10 of 100 events were bad in 1 h");
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
    insta::assert_snapshot!(only(1, 3), @"Ok [Unknown Unknown Clear Clear] 99.998 % of 50,003 events were good in 30 d, 98 % of the error budget is left; no page: 1 bad of 3 events in 1 h come by chance with probability 0.003");
    insta::assert_snapshot!(only(3, 3), @"Burning [Crossed Crossed Clear Clear] burning 1000x over 1 h and 1000x over 5 min, above 14.4x (page): 3 of 3 events were bad in 1 h");
}

#[test]
fn a_ticket_needs_ten_bad_events_or_more_than_chance() {
    let verdicts = |bad, total| {
        let mut counters = Counters::new(vec![slo("checkout")]);
        let old = Bucket {
            start: NOW.floor(Duration::from_secs(3600)) - Duration::from_secs(100 * 3600),
            width: Duration::from_secs(3600),
            good: 1_000_000,
            total: 1_000_000,
        };
        counters.backfill("checkout", "test", &[old], NOW).unwrap();
        let spans = (0..total).map(|id| {
            let status = if id < bad { SpanStatus::Error } else { SpanStatus::Ok };
            Span { status, ..span(id) }
        });
        counters.observe(&batch(NOW, spans.collect()));
        let found = counters.evaluate(NOW);
        let [.., three_days] = &found[0].burns;
        (three_days.verdict, three_days.held_back.clone().unwrap_or_default())
    };
    let (verdict, why) = verdicts(1, 500);
    assert_eq!(verdict, Verdict::Unknown);
    insta::assert_snapshot!(why, @"no ticket: 1 bad of 500 events in 3 d come by chance with probability 0.3936");
    assert_eq!(verdicts(9, 8000).0, Verdict::Unknown);
    assert_eq!(verdicts(10, 8000).0, Verdict::Crossed);
    assert_eq!(verdicts(3, 100).0, Verdict::Crossed);
}

#[test]
fn silence_is_not_health() {
    let counters = counters(48, 100, 1000);
    insta::assert_snapshot!(check(&Counters::new(vec![slo("checkout")]), NOW), @"InsufficientData [Unknown Unknown Unknown Unknown] no event of `checkout` was counted in the last 30 d");
    insta::assert_snapshot!(check(&counters, NOW + Duration::from_secs(230)), @"Exhausted [Crossed Crossed Crossed Crossed] the error budget is spent: 100 bad events in 30 d where 99.9 % allows 49; burning 58.4x over 1 h and 100x over 5 min, above 14.4x (page): 100 of 1,712 events were bad in 1 h");
    insta::assert_snapshot!(check(&counters, NOW + Duration::from_secs(600)), @"Exhausted [Unknown Crossed Crossed Crossed] the error budget is spent: 100 bad events in 30 d where 99.9 % allows 49; burning 15.2x over 6 h and 90.2x over 30 min, above 6x (page): 100 of 6,600 events were bad in 6 h");
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
    insta::assert_snapshot!(check(&counters(2, 500, 1000), NOW), @"Exhausted [Crossed Crossed Crossed Crossed] the error budget is spent: 500 bad events in 30 d where 99.9 % allows 3; burning 282x over 1 h and 500x over 5 min, above 14.4x (page): 500 of 1,775 events were bad in 1 h");
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
