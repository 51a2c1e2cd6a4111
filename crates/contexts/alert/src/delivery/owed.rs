//! What is owed to whom, as an incident stands.
//!
//! The first word of a page leaves at once; of a ticket after `group_wait`. What becomes worse or opens again is told at
//! once, that it is over too. What joins or is written is folded: at most one word per `group_interval`. Without news, and
//! until somebody acknowledges, it is said again every `repeat_interval`. A page that reaches nobody goes to a fallback.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::Timestamp;

use crate::{
    delivery::{
        AbandonReason, Channel, Command, NotificationId, Progress, Reason, Record, State,
        state::{Thread, ThreadKey},
    },
    routing::{GroupBy, Routed, Timings},
};

/// A page that none of its receivers got within this time goes to the fallback too.
pub const FALLBACK_AFTER: Duration = Duration::from_secs(60);

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
    /// The most alerts in one body; 0 is all.
    pub max_alerts: u64,
    pub group_by: GroupBy,
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
                channel: Channel::of(to),
                target: to.target().into(),
                send_resolved: to.send_resolved(),
                max_alerts: to.max_alerts(),
                group_by: route.group_by.clone(),
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
    /// When it was acknowledged: what was queued until then is answered by it.
    pub acknowledged_at: Option<Timestamp>,
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

/// What is owed about `info` to `destinations` now, and to `fallback` once none of these got a page in time. Applied, it is
/// owed no more: the next plan is empty.
pub fn reconcile(
    state: &State,
    info: &IncidentInfo,
    destinations: &[Destination],
    fallback: &[Destination],
    now: Timestamp,
) -> Plan {
    let fallback_at = fallback_at(state, info, destinations).filter(|_| !fallback.is_empty());
    let is_late = fallback_at.is_some_and(|at| at <= now);
    // Who was told once is told the rest.
    let follows =
        |to: &Destination| state.thread(&key(info, to)).is_some_and(|thread| !thread.resolved);
    let is_own = |to: &Destination| destinations.iter().any(|own| own.receiver == to.receiver);
    let also = fallback.iter().filter(|to| !is_own(to) && (is_late || follows(to)));
    let all: Vec<&Destination> = destinations.iter().chain(also).collect();
    let abandoned = abandoned(state, info, &all);
    let mut plan = Plan { next_at: fallback_at.filter(|_| !is_late), ..Plan::default() };
    for destination in all {
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

/// When a page goes to the fallback too: none of those whom it was queued for has got it, and nobody acknowledged.
fn fallback_at(
    state: &State,
    info: &IncidentInfo,
    destinations: &[Destination],
) -> Option<Timestamp> {
    if !info.is_page || info.resolved || info.acknowledged_at.is_some() {
        return None;
    }
    let threads = destinations.iter().filter_map(|to| state.thread(&key(info, to)));
    let threads: Vec<&Thread> = threads.collect();
    if threads.iter().any(|thread| thread.reached) {
        return None;
    }
    threads.iter().filter_map(|thread| thread.paged_at).min().map(|at| at + FALLBACK_AFTER)
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
    let asks = info.acknowledged_at.is_none();
    let Some(told) = told else {
        let first = if info.is_page { at_once } else { info.opened_at + group_wait };
        return (!info.resolved && asks).then_some((Reason::Opened, first));
    };
    if info.resolved {
        return destination.send_resolved.then_some((Reason::Resolved, at_once));
    }
    if info.progress.reopened > told.progress.reopened && asks {
        return Some((Reason::Opened, at_once));
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
    asks.then(|| (Reason::Repeat, told.at + repeat_interval))
}

/// Pages that failed at least once, and that an acknowledgement or the incident's end has made needless.
fn abandoned(
    state: &State,
    info: &IncidentInfo,
    destinations: &[&Destination],
) -> BTreeMap<NotificationId, AbandonReason> {
    let is_superseded = |record: &Record| {
        let same = |to: &&&Destination| {
            to.receiver == record.receiver && to.integration == record.integration
        };
        info.resolved && destinations.iter().find(same).is_some_and(|to| to.send_resolved)
    };
    let is_answered =
        |record: &Record| info.acknowledged_at.is_some_and(|at| record.queued_at <= at);
    let waiting = state.threads_of(&info.incident).flat_map(|thread| &thread.waiting);
    waiting
        .filter_map(|id| state.get(*id))
        .filter(|record| record.attempts > 0 && record.reason.is_answered_by_acknowledging())
        .filter_map(|record| match (is_superseded(record), is_answered(record)) {
            (true, _) => Some((record.notification, AbandonReason::Superseded)),
            (false, true) => Some((record.notification, AbandonReason::Acknowledged)),
            (false, false) => None,
        })
        .collect()
}
