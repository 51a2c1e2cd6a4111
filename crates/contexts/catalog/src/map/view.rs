//! The map as of a window of time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::Timestamp;

use super::{
    Node, NodeKind, ServiceMap,
    graph::{EdgeKey, Minute, whole},
};
use crate::{Edge, Requests, window::MINUTE};

/// Who called whom within whole minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapView {
    pub from: Timestamp,
    pub to: Timestamp,
    /// By environment and node.
    pub nodes: Vec<MapNode>,
    /// By environment, caller and callee.
    pub edges: Vec<MapEdge>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MapNode {
    pub environment: Box<str>,
    pub node: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEdge {
    pub environment: Box<str>,
    pub from: Node,
    pub to: Node,
    /// Calls, with rate, error ratio and latency.
    pub requests: Requests,
    /// Calls of which the callee sent no span.
    pub unanswered: u64,
}

/// Environment, caller, callee.
type Names = (Box<str>, Box<str>, Box<str>);

impl ServiceMap {
    /// The map of the minutes that hold `from` to `to`, as far as they are kept. `is_service` says which services send telemetry, beside those that
    /// answered: a call to one of them that nobody answered goes to the service, not to an external node.
    pub fn window(
        &self,
        from: Timestamp,
        to: Timestamp,
        is_service: impl Fn(&str, &str) -> bool,
    ) -> MapView {
        let (from, to) = whole(from, to);
        let from = from.max(self.graph.floor);
        let until = to.min(self.now.max(from));
        let sums = self.graph.edges.iter().filter_map(|(key, timeline)| {
            let sum = timeline.sum(from, to);
            let over = sum.requests.over.saturating_sub(to.since(until));
            let requests = Requests { over, ..sum.requests };
            (requests.total > 0).then_some((key, Minute { requests, ..sum }))
        });
        let mut edges = Vec::new();
        for (EdgeKey { environment, from, to }, minute) in resolved(sums, is_service) {
            let Minute { requests, unanswered } = minute;
            edges.push(MapEdge { environment, from, to, requests, unanswered });
        }
        let ends = edges.iter().flat_map(|edge: &MapEdge| {
            [&edge.from, &edge.to]
                .map(|node| MapNode { environment: edge.environment.clone(), node: node.clone() })
        });
        let nodes: BTreeSet<MapNode> = ends.collect();
        MapView { from, to, nodes: nodes.into_iter().collect(), edges }
    }

    /// Calls by the names of both ends, of the minutes that began within the last `span`.
    pub(crate) fn edges(
        &self,
        now: Timestamp,
        span: Duration,
        is_service: impl Fn(&str, &str) -> bool,
    ) -> Vec<Edge> {
        let since = now - span;
        let whole = since.floor(MINUTE);
        let from = if whole < since { whole + MINUTE } else { whole };
        let sums = self.graph.edges.iter().filter_map(|(key, timeline)| {
            let mut sum = timeline.sum(from, now + MINUTE);
            sum.requests.over = now.since(timeline.began.unwrap_or(now).max(from));
            (sum.requests.total > 0).then_some((key, sum))
        });
        let mut edges: BTreeMap<Names, (bool, Requests)> = BTreeMap::new();
        let sums = resolved(sums, is_service);
        let fed: BTreeSet<Node> = sums.keys().map(|key| key.to.clone()).collect();
        for (EdgeKey { environment, from, to }, minute) in sums {
            // A caller by name is a service, or a queue that is somebody's callee.
            if from.kind == NodeKind::Queue && !fed.contains(&from) {
                continue;
            }
            let external = to.kind != NodeKind::Service;
            let (was_external, requests) = edges
                .entry((environment, from.name, to.name))
                .or_insert((true, Requests::default()));
            *was_external &= external;
            requests.over = requests.over.max(minute.requests.over);
            requests.merge(&minute.requests);
        }
        edges
            .into_iter()
            .map(|((environment, caller, callee), (external, requests))| Edge {
                environment,
                caller,
                callee,
                external,
                requests,
            })
            .collect()
    }
}

/// Edges to external nodes that are services lead to these.
fn resolved<'a>(
    edges: impl Iterator<Item = (&'a EdgeKey, Minute)>,
    is_service: impl Fn(&str, &str) -> bool,
) -> BTreeMap<EdgeKey, Minute> {
    let edges: Vec<_> = edges.collect();
    let mut services: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (key, _) in &edges {
        for node in [&key.from, &key.to] {
            if node.kind == NodeKind::Service {
                services.insert((&key.environment, &node.name));
            }
        }
    }
    let mut resolved: BTreeMap<EdgeKey, Minute> = BTreeMap::new();
    for (key, minute) in &edges {
        let mut key = (*key).clone();
        let (environment, name) = (&*key.environment, &*key.to.name);
        if key.to.kind == NodeKind::External
            && (services.contains(&(environment, name)) || is_service(environment, name))
        {
            key.to.kind = NodeKind::Service;
        }
        let over = minute.requests.over;
        let sum = resolved.entry(key).or_default();
        sum.merge(minute);
        sum.requests.over = sum.requests.over.max(over);
    }
    resolved
}
