//! Random streams of spans: late, sent again, from the future, across a restart; against a list of all events.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Batch, Labels, Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId};
use proptest::prelude::*;
use slo::{
    Counters, Indicator, PAIRS, Part, Slo, SpanFilter, SpanIndicator, StatusFilter, Verdict,
};

const START: Timestamp = Timestamp::from_secs(1_795_400_003);

/// Width and reach of the stored buckets, in seconds, told apart from the implementation on purpose.
const TIERS: [(i64, i64); 4] = [(10, 7200), (60, 21_600), (300, 259_200), (3600, 34_560_000)];

fn slo(objective: f64) -> Slo {
    let total = SpanFilter::of("checkout");
    let good = SpanFilter {
        status: Some(StatusFilter::NotError),
        latency_max: Some(Duration::from_millis(300)),
        ..total.clone()
    };
    Slo {
        name: "checkout".into(),
        display_name: "Checkout".into(),
        description: "".into(),
        service: "checkout".into(),
        environment: None,
        indicator: Indicator::Spans(SpanIndicator { total, part: Part::Good(good) }),
        objective: objective.try_into().unwrap(),
        window: "30d".parse().unwrap(),
        owner: None,
        labels: Labels::default(),
    }
}

/// A run of spans that arrive together.
#[derive(Clone, Debug)]
struct Arrival {
    pause_s: u64,
    /// How long before its arrival it ended; negative is in the future.
    late_s: i64,
    count: u64,
    bad: u64,
    /// Sends this many of the arrivals before it again.
    again: usize,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let pause = prop_oneof![4 => 0..15_u64, 3 => 10..900_u64, 1 => 3000..90_000_u64];
    let late =
        prop_oneof![6 => 0..10_i64, 2 => -600..300_i64, 1 => 0..30_000_i64, 1 => 0..400_000_i64];
    (pause, late, 0..40_u64, 0..40_u64, prop_oneof![4 => Just(0), 1 => 1..4_usize]).prop_map(
        |(pause_s, late_s, count, bad, again)| Arrival {
            pause_s,
            late_s,
            count,
            bad: bad.min(count),
            again,
        },
    )
}

fn batches(arrivals: &[Arrival]) -> Vec<Batch> {
    let resource = Arc::new(Resource { service: "checkout".into(), ..Resource::default() });
    let (mut now, mut id) = (START, 0_u64);
    let mut batches: Vec<Batch> = Vec::new();
    for arrival in arrivals {
        now = now + Duration::from_secs(arrival.pause_s);
        let late = Duration::from_secs(arrival.late_s.unsigned_abs());
        let end = if arrival.late_s < 0 { now + late } else { now - late };
        let mut spans: Vec<Span> = (0..arrival.count)
            .map(|n| {
                id += 1;
                // Half of the bad ones are slow, half are errors.
                let (slow, error) = (n < arrival.bad && n % 2 == 0, n < arrival.bad && n % 2 == 1);
                span(id, &resource, end, slow, error)
            })
            .collect();
        for earlier in batches.iter().rev().take(arrival.again) {
            spans.extend(earlier.spans.iter().cloned());
        }
        batches.push(Batch { received_at: now, spans, ..Batch::default() });
    }
    batches
}

fn span(id: u64, resource: &Arc<Resource>, end: Timestamp, slow: bool, error: bool) -> Span {
    let mut trace = [0; 16];
    trace[8..].copy_from_slice(&(id / 10).to_be_bytes());
    Span {
        trace_id: TraceId(trace),
        span_id: SpanId(id.to_be_bytes()),
        resource: Arc::clone(resource),
        name: "POST /order".into(),
        kind: SpanKind::Server,
        start: end - Duration::from_millis(if slow { 301 } else { 300 }),
        end,
        status: if error { SpanStatus::Error } else { SpanStatus::Unset },
        ..Span::default()
    }
}

/// Every event that counts: when it came, when it happened, whether it was bad.
struct Naive {
    events: Vec<(i64, i64, bool)>,
}

impl Naive {
    fn of(batches: &[Batch]) -> Self {
        let mut last_seen: BTreeMap<SpanId, i64> = BTreeMap::new();
        let mut events = Vec::new();
        for batch in batches {
            let now = batch.received_at.as_secs();
            for span in &batch.spans {
                // Known until the third five-minute stretch after its last arrival begins.
                let seen = last_seen.insert(span.span_id, now);
                if seen.is_none_or(|seen| now.div_euclid(300) - seen.div_euclid(300) > 2) {
                    let bad = span.status == SpanStatus::Error
                        || span.duration() > Duration::from_millis(300);
                    events.push((now, span.end.min(batch.received_at).as_secs(), bad));
                }
            }
        }
        Self { events }
    }

