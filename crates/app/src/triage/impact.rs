//! How many events are bad, since when, and for which share of users.

use std::{collections::BTreeSet, time::Duration};

use events::{Order, QUERY_ITEMS_MAX, SpanQuery};
use incident::ImpactReading;
use model::{Span, SpanKind, SpanStatus, Timestamp, Value, value::attribute};

use crate::telemetry::Stores;

/// How far back the beginning of a failure is looked for.
const LOOK_BACK: Duration = Duration::from_secs(2 * 3600);
/// A stretch this long without bad events separates one failure from the one before.
const QUIET: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_secs(10);

/// When the failure began that goes on now: the first bad events after a quiet stretch.
pub(super) fn since(stores: &Stores, slos: &[Box<str>], now: Timestamp) -> Option<Timestamp> {
    let counters = stores.counters.lock();
    let of_slo = |name: &str| {
        let points = counters.series(name, now - LOOK_BACK, now, STEP)?;
        let mut began = None;
        let mut last_bad = None;
        // The noise that an objective allows does not make a failure.
        let allowed = counters.slo(name)?.objective.budget();
        for point in points.iter().filter(|point| point.total > 0) {
            #[expect(clippy::cast_precision_loss, reason = "counts of ten seconds")]
            let ratio = point.total.saturating_sub(point.good) as f64 / point.total as f64;
            if ratio <= allowed {
                continue;
            }
            if last_bad.is_none_or(|last| point.start.since(last) > QUIET) {
                began = Some(point.start);
            }
            last_bad = Some(point.start);
        }
        began
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
        users_affected_share: users_affected(&spans),
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
    let query = SpanQuery {
        service: Some(service.into()),
        environment: (!environment.is_empty()).then(|| environment.into()),
        kind: Some(SpanKind::Server),
        order: Order::NewestFirst,
        limit: QUERY_ITEMS_MAX,
        ..SpanQuery::between(from, to)
    };
    match stores.events.spans(&query) {
        Ok(found) => found.items,
        Err(error) => {
            tracing::warn!(error = %crate::control::chain(&error), "triage cannot read spans");
            Vec::new()
        }
    }
}

fn users_affected(spans: &[Span]) -> Option<f64> {
    let user = |span: &Span| {
        ["enduser.id", "user.id"]
            .iter()
            .find_map(|key| attribute(&span.attributes, key))
            .map(Value::to_string)
    };
    let all: BTreeSet<String> = spans.iter().filter_map(user).collect();
    let hit: BTreeSet<String> =
        spans.iter().filter(|span| span.status == SpanStatus::Error).filter_map(user).collect();
    #[expect(clippy::cast_precision_loss, reason = "at most a query's limit")]
    (!all.is_empty()).then(|| hit.len() as f64 / all.len() as f64)
}
