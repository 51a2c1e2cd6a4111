//! Calls between services, joined from the two spans that each call leaves.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use model::{Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, value::attribute};

use crate::{Key, Requests, limits, window::Window};

/// How long a client span waits for the server's; after that its peer counts as external.
const WAIT: Duration = Duration::from_secs(30);

/// Calls from one service to another in the last ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub environment: Box<str>,
    pub caller: Box<str>,
    pub callee: Box<str>,
    /// The callee sends no telemetry: its name comes from the caller's spans.
    pub external: bool,
    pub requests: Requests,
}

/// Environment, caller, callee.
type Pair = (Box<str>, Box<str>, Box<str>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    edges: BTreeMap<Pair, (bool, Window)>,
    /// Client spans, by their own id, until the server's span names them as its parent.
    clients: BTreeMap<(TraceId, SpanId), Client>,
    /// Server spans that came before their parent, by the parent's id.
    servers: BTreeMap<(TraceId, SpanId), Server>,
    /// What waits, oldest first, with the time at which it gives up.
    waiting: VecDeque<(Timestamp, (TraceId, SpanId))>,
}

/// One call, as one of its spans tells it.
struct Call {
    external: bool,
    failed: bool,
    took: Duration,
}

#[derive(Clone, Debug)]
struct Client {
    caller: Key,
    peer: Option<Box<str>>,
    failed: bool,
    took: Duration,
}

#[derive(Clone, Debug)]
struct Server {
    callee: Box<str>,
    failed: bool,
    took: Duration,
}

impl Calls {
    pub(crate) fn observe(&mut self, span: &Span, service: &Key, now: Timestamp) {
        let failed = span.status == SpanStatus::Error;
        match span.kind {
            SpanKind::Server | SpanKind::Consumer => {
                let Some(parent) = span.parent else { return };
                let id = (span.trace_id, parent);
                if let Some(client) = self.clients.remove(&id) {
                    let call = Call { external: false, failed, took: span.duration() };
                    self.add(client.caller, service.0.clone(), call, now);
                } else {
                    let server =
                        Server { callee: service.0.clone(), failed, took: span.duration() };
                    self.wait(id, now);
                    self.servers.insert(id, server);
                }
            }
            SpanKind::Client | SpanKind::Producer => {
                let id = (span.trace_id, span.span_id);
                if let Some(server) = self.servers.remove(&id) {
                    let call = Call { external: false, failed: server.failed, took: server.took };
                    self.add(service.clone(), server.callee, call, now);
                } else {
                    let client = Client {
                        caller: service.clone(),
                        peer: peer(span),
                        failed,
                        took: span.duration(),
                    };
                    self.wait(id, now);
                    self.clients.insert(id, client);
                }
            }
            SpanKind::Internal | SpanKind::Unspecified => {}
        }
    }

    pub(crate) fn sweep(&mut self, now: Timestamp) {
        while self.waiting.front().is_some_and(|(until, _)| *until <= now) {
            self.give_up(now);
        }
        self.edges.retain(|_, (_, window)| !window.is_quiet(now));
    }

    pub(crate) fn edges(&self, now: Timestamp, span: Duration) -> Vec<Edge> {
        self.edges
            .iter()
            .map(|((environment, caller, callee), (external, window))| Edge {
                environment: environment.clone(),
                caller: caller.clone(),
                callee: callee.clone(),
                external: *external,
                requests: window.sum(now, span),
            })
            .filter(|edge| edge.requests.total > 0)
            .collect()
    }

    fn wait(&mut self, id: (TraceId, SpanId), now: Timestamp) {
        if self.waiting.len() >= limits::PENDING_MAX {
            self.give_up(now);
        }
        self.waiting.push_back((now + WAIT, id));
    }

    /// Stops waiting for the oldest span's other half: a client's peer then counts as external.
    fn give_up(&mut self, now: Timestamp) {
        let Some((_, id)) = self.waiting.pop_front() else { return };
        self.servers.remove(&id);
        if let Some(client) = self.clients.remove(&id)
            && let Some(peer) = client.peer
        {
            let call = Call { external: true, failed: client.failed, took: client.took };
            self.add(client.caller, peer, call, now);
        }
    }

    fn add(&mut self, caller: Key, callee: Box<str>, call: Call, now: Timestamp) {
        let Call { external, failed, took } = call;
        let (service, environment) = caller;
        // A service that calls itself is no dependency.
        if service == callee {
            return;
        }
        let pair = (environment, service, callee);
        if !self.edges.contains_key(&pair) && self.edges.len() >= limits::EDGES_MAX {
            return;
        }
        let (was_external, window) =
            self.edges.entry(pair).or_insert_with(|| (external, Window::default()));
        *was_external &= external;
        window.add(now, failed, took);
    }
}

/// The name that a client span gives its peer.
fn peer(span: &Span) -> Option<Box<str>> {
    ["peer.service", "server.address", "db.system", "messaging.system"]
        .iter()
        .find_map(|key| attribute(&span.attributes, key)?.as_str().map(Into::into))
}
