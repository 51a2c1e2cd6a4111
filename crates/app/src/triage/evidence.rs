//! What the ranking of suspects looks at, read from spans, deploys and the counts.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use events::{Order, QUERY_ITEMS_MAX, SpanQuery};
use incident::suspects::{Change, ChangeKind, Counts, ErrorSource, Evidence, VersionOutcome};
use model::{
    Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, same_environment, value::attribute,
};

use super::impact::served;
use crate::{control::Control, telemetry::Stores};

/// The longest window of evidence.
const WINDOW_MAX: Duration = Duration::from_secs(600);
/// Where the beginning of the failure is not known.
const WINDOW_DEFAULT: Duration = Duration::from_secs(120);
/// Changes older than this are not suspected.
const CHANGES_WITHIN: Duration = Duration::from_secs(2 * 3600);
/// Versions are compared within slices of this width.
const SLICE: Duration = Duration::from_secs(10);
/// The time before the failure that it is compared with.
const BASELINE: Duration = Duration::from_secs(3600);

/// What fails.
pub(super) struct Failing<'a> {
    pub(super) service: &'a str,
    pub(super) environment: &'a str,
    /// The SLOs that burn.
    pub(super) slos: &'a [Box<str>],
    /// When it began, where that is known.
    pub(super) since: Option<Timestamp>,
}

/// Everything known about a failure.
pub(super) fn gather(
    stores: &Stores,
    control: &Control,
    what: &Failing<'_>,
    now: Timestamp,
) -> Evidence {
    let Failing { service, environment, slos, since } = *what;
    let from = since.unwrap_or(now - WINDOW_DEFAULT).max(now - WINDOW_MAX);
    let requests = served(stores, service, environment, from, now);
    let bad = failing(stores, slos, &requests);
    let world = control.world();
    let callees = world.topology.dependencies(environment, service);
    let mut by_version = outcomes(service, &requests, &requests, &bad);
    for callee in &callees {
        let spans = served(stores, callee, environment, from, now);
        by_version.extend(outcomes(callee, &spans, &requests, &bad));
    }
    let (error_sources, failing_traces) = sources(stores, environment, &bad, from, now);
    let counters = stores.counters.lock();
    let begin = since.unwrap_or(from);
    let worst =
        slos.iter().max_by_key(|name| counters.count_since(name, begin, now).map(slo::Counts::bad));
    let counted =
        |from, to| worst.and_then(|name| between(&counters, name, from, to)).unwrap_or_default();
    let (during, baseline) = (counted(begin, now), counted(begin - BASELINE, begin));
    drop(counters);
    Evidence {
        service: service.into(),
        environment: environment.into(),
        from,
        to: now,
        since,
        by_version,
        changes: changes(control, service, environment, &callees, now),
        error_sources,
        failing_traces,
        now: during,
        baseline,
    }
}

fn between(counters: &slo::Counters, name: &str, from: Timestamp, to: Timestamp) -> Option<Counts> {
    let points = counters.series(name, from, to, Duration::from_secs(10))?;
    let total = points.iter().map(|point| point.total).sum::<u64>();
    let good = points.iter().map(|point| point.good).sum::<u64>();
    Some(Counts::new(total.saturating_sub(good), total))
}

