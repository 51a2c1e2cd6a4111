//! Services and who calls whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use app::{App, catalog, incident, slo};
use axum::extract::State;
use model::same_environment;
use serde::Deserialize;

use super::{
    request::{Json, Params},
    view::{self, service::requests, time},
};
use crate::wire::api as dto;

/// What rates and presence look back on.
const SPAN: Duration = Duration::from_secs(300);

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    environment: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MapFilter {
    environment: Option<String>,
    window_seconds: Option<u64>,
}

impl Filter {
    fn takes(&self, environment: &str) -> bool {
        self.environment.as_deref().is_none_or(|asked| asked.is_empty() || asked == environment)
    }
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Params(filter): Params<Filter>,
) -> Json<dto::ServiceList> {
    let world = app.control.world();
    let declared: BTreeMap<&str, &catalog::Entry> =
        world.repo.services.iter().map(|entry| (&*entry.name, entry)).collect();
    let catalog = app.stores.catalog.read();
    let mut keys: BTreeSet<(&str, &str)> =
        catalog.services().map(|((name, environment), _)| (&**name, &**environment)).collect();
    // What is declared and silent has no environment, and is shown whichever is asked for.
    let seen: BTreeSet<&str> = keys.iter().map(|(name, _)| *name).collect();
    let silent: Vec<&str> = declared.keys().copied().filter(|name| !seen.contains(name)).collect();
    keys.retain(|(_, environment)| filter.takes(environment));
    keys.extend(silent.into_iter().map(|name| (name, "")));
    let evaluations = app.judge.evaluations();
    let items = keys.into_iter().map(|(name, environment)| {
        let observed = catalog.get(name, environment);
        shown(&app, (name, environment), declared.get(name).copied(), observed, &evaluations)
    });
    Json(dto::ServiceList { items: items.collect() })
}

fn shown(
    app: &App,
    (name, environment): (&str, &str),
    entry: Option<&catalog::Entry>,
    observed: Option<&catalog::Observed>,
    evaluations: &[slo::Evaluation],
) -> dto::Service {
    let now = app.clock.now();
    let text = |of: fn(&catalog::Entry) -> Option<&str>| entry.and_then(of).map(str::to_owned);
    let own = of(evaluations, name, environment);
    let here = |incident: &&incident::Incident| {
        *incident.key.service == *name && same_environment(&incident.key.environment, environment)
    };
    let incident = app.control.state().incidents.open().find(here).map(|open| open.id);
    let links = entry.map_or(&[][..], |entry| &entry.links);
    let versions = observed.map(|observed| observed.versions(now)).unwrap_or_default();
    dto::Service {
        name: name.to_owned(),
        environment: environment.to_owned(),
        description: text(|entry| entry.description.as_deref()),
        owner: text(|entry| entry.owner.as_deref()),
        lifecycle: text(|entry| entry.lifecycle.as_deref()),
        in_catalog: entry.is_some(),
        telemetry_present: observed.is_some_and(|observed| now.since(observed.last_seen) <= SPAN),
        last_seen_at: observed.map(|observed| time(observed.last_seen)),
        versions: versions
            .into_iter()
            .map(|seen| dto::ServiceVersion {
                version: seen.version.into(),
                instances: seen.instances as u64,
            })
            .collect(),
        requests: observed.and_then(|observed| requests(&observed.requests(now, SPAN))),
        slo_state: worst(&own),
        slos: own.iter().map(|evaluation| evaluation.slo.to_string()).collect(),
        open_incident: incident.map(|id| id.to_string()),
        depends_on: entry
            .map(|entry| entry.depends_on.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        links: links
            .iter()
            .map(|link| dto::ServiceLink {
                title: link.title.to_string(),
                url: link.url.to_string(),
            })
            .collect(),
    }
}

/// The evaluations about a service in an environment.
fn of<'a>(
    evaluations: &'a [slo::Evaluation],
    service: &str,
    environment: &str,
) -> Vec<&'a slo::Evaluation> {
    let about = |one: &&slo::Evaluation| {
        *one.service == *service
            && one
                .environment
                .as_deref()
                .is_none_or(|own| environment.is_empty() || own == environment)
    };
    evaluations.iter().filter(about).collect()
}

fn worst(evaluations: &[&slo::Evaluation]) -> Option<dto::SloState> {
    let rank = |state: &slo::State| match state {
        slo::State::Burning => 3,
        slo::State::Exhausted => 2,
        slo::State::InsufficientData => 1,
        slo::State::Ok => 0,
    };
    evaluations.iter().map(|one| one.state).max_by_key(rank).map(view::slo::state)
}

pub(super) async fn map(
    State(app): State<Arc<App>>,
    Params(MapFilter { environment, window_seconds }): Params<MapFilter>,
) -> Json<dto::ServiceMap> {
    let filter = Filter { environment };
    let span = window_seconds.map_or(catalog::WINDOW, Duration::from_secs);
    let span = span.clamp(Duration::from_secs(60), catalog::WINDOW);
    let now = app.clock.now();
    let evaluations = app.judge.evaluations();
    let catalog = app.stores.catalog.read();
    let edges: Vec<catalog::Edge> = catalog
        .edges(now, span)
        .into_iter()
        .filter(|edge| filter.takes(&edge.environment))
        .collect();
    let mut nodes: BTreeMap<(&str, &str), dto::MapNode> = BTreeMap::new();
    let node = |service: &str, environment: &str, external| dto::MapNode {
        service: service.to_owned(),
        environment: Some(environment.to_owned()),
        slo_state: worst(&of(&evaluations, service, environment)),
        external,
        requests: catalog
            .get(service, environment)
            .and_then(|observed| requests(&observed.requests(now, span))),
    };
    for ((name, environment), _) in catalog.services().filter(|((_, place), _)| filter.takes(place))
    {
        let key = (&**name, &**environment);
        nodes.entry(key).or_insert_with(|| node(name, environment, false));
    }
    for edge in &edges {
        nodes
            .entry((&edge.callee, &edge.environment))
            .or_insert_with(|| node(&edge.callee, &edge.environment, edge.external));
    }
    let shown = |edge: &catalog::Edge| {
        Some(dto::MapEdge {
            caller: edge.caller.to_string(),
            callee: edge.callee.to_string(),
            environment: Some(edge.environment.to_string()),
            requests: requests(&edge.requests)?,
        })
    };
    Json(dto::ServiceMap {
        from: time(now - span),
        to: time(now),
        edges: edges.iter().filter_map(shown).collect(),
        nodes: nodes.into_values().collect(),
    })
}
