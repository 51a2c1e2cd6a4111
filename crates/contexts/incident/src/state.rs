//! All incidents, as the facts so far have them.

use std::collections::BTreeMap;

use crate::incident::{Incident, IncidentId, Key};

/// A function of the facts in order; read by its methods, changed by [`crate::apply`] alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub(crate) incidents: BTreeMap<IncidentId, Incident>,
    pub(crate) by_number: BTreeMap<u32, IncidentId>,
    /// The newest incident of each key, open or ended.
    pub(crate) newest: BTreeMap<Key, IncidentId>,
    /// The incident that each alert joined.
    pub(crate) by_alert: BTreeMap<Box<str>, IncidentId>,
    pub(crate) last_number: u32,
}

impl State {
    pub fn get(&self, id: IncidentId) -> Option<&Incident> {
        self.incidents.get(&id)
    }

    pub fn by_number(&self, number: u32) -> Option<&Incident> {
        self.by_number.get(&number).and_then(|id| self.get(*id))
    }

    /// By what people type: `INC-7`, `7` or `inc_01j…`.
    pub fn find(&self, text: &str) -> Option<&Incident> {
        if let Ok(id) = text.parse() {
            return self.get(id);
        }
        let digits = match text.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("inc-") => text.get(4..).unwrap_or(""),
            _ => text,
        };
        digits.parse().ok().and_then(|number| self.by_number(number))
    }

    /// The open incident on this key.
    pub fn open_on(&self, service: &str, environment: &str) -> Option<&Incident> {
        self.newest_on(&Key::new(service, environment)).filter(|incident| incident.is_open())
    }

    pub(crate) fn newest_on(&self, key: &Key) -> Option<&Incident> {
        self.newest.get(key).and_then(|id| self.get(*id))
    }

    /// The incident that this alert joined, open or ended.
    ///
    /// An alert that still fires after its incident recovered belongs to that one; it opens no other.
    pub fn of_alert(&self, alert: &str) -> Option<&Incident> {
        self.by_alert.get(alert).and_then(|id| self.get(*id))
    }

    /// All incidents in memory, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.by_number.values().filter_map(|id| self.get(*id))
    }

    /// Those that have not ended, the oldest first.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.iter().filter(|incident| incident.is_open())
    }

    pub fn len(&self) -> usize {
        self.incidents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.incidents.is_empty()
    }
}
