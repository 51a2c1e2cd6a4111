//! Our own API under `/evenkeel/v1`, and Prometheus' query API under `/api/v1`.
//!
//! A handler reads the request (`request`), asks `app`, and shows what came of it (`view`). It decides nothing.

mod cdevents;
mod deploys;
mod error;
mod incidents;
mod journal;
mod openapi;
mod postmortem;
mod prometheus;
mod repo;
mod request;
mod services;
mod slos;
mod status;
mod stream;
mod telemetry;
mod timeline;
mod view;

use std::sync::Arc;

use app::App;
use axum::{
    Router,
    extract::FromRef,
    routing::{get, post},
};

use crate::{
    Addresses, Drain, ServerConfig,
    wire::api::{Listener, ListenerPurpose},
};

pub(crate) use incidents::{order, summary};
pub(crate) use prometheus::refused as prometheus_bad_data;
pub use telemetry::Sink;

/// What the API says of the server that it runs in.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) drain: Drain,
    /// Where people reach the server; no slash at the end.
    pub(crate) external_url: Arc<str>,
}

impl ServerInfo {
    pub fn new(
        addresses: &Addresses,
        config: &ServerConfig,
        drain: Drain,
        external_url: &str,
    ) -> Self {
        let is_open = |address: &std::net::SocketAddr| {
            address.ip().is_loopback() || config.insecure_listen.contains(address)
        };
        let listener = |purpose, address: std::net::SocketAddr, tokens: bool| Listener {
            purpose,
            url: format!("http://{address}"),
            token_required: tokens || !is_open(&address),
        };
        let (api, ingest) = (!config.api_tokens.is_empty(), !config.ingest_tokens.is_empty());
        let grpc =
            addresses.otlp_grpc.map(|address| listener(ListenerPurpose::OtlpGrpc, address, ingest));
        let http =
            addresses.otlp_http.map(|address| listener(ListenerPurpose::OtlpHttp, address, ingest));
        let main = listener(ListenerPurpose::Http, addresses.main, api);
        Self {
            listeners: [Some(main), grpc, http].into_iter().flatten().collect(),
            drain,
            external_url: external_url.into(),
        }
    }
}

/// What every handler may use.
#[derive(Clone, Debug)]
struct Context {
    app: Arc<App>,
    info: Arc<ServerInfo>,
}

impl FromRef<Context> for Arc<App> {
    fn from_ref(context: &Context) -> Self {
        Arc::clone(&context.app)
    }
}

impl FromRef<Context> for Arc<ServerInfo> {
    fn from_ref(context: &Context) -> Self {
        Arc::clone(&context.info)
    }
}

/// All routes of the API.
pub fn router(app: Arc<App>, info: ServerInfo) -> Router {
    let own = Router::new()
        .merge(incident_routes())
        .route("/slos", get(slos::list))
        .route("/slos/{name}", get(slos::one))
        .route("/slos/{name}/history", get(slos::history))
        .route("/slos/{name}/backfill", post(slos::backfill))
        .route("/deploys", get(deploys::list).post(deploys::record))
        .route("/gate/check", post(deploys::check))
        .route("/gate/verdicts", get(deploys::verdicts))
        .route("/gate/verdicts/{id}", get(deploys::verdict))
        .route("/gate/verdicts/{id}/replay", post(deploys::replay))
        .route("/cdevents", post(cdevents::take))
        .route("/repo/check", post(repo::check))
        .route("/repo/diff", post(repo::diff))
        .route("/repo/apply", post(repo::apply))
        .route("/services", get(services::list))
        .route("/services/map", get(services::map))
        .route("/journal", get(journal::list))
        .route("/journal/verify", get(journal::verify))
        .route("/journal/accept-break", post(journal::accept_break))
        .route("/notifications/test", post(journal::test_page))
        .route("/events", get(stream::events))
        .route("/status", get(status::status))
        .route("/whoami", get(status::whoami))
        .route("/openapi.json", get(openapi::document));
    let context = Context { app, info: Arc::new(info) };
    Router::new().nest("/evenkeel/v1", own).merge(prometheus::routes()).with_state(context)
}

fn incident_routes() -> Router<Context> {
    Router::new()
        .route("/incidents", get(incidents::list))
        .route("/incidents/{id}", get(incidents::one))
        .route("/incidents/{id}/timeline", get(timeline::timeline))
        .route("/incidents/{id}/acknowledge", post(incidents::acknowledge))
        .route("/incidents/{id}/assign", post(incidents::assign))
        .route("/incidents/{id}/updates", post(incidents::update))
        .route("/incidents/{id}/resolve", post(incidents::resolve))
        .route("/incidents/{id}/severity", post(incidents::severity))
        .route("/incidents/{id}/rollback", post(incidents::roll_back))
        .route("/incidents/{id}/postmortem", get(postmortem::read).post(postmortem::write))
}
