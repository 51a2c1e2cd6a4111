//! What may be queued, and what an attempt's outcome means.

use std::time::Duration;

use model::Timestamp;

use crate::delivery::{
    AbandonReason, Destination, Fact, NotificationId, Progress, Reason, State, Status,
    schedule::is_expired,
};

/// The longest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 10;

/// The most notifications without an outcome.
pub const WAITING_MAX: usize = 10_000;

/// The longest error text that is kept, in bytes.
pub const ERROR_BYTES_MAX: usize = 1 << 10;

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Queue {
        notification: NotificationId,
        /// `inc_…`; absent for a test.
        incident: Option<Box<str>>,
        destination: Destination,
        reason: Reason,
        /// One line for people.
        subject: Box<str>,
        /// What is sent; stays the same in every attempt.
        payload: Box<str>,
        /// From [`Owed`](crate::delivery::Owed); `None` for a test or an interrupted act.
        told: Option<Progress>,
    },
    /// An attempt ended.
    Report { notification: NotificationId, outcome: Outcome },
    /// It is not to be tried any more.
    Abandon { notification: NotificationId, reason: AbandonReason },
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered { status: Option<u16>, latency: Duration },
    /// It did not, or nobody knows: an answer that was lost counts as failed, so that a page comes twice rather than never.
    Failed { status: Option<u16>, error: Box<str>, latency: Duration },
}

/// Why a command is refused; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("cannot queue notification `{notification}`: the id is taken")]
    IdTaken { notification: NotificationId },
    #[error(
        "cannot queue notification `{notification}`: its payload has {bytes} bytes; at most {PAYLOAD_BYTES_MAX}"
    )]
    PayloadTooLong { notification: NotificationId, bytes: usize },
    #[error(
        "cannot queue notification `{notification}`: {WAITING_MAX} are waiting to be delivered already"
    )]
    Full { notification: NotificationId },
    #[error("notification `{notification}` is not known")]
    Unknown { notification: NotificationId },
}

/// HTTP's word for "never send here again".
const GONE: u16 = 410;

/// The facts that follow from `command`; none when the notification has its outcome already.
///
/// # Errors
/// See [`Rejection`].
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::Queue { notification, payload, .. } => {
            let notification = *notification;
            if state.get(notification).is_some() {
                return Err(Rejection::IdTaken { notification });
            }
            if payload.len() > PAYLOAD_BYTES_MAX {
                return Err(Rejection::PayloadTooLong { notification, bytes: payload.len() });
            }
            if state.waiting() >= WAITING_MAX {
                return Err(Rejection::Full { notification });
            }
            Ok(queued(command, now).into_iter().collect())
        }
        Command::Report { notification, outcome } => report(state, *notification, outcome, now),
        Command::Abandon { notification, reason } => {
            let record = state
                .get(*notification)
                .ok_or(Rejection::Unknown { notification: *notification })?;
            let waits = matches!(record.status, Status::Waiting { .. });
            Ok(waits.then(|| abandoned(*notification, *reason, now)).into_iter().collect())
        }
    }
}

fn queued(command: &Command, now: Timestamp) -> Option<Fact> {
    let Command::Queue { notification, incident, destination, reason, subject, payload, told } =
        command
    else {
        return None;
    };
    Some(Fact::Queued {
        notification: *notification,
        incident: incident.clone(),
        receiver: destination.receiver.clone(),
        integration: destination.integration,
        channel: destination.channel,
        target: destination.target.clone(),
        reason: *reason,
        subject: subject.clone(),
        payload: payload.clone(),
        told: *told,
        at: now,
    })
}

fn report(
    state: &State,
    notification: NotificationId,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let record = state.get(notification).ok_or(Rejection::Unknown { notification })?;
    let attempt = record.attempts.saturating_add(1);
    match (outcome, record.status) {
        (_, Status::Delivered { .. }) | (Outcome::Failed { .. }, Status::Abandoned { .. }) => {
            Ok(Vec::new())
        }
        // An attempt that was on its way when it was abandoned: what happened is what counts.
        (Outcome::Delivered { status, latency }, _) => Ok(vec![Fact::Delivered {
            notification,
            attempt,
            status: *status,
            latency_ms: millis(*latency),
            at: now,
        }]),
        (Outcome::Failed { status, error, latency }, Status::Waiting { .. }) => {
            let mut facts = vec![Fact::AttemptFailed {
                notification,
                attempt,
                status: *status,
                error: shortened(error),
                latency_ms: millis(*latency),
                at: now,
            }];
            if *status == Some(GONE) {
                facts.push(abandoned(notification, AbandonReason::Gone, now));
            } else if is_expired(record.queued_at, attempt, now) {
                facts.push(abandoned(notification, AbandonReason::Expired, now));
            }
            Ok(facts)
        }
    }
}

fn abandoned(notification: NotificationId, reason: AbandonReason, now: Timestamp) -> Fact {
    Fact::Abandoned { notification, reason, at: now }
}

fn millis(latency: Duration) -> u64 {
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}

fn shortened(error: &str) -> Box<str> {
    let end = error.floor_char_boundary(ERROR_BYTES_MAX);
    error.get(..end).unwrap_or_default().into()
}
