//! A traced call to a peer.
//!
//! **Invariant:** another instance is asked only when nothing was sent to the first one, so that no request happens twice.

use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE};
use opentelemetry::Context;
use serde_json::Value;

use super::{Instance, behaviour::Failure};
use crate::{net::SendError, topology::Part};

/// What is asked of a peer.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) peer: Part,
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Value,
}

impl Instance {
    pub(super) async fn get(&self, cx: &Context, peer: Part, path: &str) -> Result<Value, Failure> {
        self.call(cx, &Ask { peer, method: Method::GET, path, body: Value::Null }).await
    }

    pub(super) async fn post(
        &self,
        cx: &Context,
        peer: Part,
        path: &str,
        body: Value,
    ) -> Result<Value, Failure> {
        self.call(cx, &Ask { peer, method: Method::POST, path, body }).await
    }

    /// Asks the instances of a peer in turn until one takes the connection.
    pub(super) async fn call(&self, cx: &Context, ask: &Ask<'_>) -> Result<Value, Failure> {
        for address in self.peers.in_turn(ask.peer.name()) {
            match self.call_at(cx, ask, &address).await {
                Some(outcome) => return outcome,
                None => continue,
            }
        }
        Err(Failure::upstream(ask.peer, "is not there"))
    }

    /// Nothing when the instance took no connection.
    async fn call_at(
        &self,
        cx: &Context,
        ask: &Ask<'_>,
        address: &str,
    ) -> Option<Result<Value, Failure>> {
        let mut request = match build(ask, address) {
            Ok(request) => request,
            Err(error) => return Some(Err(Failure::upstream(ask.peer, &error.to_string()))),
        };
        let cx = self.telemetry.client_span(cx, ask.peer.name(), &mut request);
        match self.client.send(request).await {
            Ok(response) => {
                let status = response.status();
                self.telemetry.called(&cx, Ok(status));
                Some(match status.is_success() {
                    true => Ok(serde_json::from_slice(response.body()).unwrap_or(Value::Null)),
                    false => {
                        Err(Failure::upstream(ask.peer, &format!("answered {}", status.as_u16())))
                    }
                })
            }
            Err(SendError::Connect { .. }) => {
                self.telemetry.called(&cx, Err("connection_refused"));
                None
            }
            Err(SendError::Timeout { .. }) => {
                self.telemetry.called(&cx, Err("timeout"));
                Some(Err(Failure::upstream(ask.peer, "did not answer in time")))
            }
            Err(SendError::Exchange { .. } | SendError::Body { .. }) => {
                self.telemetry.called(&cx, Err("connection_lost"));
                Some(Err(Failure::upstream(ask.peer, "broke the connection")))
            }
        }
    }
}

fn build(ask: &Ask<'_>, address: &str) -> anyhow::Result<Request<Bytes>> {
    let request =
        Request::builder().method(ask.method.clone()).uri(format!("{address}{}", ask.path));
    Ok(match &ask.body {
        Value::Null => request.body(Bytes::new())?,
        body => {
            let request = request.header(CONTENT_TYPE, "application/json");
            request.body(Bytes::from(serde_json::to_vec(body)?))?
        }
    })
}
