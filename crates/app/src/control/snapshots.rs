//! Snapshots of the state, so that a start need not replay from the first fact.
//!
//! One is written on the side whenever enough facts came since the last, and at an orderly stop. It is only a shortcut: what is
//! damaged, of another version, or of a journal with a break is passed over, and all facts are replayed.

use std::{sync::Arc, thread::JoinHandle};

use journal::{Head, SnapshotLookup, SnapshotStore};

use super::ledger::Ledger;
use crate::{control::chain, record::STATE_VERSION, state::State};

/// Facts between two snapshots.
const EVERY_FACTS: u64 = 50_000;
/// Fewer facts than this are replayed at no cost worth a snapshot at the stop.
const AT_STOP_FACTS: u64 = 1_000;
/// The snapshot's name in the store.
const NAME: &str = "state";

/// Where snapshots lie, and how far the last one reaches.
#[derive(Debug)]
pub struct Snapshots {
    store: Arc<SnapshotStore>,
    last_seq: u64,
    writing: Option<JoinHandle<()>>,
}

impl Snapshots {
    pub fn new(store: SnapshotStore) -> Self {
        Self { store: Arc::new(store), last_seq: 0, writing: None }
    }

    /// The newest state that may be used, and the fact after which it was so.
    pub(crate) fn load(&mut self, journal: &dyn Ledger) -> Option<(u64, State)> {
        match self.store.get(NAME, STATE_VERSION, |seq| journal.snapshot_hash(seq)) {
            SnapshotLookup::Found { seq, bytes } => match State::from_bytes(&bytes) {
                Ok(state) => {
                    self.last_seq = seq;
                    Some((seq, state))
                }
                Err(error) => {
                    tracing::warn!(%error, "a snapshot is passed over");
                    None
                }
            },
            SnapshotLookup::Absent => None,
            SnapshotLookup::Ignored(why) => {
                tracing::info!(%why, "a snapshot is passed over");
                None
            }
        }
    }

    /// Writes the state after `head` on the side, when that is due.
    pub(crate) fn after(&mut self, state: &State, head: Head) {
        let is_writing = self.writing.as_ref().is_some_and(|writing| !writing.is_finished());
        if is_writing || head.seq.saturating_sub(self.last_seq) < EVERY_FACTS {
            return;
        }
        self.last_seq = head.seq;
        let (store, state) = (Arc::clone(&self.store), state.clone());
        let write = move || put(&store, &state, head);
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            Ok(writing) => self.writing = Some(writing),
            Err(error) => tracing::warn!(%error, "no snapshot was written"),
        }
    }

    /// Writes the last state of an orderly life.
    pub(crate) fn at_stop(&mut self, state: &State, head: Head) {
        if let Some(writing) = self.writing.take()
            && writing.join().is_err()
        {
            tracing::error!("writing a snapshot panicked");
        }
        if head.seq.saturating_sub(self.last_seq) >= AT_STOP_FACTS {
            put(&self.store, state, head);
        }
    }
}

fn put(store: &SnapshotStore, state: &State, head: Head) {
    if let Err(error) = store.put(NAME, STATE_VERSION, head, &state.to_bytes()) {
        tracing::warn!(error = %chain(&error), "no snapshot was written");
    }
}
