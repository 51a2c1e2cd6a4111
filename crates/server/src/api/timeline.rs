//! An incident's timeline: the journal's facts about it, and what changed around it, a sentence each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use app::{
    App, alert, deploy,
    incident::{self, Incident},
    journal::{Query, ReadError, Record},
    record::{Fact, OwnFact},
};
use axum::extract::{Path, State};

use super::{
    error,
    incidents::find,
    request::Json,
    view::{self, incident::ended_at},
};
use crate::{Problem, wire::api as dto};

/// Changes of a configuration that its line names; the fact has all.
const CHANGES_SHOWN: usize = 3;
/// Changes of this long before an incident are part of its story.
const BEFORE: Duration = Duration::from_secs(2 * 3600);
/// Facts of one timeline; the newest are left out.
const FACTS_MAX: usize = 5_000;

pub(super) async fn timeline(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<dto::Timeline>, Problem> {
    let incident = find(&app, &name)?;
    let entries = read(&app, incident).await?;
    Ok(Json(dto::Timeline { entries }))
}

/// The incident's timeline, oldest first.
pub(super) async fn read(
    app: &Arc<App>,
    incident: Incident,
) -> Result<Vec<dto::TimelineEntry>, Problem> {
    let app = Arc::clone(app);
    let records = tokio::task::spawn_blocking(move || records(&app, &incident));
    let records = records.await.map_err(|_| Problem::internal())?;
    let records = records.map_err(|error| error::unread(&error))?;
    let numbers: BTreeMap<_, _> = records.iter().map(|record| (record.id, record.seq)).collect();
    let cause = |record: &Record| record.cause.and_then(|id| numbers.get(&id).copied());
    Ok(records.iter().map(|record| entry(record, cause(record))).collect())
}

fn records(app: &App, incident: &Incident) -> Result<Vec<Record>, ReadError> {
    let mut found = BTreeMap::new();
    for subject in subjects(app, incident) {
        let query = Query { subject: Some(subject), limit: FACTS_MAX, ..Query::default() };
        for record in app.reader.read(&query)?.records {
            found.insert(record.seq, record);
        }
    }
    let until = ended_at(incident).map(|end| end + Duration::from_secs(1));
    for kind in ["deploy.", "gate.", "config."] {
        let query = Query {
            kind_prefix: Some(kind.into()),
            since: Some(incident.opened_at - BEFORE),
            until,
            limit: FACTS_MAX,
            ..Query::default()
        };
        let page = app.reader.read(&query)?;
        let near = page.records.into_iter().filter(|record| {
            Fact::read(record).ok().flatten().is_some_and(|fact| concerns(&fact, incident))
        });
        found.extend(near.map(|record| (record.seq, record)));
    }
    Ok(found.into_values().take(FACTS_MAX).collect())
}

/// The incident itself, its alerts, its notifications, its acts.
fn subjects(app: &App, incident: &Incident) -> BTreeSet<Box<str>> {
    let id = incident.id.to_string();
    let state = app.control.state();
    let deliveries =
        state.deliveries.records().filter(|record| record.incident.as_deref() == Some(&*id));
    let acts = state.deploys.acts().filter(|act| act.incident.as_deref() == Some(&*id));
    let mut subjects: BTreeSet<Box<str>> =
        incident.alerts.iter().map(|alert| alert.id.clone()).collect();
    subjects.extend(deliveries.map(|record| record.notification.to_string().into()));
    subjects.extend(acts.map(|act| act.id.to_string().into()));
    subjects.insert(id.clone().into());
    subjects
}

/// Whether a change is about a service of the incident, or one that it suspects.
fn concerns(fact: &Fact, incident: &Incident) -> bool {
    let touched = |service: &str| {
        incident.affected.contains(service)
            || incident.suspects.iter().any(|suspect| &*suspect.service == service)
    };
    // An SLO without an environment is about all of them.
    let own = &*incident.key.environment;
    let here = |environment: &str| own.is_empty() || own == environment;
    match fact {
        Fact::Deploy(deploy::Fact::DeployRecorded { deploy }) => {
            touched(&deploy.service) && here(&deploy.environment)
        }
        Fact::Deploy(deploy::Fact::DeployFinished { service, environment, .. }) => {
            touched(service) && here(environment)
        }
        Fact::Deploy(deploy::Fact::GateDecided { input, .. }) => {
            touched(&input.service) && here(&input.environment)
        }
        Fact::Own(OwnFact::ConfigApplied { services, .. }) => {
            services.iter().any(|service| touched(service))
        }
        _ => false,
    }
}

/// A fact as a line of the timeline; what a newer version wrote is named by its kind.
fn entry(record: &Record, cause: Option<u64>) -> dto::TimelineEntry {
    let said = match Fact::read(record) {
        Ok(Some(fact)) => say(&fact),
        Ok(None) if record.payload.is_none() => {
            (dto::TimelineCategory::Other, format!("{}: its content was erased", record.kind), None)
        }
        Ok(None) | Err(_) => (dto::TimelineCategory::Other, record.kind.to_string(), None),
    };
    let (category, sentence, text) = said;
    dto::TimelineEntry { category, sentence, text, fact: view::fact::fact(record, cause) }
}

type Said = (dto::TimelineCategory, String, Option<String>);

fn say(fact: &Fact) -> Said {
    use dto::TimelineCategory as Category;
    match fact {
        Fact::Incident(fact) => say_incident(fact),
        Fact::Alert(alert::Fact::Fired { service, summary, severity, .. }) => {
            let word = severity.as_str();
            (Category::Alert, format!("{word} alert of {service} fires: {summary}"), None)
        }
        Fact::Alert(alert::Fact::Resolved { reason, .. }) => {
            let why = match reason {
                alert::ResolveReason::Clear => "its windows are clear again",
                alert::ResolveReason::SloRemoved => "its SLO is no longer configured",
            };
            (Category::Alert, format!("the alert resolved: {why}"), None)
        }
        Fact::Delivery(fact) => (Category::Notification, say_delivery(fact), None),
        Fact::Deploy(fact) => say_deploy(fact),
        Fact::Own(OwnFact::ConfigApplied { changes, .. }) => {
            let mut text =
                changes.iter().take(CHANGES_SHOWN).map(|one| &**one).collect::<Vec<_>>().join("; ");
            if changes.len() > CHANGES_SHOWN {
                text += &format!("; and {} more changes", changes.len() - CHANGES_SHOWN);
            }
            (Category::Change, format!("configuration applied: {text}"), None)
        }
        Fact::Own(OwnFact::SloBackfilled { slo, source, .. }) => {
            (Category::Other, format!("history of {slo} back-filled from {source}"), None)
        }
        Fact::Own(OwnFact::ClockStepped { from, to, .. }) => {
            (Category::Other, format!("the server's clock stepped from {from} to {to}"), None)
        }
    }
}

fn say_incident(fact: &incident::Fact) -> Said {
    use dto::TimelineCategory as Category;
    use incident::Fact as Of;
    let category = match fact {
        Of::AlertJoined { .. } | Of::AlertResolved { .. } => Category::Alert,
        Of::Opened { .. }
        | Of::Acknowledged { .. }
        | Of::Assigned { .. }
        | Of::SeveritySet { .. }
        | Of::StatusSet { .. }
        | Of::Resolved { .. }
        | Of::Reopened { .. }
        | Of::PostmortemAttached { .. } => Category::Response,
        Of::Updated { .. } => Category::Update,
        Of::Mitigated { .. } => Category::Act,
        Of::RecoveryMeasured { .. } => Category::Recovery,
        Of::SuspectsRanked { .. } | Of::ImpactMeasured { .. } => Category::Other,
    };
    match fact {
        Of::Updated { text, by, .. } => {
            (category, format!("{} wrote an update", by.id), Some(text.to_string()))
        }
        Of::Acknowledged { by, .. } => (category, format!("{} acknowledged", by.id), None),
        other => (category, other.sentence(), None),
    }
}

fn say_delivery(fact: &alert::delivery::Fact) -> String {
    use alert::delivery::Fact as Of;
    match fact {
        Of::Queued { receiver, channel, reason, .. } => {
            format!("{} queued for {receiver} by {}", reason.as_str(), channel.as_str())
        }
        Of::AttemptFailed { attempt, error, .. } => {
            format!("attempt {attempt} to deliver failed: {error}")
        }
        Of::Delivered { attempt, latency_ms, status, .. } => {
            let answer = status.map(|status| format!(", answered {status}")).unwrap_or_default();
            format!("delivered at attempt {attempt} in {latency_ms} ms{answer}")
        }
        Of::Abandoned { reason, .. } => format!("no longer delivered: {}", reason.as_str()),
    }
}

fn say_deploy(fact: &deploy::Fact) -> Said {
    use deploy::{ActOutcome, Fact as Of};
    use dto::TimelineCategory as Category;
    match fact {
        Of::DeployRecorded { deploy } => {
            let before = deploy.previous_version.as_deref();
            let before = before.map(|version| format!(" over {version}")).unwrap_or_default();
            let place = view::deploy::place(&deploy.environment);
            let did = match deploy.status {
                deploy::DeployStatus::Started => "is being deployed",
                deploy::DeployStatus::Failed => "could not be deployed",
                deploy::DeployStatus::Live | deploy::DeployStatus::RolledBack => "deployed",
            };
            let text = format!("{} {} {did}{place}{before}", deploy.service, deploy.version);
            (Category::Change, text, None)
        }
        Of::DeployFinished { service, environment, version, status, .. } => {
            let how = match status {
                deploy::DeployStatus::Failed => "failed",
                _ => "is done",
            };
            let place = view::deploy::place(environment);
            (Category::Change, format!("the deploy of {service} {version}{place} {how}"), None)
        }
        Of::GateDecided { verdict, .. } => {
            (Category::Gate, format!("gate: {}", verdict.sentence), None)
        }
        Of::ActRequested { act } => {
            let how = if act.automatic { "by itself" } else { "by hand" };
            let text = format!(
                "rollback of {} from {} to {} asked for {how}: {}",
                act.service, act.from_version, act.to_version, act.reason
            );
            (Category::Act, text, None)
        }
        Of::ActStarted { .. } => (Category::Act, "the rollback started".to_owned(), None),
        Of::ActEnded { outcome, .. } => {
            let text = match outcome {
                ActOutcome::Succeeded { detail } => format!("the rollback succeeded: {detail}"),
                ActOutcome::Failed { detail } => format!("the rollback failed: {detail}"),
                ActOutcome::Refused { detail } => format!("the rollback was not run: {detail}"),
                ActOutcome::Interrupted => {
                    "the rollback was cut off; whether it took effect is not known".to_owned()
                }
            };
            (Category::Act, text, None)
        }
    }
}
