//! What happened to deploys, gates and acts.

use model::{Actor, Timestamp};

use crate::{
    act::{ActId, Action},
    gate::{GateInput, Verdict, VerdictId},
    record::{DeployId, Freeze, FreezeId, GateUse, Place, Source},
};

/// One thing that happened; holds all that [`crate::apply`] needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    DeployRecorded {
        deploy: DeployId,
        place: Place,
        version: Box<str>,
        previous: Option<Box<str>>,
        /// When it happened, as its source says; may lie before `at`.
        deployed_at: Timestamp,
        source: Source,
        change: Option<Box<str>>,
        url: Option<Box<str>>,
        key: Option<Box<str>>,
        /// The deploy that this one takes back.
        rolls_back: Option<DeployId>,
        gate: GateUse,
        /// Whether it is what runs now; a deploy told late may have been superseded.
        is_current: bool,
        at: Timestamp,
        by: Actor,
    },
    GateDecided {
        verdict_id: VerdictId,
        input: Box<GateInput>,
        verdict: Verdict,
        /// Hash of the applied production repo that it saw.
        config: Box<str>,
        expires_at: Timestamp,
        at: Timestamp,
        by: Actor,
    },
    Frozen {
        freeze_id: FreezeId,
        freeze: Freeze,
        at: Timestamp,
        by: Actor,
    },
    Unfrozen {
        freeze_id: FreezeId,
        at: Timestamp,
        by: Actor,
    },
    ActRequested {
        act: ActId,
        action: Action,
        place: Place,
        from: Box<str>,
        to: Box<str>,
        deploy: Option<DeployId>,
        incident: Option<Box<str>>,
        automatic: bool,
        idempotent: bool,
        evidence: Box<str>,
        at: Timestamp,
        by: Actor,
    },
    ActStarted {
        act: ActId,
        attempt: u32,
        at: Timestamp,
    },
    ActSucceeded {
        act: ActId,
        status: Box<str>,
        output: Box<str>,
        at: Timestamp,
    },
    ActFailed {
        act: ActId,
        reason: Box<str>,
        output: Box<str>,
        at: Timestamp,
    },
    ActInterrupted {
        act: ActId,
        at: Timestamp,
    },
}

impl Fact {
    /// The fact's kind as the journal names it; never renamed.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DeployRecorded { .. } => "deploy.recorded",
            Self::GateDecided { .. } => "gate.decided",
            Self::Frozen { .. } => "deploy.frozen",
            Self::Unfrozen { .. } => "deploy.unfrozen",
            Self::ActRequested { .. } => "act.requested",
            Self::ActStarted { .. } => "act.started",
            Self::ActSucceeded { .. } => "act.succeeded",
            Self::ActFailed { .. } => "act.failed",
            Self::ActInterrupted { .. } => "act.interrupted",
        }
    }

    /// When it was decided.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::DeployRecorded { at, .. }
            | Self::GateDecided { at, .. }
            | Self::Frozen { at, .. }
            | Self::Unfrozen { at, .. }
            | Self::ActRequested { at, .. }
            | Self::ActStarted { at, .. }
            | Self::ActSucceeded { at, .. }
            | Self::ActFailed { at, .. }
            | Self::ActInterrupted { at, .. } => *at,
        }
    }

    /// Who did it; `None` where Evenkeel itself observed it.
    pub const fn by(&self) -> Option<&Actor> {
        match self {
            Self::DeployRecorded { by, .. }
            | Self::GateDecided { by, .. }
            | Self::Frozen { by, .. }
            | Self::Unfrozen { by, .. }
            | Self::ActRequested { by, .. } => Some(by),
            Self::ActStarted { .. }
            | Self::ActSucceeded { .. }
            | Self::ActFailed { .. }
            | Self::ActInterrupted { .. } => None,
        }
    }

    /// The id that it is about, as text: a deploy's, a verdict's, a freeze's, an act's.
    pub fn subject(&self) -> String {
        match self {
            Self::DeployRecorded { deploy, .. } => deploy.to_string(),
            Self::GateDecided { verdict_id, .. } => verdict_id.to_string(),
            Self::Frozen { freeze_id, .. } | Self::Unfrozen { freeze_id, .. } => {
                freeze_id.to_string()
            }
            Self::ActRequested { act, .. }
            | Self::ActStarted { act, .. }
            | Self::ActSucceeded { act, .. }
            | Self::ActFailed { act, .. }
            | Self::ActInterrupted { act, .. } => act.to_string(),
        }
    }

    /// The fact as a line of a timeline, without time and actor.
    pub fn sentence(&self) -> String {
        match self {
            Self::DeployRecorded { place, version, previous, rolls_back, .. } => {
                let verb = if rolls_back.is_some() { "rolled back to" } else { "deployed" };
                match previous {
                    Some(previous) => {
                        format!("{place}: {verb} {version}, before it {previous}")
                    }
                    None => format!("{place}: {verb} {version}"),
                }
            }
            Self::GateDecided { verdict, .. } => verdict.sentence.to_string(),
            Self::Frozen { freeze, .. } => {
                format!("{} in {} frozen: {}", freeze.services, freeze.environments, freeze.reason)
            }
            Self::Unfrozen { .. } => "freeze lifted".to_owned(),
            Self::ActRequested { action, place, from, to, automatic, .. } => {
                let how = if *automatic { "automatic " } else { "" };
                format!("{how}{} of {place} from {from} to {to} requested", action.as_str())
            }
            Self::ActStarted { attempt: 1, .. } => "act started".to_owned(),
            Self::ActStarted { attempt, .. } => format!("act started, attempt {attempt}"),
            Self::ActSucceeded { status, .. } => format!("act succeeded: {status}"),
            Self::ActFailed { reason, .. } => format!("act failed: {reason}"),
            Self::ActInterrupted { .. } => {
                "act interrupted: it was running when the process ended, and its outcome is not known"
                    .to_owned()
            }
        }
    }
}
