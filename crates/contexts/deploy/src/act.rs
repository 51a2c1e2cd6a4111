//! Acts: what Evenkeel does to production, each step a fact before and after.
//!
//! `requested -> started -> succeeded | failed | interrupted`. An act that was started without an outcome when the process
//! died is *interrupted*: nobody knows how far it came, so a person is paged, and it never runs again unless it is declared
//! idempotent.

use model::{Actor, Id, IdKind, Timestamp};

use crate::{
    command::Command,
    limits,
    record::{DeployId, Place},
    state::State,
};

/// The kind of [`ActId`].
#[derive(Debug)]
pub enum ActKind {}

impl IdKind for ActKind {
    const PREFIX: &'static str = "act";
}

pub type ActId = Id<ActKind>;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Puts the version before back.
    Rollback,
}

impl Action {
    pub const ALL: [Self; 1] = [Self::Rollback];

    /// `rollback`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
        }
    }
}

/// How an act ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded {
        /// Such as `exit 0` or `HTTP 200`.
        status: Box<str>,
        /// The end of what it said; cut to [`limits::OUTPUT_BYTES_MAX`].
        output: Box<str>,
    },
    Failed {
        /// Such as `exit 1` or `timed out after 120 s`.
        reason: Box<str>,
        output: Box<str>,
    },
}

/// Where an act stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActStatus {
    Requested,
    Started {
        at: Timestamp,
    },
    Succeeded {
        at: Timestamp,
        status: Box<str>,
        output: Box<str>,
    },
    Failed {
        at: Timestamp,
        reason: Box<str>,
        output: Box<str>,
    },
    /// Started, and the outcome is not known.
    Interrupted {
        at: Timestamp,
    },
}

impl ActStatus {
    /// `requested`, `started`, `succeeded`, `failed`, `interrupted`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Started { .. } => "started",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
        }
    }

    /// Requested or started.
    pub const fn is_in_flight(&self) -> bool {
        matches!(self, Self::Requested | Self::Started { .. })
    }
}

/// One act as the facts so far have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    pub id: ActId,
    pub action: Action,
    pub place: Place,
    pub from: Box<str>,
    pub to: Box<str>,
    /// The deploy that it takes back.
    pub deploy: Option<DeployId>,
    /// The incident's id as text.
    pub incident: Option<Box<str>>,
    pub by: Actor,
    pub automatic: bool,
    /// Whether doing it twice is doing it once.
    pub idempotent: bool,
    /// The sentence that justified it.
    pub evidence: Box<str>,
    pub requested_at: Timestamp,
    pub status: ActStatus,
    /// How often it was started; more than once for an idempotent one.
    pub attempts: u32,
}

/// The commands owed after a restart, before any act is started: every act that was running when the process died is
/// interrupted, but for the idempotent ones, which may be started again.
pub fn after_restart(state: &State) -> Vec<Command> {
    state
        .acts()
        .filter(|act| matches!(act.status, ActStatus::Started { .. }) && !act.idempotent)
        .map(|act| Command::InterruptAct { act: act.id })
        .collect()
}

/// The end of `text`, at most [`limits::OUTPUT_BYTES_MAX`] bytes, cut between characters.
pub(crate) fn tail(text: &str) -> Box<str> {
    let over = text.len().saturating_sub(limits::OUTPUT_BYTES_MAX);
    let from = (over..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.get(from..).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_output_is_cut_between_characters() {
        assert_eq!(&*tail("all"), "all");
        let long = "é".repeat(3000);
        let cut = tail(&long);
        assert_eq!(cut.len(), limits::OUTPUT_BYTES_MAX);
        assert_eq!(tail(&format!("{long}x")).len(), limits::OUTPUT_BYTES_MAX - 1);
    }
}
