//! The postmortem of an incident: drafted from the journal, and always from it anew.

use std::{collections::BTreeMap, sync::Arc};

use app::{
    App,
    incident::{self, Incident, SuspectKind},
    postmortem::{self, Input},
};
use axum::extract::{Path, State};
use model::Timestamp;

use super::{
    incidents::{allowed_bad, find, order},
    request::{Json, Who},
    timeline, view,
};
use crate::{Problem, wire::api as dto};

pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<dto::Postmortem>, Problem> {
    let incident = find(&app, &name)?;
    if incident.postmortem.is_none() {
        return Err(Problem::not_found(format!(
            "{} has no postmortem yet; draft one",
            incident.name()
        )));
    }
    draft(&app, incident).await.map(Json)
}

pub(super) async fn write(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
) -> Result<Json<dto::Postmortem>, Problem> {
    let incident = find(&app, &name)?;
    let command = incident::Command::AttachPostmortem {
        incident: incident.id,
        reference: format!("/evenkeel/v1/incidents/{}/postmortem", incident.id).into(),
        by: by.clone(),
    };
    order(&app, command, by).await?;
    draft(&app, find(&app, &name)?).await.map(Json)
}

async fn draft(app: &Arc<App>, incident: Incident) -> Result<dto::Postmortem, Problem> {
    let entries = timeline::read(app, incident.clone()).await?;
    let drafted_at = entries
        .iter()
        .rev()
        .find(|entry| entry.fact.kind == "incident.postmortem_attached")
        .and_then(|entry| entry.fact.occurred_at.parse().ok())
        .unwrap_or_else(|| app.clock.now());
    let draft = postmortem::draft(&input(app, &incident, &entries, drafted_at));
    let sections = draft.sections.iter().map(|section| dto::PostmortemSection {
        heading: section.heading.to_owned(),
        paragraphs: section.paragraphs(),
        from_data: section.from_data(),
    });
    Ok(dto::Postmortem {
        incident: incident.id.to_string(),
        title: draft.title.clone(),
        status: dto::PostmortemStatus::Draft,
        drafted_at: view::time(drafted_at),
        sections: sections.collect(),
        timeline: entries.into_iter().map(event).collect(),
        markdown: draft.markdown(),
    })
}

fn event(entry: dto::TimelineEntry) -> dto::PostmortemEvent {
    let sentence = entry.text.unwrap_or(entry.sentence);
    dto::PostmortemEvent { at: entry.fact.occurred_at, sentence, seq: entry.fact.seq }
}

fn input(
    app: &App,
    incident: &Incident,
    entries: &[dto::TimelineEntry],
    drafted_at: Timestamp,
) -> Input {
    let world = app.control.world();
    let owner = |service: &str| {
        let entry = world.repo.services.iter().find(|entry| &*entry.name == service)?;
        entry.owner.clone()
    };
    let mut services = incident.affected.clone();
    services.insert(incident.key.service.clone());
    let count = |what: &dyn Fn(&dto::TimelineEntry) -> bool| {
        u32::try_from(entries.iter().filter(|entry| what(entry)).count()).unwrap_or(u32::MAX)
    };
    let ended = incident.resolution.as_ref().filter(|_| !incident.is_open());
    Input {
        name: incident.name().into(),
        title: incident.title.clone(),
        service: incident.key.service.clone(),
        environment: incident.key.environment.clone(),
        severity: incident.severity.as_str().into(),
        affected: services
            .into_iter()
            .map(|service| postmortem::Affected { owner: owner(&service), service })
            .collect(),
        began_at: incident.impact.as_ref().map(|impact| impact.since),
        opened_at: incident.opened_at,
        acknowledged: incident.acknowledged.as_ref().map(|ack| (ack.at, ack.by.id.clone())),
        mitigation: incident.mitigation.as_ref().map(|done| postmortem::Mitigation {
            what: done.what.clone(),
            at: done.at,
            by: done.by.id.clone(),
            automatic: done.by.kind == model::ActorKind::System,
        }),
        ended: ended.map(|end| postmortem::Ending {
            at: end.at,
            by: end.by.id.clone(),
            reason: end.reason.clone(),
            automatic: end.automatic,
        }),
        reopened: incident.reopened,
        factors: incident.suspects.iter().map(factor).collect(),
        impact: incident.impact.as_ref().map(|impact| postmortem::Impact {
            bad_events: impact.bad_events,
            total_events: impact.total_events,
            users_affected_share: impact.users_affected_share,
        }),
        objectives: objectives(app, incident),
        responders: responders(entries),
        timeline: entries.iter().map(happened).collect(),
        deploys_blocked: count(&|entry| {
            entry.fact.kind == "gate.decided" && entry.sentence.contains(" is blocked: ")
        }),
        pages_sent: count(&|entry| entry.fact.kind == "notification.delivered"),
        drafted_at,
    }
}

fn factor(suspect: &incident::Suspect) -> postmortem::Factor {
    postmortem::Factor {
        kind: match suspect.kind {
            SuspectKind::Deploy => postmortem::FactorKind::Deploy,
            SuspectKind::Config => postmortem::FactorKind::Config,
            SuspectKind::Dependency => postmortem::FactorKind::Dependency,
        },
        service: suspect.service.clone(),
        version: suspect.version.clone(),
        at: suspect.at,
        reference: suspect.reference.clone(),
        score: suspect.score,
        evidence: suspect.evidence.clone(),
    }
}

/// The SLOs of the incident's alerts; the incident's own impact is of the first one.
fn objectives(app: &App, incident: &Incident) -> Vec<postmortem::Objective> {
    let world = app.control.world();
    let allowed = allowed_bad(app, incident).filter(|allowed| *allowed > 0.0);
    let spent = incident.impact.as_ref().zip(allowed);
    let mut spent = spent.map(|(impact, allowed)| view::number(impact.bad_events) / allowed);
    let mut seen = std::collections::BTreeSet::new();
    let names = incident.alerts.iter().filter_map(|alert| alert.slo.as_ref());
    let new = names.filter(|name| seen.insert(*name));
    let found =
        new.filter_map(|name| world.repo.slos.iter().find(|slo| slo.name == *name)).map(|slo| {
            postmortem::Objective {
                slo: slo.name.clone(),
                target: slo.objective.get(),
                budget_spent: spent.take(),
            }
        });
    found.collect()
}

/// Who did what, by name.
fn responders(entries: &[dto::TimelineEntry]) -> Vec<postmortem::Responder> {
    let mut people: BTreeMap<&str, Vec<Box<str>>> = BTreeMap::new();
    for entry in entries {
        let by_person = entry.fact.actor.kind == dto::ActorKind::Human;
        if let Some(verb) = entry.fact.kind.strip_prefix("incident.").filter(|_| by_person) {
            let did = people.entry(&entry.fact.actor.id).or_default();
            let word: Box<str> = verb.replace('_', " ").into();
            if !did.contains(&word) {
                did.push(word);
            }
        }
    }
    let responder =
        |(name, did): (&str, Vec<Box<str>>)| postmortem::Responder { name: name.into(), did };
    people.into_iter().map(responder).collect()
}

fn happened(entry: &dto::TimelineEntry) -> postmortem::Event {
    postmortem::Event {
        at: entry.fact.occurred_at.parse().unwrap_or_default(),
        what: entry.text.as_deref().unwrap_or(&entry.sentence).into(),
        actor: entry.fact.actor.id.as_str().into(),
        seq: Some(entry.fact.seq),
    }
}
