//! What a draft is written from, as plain data.

use model::Timestamp;

/// What kind of thing contributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorKind {
    Deploy,
    Config,
    Dependency,
}

/// A suspect of the incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    pub kind: FactorKind,
    pub service: Box<str>,
    /// The version deployed.
    pub version: Option<Box<str>>,
    /// When the change came.
    pub at: Option<Timestamp>,
    /// The deploy's or the fact's id; `None` when nobody recorded the change.
    pub reference: Option<Box<str>>,
    /// The share of failures that it explains, 0 to 1.
    pub score: f64,
    /// One sentence.
    pub evidence: Box<str>,
}

/// A service that the incident touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    pub service: Box<str>,
    /// Its team, from the catalogue.
    pub owner: Option<Box<str>>,
}

/// An objective that was missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    pub slo: Box<str>,
    /// Such as 0.999.
    pub target: f64,
    /// Share of the whole error budget that the incident spent, where known.
    pub budget_spent: Option<f64>,
}

/// What users suffered.
#[derive(Clone, Debug, PartialEq)]
pub struct Impact {
    pub bad_events: u64,
    pub total_events: u64,
    /// 0 to 1.
    pub users_affected_share: Option<f64>,
}

/// What was done against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mitigation {
    pub what: Box<str>,
    pub at: Timestamp,
    pub by: Box<str>,
    pub automatic: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub at: Timestamp,
    pub by: Box<str>,
    pub reason: Box<str>,
    /// Whether the recovery test ended it.
    pub automatic: bool,
}

/// Someone who took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Responder {
    pub name: Box<str>,
    /// Such as `acknowledged`, `assigned`, `3 updates`.
    pub did: Vec<Box<str>>,
}

/// A fact of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Timestamp,
    pub what: Box<str>,
    pub actor: Box<str>,
    /// The fact's number in the journal.
    pub seq: Option<u64>,
}

/// All that is known of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// `INC-7`.
    pub name: Box<str>,
    pub title: Box<str>,
    pub service: Box<str>,
    /// Empty where telemetry names none.
    pub environment: Box<str>,
    /// `SEV1` to `SEV4`.
    pub severity: Box<str>,
    /// With the incident's own service.
    pub affected: Vec<Affected>,
    /// When failures began, where known.
    pub began_at: Option<Timestamp>,
    /// When the incident was opened.
    pub opened_at: Timestamp,
    /// When and by whom.
    pub acknowledged: Option<(Timestamp, Box<str>)>,
    pub mitigation: Option<Mitigation>,
    /// `None` while it is open.
    pub ended: Option<Ending>,
    pub reopened: u32,
    /// The likeliest first.
    pub factors: Vec<Factor>,
    pub impact: Option<Impact>,
    pub objectives: Vec<Objective>,
    pub responders: Vec<Responder>,
    /// What happened, with the deploys before the alert; in any order.
    pub timeline: Vec<Event>,
    /// Deploys that the gate refused meanwhile.
    pub deploys_blocked: u32,
    /// Pages that were delivered.
    pub pages_sent: u32,
    pub drafted_at: Timestamp,
}

impl Input {
    /// Such as `checkout in production`.
    pub(crate) fn place(&self) -> String {
        match &*self.environment {
            "" => self.service.to_string(),
            environment => format!("{} in {environment}", self.service),
        }
    }

    /// When users began to suffer, as far as is known.
    pub(crate) fn start(&self) -> Timestamp {
        self.began_at.map_or(self.opened_at, |began| began.min(self.opened_at))
    }

    /// The factor that explains most, when it explains at least half.
    pub(crate) fn main_factor(&self) -> Option<&Factor> {
        self.factors.first().filter(|factor| factor.score >= 0.5)
    }

    /// The team of a service, or a request to name one.
    pub(crate) fn owner(&self, service: &str) -> String {
        let known = self.affected.iter().find(|affected| *affected.service == *service);
        match known.and_then(|affected| affected.owner.as_deref()) {
            Some(owner) => owner.to_owned(),
            None => format!("(owner of {service})"),
        }
    }
}

impl Factor {
    /// Such as `deploy of checkout 2.0.0`.
    pub(crate) fn name(&self) -> String {
        match (self.kind, &self.version) {
            (FactorKind::Deploy, Some(version)) => format!("deploy of {} {version}", self.service),
            (FactorKind::Deploy, None) => format!("deploy of {}", self.service),
            (FactorKind::Config, _) => format!("configuration of {}", self.service),
            (FactorKind::Dependency, _) => format!("failures in {}", self.service),
        }
    }
}
