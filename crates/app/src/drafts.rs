//! Postmortems: drafted from the journal when an incident has ended, and kept as they were drafted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use incident::{Incident, IncidentId, Suspect, SuspectKind};
use journal::{Order, Query, ReadError, Record};
use model::{Actor, ActorKind, Timestamp};
use postmortem::Input;

use crate::{
    app::App,
    command::Command,
    control::{ControlError, chain},
    record::{DraftDocument, DraftEvent, DraftSection, Fact},
    timeline::Entry,
};

/// After an incident's end its last impact is measured and its last words are sent; then its story is told.
const AFTER_END: Duration = Duration::from_secs(5);
/// What ended longer ago is drafted when somebody asks.
const OLD: Duration = Duration::from_secs(86_400);
/// Text of the timeline in a draft, which is kept in one fact.
const TIMELINE_BYTES_MAX: usize = 256 << 10;

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    #[error("cannot read the journal")]
    Read(#[source] ReadError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the draft was cut off")]
    CutOff,
}

impl App {
    /// Drafts the postmortem of the newest incident that has ended since its last draft, or has none; whether there was one.
    pub(crate) async fn draft_ended(self: &Arc<Self>) -> Result<bool, ControlError> {
        let now = self.clock.now();
        let ended = {
            let state = self.control.state();
            state.incidents.iter().rev().find(|one| is_owed(one, now)).cloned()
        };
        let Some(incident) = ended else { return Ok(false) };
        let name = incident.name();
        match self.draft_postmortem(incident, Actor::system("postmortems")).await {
            Ok(_) => Ok(true),
            Err(DraftError::Control(ControlError::Stopped)) => Err(ControlError::Stopped),
            Err(error) => {
                tracing::warn!(incident = name, error = %chain(&error), "no postmortem was drafted");
                Ok(false)
            }
        }
    }

    /// Drafts an incident's postmortem anew and keeps it as a fact.
    ///
    /// # Errors
    /// See [`DraftError`].
    pub async fn draft_postmortem(
        self: &Arc<Self>,
        incident: Incident,
        by: Actor,
    ) -> Result<DraftDocument, DraftError> {
        let id = incident.id;
        let this = Arc::clone(self);
        let document = tokio::task::spawn_blocking(move || this.draft(&incident)).await;
        let document = document.map_err(|_| DraftError::CutOff)?.map_err(DraftError::Read)?;
        let command = incident::Command::AttachPostmortem {
            incident: id,
            reference: format!("/evenkeel/v1/incidents/{id}/postmortem").into(),
            document: Some(document.to_text().into()),
            by: by.clone(),
        };
        self.control.order(by, Command::Incident(command)).await?;
        Ok(document)
    }

