//! An incident's timeline: the journal's facts that tell its story, in order, each as one sentence.

use std::{collections::BTreeSet, time::Duration};

use alert::delivery;
use deploy::{ActOutcome, Fact as DeployFact};
use incident::Incident;
use journal::{Order, Query, Reader, Record};
use model::Timestamp;

use crate::{
    App,
    record::{Fact, OwnFact},
    state::State,
};

/// Changes this long before an incident opened stand on its timeline.
const CHANGES_BEFORE: Duration = Duration::from_secs(2 * 3600);
/// The most facts that are looked at for one timeline.
const FACTS_MAX: usize = 20_000;
const PAGE: usize = 1000;

/// A fact, and how it reads.
#[derive(Clone, Debug)]
pub struct Entry {
    pub record: Record,
    pub fact: Fact,
    pub sentence: String,
}

impl App {
    /// What happened in and around the incident, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn timeline(&self, incident: &Incident) -> Result<Vec<Entry>, journal::ReadError> {
        let about = About::new(&self.control.state(), incident);
        let mut entries = Vec::new();
        let mut query = Query {
            since: Some(incident.opened_at - CHANGES_BEFORE),
            order: Order::OldestFirst,
            limit: PAGE,
            ..Query::default()
        };
        let mut looked_at = 0;
        loop {
            let page = read(&self.reader, &query)?;
            looked_at += page.records.len();
            query.after = page.records.last().map(|record| record.seq).or(query.after);
            for record in page.records {
                // A fact that cannot be read, or was erased, has no sentence.
                let Ok(Some(fact)) = Fact::read(&record) else { continue };
                if about.has(&record, &fact) {
                    entries.push(Entry { sentence: sentence(&fact), record, fact });
                }
            }
            if !page.more || looked_at >= FACTS_MAX {
                return Ok(entries);
            }
        }
    }
}

fn read(reader: &Reader, query: &Query) -> Result<journal::Page, journal::ReadError> {
    reader.read(query)
}

/// What belongs to an incident.
struct About {
    /// Ids of the incident, its alerts, its notifications and its acts.
    subjects: BTreeSet<String>,
    services: BTreeSet<Box<str>>,
    environment: Box<str>,
    until: Option<Timestamp>,
}

impl About {
    fn new(state: &State, incident: &Incident) -> Self {
        let id = incident.id.to_string();
        let alerts = incident.alerts.iter().map(|alert| alert.id.to_string());
        let told =
            state.deliveries.records().filter(|record| record.incident.as_deref() == Some(&*id));
        let acts = state.deploys.acts().filter(|act| act.incident.as_deref() == Some(&*id));
        let subjects = alerts
            .chain(told.map(|record| record.notification.to_string()))
            .chain(acts.map(|act| act.id.to_string()))
            .chain([id.clone()])
            .collect();
        let mut services = incident.affected.clone();
        services.insert(incident.key.service.clone());
        services.extend(incident.suspects.iter().map(|suspect| suspect.service.clone()));
        Self {
            subjects,
            services,
            environment: incident.key.environment.clone(),
            until: incident.resolution.as_ref().map(|resolution| resolution.at),
        }
    }

    fn has(&self, record: &Record, fact: &Fact) -> bool {
        if self.subjects.contains(&*record.subject) {
            return !is_noise(fact);
        }
        if self.until.is_some_and(|until| record.recorded_at > until) {
            return false;
        }
        match fact {
            Fact::Deploy(DeployFact::DeployRecorded { deploy }) => {
                self.services.contains(&deploy.service) && deploy.environment == self.environment
            }
            Fact::Deploy(DeployFact::GateDecided { input, .. }) => {
                self.services.contains(&input.service) && input.environment == self.environment
            }
            Fact::Own(OwnFact::ConfigApplied { services, .. }) => {
                services.iter().any(|service| self.services.contains(service))
            }
            _ => false,
        }
    }
}

/// What tells readers nothing that another fact of the same moment does not.
fn is_noise(fact: &Fact) -> bool {
    matches!(fact, Fact::Alert(alert::Fact::Fired { .. } | alert::Fact::Resolved { .. }))
}

/// A fact as one sentence, without its time and its actor.
pub fn sentence(fact: &Fact) -> String {
    match fact {
        Fact::Incident(fact) => fact.sentence(),
        Fact::Alert(alert::Fact::Fired { summary, .. }) => format!("alert: {summary}"),
        Fact::Alert(alert::Fact::Resolved { alert, .. }) => format!("alert {alert} resolved"),
        Fact::Delivery(fact) => delivered(fact),
        Fact::Deploy(fact) => deployed(fact),
        Fact::Own(OwnFact::ConfigApplied { changes, .. }) => {
            format!("configuration applied: {}", changes.join("; "))
        }
        Fact::Own(OwnFact::SloBackfilled { slo, source, buckets, .. }) => {
            format!("history of {slo} back-filled from {source}: {} buckets", buckets.len())
        }
        Fact::Own(OwnFact::ClockStepped { from, to, .. }) => {
            format!("the clock stepped from {from} to {to}")
        }
    }
}

fn delivered(fact: &delivery::Fact) -> String {
    match fact {
        delivery::Fact::Queued { receiver, target, reason, .. } => {
            format!("{receiver} is to be told ({}) at {target}", reason.as_str())
        }
        delivery::Fact::AttemptFailed { attempt, error, .. } => {
            format!("attempt {attempt} to tell failed: {error}")
        }
        delivery::Fact::Delivered { attempt, latency_ms, .. } => {
            format!("page delivered at attempt {attempt}, in {latency_ms} ms")
        }
        delivery::Fact::Abandoned { reason, .. } => {
            format!("telling was given up: {}", reason.as_str())
        }
    }
}

fn deployed(fact: &DeployFact) -> String {
    match fact {
        DeployFact::DeployRecorded { deploy } => {
            let before = deploy
                .previous_version
                .as_ref()
                .map_or_else(String::new, |before| format!(", after {before}"));
            format!(
                "{} {} deployed to {}{before}",
                deploy.service, deploy.version, deploy.environment
            )
        }
        DeployFact::GateDecided { verdict, .. } => format!("gate: {}", verdict.sentence),
        DeployFact::ActRequested { act } => {
            let who = if act.automatic { "by policy" } else { "by hand" };
            format!(
                "rollback of {} from {} to {} asked for {who}: {}",
                act.service, act.from_version, act.to_version, act.reason
            )
        }
        DeployFact::ActStarted { .. } => "rollback started".to_owned(),
        DeployFact::ActEnded { outcome, .. } => match outcome {
            ActOutcome::Succeeded { .. } => "rollback succeeded".to_owned(),
            ActOutcome::Failed { detail } => {
                format!("rollback failed: {}", detail.lines().next().unwrap_or_default())
            }
            ActOutcome::Interrupted => {
                "rollback interrupted by a stop of Evenkeel; it is not run again".to_owned()
            }
            ActOutcome::Refused { detail } => format!("rollback refused: {detail}"),
        },
    }
}
