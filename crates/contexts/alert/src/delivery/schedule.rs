//! When an attempt is made: after 1 s, 5 s, 15 s, 30 s, then every 60 s, for a day.

use std::{collections::BTreeSet, time::Duration};

use model::Timestamp;

use crate::{
    delivery::{Channel, NotificationId, Reason, Record, State},
    routing::{Integration, Receiver},
};

/// The wait after the first failures.
const FIRST_WAITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

/// The wait after every further failure.
const LAST_WAIT: Duration = Duration::from_secs(60);

/// After this long a notification is given up.
pub const TRIED_FOR: Duration = Duration::from_secs(24 * 3600);

/// And not before this many attempts: a clock that jumps a day ahead, or a day of standing still, loses no page.
pub const ATTEMPTS_MIN: u32 = 20;

/// An attempt to be made now.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub notification: NotificationId,
    /// From 1.
    pub attempt: u32,
    pub incident: Option<Box<str>>,
    pub receiver: Box<str>,
    pub integration: u32,
    pub channel: Channel,
    /// Where it goes, without credentials.
    pub target: Box<str>,
    pub reason: Reason,
    pub subject: Box<str>,
    pub payload: Box<str>,
    pub queued_at: Timestamp,
}

impl Attempt {
    /// The integration to send it by, as the receiver has them now.
    ///
    /// They may have changed places since it was queued: the one with its channel and target is meant, wherever it stands.
    /// Where that is gone another of its channel takes it, rather in its place than elsewhere; none of another channel can,
    /// since the payload is made for one.
    pub fn integration<'a>(&self, receiver: &'a Receiver) -> Option<&'a Integration> {
        let own = usize::try_from(self.integration).ok();
        let fits = |to: &Integration| Channel::of(to) == self.channel;
        let mut found: Vec<_> =
            receiver.integrations.iter().enumerate().filter(|(_, to)| fits(to)).collect();
        found.sort_by_key(|(at, to)| (*to.target() != *self.target, Some(*at) != own, *at));
        found.first().map(|(_, to)| *to)
    }
}

/// When to try again after the failure of the `attempt`-th attempt (from 1) at `failed_at`.
pub fn retry_at(failed_at: Timestamp, attempt: u32) -> Timestamp {
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    failed_at + FIRST_WAITS.get(place).copied().unwrap_or(LAST_WAIT)
}

/// Whether a notification is given up after the failure of its `attempt`-th attempt.
pub(crate) fn is_expired(queued_at: Timestamp, attempt: u32, now: Timestamp) -> bool {
    now.since(queued_at) >= TRIED_FOR && attempt >= ATTEMPTS_MIN
}

/// The attempts to be made now, the longest due first. `in_flight` are those that are being made.
pub fn due(state: &State, in_flight: &BTreeSet<NotificationId>, now: Timestamp) -> Vec<Attempt> {
    let mut started = in_flight.clone();
    let mut attempts = Vec::new();
    for (at, record) in state.by_next_time() {
        if at > now {
            break;
        }
        if may_start(state, &started, record) {
            started.insert(record.notification);
            attempts.push(attempt(record));
        }
    }
    attempts
}

/// When [`due`] will next give something that it does not give for those in flight now; it may be in the past.
pub fn next_due(state: &State, in_flight: &BTreeSet<NotificationId>) -> Option<Timestamp> {
    let mut waiting = state.by_next_time();
    waiting.find(|(_, record)| may_start(state, in_flight, record)).map(|(at, _)| at)
}

/// Not while it is being tried, nor while something before it in its thread is, or has not been tried yet.
fn may_start(state: &State, in_flight: &BTreeSet<NotificationId>, record: &Record) -> bool {
    if in_flight.contains(&record.notification) {
        return false;
    }
    let Some(thread) = record.thread().and_then(|key| state.thread(&key)) else { return true };
    let before = thread.waiting.iter().take_while(|other| **other != record.notification);
    before
        .filter_map(|other| state.get(*other))
        .all(|other| other.attempts > 0 && !in_flight.contains(&other.notification))
}

fn attempt(record: &Record) -> Attempt {
    Attempt {
        notification: record.notification,
        attempt: record.attempts.saturating_add(1),
        incident: record.incident.clone(),
        receiver: record.receiver.clone(),
        integration: record.integration,
        channel: record.channel,
        target: record.target.clone(),
        reason: record.reason,
        subject: record.subject.clone(),
        payload: record.payload.clone(),
        queued_at: record.queued_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Email, Webhook};

    #[test]
    fn the_waits_are_1_5_15_30_and_then_60_seconds() {
        let at = Timestamp::from_secs(1000);
        let waits: Vec<u64> =
            (1..=7).map(|attempt| retry_at(at, attempt).since(at).as_secs()).collect();
        assert_eq!(waits, [1, 5, 15, 30, 60, 60, 60]);
        assert_eq!(retry_at(at, u32::MAX).since(at), LAST_WAIT);
    }

    #[test]
    fn an_integration_is_found_wherever_it_stands_now() {
        let webhook = |host: &str| {
            Integration::Webhook(Webhook {
                url: format!("https://{host}/hook").into(),
                send_resolved: true,
                max_alerts: 0,
                timeout: None,
            })
        };
        let email = Integration::Email(Email {
            to: "ops@example.com".into(),
            from: "evenkeel@example.com".into(),
            smarthost: "localhost:25".into(),
            hello: None,
            require_tls: false,
            auth: None,
            send_resolved: true,
        });
        let attempt = Attempt {
            notification: NotificationId::from_u128(1),
            attempt: 1,
            incident: None,
            receiver: "ops".into(),
            integration: 1,
            channel: Channel::Webhook,
            target: "https://b".into(),
            reason: Reason::Test,
            subject: "".into(),
            payload: "".into(),
            queued_at: Timestamp::from_secs(0),
        };
        let check = |integrations: &[Integration]| {
            let receiver = Receiver { name: "ops".into(), integrations: integrations.to_vec() };
            attempt.integration(&receiver).map(Integration::target)
        };
        let (a, b, c) = (webhook("a"), webhook("b"), webhook("c"));
        let is = |target: &str| Some(target.to_owned());
        assert_eq!(check(&[a.clone(), b.clone()]), is("https://b"), "as it was");
        assert_eq!(check(&[b, a.clone(), email.clone()]), is("https://b"), "it moved");
        assert_eq!(check(&[email.clone(), a.clone()]), is("https://a"), "its target changed");
        assert_eq!(check(&[c, email.clone()]), is("https://c"), "the only one of its channel");
        assert_eq!(check(&[email.clone(), email]), None, "no webhook is left");
    }

    #[test]
    fn it_is_given_up_after_a_day_and_enough_attempts() {
        let at = Timestamp::from_secs(1000);
        let check =
            |hours: u64, attempt| is_expired(at, attempt, at + Duration::from_secs(hours * 3600));
        assert!(!check(23, 1400));
        assert!(!check(24 * 3650, 19));
        assert!(check(24, 1440));
    }
}
