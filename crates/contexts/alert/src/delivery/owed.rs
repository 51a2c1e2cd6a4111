//! What is owed to whom, as an incident stands.
//!
//! The first word of a page leaves at once; of a ticket after `group_wait`. What becomes worse is told at once, that it is
//! over too. What joins or is written is folded: at most one word per `group_interval`. Without news, and until somebody
//! acknowledges, it is said again every `repeat_interval`.

use std::collections::BTreeSet;

use model::Timestamp;

use crate::{
    delivery::{
        AbandonReason, Channel, Command, Progress, Reason, State,
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
    let mut plan = Plan { abandon: abandon(state, info, destinations), ..Plan::default() };
    for destination in destinations {
        let thread = state.thread(&key(info, destination));
        let Some((reason, at)) = next(thread, info, destination) else { continue };
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
    plan
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
    thread: Option<&Thread>,
    info: &IncidentInfo,
    destination: &Destination,
) -> Option<(Reason, Timestamp)> {
    let Timings { group_wait, group_interval, repeat_interval } = destination.timings;
    let at_once = Timestamp::EPOCH;
    let told = thread.and_then(|thread| Some((thread, thread.told?)));
    let Some((thread, told)) = told.filter(|(thread, _)| !thread.resolved) else {
        let first = if info.is_page { at_once } else { info.opened_at + group_wait };
        return (!info.resolved && !info.acknowledged).then_some((Reason::Opened, first));
    };
    if info.resolved {
        return destination.send_resolved.then_some((Reason::Resolved, at_once));
    }
    if info.progress.escalated > told.escalated {
        return Some((Reason::Escalated, at_once));
    }
    // What is on its way comes first; it may take long, and what is queued behind it would only grow old.
    if !thread.waiting.is_empty() {
        return None;
    }
    let folded = thread.queued_at + group_interval;
    if info.progress.joined > told.joined {
        return Some((Reason::Joined, folded));
    }
    if info.progress.updated > told.updated {
        return Some((Reason::Updated, folded));
    }
    (!info.acknowledged).then(|| (Reason::Repeat, thread.queued_at + repeat_interval))
}

/// Pages that failed at least once, and that an acknowledgement or the incident's end has made needless.
fn abandon(state: &State, info: &IncidentInfo, destinations: &[Destination]) -> Vec<Command> {
    let superseded = |record: &crate::delivery::Record| {
        let same = |to: &&Destination| {
            to.receiver == record.receiver && to.integration == record.integration
        };
        info.resolved && destinations.iter().find(same).is_some_and(|to| to.send_resolved)
    };
    let waiting = state.threads_of(&info.incident).flat_map(|thread| &thread.waiting);
    waiting
        .filter_map(|id| state.get(*id))
        .filter(|record| record.attempts > 0 && record.reason.is_answered_by_acknowledging())
        .filter_map(|record| {
            let reason = match (info.acknowledged, superseded(record)) {
                (_, true) => AbandonReason::Superseded,
                (true, false) => AbandonReason::Acknowledged,
                (false, false) => return None,
            };
            Some(Command::Abandon { notification: record.notification, reason })
        })
        .collect()
}
