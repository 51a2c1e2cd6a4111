//! The outbox as plain data, for whoever stores it.

use crate::delivery::{
    NotificationId, Record, State, Status,
    state::{Thread, ThreadKey},
};

/// What [`State::snapshot`] gives and [`State::restore`] takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub records: Vec<Record>,
    pub threads: Vec<(ThreadKey, Thread)>,
    /// Those with an outcome, oldest first.
    pub done: Vec<NotificationId>,
}

impl State {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            records: self.records.values().cloned().collect(),
            threads: self
                .threads
                .iter()
                .map(|(key, thread)| (key.clone(), thread.clone()))
                .collect(),
            done: self.done.iter().copied().collect(),
        }
    }

    pub fn restore(snapshot: Snapshot) -> Self {
        let waiting = snapshot.records.iter().filter_map(|record| match record.status {
            Status::Waiting { next_at } => Some((next_at, record.notification)),
            Status::Delivered { .. } | Status::Abandoned { .. } => None,
        });
        Self {
            waiting: waiting.collect(),
            records: snapshot
                .records
                .into_iter()
                .map(|record| (record.notification, record))
                .collect(),
            threads: snapshot.threads.into_iter().collect(),
            done: snapshot.done.into(),
        }
    }
}
