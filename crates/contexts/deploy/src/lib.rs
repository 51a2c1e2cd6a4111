//! Ship: what runs where since when, whether the next may, and how the last is taken back.
//!
//! A *deploy* is a version that went to a service in an environment. The *gate* ([`gate`]) says whether a version may go
//! now. A *freeze* closes it for a time. An *act* ([`act`]) changes production by Evenkeel's hand, and here it is a
//! *rollback*; when it may do so unasked is [`rollback`]'s question. What is allowed is a [`Policy`].
//!
//! A decider: [`decide`] turns a [`Command`] into [`Fact`]s, [`apply`] folds them into [`State`]. An empty list of facts is
//! success: it is so already.
//!
//! **Invariant:** nothing here reads a clock, a store or the network, and [`State`] is a function of the facts in order.

pub mod act;
mod apply;
mod command;
mod decide;
mod fact;
pub mod gate;
mod pattern;
mod policy;
mod record;
pub mod rollback;
mod state;

pub use act::{Act, ActId, ActKind, ActStatus, Action, Outcome};
pub use apply::apply;
pub use command::{Command, RecordDeploy, Rejection, RequestAct};
pub use decide::{decide, due, next_due};
pub use fact::Fact;
pub use gate::{
    BudgetInput, BudgetState, BurnInput, Decision, GateInput, IncidentInput, Relation, ReplayError,
    Rule, RuleOutcome, RuleResult, Verdict, VerdictId, VerdictKind, evaluate, replay,
};
pub use pattern::{Pattern, PatternError};
pub use policy::{GatePolicy, Policy, RecoveryPolicy, RollbackMode, RollbackPolicy};
pub use record::{
    Deploy, DeployId, DeployKind, DeployStatus, Freeze, FreezeId, FreezeKind, GateUse, Place,
    Source,
};
pub use rollback::{
    Plan, SuspectEvidence, SuspectKind, WhyNot, automatic_rollback, offered_rollback,
};
pub use state::State;

/// Limits of this context; a refusal names the one that it hit.
pub mod limits {
    use std::time::Duration;

    /// Characters of a service, a version, an environment or a key.
    pub const NAME_CHARS_MAX: usize = 200;
    /// Characters of a reason or a link.
    pub const TEXT_CHARS_MAX: usize = 2_000;
    /// Bytes of an act's output that are kept: its end.
    pub const OUTPUT_BYTES_MAX: usize = 4 << 10;
    /// Deploys in memory; the oldest leaves first and stays in the journal. What runs now never leaves.
    pub const DEPLOYS_KEPT_MAX: usize = 10_000;
    /// Verdicts in memory.
    pub const VERDICTS_KEPT_MAX: usize = 1_000;
    /// Ended acts in memory.
    pub const ACTS_KEPT_MAX: usize = 1_000;
    /// Freezes that are not over.
    pub const FREEZES_MAX: usize = 200;
    /// A verdict may be used this long.
    pub const VERDICT_LASTS: Duration = Duration::from_secs(10 * 60);
    /// An act that was not started this long after it was asked for is not started any more: the world has moved on.
    pub const ACT_WAITS: Duration = Duration::from_secs(10 * 60);
    /// How far ahead of our clock a deploy may claim to have happened.
    pub const DEPLOY_AHEAD: Duration = Duration::from_secs(5 * 60);
}
