//! Everything that facts have made so: the deciders' states side by side.

use model::{Actor, Timestamp};

use crate::record::{Fact, OwnFact};

/// Configurations that are remembered; older ones stay in the journal.
const CONFIGS_KEPT_MAX: usize = 100;

/// A function of the facts in order; rebuilt by replaying them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub alerts: alert::State,
    pub deliveries: alert::delivery::State,
    pub incidents: incident::State,
    pub deploys: deploy::State,
    /// Oldest first; the last is in force.
    pub configs: Vec<ConfigRecord>,
}

/// A production repo that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigRecord {
    pub hash: [u8; 32],
    pub at: Timestamp,
    pub by: Actor,
    pub changes: Vec<Box<str>>,
    pub services: Vec<Box<str>>,
}

impl State {
    pub(crate) fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Alert(fact) => alert::apply(&mut self.alerts, fact),
            Fact::Delivery(fact) => alert::delivery::apply(&mut self.deliveries, fact),
            Fact::Incident(fact) => incident::apply(&mut self.incidents, fact),
            Fact::Deploy(fact) => deploy::apply(&mut self.deploys, fact),
            Fact::Own(fact) => self.apply_own(fact),
        }
    }

    fn apply_own(&mut self, fact: &OwnFact) {
        if let OwnFact::ConfigApplied { hash, changes, services, at, by, .. } = fact {
            if self.configs.len() >= CONFIGS_KEPT_MAX {
                self.configs.remove(0);
            }
            self.configs.push(ConfigRecord {
                hash: *hash,
                at: *at,
                by: by.clone(),
                changes: changes.clone(),
                services: services.clone(),
            });
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> Option<&ConfigRecord> {
        self.configs.last()
    }
}
