//! What is owed to whom, as an incident stands.
//!
//! The first word of a page leaves at once; of a ticket after `group_wait`. What becomes worse is told at once, that it is
//! over too. What joins or is written is folded: at most one word per `group_interval`. Without news, and until somebody
//! acknowledges, it is said again every `repeat_interval`.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;

use crate::{
    delivery::{
        AbandonReason, Channel, Command, NotificationId, Progress, Reason, Record, State,
        state::{Thread, ThreadKey},
    },
    routing::{Integration, Routed, Timings},
};

/// One integration of one receiver, as routing chose it.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    pub receiver: Box<str>,
    /// The place among the receiver's integrations, from 0.
    pub integration: u32,
    pub channel: Channel,
    /// Where it goes, without credentials.
    pub target: Box<str>,
    pub send_resolved: bool,
    pub timings: Timings,
}

/// All integrations of those who are to be told; each once, with the timings of the first route that leads to it.
pub fn destinations(routed: &[Routed<'_>]) -> Vec<Destination> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for route in routed.iter().filter(|route| seen.insert(&*route.receiver.name)) {
        for (integration, to) in (0..).zip(&route.receiver.integrations) {
            found.push(Destination {
                receiver: route.receiver.name.clone(),
                integration,
                channel: match to {
                    Integration::Webhook(_) => Channel::Webhook,
                    Integration::Email(_) => Channel::Email,
                },
                target: to.target().into(),
                send_resolved: to.send_resolved(),
                timings: route.timings,
            });
        }
    }
    found
}

/// An incident, as far as telling about it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentInfo {
    /// `inc_…`
    pub incident: Box<str>,
    pub opened_at: Timestamp,
    /// Whether it is worth a page: then its first word does not wait.
    pub is_page: bool,
    pub acknowledged: bool,
    pub resolved: bool,
    pub progress: Progress,
}

/// A notification that is owed: build its payload, and queue it.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    pub incident: Box<str>,
    pub destination: Destination,
    pub reason: Reason,
    pub told: Progress,
}

/// What is to be done about an incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub queue: Vec<Owed>,
    /// Attempts that nobody needs any more.
    pub abandon: Vec<Command>,
    /// When to look again, if nothing happens before.
    pub next_at: Option<Timestamp>,
}

/// What is owed about `info` to `destinations` now. Applied, it is owed no more: the next plan is empty.
pub fn reconcile(
    state: &State,
    info: &IncidentInfo,
    destinations: &[Destination],
    now: Timestamp,
) -> Plan {
    let abandoned = abandoned(state, info, destinations);
    let mut plan = Plan::default();
    for destination in destinations {
        let thread = state.thread(&key(info, destination));
        let is_idle = |thread: &Thread| thread.waiting.iter().all(|id| abandoned.contains_key(id));
        let told = thread.filter(|thread| !thread.resolved).and_then(|thread| {
            Some(Told { progress: thread.told?, at: thread.queued_at, is_idle: is_idle(thread) })
        });
        let Some((reason, at)) = next(told, info, destination) else { continue };
        if at <= now {
            plan.queue.push(Owed {
                incident: info.incident.clone(),
                destination: destination.clone(),
                reason,
                told: info.progress,
            });
        } else {
            plan.next_at = Some(plan.next_at.map_or(at, |next| next.min(at)));
        }
    }
    plan.abandon = abandoned
        .into_iter()
        .map(|(notification, reason)| Command::Abandon { notification, reason })
        .collect();
    plan
}

/// What a receiver has been told of an incident that it does not take for resolved.
#[derive(Clone, Copy)]
struct Told {
    progress: Progress,
    at: Timestamp,
    /// Whether nothing is on its way.
    is_idle: bool,
}

fn key(info: &IncidentInfo, destination: &Destination) -> ThreadKey {
    ThreadKey {
        incident: info.incident.clone(),
        receiver: destination.receiver.clone(),
        integration: destination.integration,
    }
}

/// The next word that is owed in a thread, and when.
fn next(
    told: Option<Told>,
    info: &IncidentInfo,
    destination: &Destination,
) -> Option<(Reason, Timestamp)> {
    let Timings { group_wait, group_interval, repeat_interval } = destination.timings;
    let at_once = Timestamp::EPOCH;
    let Some(told) = told else {
        let first = if info.is_page { at_once } else { info.opened_at + group_wait };
        return (!info.resolved && !info.acknowledged).then_some((Reason::Opened, first));
    };
    if info.resolved {
        return destination.send_resolved.then_some((Reason::Resolved, at_once));
    }
    if info.progress.escalated > told.progress.escalated {
        return Some((Reason::Escalated, at_once));
    }
    // What is on its way comes first; it may take long, and what is queued behind it would only grow old.
    if !told.is_idle {
        return None;
    }
    if info.progress.joined > told.progress.joined {
        return Some((Reason::Joined, told.at + group_interval));
    }
    if info.progress.updated > told.progress.updated {
        return Some((Reason::Updated, told.at + group_interval));
    }
    (!info.acknowledged).then(|| (Reason::Repeat, told.at + repeat_interval))
}

/// Pages that failed at least once, and that an acknowledgement or the incident's end has made needless.
fn abandoned(
    state: &State,
    info: &IncidentInfo,
    destinations: &[Destination],
) -> BTreeMap<NotificationId, AbandonReason> {
    let is_superseded = |record: &Record| {
        let same = |to: &&Destination| {
            to.receiver == record.receiver && to.integration == record.integration
        };
        info.resolved && destinations.iter().find(same).is_some_and(|to| to.send_resolved)
    };
    let waiting = state.threads_of(&info.incident).flat_map(|thread| &thread.waiting);
    waiting
        .filter_map(|id| state.get(*id))
        .filter(|record| record.attempts > 0 && record.reason.is_answered_by_acknowledging())
        .filter_map(|record| match (is_superseded(record), info.acknowledged) {
            (true, _) => Some((record.notification, AbandonReason::Superseded)),
            (false, true) => Some((record.notification, AbandonReason::Acknowledged)),
            (false, false) => None,
        })
        .collect()
}
