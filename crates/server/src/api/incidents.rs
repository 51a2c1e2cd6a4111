//! Incidents: reading them, and what people do about them.

use std::sync::Arc;

use app::{
    App,
    command::Command,
    control::Receipt,
    deploy::DeployId,
    incident::{self, Incident, IncidentId, SuspectKind},
    runbooks,
};
use axum::extract::{Path, State};
use model::{Actor, in_environment};
use serde::Deserialize;

use super::{
    error::{self, conflict, invalid},
    request::{Json, Params, Who},
    view,
};
use crate::{Problem, wire::api as dto};

/// Incidents in a list.
const ITEMS_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    status: Option<String>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Params(filter): Params<Filter>,
) -> Result<Json<dto::IncidentList>, Problem> {
    let open = match filter.status.as_deref() {
        None | Some("" | "all") => None,
        Some("open") => Some(true),
        Some("resolved") => Some(false),
        Some(other) => {
            return Err(invalid(format!("`status` is `{other}`; it is `open` or `resolved`")));
        }
    };
    let state = app.control.state();
    let asked = |incident: &&Incident| open.is_none_or(|open| incident.is_open() == open);
    let found = state.incidents.iter().rev().filter(asked).take(ITEMS_MAX);
    let items = found.map(|incident| view::incident::summary(incident, app.allowed_bad(incident)));
    Ok(Json(dto::IncidentList { items: items.collect() }))
}

/// A copy of the incident that people name so.
pub(crate) fn find(app: &App, name: &str) -> Result<Incident, Problem> {
    let state = app.control.state();
    state.incidents.find(name).cloned().ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        Problem::not_found(format!("there is no incident `{name}`; write `INC-7` or `inc_…`"))
    })
}

