//! What the ranking of suspects looks at, read from spans, deploys and the counts.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use events::{Order, QUERY_ITEMS_MAX, SpanQuery};
use incident::suspects::{Change, ChangeKind, Counts, ErrorSource, Evidence, VersionOutcome};
use model::{Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, same_environment};

use super::{
    impact::{failing, query, served},
    peers::{Callee, Peers},
};
use crate::{control::Control, state::State, telemetry::Stores};

/// The longest window of evidence.
const WINDOW_MAX: Duration = Duration::from_secs(600);
/// Where the beginning of the failure is not known.
const WINDOW_DEFAULT: Duration = Duration::from_secs(120);
/// Changes so long before the failure are not suspected.
const CHANGES_WITHIN: Duration = Duration::from_secs(2 * 3600);
/// How long before the failure calls tell who answers at which address.
const CALLS_BEFORE: Duration = Duration::from_secs(120);
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
    /// The moment before which its cause is looked for.
    pub(super) onset: Timestamp,
}

/// Everything known about a failure.
pub(super) fn gather(
    stores: &Stores,
    control: &Control,
    what: &Failing<'_>,
    now: Timestamp,
) -> Evidence {
    let Failing { service, environment, slos, since, onset } = *what;
    let from = since.unwrap_or(now - WINDOW_DEFAULT).max(now - WINDOW_MAX);
    let requests = served(stores, service, environment, from, now);
    let bad = failing(stores, slos, &requests);
    let world = control.world();
    let callees = world.topology.dependencies(environment, service);
    let mut by_version = outcomes(service, &requests, &requests, &bad);
    let mut peers = Peers::new(services(stores, environment));
    for callee in &callees {
        let spans = served(stores, callee, environment, from, now);
        by_version.extend(outcomes(callee, &spans, &requests, &bad));
        peers.serve(&spans);
    }
    let errors = errors(stores, environment, &bad, from, now);
    name_peers(stores, environment, &callees, &errors, from, &mut peers);
    let (error_sources, failing_traces) = sources(&errors, &peers);
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
        changes: changes(&control.state(), service, environment, &callees, onset),
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

/// Services that send telemetry in this environment.
fn services(stores: &Stores, environment: &str) -> Vec<Box<str>> {
    let catalog = stores.catalog.read();
    let here = |key: &&catalog::Key| environment.is_empty() || *key.1 == *environment;
    catalog.services().map(|(key, _)| key).filter(here).map(|key| key.0.clone()).collect()
}

/// The erroring spans of failing traces.
fn errors(
    stores: &Stores,
    environment: &str,
    bad: &HashSet<(TraceId, SpanId)>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Span> {
    let failing: HashSet<TraceId> = bad.iter().map(|(trace, _)| *trace).collect();
    let wanted = SpanQuery {
        environment: (!environment.is_empty()).then(|| environment.into()),
        status: Some(SpanStatus::Error),
        order: Order::NewestFirst,
        limit: QUERY_ITEMS_MAX,
        ..SpanQuery::between(from, to)
    };
    let mut errors = query(stores, &wanted);
    errors.retain(|span| failing.contains(&span.trace_id));
    errors
}

/// Finds out who is behind the addresses of failing calls, from calls of the time before the failure where that is needed.
fn name_peers(
    stores: &Stores,
    environment: &str,
    callees: &[Box<str>],
    errors: &[Span],
    from: Timestamp,
    peers: &mut Peers,
) {
    let is_call = |span: &&Span| span.kind == SpanKind::Client;
    peers.learn(errors.iter().filter(is_call));
    let unknown = errors.iter().filter(is_call).filter(|span| peers.is_unknown(span));
    let callers: BTreeSet<Box<str>> = unknown.map(|span| span.resource.service.clone()).collect();
    if callers.is_empty() {
        return;
    }
    for callee in callees {
        peers.serve(&served(stores, callee, environment, from - CALLS_BEFORE, from));
    }
    for caller in callers {
        let calls = SpanQuery {
            service: Some(caller),
            environment: (!environment.is_empty()).then(|| environment.into()),
            kind: Some(SpanKind::Client),
            limit: QUERY_ITEMS_MAX,
            ..SpanQuery::between(from - CALLS_BEFORE, from)
        };
        peers.learn(&query(stores, &calls));
    }
}

/// Where failing traces fail deepest: erroring spans without an erroring child. And how many traces there are.
fn sources(errors: &[Span], peers: &Peers) -> (Vec<ErrorSource>, u64) {
    let parents: HashSet<(TraceId, SpanId)> =
        errors.iter().filter_map(|span| Some((span.trace_id, span.parent?))).collect();
    type Place = (Box<str>, Box<str>, Box<str>, Option<Box<str>>);
    let mut places: BTreeMap<Place, BTreeSet<TraceId>> = BTreeMap::new();
    for span in errors.iter().filter(|span| !parents.contains(&(span.trace_id, span.span_id))) {
        let resource = &span.resource;
        let own = (resource.service.clone(), span.name.clone(), resource.version.clone());
        let callee = match span.kind {
            SpanKind::Client => peers.callee(span),
            _ => Callee::Unnamed,
        };
        let place = match callee {
            Callee::Service { name, operation, version } => {
                (name, operation.unwrap_or(own.1), version, None)
            }
            Callee::Outside(peer) => (own.0, own.1, own.2, Some(peer)),
            Callee::NotToBlame | Callee::Unnamed => (own.0, own.1, own.2, None),
        };
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

/// Deploys and configurations on the service or on what it depends on, since two hours before the failure of `onset`.
pub(super) fn changes(
    state: &State,
    service: &str,
    environment: &str,
    callees: &[Box<str>],
    onset: Timestamp,
) -> Vec<Change> {
    let concerns = |name: &str| name == service || callees.iter().any(|callee| **callee == *name);
    let deploys = state
        .deploys
        .deploys()
        .rev()
        .filter(|deploy| {
            same_environment(&deploy.environment, environment) && concerns(&deploy.service)
        })
        .filter(|deploy| onset.since(deploy.at) <= CHANGES_WITHIN)
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
        .filter(|config| onset.since(config.at) <= CHANGES_WITHIN)
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
