//! What happened to incidents.

use model::{Actor, Timestamp};

use crate::{
    command::ImpactReading,
    incident::{AlertClass, IncidentId, Key, Severity, Status},
    recovery::{Progress, RecoveryPolicy},
    suspects::Suspect,
};

/// What ended an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResolvedBecause {
    /// The recovery test passed.
    Recovered,
    /// A person, or a machine on their behalf, said so.
    ByHand,
}

/// One thing that happened; holds all that [`crate::apply`] needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Opened {
        incident: IncidentId,
        number: u32,
        key: Key,
        title: Box<str>,
        severity: Severity,
        previous: Option<IncidentId>,
        at: Timestamp,
        by: Actor,
    },
    AlertJoined {
        incident: IncidentId,
        alert: Box<str>,
        service: Box<str>,
        slo: Option<Box<str>>,
        class: AlertClass,
        summary: Box<str>,
        /// Why an alert of another service belongs here.
        why: Option<Box<str>>,
        at: Timestamp,
    },
    AlertResolved {
        incident: IncidentId,
        alert: Box<str>,
        at: Timestamp,
    },
    Acknowledged {
        incident: IncidentId,
        at: Timestamp,
        by: Actor,
    },
    Assigned {
        incident: IncidentId,
        assignee: Box<str>,
        at: Timestamp,
        by: Actor,
    },
    SeveritySet {
        incident: IncidentId,
        severity: Severity,
        at: Timestamp,
        by: Actor,
    },
    /// What it is called has changed: a page joined what only a ticket had opened.
    Titled {
        incident: IncidentId,
        title: Box<str>,
        at: Timestamp,
        by: Actor,
    },
    StatusSet {
        incident: IncidentId,
        status: Status,
        at: Timestamp,
        by: Actor,
    },
    Updated {
        incident: IncidentId,
        text: Box<str>,
        at: Timestamp,
        by: Actor,
    },
    SuspectsRanked {
        incident: IncidentId,
        suspects: Vec<Suspect>,
        at: Timestamp,
    },
    ImpactMeasured {
        incident: IncidentId,
        impact: ImpactReading,
        at: Timestamp,
    },
    Mitigated {
        incident: IncidentId,
        what: Box<str>,
        reference: Option<Box<str>>,
        /// When it took effect; not after `at`.
        mitigated_at: Timestamp,
        at: Timestamp,
        by: Actor,
    },
    RecoveryMeasured {
        incident: IncidentId,
        policy: RecoveryPolicy,
        progress: Progress,
        at: Timestamp,
    },
    Resolved {
        incident: IncidentId,
        because: ResolvedBecause,
        reason: Box<str>,
        at: Timestamp,
        by: Actor,
    },
    Reopened {
        incident: IncidentId,
        reason: Box<str>,
        at: Timestamp,
        by: Actor,
    },
    PostmortemAttached {
        incident: IncidentId,
        reference: Box<str>,
        /// The draft itself, where Evenkeel wrote it.
        document: Option<Box<str>>,
        at: Timestamp,
        by: Actor,
    },
}

