//! Deploys, verdicts and acts as plain data, for whoever stores them.

use crate::{
    act::Act,
    record::{Deploy, DeployId},
    state::{GateRecord, Key, State},
};

/// What [`State::snapshot`] gives and [`State::restore`] takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub deploys: Vec<Deploy>,
    /// What runs now.
    pub newest: Vec<(Key, DeployId)>,
    pub idempotency_keys: Vec<(Box<str>, DeployId)>,
    pub verdicts: Vec<GateRecord>,
    pub acts: Vec<Act>,
}

impl State {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            deploys: self.deploys.values().cloned().collect(),
            newest: self.newest.iter().map(|(key, id)| (key.clone(), *id)).collect(),
            idempotency_keys: self
                .by_idempotency_key
                .iter()
                .map(|(key, id)| (key.clone(), *id))
                .collect(),
            verdicts: self.verdicts.values().cloned().collect(),
            acts: self.acts.values().cloned().collect(),
        }
    }

    pub fn restore(snapshot: Snapshot) -> Self {
        Self {
            deploys: snapshot.deploys.into_iter().map(|deploy| (deploy.id, deploy)).collect(),
            newest: snapshot.newest.into_iter().collect(),
            by_idempotency_key: snapshot.idempotency_keys.into_iter().collect(),
            verdicts: snapshot.verdicts.into_iter().map(|record| (record.id, record)).collect(),
            acts: snapshot.acts.into_iter().map(|act| (act.id, act)).collect(),
        }
    }
}