/// The requests that failed: as the SLOs over spans judge them, else by their status.
fn failing(stores: &Stores, slos: &[Box<str>], requests: &[Span]) -> HashSet<(TraceId, SpanId)> {
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

/// Outcomes of the failing service's requests by the version of `service` that took part in their traces.
fn outcomes(
    service: &str,
    spans: &[Span],
    requests: &[Span],
    bad: &HashSet<(TraceId, SpanId)>,
) -> Vec<VersionOutcome> {
    let mut versions: BTreeMap<TraceId, BTreeSet<&str>> = BTreeMap::new();
    for span in spans.iter().filter(|span| !span.resource.version.is_empty()) {
        versions.entry(span.trace_id).or_default().insert(&span.resource.version);
    }
    let mut counts: BTreeMap<(&str, Timestamp), Counts> = BTreeMap::new();
    for request in requests {
        let failed = u64::from(bad.contains(&(request.trace_id, request.span_id)));
        for version in versions.get(&request.trace_id).into_iter().flatten() {
            let entry = counts.entry((version, request.end.floor(SLICE))).or_default();
            *entry = entry.plus(Counts::new(failed, 1));
        }
    }
    counts
        .into_iter()
        .map(|((version, slice), counts)| VersionOutcome {
            service: service.into(),
            version: version.into(),
            slice,
            counts,
        })
        .collect()
}

/// Where failing traces fail deepest: erroring spans without an erroring child.
fn sources(
    stores: &Stores,
    environment: &str,
    bad: &HashSet<(TraceId, SpanId)>,
    from: Timestamp,
    to: Timestamp,
) -> (Vec<ErrorSource>, u64) {
    let query = SpanQuery {
        environment: (!environment.is_empty()).then(|| environment.into()),
        status: Some(SpanStatus::Error),
        order: Order::NewestFirst,
        limit: QUERY_ITEMS_MAX,
        ..SpanQuery::between(from, to)
    };
    let errors = stores.events.spans(&query).map(|found| found.items).unwrap_or_default();
    let failing: HashSet<TraceId> = bad.iter().map(|(trace, _)| *trace).collect();
    let errors: Vec<&Span> =
        errors.iter().filter(|span| failing.contains(&span.trace_id)).collect();
    let parents: HashSet<(TraceId, SpanId)> =
        errors.iter().filter_map(|span| Some((span.trace_id, span.parent?))).collect();
    type Place = (Box<str>, Box<str>, Box<str>, Option<Box<str>>);
    let mut places: BTreeMap<Place, BTreeSet<TraceId>> = BTreeMap::new();
    for span in errors.iter().filter(|span| !parents.contains(&(span.trace_id, span.span_id))) {
        let peer = (span.kind == SpanKind::Client).then(|| peer(span)).flatten();
        let resource = &span.resource;
        let place = (resource.service.clone(), span.name.clone(), resource.version.clone(), peer);
        places.entry(place).or_default().insert(span.trace_id);
    }
    let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let seen: HashSet<TraceId> = errors.iter().map(|span| span.trace_id).collect();
    let found = places
        .into_iter()
        .map(|((service, operation, version, external_peer), traces)| ErrorSource {
            service,
            operation,
            version,
            traces: count(traces.len()),
            external_peer,
        })
        .collect();
    (found, count(seen.len()))
}

fn peer(span: &Span) -> Option<Box<str>> {
    ["peer.service", "server.address"]
        .iter()
        .find_map(|key| attribute(&span.attributes, key)?.as_str().map(Into::into))
}

/// Deploys and configurations of the last two hours on the service or on what it depends on.
fn changes(
    control: &Control,
    service: &str,
    environment: &str,
    callees: &[Box<str>],
    now: Timestamp,
) -> Vec<Change> {
    let concerns = |name: &str| name == service || callees.iter().any(|callee| **callee == *name);
    let state = control.state();
    let deploys = state
        .deploys
        .deploys()
        .rev()
        .filter(|deploy| {
            same_environment(&deploy.environment, environment) && concerns(&deploy.service)
        })
        .filter(|deploy| now.since(deploy.at) <= CHANGES_WITHIN)
        .map(|deploy| Change {
            kind: ChangeKind::Deploy,
            reference: deploy.id.to_string().into(),
            service: deploy.service.clone(),
            version: Some(deploy.version.clone()),
            previous: deploy.previous_version.clone(),
            at: deploy.at,
            by: deploy.by.id.clone(),
        });
    let configs = state
        .configs
        .iter()
        // Before the first there was nothing that it could have changed.
        .skip(1)
        .rev()
        .filter(|config| now.since(config.at) <= CHANGES_WITHIN)
        .flat_map(|config| {
            config.services.iter().filter(|name| concerns(name)).map(|name| Change {
                kind: ChangeKind::Config,
                reference: hex::encode(config.hash).into(),
                service: name.clone(),
                version: None,
                previous: None,
                at: config.at,
                by: config.by.id.clone(),
            })
        });
    deploys.chain(configs).collect()
}
