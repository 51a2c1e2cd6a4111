//! How many events are bad, since when, and for which share of users.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use events::{Order, QUERY_ITEMS_MAX, SpanQuery};
use incident::ImpactReading;
use model::{Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value, value::attribute};

use crate::telemetry::Stores;

/// How far back the beginning of a failure is looked for.
const LOOK_BACK: Duration = Duration::from_secs(2 * 3600);
/// Long enough to hold a few events of a service with little traffic.
const STEP: Duration = Duration::from_secs(60);
/// The width of the finest counts.
const FINE: Duration = Duration::from_secs(10);

/// When the failure began that goes on now, or the last one that did.
pub(super) fn since(stores: &Stores, slos: &[Box<str>], now: Timestamp) -> Option<Timestamp> {
    let counters = stores.counters.lock();
    let of_slo = |name: &str| {
        let points = counters.series(name, now - LOOK_BACK, now, STEP)?;
        let minute = slo::onset(&points, counters.slo(name)?.objective.budget())?;
        // Within the minute it began with the first bad event.
        let fine = counters.series(name, minute, (minute + STEP).min(now), FINE)?;
        let first = fine.iter().find(|point| point.good < point.total).map(|point| point.start);
        Some(first.unwrap_or(minute).max(minute))
    };
    slos.iter().filter_map(|name| of_slo(name)).min()
}

/// Counts of the worst SLO since `since`, and the share of users who met a failure.
pub(super) fn measure(
    stores: &Stores,
    service: &str,
    environment: &str,
    slos: &[Box<str>],
    since: Option<Timestamp>,
    now: Timestamp,
) -> Option<ImpactReading> {
    let since = since?;
    let counts = {
        let counters = stores.counters.lock();
        slos.iter()
            .filter_map(|name| counters.count_since(name, since, now))
            .max_by_key(|counts| counts.bad())?
    };
    let spans = served(stores, service, environment, since, now);
    Some(ImpactReading {
        bad_events: counts.bad(),
        total_events: counts.total,
        users_affected_share: users_affected(&spans, &failing(stores, slos, &spans)),
        since,
    })
}

/// The newest requests that the service served between the two times.
pub(super) fn served(
    stores: &Stores,
    service: &str,
    environment: &str,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Span> {
    let wanted = SpanQuery {
        service: Some(service.into()),
        environment: (!environment.is_empty()).then(|| environment.into()),
        kind: Some(SpanKind::Server),
        order: Order::NewestFirst,
        limit: QUERY_ITEMS_MAX,
        ..SpanQuery::between(from, to)
    };
    query(stores, &wanted)
}

/// The spans that are found; none where they cannot be read.
pub(super) fn query(stores: &Stores, wanted: &SpanQuery) -> Vec<Span> {
    match stores.events.spans(wanted) {
        Ok(found) => found.items,
        Err(error) => {
            tracing::warn!(error = %crate::control::chain(&error), "triage cannot read spans");
            Vec::new()
        }
    }
}

/// The requests that failed: as the SLOs over spans judge them, else by their status.
pub(super) fn failing(
    stores: &Stores,
    slos: &[Box<str>],
    requests: &[Span],
) -> HashSet<(TraceId, SpanId)> {
    let counters = stores.counters.lock();
    let indicators: Vec<_> = slos
        .iter()
        .filter_map(|name| match &counters.slo(name)?.indicator {
            slo::Indicator::Spans(spans) => Some(spans),
            slo::Indicator::Counters(_) => None,
        })
        .collect();
    let bad = |span: &Span| {
        let judged: Vec<bool> =
            indicators.iter().filter_map(|indicator| indicator.judge(span)).collect();
        if judged.is_empty() { span.status == SpanStatus::Error } else { judged.contains(&false) }
    };
    requests.iter().filter(|span| bad(span)).map(|span| (span.trace_id, span.span_id)).collect()
}

fn users_affected(spans: &[Span], failed: &HashSet<(TraceId, SpanId)>) -> Option<f64> {
    let user = |span: &Span| {
        ["enduser.id", "user.id"]
            .iter()
            .find_map(|key| attribute(&span.attributes, key))
            .map(Value::to_string)
    };
    let all: BTreeSet<String> = spans.iter().filter_map(user).collect();
    let bad = |span: &&Span| failed.contains(&(span.trace_id, span.span_id));
    let hit: BTreeSet<String> = spans.iter().filter(bad).filter_map(user).collect();
    #[expect(clippy::cast_precision_loss, reason = "at most a query's limit")]
    (!all.is_empty()).then(|| hit.len() as f64 / all.len() as f64)
}
