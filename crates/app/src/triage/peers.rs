//! Whom a failing call was made to: the service that took it, where that one sends telemetry; else the peer's name.
//!
//! A call that times out has no erring child: the callee answers late, or never. Its client span names an address, and an
//! address is no suspect where it is known who is behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Span, SpanId, SpanStatus, TraceId, Value, value::attribute};

/// Whom a client span that failed called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// One that sends telemetry; its own span's name and version, where it has one.
    Service {
        name: Box<str>,
        operation: Option<Box<str>>,
        version: Box<str>,
    },
    /// One that answered well and in time: the caller failed by itself.
    NotToBlame,
    /// One that sends no telemetry.
    Outside(Box<str>),
    Unnamed,
}

/// What is known of the other ends of calls.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// Services that send telemetry.
    services: BTreeSet<Box<str>>,
    /// The span that a call led to, by the call's own.
    served: HashMap<(TraceId, SpanId), Served>,
    /// Who answers at an address, as calls that had an answer tell it.
    at_address: BTreeMap<String, Box<str>>,
}

#[derive(Debug)]
struct Served {
    service: Box<str>,
    operation: Box<str>,
    version: Box<str>,
    failed: bool,
    took: std::time::Duration,
}

impl Peers {
    pub(super) fn new(services: impl IntoIterator<Item = Box<str>>) -> Self {
        Self { services: services.into_iter().collect(), ..Self::default() }
    }

    /// Takes note of requests that were served.
    pub(super) fn serve<'a>(&mut self, spans: impl IntoIterator<Item = &'a Span>) {
        for span in spans {
            let Some(parent) = span.parent else { continue };
            let served = Served {
                service: span.resource.service.clone(),
                operation: span.name.clone(),
                version: span.resource.version.clone(),
                failed: span.status == SpanStatus::Error,
                took: span.duration(),
            };
            self.served.insert((span.trace_id, parent), served);
        }
    }

    /// Learns from calls, whether or not they failed, who answers at which address.
    pub(super) fn learn<'a>(&mut self, calls: impl IntoIterator<Item = &'a Span>) {
        for span in calls {
            let served = self.served.get(&(span.trace_id, span.span_id));
            if let Some((served, address)) = served.zip(address(span)) {
                self.at_address.insert(address, served.service.clone());
            }
        }
    }

    /// Whether the call names only an address of which nobody knows who is there.
    pub(super) fn is_unknown(&self, call: &Span) -> bool {
        address(call).is_some() && matches!(self.callee(call), Callee::Outside(_))
    }

    pub(super) fn callee(&self, call: &Span) -> Callee {
        if let Some(served) = self.served.get(&(call.trace_id, call.span_id)) {
            // Durations, for the clocks of two machines differ.
            if !served.failed && served.took < call.duration() / 2 {
                return Callee::NotToBlame;
            }
            return Callee::Service {
                name: served.service.clone(),
                operation: Some(served.operation.clone()),
                version: served.version.clone(),
            };
        }
        let service =
            |name: &str| Callee::Service { name: name.into(), operation: None, version: "".into() };
        let named = text(call, "peer.service");
        if let Some(name) = named {
            return match self.services.get(name) {
                Some(name) => service(name),
                None => Callee::Outside(name.into()),
            };
        }
        let Some(host) = text(call, "server.address") else { return Callee::Unnamed };
        let known = address(call).and_then(|address| self.at_address.get(&address));
        match known.or_else(|| self.services.get(service_of(host))) {
            Some(name) => service(name),
            None => Callee::Outside(host.into()),
        }
    }
}

/// The service that a host's name stands for inside a cluster: `payment` of `payment.shop.svc.cluster.local`.
fn service_of(host: &str) -> &str {
    let inside = host.ends_with(".svc") || host.ends_with(".local") || host.ends_with(".internal");
    match host.split_once('.') {
        Some((first, _)) if inside => first,
        _ => host,
    }
}

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    attribute(&span.attributes, key)?.as_str()
}

/// Host and port.
fn address(span: &Span) -> Option<String> {
    let host = text(span, "server.address")?;
    let port = attribute(&span.attributes, "server.port").map(Value::to_string);
    Some(format!("{host}:{}", port.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use model::{Resource, SpanKind, Timestamp};

    use super::*;

    fn span(id: u64, service: &str, took_ms: u64) -> Span {
        let start = Timestamp::from_secs(1_795_400_000);
        Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId(id.to_be_bytes()),
            resource: Arc::new(Resource { service: service.into(), ..Resource::default() }),
            name: "POST".into(),
            kind: SpanKind::Client,
            start,
            end: start + Duration::from_millis(took_ms),
            status: SpanStatus::Error,
            ..Span::default()
        }
    }

    fn call(id: u64, attributes: &[(&str, &str)]) -> Span {
        let attributes =
            attributes.iter().map(|(key, value)| ((*key).into(), Value::string(*value)));
        Span { attributes: attributes.collect(), ..span(id, "checkout", 1000) }
    }

    /// What `payment` served for the call of that id.
    fn served(id: u64, took_ms: u64, status: SpanStatus) -> Span {
        let parent = Some(SpanId(id.to_be_bytes()));
        let name = "POST /charge".into();
        Span { parent, status, name, ..span(id + 1000, "payment", took_ms) }
    }

    fn peers() -> Peers {
        let mut peers = Peers::new(["payment".into(), "api".into()]);
        peers.serve([
            &served(1, 3000, SpanStatus::Unset),
            &served(2, 5, SpanStatus::Unset),
            &served(3, 5, SpanStatus::Error),
        ]);
        peers.learn([&call(2, &[("server.address", "10.0.0.5"), ("server.port", "80")])]);
        peers
    }

    fn check(id: u64, attributes: &[(&str, &str)]) -> String {
        match peers().callee(&call(id, attributes)) {
            Callee::Service { name, operation, .. } => {
                format!("{name} {}", operation.unwrap_or_default())
            }
            Callee::NotToBlame => "not to blame".to_owned(),
            Callee::Outside(peer) => format!("outside {peer}"),
            Callee::Unnamed => "unnamed".to_owned(),
        }
    }

    #[test]
    fn the_span_that_a_call_led_to_says_who_served_it() {
        let address = [("server.address", "10.0.0.9")];
        assert_eq!(check(1, &address), "payment POST /charge");
        assert_eq!(check(3, &address), "payment POST /charge");
        assert_eq!(check(2, &address), "not to blame");
    }

    #[test]
    fn a_service_that_sends_telemetry_is_no_address() {
        assert_eq!(check(9, &[("server.address", "10.0.0.5"), ("server.port", "80")]), "payment ");
        assert_eq!(check(9, &[("server.address", "payment")]), "payment ");
        assert_eq!(check(9, &[("server.address", "payment.shop.svc.cluster.local")]), "payment ");
        assert_eq!(
            check(9, &[("peer.service", "payment"), ("server.address", "10.0.0.9")]),
            "payment "
        );
    }

    #[test]
    fn what_is_not_known_is_named_as_the_call_names_it() {
        let other_port = [("server.address", "10.0.0.5"), ("server.port", "81")];
        assert_eq!(check(9, &other_port), "outside 10.0.0.5");
        assert_eq!(check(9, &[("server.address", "api.stripe.com")]), "outside api.stripe.com");
        assert_eq!(check(9, &[("peer.service", "stripe")]), "outside stripe");
        assert_eq!(check(9, &[]), "unnamed");
        assert!(peers().is_unknown(&call(9, &other_port)));
        assert!(!peers().is_unknown(&call(9, &[("peer.service", "stripe")])));
    }
}
