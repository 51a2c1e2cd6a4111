//! What the outbox remembers.

use model::Timestamp;

use crate::{delivery::NotificationId, routing::Integration};

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// An incident opened.
    Opened,
    /// A further alert joined it.
    Joined,
    /// It became more severe.
    Escalated,
    /// Somebody wrote an update.
    Updated,
    Resolved,
    /// Nothing is new, and nobody has acknowledged.
    Repeat,
    /// Somebody wants to see whether it arrives.
    Test,
    /// An action was cut off by a restart, and a person must look.
    ActInterrupted,
}

impl Reason {
    pub const ALL: [Self; 8] = [
        Self::Opened,
        Self::Joined,
        Self::Escalated,
        Self::Updated,
        Self::Resolved,
        Self::Repeat,
        Self::Test,
        Self::ActInterrupted,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Joined => "joined",
            Self::Escalated => "escalated",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
            Self::Repeat => "repeat",
            Self::Test => "test",
            Self::ActInterrupted => "act-interrupted",
        }
    }

    /// Whether somebody who acknowledges the incident has thereby got what this wants to say.
    pub(crate) const fn is_answered_by_acknowledging(self) -> bool {
        match self {
            Self::Opened | Self::Joined | Self::Escalated | Self::Updated | Self::Repeat => true,
            Self::Resolved | Self::Test | Self::ActInterrupted => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Webhook,
    Email,
}

impl Channel {
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Email];

    pub const fn of(integration: &Integration) -> Self {
        match integration {
            Integration::Webhook(_) => Self::Webhook,
            Integration::Email(_) => Self::Email,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }
}

/// How far an incident has got, in counts that only grow: what was told and what there is to tell are compared by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Alerts and callers that joined after it opened.
    pub joined: u64,
    /// How often it became more severe.
    pub escalated: u64,
    /// Updates that people wrote for others to read.
    pub updated: u64,
    /// How often it was opened again.
    pub reopened: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbandonReason {
    /// The receiver answered 410: it wants no more.
    Gone,
    /// It was tried for a day.
    Expired,
    /// The incident was acknowledged while attempts failed.
    Acknowledged,
    /// The incident was resolved while attempts failed; the receiver is told that instead.
    Superseded,
    /// The configuration no longer has the receiver or its integration.
    ReceiverRemoved,
}

impl AbandonReason {
    pub const ALL: [Self; 5] =
        [Self::Gone, Self::Expired, Self::Acknowledged, Self::Superseded, Self::ReceiverRemoved];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Acknowledged => "acknowledged",
            Self::Superseded => "superseded",
            Self::ReceiverRemoved => "receiver-removed",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Queued {
        notification: NotificationId,
        /// `inc_…`; absent for a test.
        incident: Option<Box<str>>,
        receiver: Box<str>,
        /// The place among the receiver's integrations, from 0.
        integration: u32,
        channel: Channel,
        /// Where it goes, without credentials.
        target: Box<str>,
        reason: Reason,
        /// One line for people.
        subject: Box<str>,
        /// What is sent, the same in every attempt.
        payload: Box<str>,
        /// What the receiver then knows of the incident; absent when it is not about its progress.
        told: Option<Progress>,
        at: Timestamp,
    },
    AttemptFailed {
        notification: NotificationId,
        /// From 1.
        attempt: u32,
        /// HTTP's or SMTP's; absent when there was no answer.
        status: Option<u16>,
        error: Box<str>,
        latency_ms: u64,
        at: Timestamp,
    },
    Delivered {
        notification: NotificationId,
        /// From 1.
        attempt: u32,
        status: Option<u16>,
        latency_ms: u64,
        at: Timestamp,
    },
    Abandoned {
        notification: NotificationId,
        reason: AbandonReason,
        at: Timestamp,
    },
}

impl Fact {
    pub fn notification(&self) -> NotificationId {
        match self {
            Self::Queued { notification, .. }
            | Self::AttemptFailed { notification, .. }
            | Self::Delivered { notification, .. }
            | Self::Abandoned { notification, .. } => *notification,
        }
    }
}
