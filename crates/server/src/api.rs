//! Our own API under `/evenkeel/v1`, and Prometheus' query API under `/api/v1`.
//!
//! A handler reads the request (`request`), asks `app`, and shows what came of it (`view`). It decides nothing.

mod cdevents;
mod deploys;
mod error;
mod forwarding;
mod incidents;
mod journal;
mod openapi;
mod postmortem;
mod prometheus;
mod promql;
mod repo;
mod request;
mod scrape;
mod services;
mod slos;
mod sql;
mod status;
mod store;
mod stream;
mod telemetry;
mod timeline;
mod view;

use std::sync::Arc;

use app::App;
use axum::{Router, extract::FromRef, routing::MethodRouter};

use crate::{
    Addresses, Drain, Metrics, ServerConfig,
    wire::api::{Listener, ListenerPurpose},
};

pub use forwarding::measure_forwarding;
pub(crate) use incidents::{order, summary};
pub use prometheus::PrometheusInfo;
pub(crate) use prometheus::refused as prometheus_bad_data;
pub use scrape::measure_scraping;
pub use store::measure_store;
pub use telemetry::Sink;

/// What the API says of the server that it runs in.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) drain: Drain,
    /// Where people reach the server; no slash at the end.
    pub(crate) external_url: Arc<str>,
    /// What the server has counted.
    pub(crate) metrics: Metrics,
    /// What Prometheus' API shows of the configuration.
    pub(crate) prometheus: PrometheusInfo,
}

impl ServerInfo {
    pub fn new(
        addresses: &Addresses,
        config: &ServerConfig,
        drain: Drain,
        external_url: &str,
        metrics: Metrics,
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
            metrics,
            prometheus: PrometheusInfo::default(),
        }
    }

    /// With what Prometheus' API is to show.
    #[must_use]
    pub fn with_prometheus(self, prometheus: PrometheusInfo) -> Self {
        Self { prometheus, ..self }
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

/// Our own routes, once for the router and once for the test that compares them with their description.
macro_rules! routes {
    ($($path:literal => $($method:ident($handler:path)),+;)+) => {
        #[cfg(test)]
        const ROUTES: &[(&str, &str)] = &[$($(($path, stringify!($method))),+),+];

        fn own() -> Router<Context> {
            Router::new()$(.route($path, MethodRouter::new()$(.$method($handler))+))+
        }
    };
}

routes! {
    "/promql/functions" => get(promql::functions);
    "/promql/lint" => post(promql::lint);
    "/sql" => post(sql::answer);
    "/slos" => get(slos::list);
    "/slos/{name}" => get(slos::one);
    "/slos/{name}/history" => get(slos::history);
    "/slos/{name}/backfill" => post(slos::backfill);
    "/incidents" => get(incidents::list);
    "/incidents/{id}" => get(incidents::one);
    "/incidents/{id}/timeline" => get(timeline::timeline);
    "/incidents/{id}/acknowledge" => post(incidents::acknowledge);
    "/incidents/{id}/assign" => post(incidents::assign);
    "/incidents/{id}/updates" => post(incidents::update);
    "/incidents/{id}/resolve" => post(incidents::resolve);
    "/incidents/{id}/severity" => post(incidents::severity);
    "/incidents/{id}/rollback" => post(incidents::roll_back);
    "/incidents/{id}/postmortem" => get(postmortem::read), post(postmortem::write);
    "/deploys" => get(deploys::list), post(deploys::record);
    "/gate/check" => post(deploys::check);
    "/gate/verdicts" => get(deploys::verdicts);
    "/gate/verdicts/{id}" => get(deploys::verdict);
    "/gate/verdicts/{id}/replay" => post(deploys::replay);
    "/cdevents" => post(cdevents::take);
    "/repo/check" => post(repo::check);
    "/repo/diff" => post(repo::diff);
    "/repo/apply" => post(repo::apply);
    "/services" => get(services::list);
    "/services/map" => get(services::map);
    "/journal" => get(journal::list);
    "/journal/verify" => get(journal::verify);
    "/journal/accept-break" => post(journal::accept_break);
    "/metrics/verify" => get(store::verify);
    "/notifications/test" => post(journal::test_page);
    "/events" => get(stream::events);
    "/status" => get(status::status);
    "/whoami" => get(status::whoami);
    "/openapi.json" => get(openapi::document);
}

/// All routes of the API.
pub fn router(app: Arc<App>, info: ServerInfo) -> Router {
    let context = Context { app, info: Arc::new(info) };
    Router::new().nest("/evenkeel/v1", own()).merge(prometheus::routes()).with_state(context)
}
