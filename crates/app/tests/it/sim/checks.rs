//! What must hold after every step, whatever happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use alert::delivery::{self, AbandonReason, Attempt, NotificationId, Reason};
use app::{record::Fact, state::State};
use deploy::{ActId, ActOutcome, DeployId};
use incident::{AlertClass, IncidentId, Severity};
use journal::{FactId, Record};
use model::Timestamp;

/// A page leaves within this time of being owed: one wait between attempts, and its predecessors' attempts.
const LEAVES_WITHIN: Duration = Duration::from_secs(90);

/// What the facts so far have promised.
#[derive(Default)]
pub(crate) struct Checks {
    last: Option<(u64, Timestamp)>,
    ids: BTreeSet<FactId>,
    queued: BTreeMap<NotificationId, Queued>,
    /// First words about an incident to a receiver, by how many ids it had.
    first: BTreeMap<(Box<str>, Box<str>), usize>,
    reopened: BTreeMap<Box<str>, usize>,
    severities: BTreeMap<IncidentId, Severity>,
    ended: BTreeMap<NotificationId, Option<AbandonReason>>,
    received: BTreeSet<NotificationId>,
    rolled_back: BTreeSet<DeployId>,
    started: BTreeSet<ActId>,
    ran: BTreeSet<ActId>,
    needing_people: BTreeSet<Box<str>>,
    acts: BTreeMap<ActId, Option<Box<str>>>,
    pub(crate) incidents: usize,
    pub(crate) deaths: usize,
}

struct Queued {
    payload: Box<str>,
    reason: Reason,
    /// Monotonic.
    at: Duration,
    was_tried: bool,
}

impl Checks {
    /// How many records were looked at.
    pub(crate) fn seen(&self) -> usize {
        self.ids.len()
    }

    /// Looks at the records of one transaction.
    pub(crate) fn note(&mut self, records: &[Record], now: Duration, broken: bool) {
        let mut pages = BTreeSet::new();
        for record in records {
            if let Some((seq, at)) = self.last {
                assert_eq!(record.seq, seq + 1, "a number is missing");
                assert!(record.recorded_at >= at, "time went back at {}", record.seq);
            }
            self.last = Some((record.seq, record.recorded_at));
            assert!(self.ids.insert(record.id), "the id of {} is there already", record.seq);
            match Fact::read(record).unwrap().unwrap() {
                Fact::Delivery(fact) => self.delivery(&fact, now, &mut pages),
                Fact::Incident(fact) => self.incident(&fact, &mut pages),
                Fact::Deploy(fact) => self.deploy(&fact, broken),
                Fact::Alert(_) | Fact::Own(_) => {}
            }
        }
        assert!(pages.is_empty(), "nobody is paged for {pages:?}");
    }

    fn incident(&mut self, fact: &incident::Fact, pages: &mut BTreeSet<IncidentId>) {
        match fact {
            incident::Fact::Opened { incident, severity, .. } => {
                self.incidents += 1;
                self.severities.insert(*incident, *severity);
                if *severity <= Severity::Sev2 {
                    pages.insert(*incident);
                }
            }
            incident::Fact::Reopened { incident, .. } => {
                *self.reopened.entry(incident.to_string().into()).or_default() += 1;
                if self.severities[incident] <= Severity::Sev2 {
                    pages.insert(*incident);
                }
            }
            incident::Fact::SeveritySet { incident, severity, .. } => {
                self.severities.insert(*incident, *severity);
            }
            _ => {}
        }
    }

    fn delivery(&mut self, fact: &delivery::Fact, now: Duration, pages: &mut BTreeSet<IncidentId>) {
        match fact {
            delivery::Fact::Queued {
                notification, incident, receiver, reason, payload, ..
            } => {
                let queued =
                    Queued { payload: payload.clone(), reason: *reason, at: now, was_tried: false };
                assert!(self.queued.insert(*notification, queued).is_none(), "queued twice");
                let Some(incident) = incident else { return };
                if &**receiver == "oncall" {
                    pages.remove(&incident.parse().unwrap());
                }
                if *reason == Reason::Opened {
                    let key = (incident.clone(), receiver.clone());
                    let ids = self.first.entry(key).or_default();
                    *ids += 1;
                    let reopened = self.reopened.get(incident).copied().unwrap_or(0);
                    assert!(*ids <= 1 + reopened, "{incident} is opened to {receiver} twice");
                }
                if *reason == Reason::ActInterrupted {
                    self.needing_people.insert(incident.clone());
                }
            }
            delivery::Fact::Delivered { notification, .. } => {
                assert!(self.received.contains(notification), "delivered to nobody");
                let before = self.ended.insert(*notification, None);
                assert_ne!(before, Some(None), "delivered twice");
            }
            delivery::Fact::Abandoned { notification, reason, .. } => {
                let before = self.ended.insert(*notification, Some(*reason));
                assert_eq!(before, None, "ended twice");
            }
            delivery::Fact::AttemptFailed { .. } => {}
        }
    }

