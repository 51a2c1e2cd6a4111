//! Incidents: one per (service, environment) at a time, from the first page to the recovery that ends it.
//!
//! An *incident* gathers the alerts of one failure, of the service itself and of its callers. It is *acknowledged* by a
//! responder, *mitigated* (a rollback, say), and *recovers* by its own test ([`recovery`]) rather than by its alerts'
//! windows. A *suspect* ([`suspects`]) is a change or a dependency with the evidence that speaks for or against it.
//!
//! A decider: [`decide`] turns a [`Command`] into [`Fact`]s, [`apply`] folds them into [`State`]. An empty list of facts is
//! success: what was asked for is so already (acknowledged twice, an alert that joins twice).
//!
//! **Invariant:** nothing here reads a clock, a store or the network, and [`State`] is a function of the facts in order.

mod apply;
mod command;
mod decide;
mod fact;
mod incident;
pub mod recovery;
mod snapshot;
mod state;
pub mod suspects;

pub use apply::apply;
pub use command::{AlertInput, Command, ImpactReading, OpenBy, Rejection};
pub use decide::decide;
pub use fact::{Fact, ResolvedBecause};
pub use incident::{
    Acknowledgement, AlertClass, AlertRef, Impact, Incident, IncidentId, IncidentKind, Key,
    Mitigation, Resolution, Severity, Status, Update,
};
pub use recovery::{Progress, Reading, RecoveryPolicy, RecoveryVerdict};
pub use snapshot::Snapshot;
pub use state::State;
pub use suspects::{Suspect, SuspectKind, rank};

/// Limits of this context; a refusal names the one that it hit.
pub mod limits {
    use std::time::Duration;

    /// Characters of an incident's title.
    pub const TITLE_CHARS_MAX: usize = 200;
    /// Characters of an update, a reason or a mitigation's description.
    pub const TEXT_CHARS_MAX: usize = 4_000;
    /// Updates of one incident.
    pub const UPDATES_MAX: usize = 1_000;
    /// Alerts of one incident; a further one is refused and opens nothing.
    pub const ALERTS_MAX: usize = 500;
    /// Suspects that an incident keeps.
    pub const SUSPECTS_MAX: usize = 10;
    /// Resolved incidents in memory; the oldest leaves first and stays in the journal.
    pub const RESOLVED_KEPT_MAX: usize = 10_000;
    /// Impact and suspects become a fact at most this often, but for the first and the last.
    pub const FOLD: Duration = Duration::from_secs(15);
    /// A new incident on the same key within this time of the last one's end names it as its previous.
    pub const PREVIOUS_WITHIN: Duration = Duration::from_secs(10 * 60);
}
