//! The outbox: which notifications are owed, when each is tried, and what became of it.
//!
//! A notification is tried until its outcome is a fact. Its id is the `webhook-id` of every attempt (Standard Webhooks), so
//! that a receiver can tell a repeated attempt from a second page. What is owed follows from the incident as it stands
//! ([`reconcile`]); what is to be tried now follows from the facts alone ([`due`]), so that after a restart a notification
//! without an outcome is due at once.
//!
//! A *thread* is what one integration of one receiver is told about one incident. Within it, a notification waits until
//! those before it were tried once, so that "resolved" does not overtake "opened".
//!
//! **Invariant:** a notification ends as delivered or abandoned, and what is abandoned says why.

pub mod fact;
pub mod owed;
pub mod schedule;

mod decide;
mod snapshot;
mod state;

pub use decide::{
    Command, ERROR_BYTES_MAX, Outcome, PAYLOAD_BYTES_MAX, Rejection, WAITING_MAX, decide,
};
pub use fact::{AbandonReason, Channel, Fact, Progress, Reason};
pub use owed::{Destination, FALLBACK_AFTER, IncidentInfo, Owed, Plan, destinations, reconcile};
pub use schedule::{Attempt, due, next_due};
pub use snapshot::Snapshot;
pub use state::{
    ATTEMPTS_KEPT_MAX, AttemptRecord, DONE_KEPT_MAX, Record, State, Status, THREADS_MAX, Thread,
    ThreadKey, apply,
};

use model::{Id, IdKind};

/// The kind of a notification's id.
#[derive(Debug)]
pub struct Notification;

impl IdKind for Notification {
    const PREFIX: &'static str = "ntf";
}

pub type NotificationId = Id<Notification>;

#[cfg(test)]
mod tests;