/// The incident as a row of the list.
pub(crate) fn summary(app: &App, incident: &Incident) -> dto::IncidentSummary {
    view::incident::summary(incident, app.allowed_bad(incident))
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<dto::Incident>, Problem> {
    let incident = find(&app, &name)?;
    Ok(Json(shown(&app, &incident)))
}

fn shown(app: &App, incident: &Incident) -> dto::Incident {
    let id = incident.id.to_string();
    let summary = view::incident::summary(incident, app.allowed_bad(incident));
    let (alerts, deliveries, acts) = {
        let state = app.control.state();
        let fired = |id: &str| Some(state.alerts.get(id.parse().ok()?)?.fired_at);
        let alerts = incident
            .alerts
            .iter()
            .map(|alert| view::incident::alert(alert, &incident.key.environment, fired(&alert.id)));
        let of = |record: &&app::alert::delivery::Record| record.incident.as_deref() == Some(&*id);
        let deliveries = state.deliveries.records().filter(of).map(view::incident::delivery);
        let own = |act: &&app::deploy::Act| act.incident.as_deref() == Some(&*id);
        let acts = state.deploys.acts().filter(own).map(view::deploy::act);
        (alerts.collect(), deliveries.collect(), acts.collect())
    };
    let service = &incident.key.service;
    dto::Incident {
        summary,
        alerts,
        suspects: (1..)
            .zip(&incident.suspects)
            .map(|(rank, suspect)| view::incident::suspect(rank, suspect))
            .collect(),
        deliveries,
        acts,
        recovery: view::incident::recovery(incident, app.clock.now()),
        rollback: rollback_offer(app, incident),
        acknowledgements: incident
            .acknowledged
            .iter()
            .map(view::incident::acknowledgement)
            .collect(),
        affected_services: incident
            .affected
            .iter()
            .filter(|affected| *affected != service)
            .map(ToString::to_string)
            .collect(),
        has_postmortem: incident.postmortem.is_some(),
        runbook: runbooks::address(&app.control.world().repo, app.external_url(), incident),
    }
}

/// Only an open incident offers to undo its first suspect.
fn rollback_offer(app: &App, incident: &Incident) -> Option<dto::RollbackOffer> {
    let deploys = |suspect: &&incident::Suspect| suspect.kind == SuspectKind::Deploy;
    let suspect = incident.suspects.iter().find(deploys).filter(|_| incident.is_open())?;
    let id: DeployId = suspect.reference.as_deref()?.parse().ok()?;
    let (plan, deploy, command) = app.rollback_offer(id).ok()?;
    let running = app.stores.catalog.read().get(&plan.service, &plan.environment).map(|observed| {
        let versions = observed.versions(app.clock.now());
        let all: usize = versions.iter().map(|version| version.instances).sum();
        let own = versions.iter().find(|version| version.version == plan.from_version);
        (own.map_or(0, |version| version.instances), all)
    });
    let where_ = format!("{}{}", plan.service, in_environment(&plan.environment));
    let effect = match running {
        Some((own, all)) if all > 0 => format!("{own} of {all} instances of {where_}"),
        _ => format!("all instances of {where_}"),
    };
    Some(dto::RollbackOffer {
        deploy: view::deploy::deploy(&deploy),
        from_version: plan.from_version.into(),
        to_version: plan.to_version.into(),
        effect,
        command,
        not_automatic: app.not_automatic(incident),
    })
}

/// Gives a command to the incidents.
pub(crate) async fn order(
    app: &App,
    command: incident::Command,
    by: Actor,
) -> Result<Receipt, Problem> {
    app.order(Command::Incident(command), by).await.map_err(|error| error::control(&error))
}

async fn changed(
    app: &App,
    incident: IncidentId,
    command: incident::Command,
    by: Actor,
) -> Result<Json<dto::Accepted>, Problem> {
    let receipt = order(app, command, by).await?;
    Ok(Json(dto::Accepted { seq: receipt.seq, id: incident.to_string() }))
}

pub(super) async fn acknowledge(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::AcknowledgeRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let incident = find(&app, &name)?.id;
    let note = request
        .note
        .filter(|note| !note.trim().is_empty())
        .map(|text| incident::Command::AddUpdate { incident, text: text.into(), by: by.clone() });
    let acknowledge = incident::Command::Acknowledge { incident, by: by.clone() };
    let commands = note.into_iter().chain([acknowledge]).collect();
    changed(&app, incident, incident::Command::All(commands), by).await
}

pub(super) async fn assign(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::AssignRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let incident = find(&app, &name)?.id;
    let assignee = request.assignee.into();
    let command = incident::Command::Assign { incident, assignee, by: by.clone() };
    changed(&app, incident, command, by).await
}

/// The update, then the status, then the mitigation: each a fact of its own, all of them or none.
pub(super) async fn update(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::UpdateRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let incident = find(&app, &name)?.id;
    if request.status == Some(dto::IncidentStatus::Resolved) {
        return Err(invalid("an update does not resolve an incident; use `resolve` with a reason"));
    }
    let text: Box<str> = request.text.into();
    let update = incident::Command::AddUpdate { incident, text: text.clone(), by: by.clone() };
    let mut commands = vec![update];
    if let Some(status) = request.status {
        let status = view::incident::status_of(status);
        commands.push(incident::Command::SetStatus { incident, status, by: by.clone() });
    }
    if request.mitigation || request.status == Some(dto::IncidentStatus::Monitoring) {
        commands.push(incident::Command::RecordMitigation {
            incident,
            what: text,
            reference: None,
            at: None,
            by: by.clone(),
        });
    }
    changed(&app, incident, incident::Command::All(commands), by).await
}

pub(super) async fn resolve(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::ResolveRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let incident = find(&app, &name)?.id;
    let reason = request.reason.into();
    let command = incident::Command::Resolve { incident, reason, by: by.clone() };
    changed(&app, incident, command, by).await
}

/// The reason becomes an update, so that the timeline has it.
pub(super) async fn severity(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::SeverityRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let incident = find(&app, &name)?.id;
    let text = request.reason.into();
    let reason = incident::Command::AddUpdate { incident, text, by: by.clone() };
    let severity = view::incident::severity_of(request.severity);
    let set = incident::Command::SetSeverity { incident, severity, by: by.clone() };
    changed(&app, incident, incident::Command::All(vec![reason, set]), by).await
}

pub(super) async fn roll_back(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::RollbackRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let incident = find(&app, &name)?;
    let offer = rollback_offer(&app, &incident);
    let id: DeployId =
        request.deploy.parse().map_err(|error| invalid(format!("`deploy`: {error}")))?;
    if let Some(offer) = &offer
        && offer.deploy.id != request.deploy
    {
        return Err(conflict(format!(
            "`{}` is not what {} offers to roll back now; that is `{}`",
            request.deploy,
            incident.name(),
            offer.deploy.id
        )));
    }
    let about = Some(incident.id.to_string().into());
    let receipt = app.roll_back(id, about, &request.reason, by).await;
    let receipt = receipt.map_err(|error| error::roll_back(&error))?;
    Ok(Json(dto::Accepted { seq: receipt.seq, id: incident.id.to_string() }))
}
