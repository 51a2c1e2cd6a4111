//! OTLP over gRPC: the services for traces, metrics and logs.
//!
//! A message is read and inflated here, by the same bounded reader as all bodies, and handed to tonic uncompressed: tonic's own
//! inflater bounds the size, but neither the ratio, the window, nor how many messages are inflated at once.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tonic::{Status, async_trait};

use crate::{
    Problem,
    body::{BodyError, Encoding, Turn},
    intake::{Intake, Protocol},
    wire::{
        otlp::{Export, Partial},
        rpc_status,
        weigh::{self, Shape},
    },
};

/// A message's flag and length (gRPC over HTTP/2).
const PREFIX_BYTES: usize = 5;
const ALLOWED: &str = "`gzip`, `zstd`, `identity`";
const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip,zstd,identity");

/// The message's turn on its way through tonic; the service takes it.
#[derive(Clone, Debug)]
struct Ticket(Arc<Mutex<Option<Turn>>>);

/// The three services.
pub(crate) fn router(intake: Intake) -> Router {
    let bytes_max = intake.reader.limits().bytes_max;
    let services = Services(intake.clone());
    let routes = tonic::service::Routes::new(
        TraceServiceServer::new(services.clone()).max_decoding_message_size(bytes_max),
    )
    .add_service(MetricsServiceServer::new(services.clone()).max_decoding_message_size(bytes_max))
    .add_service(LogsServiceServer::new(services).max_decoding_message_size(bytes_max));
    routes.into_axum_router().layer(middleware::from_fn_with_state(intake, admit)).reset_fallback()
}

/// Reads and inflates the message before tonic sees it; says which encodings are taken, which tonic, not knowing any, does not.
async fn admit(State(intake): State<Intake>, request: Request, next: Next) -> Response {
    let mut response = admitted(&intake, request, next).await;
    response.headers_mut().insert("grpc-accept-encoding", ACCEPTED);
    response
}

async fn admitted(intake: &Intake, request: Request, next: Next) -> Response {
    match prepare(intake, request).await {
        Ok(request) => blame_the_sender(next.run(request).await),
        Err(problem) => {
            intake.failed(Protocol::OtlpGrpc, &problem);
            rpc_status::grpc(&problem).into_http::<Body>()
        }
    }
}

/// tonic calls a message that it cannot decode an error of ours, which a sender may send again; it is the sender's.
fn blame_the_sender(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let is = |name, text: &str| {
        headers
            .get(name)
            .is_some_and(|value: &HeaderValue| value.as_bytes().starts_with(text.as_bytes()))
    };
    // Spaces are escaped in gRPC's messages.
    if is("grpc-status", "13") && is("grpc-message", "failed%20to%20decode") {
        headers.insert("grpc-status", HeaderValue::from_static("3"));
    }
    response
}

async fn prepare(intake: &Intake, request: Request) -> Result<Request, Problem> {
    if !crate::problem::is_grpc(request.headers()) {
        return Err(Problem::unsupported("the content type is not `application/grpc`"));
    }
    let (mut parts, body) = request.into_parts();
    let raw = intake.reader.receive(&parts.headers, body).await?;
    let [flag, length @ ..] = raw
        .head::<PREFIX_BYTES>()
        .ok_or_else(|| Problem::malformed("the body ends before its message"))?;
    if u32::from_be_bytes(length) as usize != raw.len() - PREFIX_BYTES {
        return Err(Problem::malformed("the body is not one whole message"));
    }
    let encoding = match flag {
        0 => Encoding::Identity,
        1 => message_encoding(&parts.headers)?,
        _ => return Err(Problem::malformed("the message's compression flag is neither 0 nor 1")),
    };
    let (message, turn) = intake.reader.inflate_after(raw, encoding, PREFIX_BYTES).await?;
    if let Some(shape) = shape(parts.uri.path()) {
        weigh::protobuf(&message, shape, intake.reader.limits().bytes_max)?;
    }
    let length =
        u32::try_from(message.len()).map_err(|_| Problem::malformed("the message is too long"))?;
    parts.headers.remove("grpc-encoding");
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.extensions.insert(Ticket(Arc::new(Mutex::new(Some(turn)))));
    let mut prefix = vec![0];
    prefix.extend_from_slice(&length.to_be_bytes());
    let frames = [Bytes::from(prefix), Bytes::from(message)].map(Ok::<_, std::convert::Infallible>);
    Ok(Request::from_parts(parts, Body::from_stream(futures_util::stream::iter(frames))))
}

/// The message of the method; `None` for a method that there is not.
fn shape(path: &str) -> Option<&'static Shape> {
    let service = path.strip_prefix("/opentelemetry.proto.collector.")?.strip_suffix("/Export")?;
    match service {
        "trace.v1.TraceService" => Some(ExportTraceServiceRequest::SHAPE),
        "metrics.v1.MetricsService" => Some(ExportMetricsServiceRequest::SHAPE),
        "logs.v1.LogsService" => Some(ExportLogsServiceRequest::SHAPE),
        _ => None,
    }
}

fn message_encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let text = headers.get("grpc-encoding").map_or("", |value| value.to_str().unwrap_or("?"));
    match text {
        "gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        _ => {
            let found = text.chars().take(40).collect();
            let error = BodyError::Encoding { found, allowed: ALLOWED };
            // gRPC answers `unimplemented` to an encoding it does not know.
            let title = "The encoding is not supported";
            Err(Problem::new(
                StatusCode::NOT_FOUND,
                "unsupported-encoding",
                title,
                error.to_string(),
            ))
        }
    }
}

#[derive(Clone)]
struct Services(Intake);

impl Services {
    async fn export<E: Export>(
        &self,
        request: tonic::Request<E>,
    ) -> Result<tonic::Response<E::Answer>, Status> {
        let (_, extensions, message) = request.into_parts();
        let turn = extensions
            .get::<Ticket>()
            .and_then(|ticket| ticket.0.lock().unwrap_or_else(PoisonError::into_inner).take())
            .ok_or_else(|| Status::internal("the message was not admitted"))?;
        match self.0.take(Protocol::OtlpGrpc, turn, move || Ok(message.into_raw())).await {
            Ok(refused) => Ok(tonic::Response::new(E::answer(Partial::of(&refused)))),
            Err(problem) => {
                self.0.failed(Protocol::OtlpGrpc, &problem);
                Err(rpc_status::grpc(&problem))
            }
        }
    }
}

#[async_trait]
impl TraceService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        Self::export(self, request).await
    }
}

#[async_trait]
impl MetricsService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        Self::export(self, request).await
    }
}

#[async_trait]
impl LogsService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        Self::export(self, request).await
    }
}
