//! Judge: which burns are alerts, who is to be told, and whether they were.
//!
//! Three parts that know nothing of each other:
//! - this module's decider turns [`Judgement`]s into alerts that fire and resolve, each once;
//! - [`routing`] finds the receivers for a set of labels, as Alertmanager's tree does;
//! - [`delivery`] decides which notifications are owed, and when each is tried.
//!
//! **Invariant:** nothing here reads a clock, a store or the network: same facts, same state; same state, same decision.

pub mod delivery;
pub mod judgement;
pub mod routing;

mod decider;
mod snapshot;

pub use decider::{
    AlertRecord, Command, Fact, RESOLVED_KEPT_MAX, Rejection, ResolveReason, State, apply, decide,
};
pub use judgement::{Evidence, Judgement, KEEP_FIRING, Key, Pending, Severity, Verdict, Window};
pub use snapshot::Snapshot;

use model::{Id, IdKind};

/// The kind of an alert's id.
#[derive(Debug)]
pub struct Alert;

impl IdKind for Alert {
    const PREFIX: &'static str = "alr";
}

pub type AlertId = Id<Alert>;
