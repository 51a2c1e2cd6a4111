//! Who depends on whom.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::same_environment;

use crate::{Entry, Requests};

/// Calls from one node of the map to another, by name, in the last ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub environment: Box<str>,
    pub caller: Box<str>,
    pub callee: Box<str>,
    /// The callee sends no telemetry: it is a database, a queue or a peer that its callers' spans name.
    pub external: bool,
    pub requests: Requests,
}

type Names = BTreeSet<Box<str>>;

/// Calls by name; a declared dependency holds in every environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Callees by caller and environment.
    seen: BTreeMap<Box<str>, BTreeMap<Box<str>, Names>>,
    declared: BTreeMap<Box<str>, Names>,
}

impl Topology {
    pub(crate) fn new(edges: &[Edge], declared: &[Entry]) -> Self {
        let mut topology = Self::default();
        for edge in edges {
            let places = topology.seen.entry(edge.caller.clone()).or_default();
            places.entry(edge.environment.clone()).or_default().insert(edge.callee.clone());
        }
        for entry in declared {
            topology
                .declared
                .entry(entry.name.clone())
                .or_default()
                .extend(entry.depends_on.iter().cloned());
        }
        topology
    }

    /// Whether traces or the catalogue say that `caller` calls `callee` itself.
    pub fn calls(&self, environment: &str, caller: &str, callee: &str) -> bool {
        self.direct(environment, caller).any(|name| name == callee)
    }

    /// Everything that `service` depends on, near ones first; never the service itself.
    pub fn dependencies(&self, environment: &str, service: &str) -> Vec<Box<str>> {
        let mut found: Vec<Box<str>> = Vec::new();
        let mut queue: VecDeque<Box<str>> = VecDeque::from([service.into()]);
        let mut met: BTreeSet<Box<str>> = BTreeSet::from([service.into()]);
        while let Some(name) = queue.pop_front() {
            for callee in self.direct(environment, &name) {
                if met.insert(callee.into()) {
                    found.push(callee.into());
                    queue.push_back(callee.into());
                }
            }
        }
        found
    }

    /// An environment without a name is any.
    fn direct<'a>(&'a self, environment: &str, service: &str) -> impl Iterator<Item = &'a str> {
        let places = self.seen.get(service).into_iter().flatten();
        let seen = places
            .filter(move |(place, _)| same_environment(place, environment))
            .map(|(_, names)| names);
        seen.chain(self.declared.get(service)).flatten().map(|name| &**name)
    }
}
