//! The outbox as it stands.
//!
//! **Invariant:** a record is in `waiting`, under its next time, exactly while its status is [`Status::Waiting`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::Timestamp;

use crate::delivery::{
    AbandonReason, Channel, Fact, NotificationId, Progress, Reason, schedule::retry_at,
};

/// How many notifications with an outcome the state remembers; the journal has all.
pub const DONE_KEPT_MAX: usize = 2000;

/// How many attempts of a notification the state remembers, the newest.
pub const ATTEMPTS_KEPT_MAX: usize = 20;

/// How many threads the state remembers. When there are more, the one told longest ago is forgotten; were its incident still
/// open, its receiver would be told anew.
pub const THREADS_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Waiting { next_at: Timestamp },
    Delivered { at: Timestamp },
    Abandoned { at: Timestamp, reason: AbandonReason },
}

/// One attempt and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// From 1.
    pub attempt: u32,
    pub at: Timestamp,
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// Absent when it succeeded.
    pub error: Option<Box<str>>,
}

/// A notification as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub notification: NotificationId,
    pub incident: Option<Box<str>>,
    pub receiver: Box<str>,
    pub integration: u32,
    pub channel: Channel,
    pub target: Box<str>,
    pub reason: Reason,
    pub subject: Box<str>,
    /// Empty once there is an outcome.
    pub payload: Box<str>,
    pub queued_at: Timestamp,
    pub status: Status,
    /// How many attempts there were.
    pub attempts: u32,
    /// The last [`ATTEMPTS_KEPT_MAX`], oldest first.
    pub recent: VecDeque<AttemptRecord>,
}

/// What one integration of a receiver is told of one incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadKey {
    pub incident: Box<str>,
    pub receiver: Box<str>,
    pub integration: u32,
}

/// How far a thread has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// `None` until the receiver was told that the incident opened.
    pub told: Option<Progress>,
    /// Whether the last thing told was that it resolved.
    pub resolved: bool,
    pub queued_at: Timestamp,
    /// Since when it has been owed the news that somebody must act.
    pub paged_at: Option<Timestamp>,
    /// Whether anything queued since then was delivered.
    pub reached: bool,
    /// In the order in which they were queued.
    pub waiting: Vec<NotificationId>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub(super) records: BTreeMap<NotificationId, Record>,
    pub(super) waiting: BTreeSet<(Timestamp, NotificationId)>,
    pub(super) threads: BTreeMap<ThreadKey, Thread>,
    /// Oldest first.
    pub(super) done: VecDeque<NotificationId>,
}

impl State {
    pub fn get(&self, notification: NotificationId) -> Option<&Record> {
        self.records.get(&notification)
    }

    /// All without an outcome, and the last [`DONE_KEPT_MAX`] with one; by id, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.values()
    }

    /// How many have no outcome yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those without an outcome, the most urgent first.
    pub(crate) fn by_next_time(&self) -> impl Iterator<Item = (Timestamp, &Record)> {
        self.waiting.iter().filter_map(|(at, id)| Some((*at, self.records.get(id)?)))
    }

    pub(crate) fn thread(&self, key: &ThreadKey) -> Option<&Thread> {
        self.threads.get(key)
    }

    /// All threads of an incident.
    pub(crate) fn threads_of(&self, incident: &str) -> impl Iterator<Item = &Thread> {
        let from = ThreadKey { incident: incident.into(), receiver: "".into(), integration: 0 };
        let same = move |key: &ThreadKey| key.incident == from.incident;
        let from = ThreadKey { incident: incident.into(), receiver: "".into(), integration: 0 };
        self.threads.range(from..).take_while(move |(key, _)| same(key)).map(|(_, thread)| thread)
    }
}

impl Record {
    pub(crate) fn thread(&self) -> Option<ThreadKey> {
        Some(ThreadKey {
            incident: self.incident.clone()?,
            receiver: self.receiver.clone(),
            integration: self.integration,
        })
    }

    fn tried(&mut self, attempt: AttemptRecord) {
        self.attempts = self.attempts.max(attempt.attempt);
        if self.recent.len() >= ATTEMPTS_KEPT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(attempt);
    }
}

