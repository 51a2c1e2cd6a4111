//! A rollback as an act: asked for, started once, ended with an outcome.

use model::{Actor, Id, IdKind, Timestamp};

use crate::record::DeployId;

/// The kind of [`ActId`].
#[derive(Debug)]
pub enum ActKind {}

impl IdKind for ActKind {
    const PREFIX: &'static str = "act";
}

/// Prints `act_01j…`.
pub type ActId = Id<ActKind>;

#[derive(Clone, Debug, PartialEq)]
pub enum ActState {
    /// Nothing has run yet.
    Requested,
    Started {
        at: Timestamp,
    },
    Ended {
        started_at: Option<Timestamp>,
        at: Timestamp,
        outcome: ActOutcome,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ActOutcome {
    Succeeded {
        /// Exit status or answer, and the last of what it printed.
        detail: Box<str>,
    },
    Failed {
        detail: Box<str>,
    },
    /// Evenkeel stopped while it ran. Whether it took effect is not known; it is not run again.
    Interrupted,
    /// It was never started: the reason is the detail.
    Refused {
        detail: Box<str>,
    },
}

/// A rollback of one service in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    pub id: ActId,
    pub service: Box<str>,
    pub environment: Box<str>,
    /// The deploy that it undoes.
    pub deploy: DeployId,
    pub from_version: Box<str>,
    pub to_version: Box<str>,
    /// The incident that asked for it, as text.
    pub incident: Option<Box<str>>,
    pub by: Actor,
    /// Evenkeel decided it, rather than a person.
    pub automatic: bool,
    /// Why: the evidence in one sentence, or the person's words.
    pub reason: Box<str>,
    /// What runs: the arguments, or the webhook's address. From the server's allow-list.
    pub command: Box<str>,
    pub requested_at: Timestamp,
    pub state: ActState,
}

impl Act {
    pub fn is_open(&self) -> bool {
        !matches!(self.state, ActState::Ended { .. })
    }
}