    /// Bad and all events in the buckets of the window, as far as they came in while their bucket was held.
    fn window(&self, window_s: i64, now: Timestamp) -> (u64, u64) {
        let (width, reach) = *TIERS.iter().find(|(_, reach)| *reach >= window_s).unwrap();
        let first = now.as_secs().div_euclid(width) - window_s / width + 1;
        let counted = self.events.iter().filter(|(came, at, _)| {
            let bucket = at.div_euclid(width);
            bucket >= first && bucket > came.div_euclid(width) - reach / width
        });
        counted.fold((0, 0), |(bad, all), event| (bad + u64::from(event.2), all + 1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn compare(
    counters: &Counters,
    naive: &Naive,
    objective: f64,
    now: Timestamp,
) -> Result<(), TestCaseError> {
    let found = &counters.evaluate(now)[0];
    let history = naive
        .events
        .iter()
        .filter(|(came, at, _)| came - at < 34_000_000)
        .map(|(_, at, _)| *at)
        .min();
    let young = history.is_none_or(|first| now.as_secs() - first < 3600);
    for (burn, pair) in found.burns.iter().zip(PAIRS) {
        let windows = [(&burn.long, pair.long), (&burn.short, pair.short)];
        let mut exceed = Vec::new();
        for (window, length) in windows {
            let (bad, total) = naive.window(i64::try_from(length.as_secs()).unwrap(), now);
            prop_assert_eq!((window.bad, window.total), (bad, total), "{} at {}", pair.name, now);
            let burn = (total > 0).then(|| bad as f64 / total as f64 / (1.0 - objective));
            prop_assert_eq!(window.burn, burn);
            exceed.push(burn.is_some_and(|burn| burn > pair.threshold));
        }
        let both = exceed == [true, true];
        prop_assert_eq!(burn.crossed(), both && burn.held_back.is_none());
        prop_assert!(burn.held_back.is_none() || both);
        if both && young && burn.long.bad < 10 {
            prop_assert_eq!(burn.verdict, Verdict::Unknown);
        }
        if both && burn.long.bad >= 10 && burn.pair.threshold * (1.0 - objective) > 0.05 {
            prop_assert!(burn.crossed(), "{:?}", burn);
        }
    }
    let (bad, total) = naive.window(30 * 86_400, now);
    prop_assert_eq!((found.budget.bad_events, found.budget.total_events), (bad, total));
    let allowed = total as f64 * (1.0 - objective);
    if let Some(left) = found.budget.remaining_fraction {
        prop_assert!((left - (allowed - bad as f64) / allowed).abs() < 1e-9);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_window_equals_a_list_of_all_events(
        arrivals in prop::collection::vec(arrival(), 1..60),
        objective in prop_oneof![Just(0.9), Just(0.99), Just(0.999)],
        wait_s in prop_oneof![Just(0_u64), 0..1000_u64, 0..100_000_u64],
    ) {
        let batches = batches(&arrivals);
        let mut counters = Counters::new(vec![slo(objective)]);
        for (at, batch) in batches.iter().enumerate() {
            counters.observe(batch);
            if at % 16 == 0 {
                compare(&counters, &Naive::of(&batches[..=at]), objective, batch.received_at)?;
            }
        }
        let naive = Naive::of(&batches);
        let end = batches.last().unwrap().received_at;
        compare(&counters, &naive, objective, end)?;
        compare(&counters, &naive, objective, end + Duration::from_secs(wait_s))?;
    }

    #[test]
    fn a_snapshot_and_the_rest_equal_a_straight_count(
        arrivals in prop::collection::vec(arrival(), 1..60),
        cut in 0..60_usize,
    ) {
        let batches = batches(&arrivals);
        let cut = cut.min(batches.len());
        let mut straight = Counters::new(vec![slo(0.99)]);
        batches.iter().for_each(|batch| straight.observe(batch));

        let mut before = Counters::new(vec![slo(0.99)]);
        batches[..cut].iter().for_each(|batch| before.observe(batch));
        let mut after = Counters::restore(&before.snapshot(), vec![slo(0.99)]);
        let from = batches.get(cut).map(|batch| batch.received_at - Counters::SEED_SPAN);
        let lately = |batch: &&Batch| from.is_some_and(|from| batch.received_at >= from);
        batches[..cut].iter().filter(lately).for_each(|batch| after.seed(batch));
        batches[cut..].iter().for_each(|batch| after.observe(batch));

        prop_assert_eq!(after.snapshot(), straight.snapshot());
        let end = batches.last().unwrap().received_at;
        prop_assert_eq!(after.evaluate(end), straight.evaluate(end));
    }
}
