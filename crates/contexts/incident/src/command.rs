//! What can be asked of incidents, and why it may be refused.

use model::{Actor, Timestamp};

use crate::{
    incident::{AlertClass, IncidentId, Severity, Status},
    recovery::{Reading, RecoveryPolicy},
    suspects::Suspect,
};

/// An alert as `app` hands it over: one episode of firing.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertInput {
    /// The alert's id as text; a later episode has another.
    pub id: Box<str>,
    pub service: Box<str>,
    pub environment: Box<str>,
    pub slo: Option<Box<str>>,
    pub class: AlertClass,
    pub summary: Box<str>,
}

/// What opens an incident.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenBy {
    /// A firing alert; the title is its summary and the severity that of its class.
    Alert(AlertInput),
    /// A person, with a title alone if they are in haste.
    Hand { service: Box<str>, environment: Box<str>, title: Box<str>, severity: Option<Severity> },
}

/// Impact as measured just now; counts are of the whole incident, since `since`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpactReading {
    pub bad_events: u64,
    pub total_events: u64,
    /// 0 to 1.
    pub users_affected_share: Option<f64>,
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// What one request asks for: each is decided on what those before it made so, and all hold or none.
    All(Vec<Command>),
    /// Opens an incident. A second alert on a key with an open incident joins it instead, an incident by hand is refused.
    Open {
        id: IncidentId,
        open: OpenBy,
        by: Actor,
    },
    /// Adds an alert. One of another service says `why` it belongs here (it calls the failing service).
    JoinAlert {
        incident: IncidentId,
        alert: AlertInput,
        why: Option<Box<str>>,
    },
    /// An alert of this incident has resolved by its windows. Accepted after the incident's end too.
    AlertResolved {
        incident: IncidentId,
        alert: Box<str>,
    },
    Acknowledge {
        incident: IncidentId,
        by: Actor,
    },
    Assign {
        incident: IncidentId,
        assignee: Box<str>,
        by: Actor,
    },
    SetSeverity {
        incident: IncidentId,
        severity: Severity,
        by: Actor,
    },
    /// Calls it something else.
    SetTitle {
        incident: IncidentId,
        title: Box<str>,
        by: Actor,
    },
    /// Any status but `resolved`, which is [`Command::Resolve`]'s.
    SetStatus {
        incident: IncidentId,
        status: Status,
        by: Actor,
    },
    AddUpdate {
        incident: IncidentId,
        text: Box<str>,
        by: Actor,
    },
    /// The likeliest first. A fact only when the order or a score changed visibly.
    RankSuspects {
        incident: IncidentId,
        suspects: Vec<Suspect>,
    },
    /// A fact only when it changed visibly; `last` tells that no later reading comes, so it is not folded away.
    MeasureImpact {
        incident: IncidentId,
        impact: ImpactReading,
        last: bool,
    },
    /// What was done against the failure; recovery is measured from `at` (now, when absent).
    RecordMitigation {
        incident: IncidentId,
        what: Box<str>,
        reference: Option<Box<str>>,
        at: Option<Timestamp>,
        by: Actor,
    },
    /// The counts of the last `policy.window`: may end the incident, or reopen one that ended too early.
    MeasureRecovery {
        incident: IncidentId,
        reading: Reading,
        policy: RecoveryPolicy,
    },
    Resolve {
        incident: IncidentId,
        reason: Box<str>,
        by: Actor,
    },
    /// Opens it again: it was not over.
    Reopen {
        incident: IncidentId,
        reason: Box<str>,
        by: Actor,
    },
    AttachPostmortem {
        incident: IncidentId,
        reference: Box<str>,
        /// The draft itself, as `app` writes it.
        document: Option<Box<str>>,
        by: Actor,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("no incident has the id `{id}`")]
    Unknown { id: IncidentId },
    #[error("an incident has the id `{id}` already")]
    IdTaken { id: IncidentId },
    #[error("`INC-{number}` is open on {key} already; add an update to it")]
    OpenAlready { number: u32, key: String },
    #[error("`INC-{number}` has ended; reopen it or open a new one")]
    Ended { number: u32 },
    #[error("`INC-{number}` has a newer incident on the same service, `INC-{newer}`")]
    Succeeded { number: u32, newer: u32 },
    #[error(
        "the alert `{alert}` is of `{service}`, not of the service of `INC-{number}`; say why it belongs there"
    )]
    ForeignAlert { number: u32, alert: Box<str>, service: Box<str> },
    #[error("`INC-{number}` has no alert `{alert}`")]
    UnknownAlert { number: u32, alert: Box<str> },
    #[error("the {what} holds control characters; write it on one line")]
    ControlCharacters { what: &'static str },
    #[error("the {what} is empty; write at least one word")]
    Empty { what: &'static str },
    #[error("the {what} has {chars} characters; at most {max} are allowed")]
    TooLong { what: &'static str, chars: usize, max: usize },
    #[error("`INC-{number}` has {max} {what} already, which is the limit")]
    TooMany { number: u32, what: &'static str, max: usize },
    #[error("an incident is resolved with a reason; use resolve")]
    ResolveNeedsReason,
}

/// Checks a name: a text of one line, for it goes into lists and pages as it is.
pub(crate) fn check_name(what: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    check_text(what, text, max)?;
    if text.chars().any(char::is_control) {
        return Err(Rejection::ControlCharacters { what });
    }
    Ok(())
}

/// Checks a person's text: not empty, at most `max` characters.
pub(crate) fn check_text(what: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    let chars = text.chars().count();
    if text.trim().is_empty() {
        return Err(Rejection::Empty { what });
    }
    if chars > max {
        return Err(Rejection::TooLong { what, chars, max });
    }
    Ok(())
}