    /// The last draft of an incident's postmortem, as it was drafted; reads the disk.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn drafted_postmortem(&self, id: IncidentId) -> Result<Option<DraftDocument>, ReadError> {
        let query = Query {
            kind_prefix: Some("incident.postmortem_attached".into()),
            subject: Some(id.to_string().into()),
            order: Order::NewestFirst,
            // The last one, unless somebody attached a link since.
            limit: 3,
            ..Query::default()
        };
        let page = self.reader.read(&query)?;
        Ok(page.records.iter().find_map(document))
    }

    fn draft(&self, incident: &Incident) -> Result<DraftDocument, ReadError> {
        let mut entries = self.timeline(incident)?;
        let left_out = shorten(&mut entries);
        let drafted_at = self.clock.now();
        let draft = postmortem::draft(&self.input(incident, &entries, drafted_at));
        let sections = draft.sections.iter().map(|section| DraftSection {
            heading: section.heading.into(),
            paragraphs: section.paragraphs(),
            from_data: section.from_data(),
        });
        Ok(DraftDocument {
            title: draft.title.clone(),
            drafted_at,
            sections: sections.collect(),
            timeline: entries.iter().map(event).collect(),
            markdown: match left_out {
                0 => draft.markdown(),
                count => format!("{}\n{count} more facts are in the journal.\n", draft.markdown()),
            },
        })
    }

    fn input(&self, incident: &Incident, entries: &[Entry], drafted_at: Timestamp) -> Input {
        let count = |what: &dyn Fn(&Entry) -> bool| {
            u32::try_from(entries.iter().filter(|entry| what(entry)).count()).unwrap_or(u32::MAX)
        };
        let ended = incident.resolution.as_ref().filter(|_| !incident.is_open());
        Input {
            name: incident.name().into(),
            title: incident.title.clone(),
            service: incident.key.service.clone(),
            environment: incident.key.environment.clone(),
            severity: incident.severity.as_str().into(),
            affected: self.affected(incident),
            began_at: incident.impact.as_ref().map(|impact| impact.since),
            opened_at: incident.opened_at,
            acknowledged: incident.acknowledged.as_ref().map(|ack| (ack.at, ack.by.id.clone())),
            mitigation: incident.mitigation.as_ref().map(|done| postmortem::Mitigation {
                what: done.what.clone(),
                at: done.at,
                by: done.by.id.clone(),
                automatic: done.by.kind == ActorKind::System,
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
            objectives: self.objectives(incident),
            responders: responders(entries),
            timeline: entries.iter().map(happened).collect(),
            deploys_blocked: count(&is_block),
            pages_sent: count(&|entry| &*entry.record.kind == "notification.delivered"),
            drafted_at,
        }
    }

    fn affected(&self, incident: &Incident) -> Vec<postmortem::Affected> {
        let world = self.control.world();
        let owner = |service: &str| {
            let entry = world.repo.services.iter().find(|entry| &*entry.name == service)?;
            entry.owner.clone()
        };
        let mut services = incident.affected.clone();
        services.insert(incident.key.service.clone());
        let affected = |service: Box<str>| postmortem::Affected { owner: owner(&service), service };
        services.into_iter().map(affected).collect()
    }

    /// The SLOs of the incident's alerts; the incident's own impact is of the first one.
    fn objectives(&self, incident: &Incident) -> Vec<postmortem::Objective> {
        let world = self.control.world();
        let allowed = self.allowed_bad(incident).filter(|allowed| *allowed > 0.0);
        let spent = incident.impact.as_ref().zip(allowed);
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
        let mut spent = spent.map(|(impact, allowed)| impact.bad_events as f64 / allowed);
        let mut seen = std::collections::BTreeSet::new();
        let names = incident.alerts.iter().filter_map(|alert| alert.slo.as_deref());
        let slo = |name: &str| world.repo.slos.iter().find(|slo| *slo.name == *name);
        names
            .filter(|name| seen.insert(*name))
            .filter_map(slo)
            .map(|slo| postmortem::Objective {
                slo: slo.name.clone(),
                target: slo.objective.get(),
                budget_spent: spent.take(),
            })
            .collect()
    }

    /// How many bad events the objective of the incident's first alert allows over its window.
    pub fn allowed_bad(&self, incident: &Incident) -> Option<f64> {
        let slo = incident.alerts.iter().find_map(|alert| alert.slo.as_ref())?;
        let evaluations = self.judge.evaluations();
        evaluations.iter().find(|one| one.slo == *slo).map(|found| found.budget.allowed_bad)
    }
}

/// Leaves out the last lines of a timeline that is too long for a document, and counts them.
fn shorten(entries: &mut Vec<Entry>) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take_while(|entry| {
        bytes += entry.sentence.len() + entry.text.as_ref().map_or(0, String::len);
        bytes <= TIMELINE_BYTES_MAX
    });
    let kept = fits.count();
    let left_out = entries.len() - kept;
    entries.truncate(kept);
    left_out
}

/// It has ended, and its last draft, if any, is of before.
fn is_owed(incident: &Incident, now: Timestamp) -> bool {
    incident.ended_at().is_some_and(|end| {
        (AFTER_END..OLD).contains(&now.since(end))
            && incident.postmortem_at.is_none_or(|at| at < end)
    })
}

fn document(record: &Record) -> Option<DraftDocument> {
    match Fact::read(record) {
        Ok(Some(Fact::Incident(incident::Fact::PostmortemAttached { document, .. }))) => {
            DraftDocument::from_text(&document?).ok()
        }
        _ => None,
    }
}

fn is_block(entry: &Entry) -> bool {
    matches!(
        Fact::read(&entry.record),
        Ok(Some(Fact::Deploy(deploy::Fact::GateDecided { verdict, .. })))
            if verdict.decision == deploy::Decision::Block
    )
}

fn event(entry: &Entry) -> DraftEvent {
    DraftEvent {
        at: entry.record.occurred_at,
        sentence: entry.text.clone().unwrap_or_else(|| entry.sentence.clone()),
        seq: entry.record.seq,
    }
}

fn happened(entry: &Entry) -> postmortem::Event {
    postmortem::Event {
        at: entry.record.occurred_at,
        what: entry.text.as_deref().unwrap_or(&entry.sentence).into(),
        actor: entry.record.actor.id.clone(),
        seq: Some(entry.record.seq),
    }
}

fn factor(suspect: &Suspect) -> postmortem::Factor {
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

/// Who did what, by name.
fn responders(entries: &[Entry]) -> Vec<postmortem::Responder> {
    let mut people: BTreeMap<&str, Vec<Box<str>>> = BTreeMap::new();
    for entry in entries {
        let record = &entry.record;
        let by_person = record.actor.kind == ActorKind::Human;
        if let Some(verb) = record.kind.strip_prefix("incident.").filter(|_| by_person) {
            let did = people.entry(&record.actor.id).or_default();
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