    fn deploy(&mut self, fact: &deploy::Fact, broken: bool) {
        match fact {
            deploy::Fact::ActRequested { act } => {
                assert!(!broken, "an act over a broken journal");
                if act.automatic {
                    assert!(self.rolled_back.insert(act.deploy), "{} twice by itself", act.deploy);
                    assert!(act.reason.starts_with("95.0 %"), "on weak evidence: {}", act.reason);
                }
                self.acts.insert(act.id, act.incident.clone());
            }
            deploy::Fact::ActStarted { id, .. } => {
                assert!(!broken, "an act over a broken journal");
                assert!(self.started.insert(*id), "{id} is started twice");
            }
            deploy::Fact::DeployRecorded { .. }
            | deploy::Fact::DeployFinished { .. }
            | deploy::Fact::GateDecided { .. }
            | deploy::Fact::ActEnded { .. } => {}
        }
    }

    /// Looks at the state between two batches.
    pub(crate) fn look(&self, state: &State) {
        let mut keys = BTreeSet::new();
        for incident in state.incidents.open() {
            assert!(keys.insert(&incident.key), "two open incidents on {}", incident.key);
            let paged = incident
                .alerts
                .iter()
                .any(|alert| alert.class == AlertClass::Page && alert.resolved_at.is_none());
            let enough = !paged || incident.severity <= Severity::Sev2;
            assert!(enough, "a page in an incident that pages nobody: {}", incident.name());
        }
        for record in state.alerts.firing() {
            let home = state.incidents.of_alert(&record.alert.to_string());
            assert!(home.is_some(), "the alert {} has no incident", record.alert);
        }
        for act in state.deploys.acts() {
            let ended_badly = matches!(
                &act.state,
                deploy::ActState::Ended {
                    outcome: ActOutcome::Interrupted | ActOutcome::Failed { .. },
                    ..
                }
            );
            if ended_badly && let Some(incident) = &act.incident {
                assert!(self.needing_people.contains(incident), "nobody hears of {}", act.id);
            }
        }
    }

    /// An attempt begins.
    pub(crate) fn attempted(&mut self, attempt: &Attempt, now: Duration) {
        let queued = self.queued.get_mut(&attempt.notification).expect("a fact before the effect");
        assert_eq!(queued.payload, attempt.payload, "another body under the same id");
        if !std::mem::replace(&mut queued.was_tried, true) {
            let waited = now.saturating_sub(queued.at);
            assert!(waited <= LEAVES_WITHIN, "{:?} left after {waited:?}", queued.reason);
        }
    }

    pub(crate) fn received(&mut self, attempt: &Attempt) {
        self.received.insert(attempt.notification);
    }

    /// An act runs.
    pub(crate) fn ran(&mut self, id: ActId) {
        assert!(self.started.contains(&id), "{id} runs before its fact");
        assert!(self.ran.insert(id), "{id} runs twice");
    }

    /// After a long quiet time: everything has its outcome.
    pub(crate) fn all_is_told(&self) {
        for (id, queued) in &self.queued {
            let end = self.ended.get(id);
            assert!(end.is_some(), "{:?} {id} has no outcome", queued.reason);
        }
    }

    pub(crate) fn story(&self) -> String {
        let abandoned = self.ended.values().filter(|end| end.is_some()).count();
        format!(
            "{} incidents, {} notifications ({abandoned} abandoned), {} acts, {} deaths",
            self.incidents,
            self.queued.len(),
            self.ran.len(),
            self.deaths
        )
    }
}
