//! What can be asked, and why it may be refused.

use model::{Actor, Timestamp};

use crate::{
    act::{ActId, Action, Outcome},
    gate::{GateInput, VerdictId},
    record::{DeployId, Freeze, FreezeId, Place, Source},
};

/// A deploy to record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordDeploy {
    pub id: DeployId,
    pub place: Place,
    pub version: Box<str>,
    /// When it happened; now, when absent.
    pub at: Option<Timestamp>,
    pub by: Actor,
    pub source: Source,
    pub change: Option<Box<str>>,
    pub url: Option<Box<str>>,
    /// The client's own key: a second deploy with it is the first one told again.
    pub key: Option<Box<str>>,
    /// The verdict that allowed it.
    pub verdict: Option<VerdictId>,
}

/// An act to do; [`crate::rollback::Plan::request`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestAct {
    pub id: ActId,
    pub action: Action,
    pub place: Place,
    /// Must be what runs there now.
    pub from: Box<str>,
    pub to: Box<str>,
    pub deploy: Option<DeployId>,
    pub incident: Option<Box<str>>,
    pub by: Actor,
    pub automatic: bool,
    /// As the server's allow-list declares it.
    pub idempotent: bool,
    pub evidence: Box<str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Record(RecordDeploy),
    /// Asks the gate; the verdict is always a fact. `config` is the hash of the applied production repo.
    CheckGate {
        id: VerdictId,
        input: Box<GateInput>,
        config: Box<str>,
        by: Actor,
    },
    /// `freeze.id` is set by the command's own `id`; `freeze.from` may lie ahead.
    Freeze {
        id: FreezeId,
        freeze: Freeze,
        by: Actor,
    },
    Unfreeze {
        freeze: FreezeId,
        by: Actor,
    },
    RequestAct(RequestAct),
    /// To be committed before the act runs.
    StartAct {
        act: ActId,
    },
    FinishAct {
        act: ActId,
        outcome: Outcome,
    },
    /// The process that ran it died; see [`crate::act::after_restart`].
    InterruptAct {
        act: ActId,
    },
    /// It waited too long; [`crate::due`] gives this.
    ExpireAct {
        act: ActId,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("a {what} is empty; write at least one character")]
    Empty { what: &'static str },
    #[error("a {what} has {chars} characters; at most {max} are allowed")]
    TooLong { what: &'static str, chars: usize, max: usize },
    #[error("the id `{id}` is taken already")]
    IdTaken { id: String },
    #[error("the deploy's time `{at}` lies in the future; now is `{now}`")]
    InTheFuture { at: Timestamp, now: Timestamp },
    #[error("no verdict has the id `{id}`; verdicts can be used for 10 min")]
    UnknownVerdict { id: VerdictId },
    #[error("no freeze has the id `{id}`")]
    UnknownFreeze { id: FreezeId },
    #[error("a freeze ends at `{until}`, which is not after its start `{from}`")]
    EmptyFreeze { from: Timestamp, until: Timestamp },
    #[error("{max} freezes are in force or ahead already, which is the limit; lift one first")]
    TooManyFreezes { max: usize },
    #[error("no act has the id `{id}`")]
    UnknownAct { id: ActId },
    #[error("`{act}` is {status} on {place} already; one act at a time is allowed there")]
    ActInFlight { act: ActId, status: &'static str, place: String },
    #[error("{place} runs `{current}`, not `{from}`; nothing is rolled back")]
    NotCurrent { place: String, current: Box<str>, from: Box<str> },
    #[error("nothing is on record of {place}; record a deploy first")]
    UnknownPlace { place: String },
    #[error("`{version}` is both what is left and what is put back")]
    SameVersion { version: Box<str> },
    #[error("`{act}` is {status}; only {allowed} is allowed")]
    ActNotReady { act: ActId, status: &'static str, allowed: &'static str },
    #[error(
        "`{act}` was asked for {waited} s ago and was not started; ask again if it is still wanted"
    )]
    ActExpired { act: ActId, waited: u64 },
}

/// Checks a text: not empty, at most `max` characters.
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