/// Takes a fact into the state. A fact about a notification that is not known is passed over.
pub fn apply(state: &mut State, fact: &Fact) {
    match fact {
        Fact::Queued { told, .. } => {
            if let Some(record) = record(fact) {
                queue(state, record, *told);
            }
        }
        Fact::AttemptFailed { notification, attempt, status, error, latency_ms, at } => {
            let failed = AttemptRecord {
                attempt: *attempt,
                at: *at,
                status: *status,
                latency_ms: *latency_ms,
                error: Some(error.clone()),
            };
            let next_at = retry_at(*at, *attempt);
            change(state, *notification, |record| {
                record.tried(failed);
                if let Status::Waiting { .. } = record.status {
                    record.status = Status::Waiting { next_at };
                }
            });
        }
        Fact::Delivered { notification, attempt, status, latency_ms, at } => {
            let (attempt, status, latency_ms) = (*attempt, *status, *latency_ms);
            change(state, *notification, |record| {
                record.tried(AttemptRecord { attempt, at: *at, status, latency_ms, error: None });
                record.status = Status::Delivered { at: *at };
            });
            reach(state, *notification);
        }
        Fact::Abandoned { notification, reason, at } => {
            change(state, *notification, |record| {
                record.status = Status::Abandoned { at: *at, reason: *reason };
            });
        }
    }
}

fn record(fact: &Fact) -> Option<Record> {
    let Fact::Queued {
        notification,
        incident,
        receiver,
        integration,
        channel,
        target,
        reason,
        subject,
        payload,
        told: _,
        at,
    } = fact
    else {
        return None;
    };
    Some(Record {
        notification: *notification,
        incident: incident.clone(),
        receiver: receiver.clone(),
        integration: *integration,
        channel: *channel,
        target: target.clone(),
        reason: *reason,
        subject: subject.clone(),
        payload: payload.clone(),
        queued_at: *at,
        status: Status::Waiting { next_at: *at },
        attempts: 0,
        recent: VecDeque::new(),
    })
}

fn queue(state: &mut State, record: Record, told: Option<Progress>) {
    if state.records.contains_key(&record.notification) {
        return;
    }
    if let Some(key) = record.thread() {
        if !state.threads.contains_key(&key) {
            make_room(&mut state.threads);
        }
        let queued_at = record.queued_at;
        let thread = state.threads.entry(key).or_insert_with(|| Thread {
            told: None,
            resolved: false,
            queued_at,
            paged_at: None,
            reached: false,
            waiting: Vec::new(),
        });
        if told.is_some() {
            thread.told = told;
            thread.resolved = record.reason == Reason::Resolved;
            thread.queued_at = queued_at;
            let is_new = thread.reached || thread.paged_at.is_none();
            if record.reason == Reason::Opened || (record.reason == Reason::Escalated && is_new) {
                (thread.paged_at, thread.reached) = (Some(queued_at), false);
            }
        }
        thread.waiting.push(record.notification);
    }
    state.waiting.insert((record.queued_at, record.notification));
    state.records.insert(record.notification, record);
}

/// Somebody got it: a page that was owed there is no longer.
fn reach(state: &mut State, id: NotificationId) {
    let Some(record) = state.records.get(&id) else { return };
    if let Some(thread) = record.thread().and_then(|key| state.threads.get_mut(&key)) {
        thread.reached |= thread.paged_at.is_some_and(|at| record.queued_at >= at);
    }
}

/// Forgets the thread told longest ago that waits for nothing.
fn make_room(threads: &mut BTreeMap<ThreadKey, Thread>) {
    if threads.len() < THREADS_MAX {
        return;
    }
    let idle = threads.iter().filter(|(_, thread)| thread.waiting.is_empty());
    let oldest = idle.min_by_key(|(_, thread)| thread.queued_at).map(|(key, _)| key.clone());
    if let Some(key) = oldest {
        threads.remove(&key);
    }
}

/// Changes a record and keeps `waiting`, `done` and the thread in step.
fn change(state: &mut State, id: NotificationId, change: impl FnOnce(&mut Record)) {
    let Some(record) = state.records.get_mut(&id) else { return };
    let before = record.status;
    change(record);
    let after = record.status;
    if let Status::Waiting { next_at } = before {
        state.waiting.remove(&(next_at, id));
    }
    if let Status::Waiting { next_at } = after {
        state.waiting.insert((next_at, id));
    } else if let Status::Waiting { .. } = before {
        record.payload = "".into();
        if let Some(thread) = record.thread().and_then(|key| state.threads.get_mut(&key)) {
            thread.waiting.retain(|other| *other != id);
        }
        state.done.push_back(id);
        if state.done.len() > DONE_KEPT_MAX
            && let Some(oldest) = state.done.pop_front()
        {
            state.records.remove(&oldest);
        }
    }
}
