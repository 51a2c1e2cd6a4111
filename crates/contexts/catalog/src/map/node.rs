//! What a map's edges join: services, databases, queues, and what answers without telemetry.

use model::{Span, SpanKind, value::attribute};

use crate::cut;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum NodeKind {
    #[default]
    Service,
    Database,
    /// A queue or topic.
    Queue,
    /// Its name comes from its callers' spans; no span of its own came.
    External,
}

impl NodeKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Database => "database",
            Self::Queue => "queue",
            Self::External => "external",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Node {
    pub kind: NodeKind,
    /// The service's name, the queue's destination, the address of a database or peer.
    pub name: Box<str>,
    /// `db.system.name` or `messaging.system`; empty for other kinds, and where nobody says.
    pub system: Box<str>,
    /// `db.namespace`; empty for other kinds, and where nobody says.
    pub namespace: Box<str>,
}

/// What a span says of the map.
pub(super) enum Role {
    /// A client; the peer where it names one.
    Calls(Option<Node>),
    Queries(Node),
    /// `None` where nothing names the queue. A message that is only created has been sent by another span.
    Sends {
        queue: Option<Node>,
        created: bool,
    },
    Takes(Option<Node>),
    Serves,
    Nothing,
}

impl Node {
    pub(crate) fn new(kind: NodeKind, name: &str) -> Self {
        Self { kind, name: cut(name).into(), ..Self::default() }
    }

    pub(super) fn service(name: &str) -> Self {
        Self::new(NodeKind::Service, name)
    }
}

pub(super) fn role(span: &Span) -> Role {
    let operation = || text(span, &["messaging.operation.type", "messaging.operation"]);
    match span.kind {
        SpanKind::Internal | SpanKind::Unspecified => Role::Nothing,
        SpanKind::Server => Role::Serves,
        SpanKind::Consumer => Role::Takes(queue(span)),
        SpanKind::Producer => {
            Role::Sends { queue: queue(span), created: operation() == Some("create") }
        }
        SpanKind::Client => {
            if let Some(database) = database(span) {
                Role::Queries(database)
            } else if text(span, &["messaging.system"]).is_some() {
                match operation() {
                    Some("receive") => Role::Takes(queue(span)),
                    Some("settle" | "process") => Role::Nothing,
                    _ => Role::Sends { queue: queue(span), created: false },
                }
            } else {
                Role::Calls(peer(span))
            }
        }
    }
}

fn database(span: &Span) -> Option<Node> {
    let system = text(span, &["db.system.name", "db.system"])?;
    let namespace = text(span, &["db.namespace", "db.name"]).unwrap_or_default();
    let address = text(span, &["peer.service", "server.address", "net.peer.name"]);
    let name = address.or(Some(namespace).filter(|name| !name.is_empty())).unwrap_or(system);
    Some(Node {
        kind: NodeKind::Database,
        name: cut(name).into(),
        system: cut(system).into(),
        namespace: cut(namespace).into(),
    })
}

fn queue(span: &Span) -> Option<Node> {
    const NAMES: [&str; 3] =
        ["messaging.destination.name", "messaging.destination", "messaging.kafka.topic"];
    let system = text(span, &["messaging.system"]).unwrap_or_default();
    let name = text(span, &NAMES)?;
    let node = Node::new(NodeKind::Queue, name);
    Some(Node { system: cut(system).into(), ..node })
}

fn peer(span: &Span) -> Option<Node> {
    const NAMES: [&str; 5] =
        ["peer.service", "server.address", "net.peer.name", "rpc.service", "network.peer.address"];
    text(span, &NAMES).map(|name| Node::new(NodeKind::External, name))
}

fn text<'a>(span: &'a Span, keys: &[&str]) -> Option<&'a str> {
    keys.iter()
        .filter_map(|key| attribute(&span.attributes, key)?.as_str())
        .find(|text| !text.is_empty())
}
