//! An incident's timeline: the journal's facts about it, and what changed around it, a sentence each.

mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use incident::Incident;
use journal::{Query, ReadError, Record};
use model::same_environment;

use crate::{
    app::App,
    record::{Fact, OwnFact},
};

/// Changes of this long before an incident are part of its story.
const BEFORE: Duration = Duration::from_secs(2 * 3600);
/// Facts of one timeline; the newest are left out.
const FACTS_MAX: usize = 5_000;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    Alert,
    Change,
    Notification,
    Response,
    Update,
    Act,
    Gate,
    Recovery,
    Other,
}

/// A fact as a line.
#[derive(Clone, Debug)]
pub struct Entry {
    pub category: Category,
    /// One sentence.
    pub sentence: String,
    /// What somebody wrote; `None` for what the machine noted.
    pub text: Option<String>,
    pub record: Record,
    /// Number of the fact that led to it, when that is on the timeline too.
    pub cause: Option<u64>,
}

impl App {
    /// The incident's timeline, oldest first; reads the disk.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn timeline(&self, incident: &Incident) -> Result<Vec<Entry>, ReadError> {
        let records = self.records(incident)?;
        let numbers: BTreeMap<_, _> =
            records.iter().map(|record| (record.id, record.seq)).collect();
        let cause = |record: &Record| record.cause.and_then(|id| numbers.get(&id).copied());
        let causes: Vec<_> = records.iter().map(cause).collect();
        Ok(records.into_iter().zip(causes).map(|(record, cause)| entry(record, cause)).collect())
    }

    fn records(&self, incident: &Incident) -> Result<Vec<Record>, ReadError> {
        let mut found = BTreeMap::new();
        for subject in self.subjects(incident) {
            let query = Query { subject: Some(subject), limit: FACTS_MAX, ..Query::default() };
            let page = self.reader.read(&query)?;
            found.extend(page.records.into_iter().map(|record| (record.seq, record)));
        }
        let until = incident.ended_at().map(|end| end + Duration::from_secs(1));
        for kind in ["deploy.", "gate.", "config."] {
            let query = Query {
                kind_prefix: Some(kind.into()),
                since: Some(incident.opened_at - BEFORE),
                until,
                limit: FACTS_MAX,
                ..Query::default()
            };
            let page = self.reader.read(&query)?;
            let near = page.records.into_iter().filter(|record| {
                Fact::read(record).ok().flatten().is_some_and(|fact| concerns(&fact, incident))
            });
            found.extend(near.map(|record| (record.seq, record)));
        }
        let mut records: Vec<Record> = found.into_values().take(FACTS_MAX).collect();
        // What was told late stands where it happened.
        records.sort_by_key(|record| (record.occurred_at, record.seq));
        Ok(records)
    }

    /// The incident itself, its alerts, its notifications, its acts.
    fn subjects(&self, incident: &Incident) -> BTreeSet<Box<str>> {
        let id = incident.id.to_string();
        let state = self.control.state();
        let deliveries =
            state.deliveries.records().filter(|record| record.incident.as_deref() == Some(&*id));
        let acts = state.deploys.acts().filter(|act| act.incident.as_deref() == Some(&*id));
        let mut subjects: BTreeSet<Box<str>> =
            incident.alerts.iter().map(|alert| alert.id.clone()).collect();
        subjects.extend(deliveries.map(|record| record.notification.to_string().into()));
        subjects.extend(acts.map(|act| act.id.to_string().into()));
        subjects.insert(id.into());
        subjects
    }
}

/// Whether a change is about a service of the incident, or one that it suspects.
fn concerns(fact: &Fact, incident: &Incident) -> bool {
    let touched = |service: &str| {
        incident.affected.contains(service)
            || incident.suspects.iter().any(|suspect| &*suspect.service == service)
    };
    let here = |environment: &str| same_environment(&incident.key.environment, environment);
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

/// A fact as a line; what a newer version wrote is named by its kind.
fn entry(record: Record, cause: Option<u64>) -> Entry {
    let (category, sentence, text) = match Fact::read(&record) {
        Ok(Some(fact)) => words::say(&fact),
        Ok(None) if record.payload.is_none() => {
            (Category::Other, format!("{}: its content was erased", record.kind), None)
        }
        Ok(None) | Err(_) => (Category::Other, record.kind.to_string(), None),
    };
    Entry { category, sentence, text, record, cause }
}
