//! The alerts' state as plain data, for whoever stores it.

use crate::{AlertRecord, State};

/// What [`State::snapshot`] gives and [`State::restore`] takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub firing: Vec<AlertRecord>,
    /// Oldest first.
    pub resolved: Vec<AlertRecord>,
}

impl State {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            firing: self.firing.values().cloned().collect(),
            resolved: self.resolved.iter().cloned().collect(),
        }
    }

    pub fn restore(snapshot: Snapshot) -> Self {
        let by_key = snapshot.firing.iter().map(|record| (record.key.clone(), record.alert));
        Self {
            by_key: by_key.collect(),
            firing: snapshot.firing.into_iter().map(|record| (record.alert, record)).collect(),
            resolved: snapshot.resolved.into(),
        }
    }
}
