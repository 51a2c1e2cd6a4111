//! Deploys, the gate that they pass, and the acts that undo them.
//!
//! A *deploy* is a version of a service that came into an environment. The *gate* says allow, block or inconclusive, with
//! each rule's value, limit and reason. An *act* is something with power, here a rollback: it has a `started` fact before
//! it runs, never runs twice, and is never started on weak evidence.
//!
//! **Invariant:** nothing here reads a clock, a store or the network, and [`State`] is a function of the facts in order.

pub mod act;
pub mod automatic;
mod decide;
mod fact;
pub mod gate;
pub mod policy;
mod record;
mod recording;
mod snapshot;
mod state;

pub use act::{Act, ActId, ActOutcome, ActState};
pub use automatic::{RollbackEvidence, RollbackPlan, WhyNot, plan};
pub use decide::{Command, Rejection, decide, interrupted};
pub use fact::{Fact, apply};
pub use gate::{
    BudgetReading, Decision, Freeze, GateId, GateInput, IncidentReading, Outcome, ReplayError,
    RuleOutcome, Verdict, judge, replay,
};
pub use policy::{GatePolicy, Policy, RollbackMode, RollbackPolicy};
pub use record::{Deploy, DeployId, DeployStatus, NewDeploy, Stage};
pub use snapshot::Snapshot;
pub use state::{GateRecord, Key, State};

/// Limits of this context; a refusal names the one that it hit.
pub mod limits {
    use std::time::Duration;

    /// Characters of a service's, an environment's or a version's name.
    pub const NAME_CHARS_MAX: usize = 200;
    /// Characters of an idempotency key.
    pub const KEY_CHARS_MAX: usize = 1_000;
    /// Characters of a link or a reason.
    pub const TEXT_CHARS_MAX: usize = 2_000;
    /// Deploys, verdicts and ended acts in memory; the oldest leave first and stay in the journal.
    pub const KEPT_MAX: usize = 10_000;
    /// How far ahead of our clock a deploy may claim to have happened.
    pub const AHEAD_MAX: Duration = Duration::from_secs(300);
    /// Bytes of an act's output that are kept: its last ones.
    pub const OUTPUT_BYTES_MAX: usize = 4 << 10;
}
