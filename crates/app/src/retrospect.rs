//! The postmortem's input, out of the incident and its timeline.

use std::collections::BTreeMap;

use alert::delivery;
use deploy::{Decision, Fact as DeployFact};
use incident::{Fact as IncidentFact, Incident, SuspectKind};
use model::{Actor, ActorKind};
use postmortem::{
    Affected, Draft, Ending, Event, Factor, FactorKind, Impact, Input, Mitigation, Objective,
    Responder,
};

use crate::{App, command::Command, control::ControlError, record::Fact, timeline::Entry};

/// A draft, and what it was written from.
#[derive(Debug)]
pub struct Retrospect {
    pub draft: Draft,
    pub input: Input,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum RetrospectError {
    #[error("cannot read the journal")]
    Journal(#[source] journal::ReadError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl App {
    /// Drafts the incident's postmortem from the journal, and notes on the incident that there is one.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn draft_postmortem(
        &self,
        incident: &Incident,
        by: Actor,
    ) -> Result<Retrospect, RetrospectError> {
        let retrospect = self.retrospect(incident)?;
        let reference = format!("/app/incidents/{}/postmortem", incident.id);
        let command = incident::Command::AttachPostmortem {
            incident: incident.id,
            reference: reference.into(),
            by: by.clone(),
        };
        self.order(Command::Incident(command), by).await?;
        Ok(retrospect)
    }

    /// The draft as the journal has it now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn retrospect(&self, incident: &Incident) -> Result<Retrospect, RetrospectError> {
        let timeline = self.timeline(incident).map_err(RetrospectError::Journal)?;
        let input = self.input(incident, &timeline);
        Ok(Retrospect { draft: postmortem::draft(&input), input })
    }

    fn input(&self, incident: &Incident, timeline: &[Entry]) -> Input {
        let world = self.control.world();
        let owner = |service: &str| {
            world
                .repo
                .services
                .iter()
                .find(|entry| &*entry.name == service)
                .and_then(|entry| entry.owner.clone())
        };
        let named = |actor: &Actor| actor.id.clone();
        let count = |matches: &dyn Fn(&Fact) -> bool| {
            u32::try_from(timeline.iter().filter(|entry| matches(&entry.fact)).count())
                .unwrap_or(u32::MAX)
        };
        Input {
            name: incident.name().into(),
            title: incident.title.clone(),
            service: incident.key.service.clone(),
            environment: incident.key.environment.clone(),
            severity: incident.severity.as_str().into(),
            affected: incident
                .affected
                .iter()
                .map(|service| Affected { service: service.clone(), owner: owner(service) })
                .collect(),
            began_at: incident.impact.as_ref().map(|impact| impact.since),
            opened_at: incident.opened_at,
            acknowledged: incident.acknowledged.as_ref().map(|ack| (ack.at, named(&ack.by))),
            mitigation: incident.mitigation.as_ref().map(|mitigation| Mitigation {
                what: mitigation.what.clone(),
                at: mitigation.at,
                by: named(&mitigation.by),
                automatic: mitigation.by.kind == ActorKind::System,
            }),
            ended: incident.resolution.as_ref().map(|end| Ending {
                at: end.at,
                by: named(&end.by),
                reason: end.reason.clone(),
                automatic: end.automatic,
            }),
            reopened: incident.reopened,
            factors: incident.suspects.iter().map(factor).collect(),
            impact: incident.impact.as_ref().map(|impact| Impact {
                bad_events: impact.bad_events,
                total_events: impact.total_events,
                users_affected_share: impact.users_affected_share,
            }),
            objectives: self.objectives(incident),
            responders: responders(timeline),
            timeline: timeline.iter().map(event).collect(),
            deploys_blocked: count(
                &|fact| matches!(fact, Fact::Deploy(DeployFact::GateDecided { verdict, .. }) if verdict.decision == Decision::Block),
            ),
            pages_sent: count(&|fact| {
                matches!(fact, Fact::Delivery(delivery::Fact::Delivered { .. }))
            }),
            drafted_at: self.clock.now(),
        }
    }

    /// The objectives that its alerts were about, and what the incident spent of their budgets.
    #[expect(clippy::cast_precision_loss, reason = "counts of one incident")]
    fn objectives(&self, incident: &Incident) -> Vec<Objective> {
        let counters = self.stores.counters.lock();
        let mut names: Vec<&str> =
            incident.alerts.iter().filter_map(|alert| alert.slo.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        let now = self.clock.now();
        let objective = |name: &str| {
            let slo = counters.slo(name)?;
            let allowed =
                counters.evaluate_one(name, now).map(|evaluation| evaluation.budget.allowed_bad);
            let own = slo.service == incident.key.service;
            let bad =
                incident.impact.as_ref().filter(|_| own).map(|impact| impact.bad_events as f64);
            let budget_spent = allowed
                .zip(bad)
                .filter(|(allowed, _)| *allowed > 0.0)
                .map(|(allowed, bad)| bad / allowed);
            Some(Objective { slo: name.into(), target: 1.0 - slo.objective.budget(), budget_spent })
        };
        names.into_iter().filter_map(objective).collect()
    }
}

fn factor(suspect: &incident::Suspect) -> Factor {
    Factor {
        kind: match suspect.kind {
            SuspectKind::Deploy => FactorKind::Deploy,
            SuspectKind::Config => FactorKind::Config,
            SuspectKind::Dependency => FactorKind::Dependency,
        },
        service: suspect.service.clone(),
        version: suspect.version.clone(),
        at: suspect.at,
        reference: suspect.reference.clone(),
        score: suspect.score,
        evidence: suspect.evidence.clone(),
    }
}

fn event(entry: &Entry) -> Event {
    Event {
        at: entry.record.occurred_at,
        what: entry.sentence.as_str().into(),
        actor: entry.record.actor.id.clone(),
        seq: Some(entry.record.seq),
    }
}

/// People, and what each did.
fn responders(timeline: &[Entry]) -> Vec<Responder> {
    let mut did: BTreeMap<Box<str>, Vec<Box<str>>> = BTreeMap::new();
    let mut updates: BTreeMap<Box<str>, u32> = BTreeMap::new();
    for entry in timeline.iter().filter(|entry| entry.record.actor.kind == ActorKind::Human) {
        let name = &entry.record.actor.id;
        let what = match &entry.fact {
            Fact::Incident(IncidentFact::Updated { .. }) => {
                *updates.entry(name.clone()).or_default() += 1;
                continue;
            }
            Fact::Incident(IncidentFact::Acknowledged { .. }) => "acknowledged",
            Fact::Incident(IncidentFact::Assigned { .. }) => "assigned",
            Fact::Incident(IncidentFact::Mitigated { .. }) => "mitigated",
            Fact::Incident(IncidentFact::Resolved { .. }) => "resolved",
            Fact::Deploy(DeployFact::ActRequested { .. }) => "asked for the rollback",
            _ => continue,
        };
        did.entry(name.clone()).or_default().push(what.into());
    }
    for (name, count) in updates {
        let what = if count == 1 { "1 update".to_owned() } else { format!("{count} updates") };
        did.entry(name).or_default().push(what.into());
    }
    did.into_iter().map(|(name, did)| Responder { name, did }).collect()
}
