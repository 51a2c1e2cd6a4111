//! When a page was due, from the definition and what was sent alone: sliding windows, no buckets of the live part.

use std::time::Duration;

use super::traffic::{BUDGET, Bucket, Event, Plan, THRESHOLD};

const WINDOWS: [Duration; 2] = [Duration::from_secs(3600), Duration::from_secs(300)];
/// A page needs evidence that comes by chance less often than this.
const CHANCE_MAX: f64 = 0.001;

#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    pub(super) at: Duration,
    /// Over the long window.
    pub(super) burn: f64,
}

/// The width of the counts that the product's windows are made of: one may be shorter by so much.
const GRAIN: Duration = Duration::from_secs(10);

/// The end of the first event with which both windows exceed the threshold, and chance does not explain it.
///
/// When only windows that are shorter by a grain exceed it, that is when the page came: it was not late at all.
pub(super) fn find(plan: &Plan, events: &[Event], page_at: Duration) -> Option<Crossing> {
    let at = events.iter().filter(|event| event.bad).map(|event| event.end);
    let exact = at.filter_map(|at| crossed(plan, events, at, Duration::ZERO)).next();
    exact.or_else(|| crossed(plan, events, page_at, GRAIN))
}

#[expect(clippy::cast_precision_loss, reason = "some thousands of events")]
fn crossed(plan: &Plan, events: &[Event], at: Duration, shorter: Duration) -> Option<Crossing> {
    let mut burns = WINDOWS.map(|window| {
        let from = at.saturating_sub(window - shorter);
        let seen = events.iter().filter(|event| event.end > from && event.end <= at);
        let (mut bad, mut total) = (0, 0_u64);
        for event in seen {
            bad += u64::from(event.bad);
            total += 1;
        }
        let old: f64 = plan.history.iter().map(|bucket| share(bucket, from)).sum();
        let total = total as f64 + old;
        (bad as f64 / total / BUDGET, bad, total)
    });
    let (burn, bad, total) = burns[0];
    burns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let is_due = burns[0].0 > THRESHOLD && chance(bad, total) < CHANCE_MAX;
    is_due.then_some(Crossing { at, burn })
}

/// How much of a bucket lies after `from`, its events spread evenly.
#[expect(clippy::cast_precision_loss, reason = "some thousands of events")]
fn share(bucket: &Bucket, from: Duration) -> f64 {
    let after = (bucket.start + bucket.width).saturating_sub(from.max(bucket.start));
    bucket.total as f64 * after.as_secs_f64() / bucket.width.as_secs_f64()
}

/// The chance of `bad` or more failures among `total` requests of a service that just keeps its objective: a sum of the
/// binomial distribution from `bad` upwards.
#[expect(clippy::cast_precision_loss, reason = "some thousands of events")]
fn chance(bad: u64, total: f64) -> f64 {
    let ln_choose = |count: u64| -> f64 {
        (0..count).map(|n| ((total - n as f64) / (n as f64 + 1.0)).ln()).sum()
    };
    let term = |count: u64| {
        let rest = total - count as f64;
        (ln_choose(count) + count as f64 * BUDGET.ln() + rest * (-BUDGET).ln_1p()).exp()
    };
    (bad..bad + 200).take_while(|count| (*count as f64) <= total).map(term).sum()
}

#[test]
fn chance_is_the_tail_of_the_binomial_distribution() {
    assert!((chance(1, 3.0) - 0.002_997).abs() < 1e-6);
    assert!((chance(2, 100.0) - 0.004_638_6).abs() < 1e-6);
}

#[test]
fn the_crossing_is_the_first_bad_event_that_exceeds_the_threshold() {
    let second = Duration::from_secs;
    let bucket = Bucket { start: second(0), width: second(3600), total: 1000 };
    let plan = Plan { history: vec![bucket], rate: 1.0, failing: 1.0, healthy: Duration::ZERO };
    let events: Vec<Event> = (1..=60).map(|n| Event { end: second(3600 + n), bad: true }).collect();
    // Of the last hour's 1,000 good ones some have left the window: the 15th failure is 14.8 of 1,000.
    let found = find(&plan, &events, second(4000)).unwrap();
    assert_eq!(found.at, second(3615));
    assert!((found.burn - 15.0 / (1000.0 * 3585.0 / 3600.0 + 15.0) / BUDGET).abs() < 1e-9);
}
