//! All incidents as plain data, for whoever stores them.

use crate::{
    incident::{Incident, IncidentId, Key},
    state::State,
};

/// What [`State::snapshot`] gives and [`State::restore`] takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub incidents: Vec<Incident>,
    /// The newest incident of each key.
    pub newest: Vec<(Key, IncidentId)>,
    /// The incident that each alert joined.
    pub by_alert: Vec<(Box<str>, IncidentId)>,
    pub last_number: u32,
}

impl State {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            incidents: self.incidents.values().cloned().collect(),
            newest: self.newest.iter().map(|(key, id)| (key.clone(), *id)).collect(),
            by_alert: self.by_alert.iter().map(|(alert, id)| (alert.clone(), *id)).collect(),
            last_number: self.last_number,
        }
    }

    pub fn restore(snapshot: Snapshot) -> Self {
        let numbers = snapshot.incidents.iter().map(|incident| (incident.number, incident.id));
        Self {
            by_number: numbers.collect(),
            incidents: snapshot
                .incidents
                .into_iter()
                .map(|incident| (incident.id, incident))
                .collect(),
            newest: snapshot.newest.into_iter().collect(),
            by_alert: snapshot.by_alert.into_iter().collect(),
            last_number: snapshot.last_number,
        }
    }
}