impl Fact {
    /// The fact's kind as the journal names it; never renamed.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "incident.opened",
            Self::AlertJoined { .. } => "incident.alert_joined",
            Self::AlertResolved { .. } => "incident.alert_resolved",
            Self::Acknowledged { .. } => "incident.acknowledged",
            Self::Assigned { .. } => "incident.assigned",
            Self::SeveritySet { .. } => "incident.severity_set",
            Self::Titled { .. } => "incident.titled",
            Self::StatusSet { .. } => "incident.status_set",
            Self::Updated { .. } => "incident.updated",
            Self::SuspectsRanked { .. } => "incident.suspects_ranked",
            Self::ImpactMeasured { .. } => "incident.impact_measured",
            Self::Mitigated { .. } => "incident.mitigated",
            Self::RecoveryMeasured { .. } => "incident.recovery_measured",
            Self::Resolved { .. } => "incident.resolved",
            Self::Reopened { .. } => "incident.reopened",
            Self::PostmortemAttached { .. } => "incident.postmortem_attached",
        }
    }

    pub const fn incident(&self) -> IncidentId {
        match self {
            Self::Opened { incident, .. }
            | Self::AlertJoined { incident, .. }
            | Self::AlertResolved { incident, .. }
            | Self::Acknowledged { incident, .. }
            | Self::Assigned { incident, .. }
            | Self::SeveritySet { incident, .. }
            | Self::Titled { incident, .. }
            | Self::StatusSet { incident, .. }
            | Self::Updated { incident, .. }
            | Self::SuspectsRanked { incident, .. }
            | Self::ImpactMeasured { incident, .. }
            | Self::Mitigated { incident, .. }
            | Self::RecoveryMeasured { incident, .. }
            | Self::Resolved { incident, .. }
            | Self::Reopened { incident, .. }
            | Self::PostmortemAttached { incident, .. } => *incident,
        }
    }

    /// When it was decided.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Opened { at, .. }
            | Self::AlertJoined { at, .. }
            | Self::AlertResolved { at, .. }
            | Self::Acknowledged { at, .. }
            | Self::Assigned { at, .. }
            | Self::SeveritySet { at, .. }
            | Self::Titled { at, .. }
            | Self::StatusSet { at, .. }
            | Self::Updated { at, .. }
            | Self::SuspectsRanked { at, .. }
            | Self::ImpactMeasured { at, .. }
            | Self::Mitigated { at, .. }
            | Self::RecoveryMeasured { at, .. }
            | Self::Resolved { at, .. }
            | Self::Reopened { at, .. }
            | Self::PostmortemAttached { at, .. } => *at,
        }
    }

    /// Who did it; `None` where Evenkeel itself observed it.
    pub const fn by(&self) -> Option<&Actor> {
        match self {
            Self::Opened { by, .. }
            | Self::Acknowledged { by, .. }
            | Self::Assigned { by, .. }
            | Self::SeveritySet { by, .. }
            | Self::Titled { by, .. }
            | Self::StatusSet { by, .. }
            | Self::Updated { by, .. }
            | Self::Mitigated { by, .. }
            | Self::Resolved { by, .. }
            | Self::Reopened { by, .. }
            | Self::PostmortemAttached { by, .. } => Some(by),
            Self::AlertJoined { .. }
            | Self::AlertResolved { .. }
            | Self::SuspectsRanked { .. }
            | Self::ImpactMeasured { .. }
            | Self::RecoveryMeasured { .. } => None,
        }
    }

    /// The fact as a line of a timeline, without time and actor.
    pub fn sentence(&self) -> String {
        match self {
            Self::Opened { number, key, title, severity, .. } => {
                format!("INC-{number} opened on {key} as {severity}: {title}")
            }
            Self::AlertJoined { service, summary, why, .. } => match why {
                Some(why) => format!("alert of {service} joined, since {why}: {summary}"),
                None => format!("alert of {service} fired: {summary}"),
            },
            Self::AlertResolved { alert, .. } => format!("alert {alert} resolved"),
            Self::Acknowledged { .. } => "acknowledged".to_owned(),
            Self::Assigned { assignee, .. } => format!("assigned to {assignee}"),
            Self::SeveritySet { severity, .. } => format!("severity set to {severity}"),
            Self::Titled { title, .. } => format!("called: {title}"),
            Self::StatusSet { status, .. } => format!("status set to {status}"),
            Self::Updated { text, .. } => text.to_string(),
            Self::SuspectsRanked { suspects, .. } => match suspects.first() {
                Some(first) => format!("first suspect: {}; {}", first.name(), first.evidence),
                None => "no suspect left".to_owned(),
            },
            Self::ImpactMeasured { impact, .. } => {
                format!("{} of {} events bad so far", impact.bad_events, impact.total_events)
            }
            Self::Mitigated { what, .. } => format!("mitigated: {what}"),
            Self::RecoveryMeasured { policy, progress, .. } => progress.sentence(policy),
            Self::Resolved { reason, .. } => format!("resolved: {reason}"),
            Self::Reopened { reason, .. } => format!("reopened: {reason}"),
            Self::PostmortemAttached { reference, .. } => format!("postmortem: {reference}"),
        }
    }
}
