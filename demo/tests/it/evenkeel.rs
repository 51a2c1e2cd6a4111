//! Enough of Evenkeel for a deployer and its services: a gate, a list of deploys, and an ear for OTLP.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
};
use prost::Message;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

/// A span, as far as the tests look.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeenSpan {
    pub service: String,
    pub version: String,
    pub name: String,
    pub kind: i32,
    pub failed: bool,
    pub trace: Vec<u8>,
    pub user: Option<String>,
    pub has_exception: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub spans: Mutex<Vec<SeenSpan>>,
    pub metrics: Mutex<BTreeSet<String>>,
    pub logs: Mutex<Vec<String>>,
    pub deploys: Mutex<Vec<Value>>,
    /// Something arrived.
    pub arrived: Notify,
}

/// Listens on a free port; allows every version but `blocked`.
pub(crate) async fn start(blocked: &'static str) -> (String, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = Arc::clone(&shared);
            let service = service_fn(move |request| answer(Arc::clone(&seen), blocked, request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, seen)
}

async fn answer(
    seen: Arc<Seen>,
    blocked: &str,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = match path.as_str() {
        "/v1/traces" => seen.take_spans(&body),
        "/v1/metrics" => seen.take_metrics(&body),
        "/v1/logs" => seen.take_logs(&body),
        "/evenkeel/v1/gate/check" => {
            let question: Value = serde_json::from_slice(&body).unwrap();
            let outcome = if question["version"] == blocked { "block" } else { "allow" };
            json!({"outcome": outcome, "sentence": format!("the gate says {outcome}")}).to_string()
        }
        "/evenkeel/v1/deploys" => {
            let mut deploys = seen.deploys.lock().unwrap();
            deploys.push(serde_json::from_slice(&body).unwrap());
            json!({"seq": deploys.len(), "id": format!("dpl_{}", deploys.len())}).to_string()
        }
        other => panic!("nobody asks for `{other}`"),
    };
    seen.arrived.notify_waiters();
    Ok(Response::new(Full::from(text)))
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(AnyValue { value: Some(Any::StringValue(text)) }) => Some(text.clone()),
        _ => None,
    }
}

impl Seen {
    fn take_spans(&self, body: &[u8]) -> String {
        for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            let emitter = resource.resource.unwrap().attributes;
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                self.spans.lock().unwrap().push(SeenSpan {
                    service: text(&emitter, "service.name").unwrap(),
                    version: text(&emitter, "service.version").unwrap(),
                    name: span.name,
                    kind: span.kind,
                    failed: span.status.is_some_and(|status| status.code == 2),
                    trace: span.trace_id,
                    user: text(&span.attributes, "enduser.id"),
                    has_exception: span.events.iter().any(|event| event.name == "exception"),
                });
            }
        }
        String::new()
    }

    fn take_metrics(&self, body: &[u8]) -> String {
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        let scopes =
            request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        self.metrics
            .lock()
            .unwrap()
            .extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
        String::new()
    }

    fn take_logs(&self, body: &[u8]) -> String {
        let request = ExportLogsServiceRequest::decode(body).unwrap();
        let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        for record in scopes.flat_map(|scope| scope.log_records) {
            assert_eq!(record.trace_id.len(), 16, "a log record belongs to a trace");
            if let Some(AnyValue { value: Some(Any::StringValue(text)) }) = record.body {
                self.logs.lock().unwrap().push(text);
            }
        }
        String::new()
    }

    /// Spans of kind server of one service.
    pub(crate) fn server_spans(&self, service: &str) -> Vec<SeenSpan> {
        let spans = self.spans.lock().unwrap();
        spans.iter().filter(|span| span.service == service && span.kind == 2).cloned().collect()
    }
}
