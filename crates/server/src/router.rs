//! Puts the routes of each listener together, behind the guard and the headers.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use model::{Clock, Limits};

use app::app::Readiness;

use crate::{
    Metrics, Problem, ServerConfig, TelemetrySink, base_path,
    body::{BodyLimits, BodyReader},
    guard::{self, Guard, session::Sessions},
    headers::{self, Https},
    intake::Intake,
    metrics,
    problem::shown::{self, Shown},
    sign_in,
    wire::{otlp_grpc, otlp_http, remote_write},
};

/// Says whether the server can do its work.
pub type Ready = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// What the routes need.
pub struct Parts {
    /// Takes telemetry.
    pub sink: Arc<dyn TelemetrySink>,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    pub metrics: Metrics,
    /// For `/readyz`.
    pub ready: Ready,
    /// API, pages and assets: served at the main listener behind the guard.
    pub extra: Router,
}

/// The routes of each listener.
#[derive(Clone, Debug)]
pub struct Listeners {
    pub main: Router,
    pub otlp_grpc: Router,
    pub otlp_http: Router,
}

/// All routes.
pub fn build(parts: Parts, config: &ServerConfig) -> Listeners {
    let Parts { sink, clock, limits, metrics, ready, extra } = parts;
    let reader = body_reader(&limits, config);
    let translation = config.otlp.clone();
    let intake = Intake::new(sink, clock, limits, translation, reader.clone(), metrics.clone());
    let https = config.external_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let base = config.base_path();
    let sessions = Sessions::new(https, Arc::clone(&base));
    let health = health(ready);
    let otlp = otlp_http::router(intake.clone());
    let sign_in = sign_in::router(sign_in::SignIn::new(config, sessions.clone(), reader.clone()));
    let main = Router::new()
        .merge(health.clone())
        .merge(otlp.clone())
        .merge(remote_write::router(intake.clone()))
        .merge(sign_in)
        .route("/metrics", get(render_metrics).with_state(metrics.clone()))
        .merge(extra);
    let otlp_http = Router::new().merge(health).merge(otlp);
    let otlp_grpc = otlp_grpc::router(intake);
    let finish = |router: Router, address| {
        let guard = Guard::new(config, address, sessions.clone(), metrics.clone());
        let shown = Shown { base: Arc::clone(&base), metrics: metrics.clone() };
        let router = router
            .fallback(missing)
            .method_not_allowed_fallback(wrong_method)
            .layer(Extension(reader.clone()))
            .layer(Extension(sessions.clone()))
            .layer(middleware::from_fn(readable))
            .layer(middleware::from_fn_with_state(guard, guard::guard))
            .layer(middleware::from_fn_with_state(shown, shown::show))
            .layer(middleware::from_fn_with_state(Https(https), headers::add));
        base_path::below(&base, router)
    };
    Listeners {
        main: finish(main, config.listen),
        otlp_grpc: finish(otlp_grpc, config.otlp_grpc_listen.unwrap_or(config.listen)),
        otlp_http: finish(otlp_http, config.otlp_http_listen.unwrap_or(config.listen)),
    }
}

fn body_reader(limits: &Limits, config: &ServerConfig) -> BodyReader {
    let (timeouts, connections) = (&config.timeouts, &config.connections);
    let limits = BodyLimits {
        bytes_max: limits.body_bytes_max,
        ratio_max: limits.inflation_ratio_max,
        grace: timeouts.body_grace,
        bytes_per_s_min: timeouts.body_bytes_per_s_min,
        decode_wait: timeouts.decode_wait,
    };
    BodyReader::new(limits, connections.buffered_bytes_max, connections.decoders_max)
}

fn health(ready: Ready) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/-/healthy", get(|| async { "ok\n" }))
        .route("/readyz", get(is_ready))
        .route("/-/ready", get(is_ready))
        .with_state(ready)
}

async fn is_ready(State(ready): State<Ready>, drain: Option<Extension<crate::Drain>>) -> Response {
    let stopping = drain.is_some_and(|Extension(drain)| drain.has_started());
    let readiness = match stopping {
        true => Readiness::NotReady("the server is shutting down".to_owned()),
        false => ready(),
    };
    match readiness {
        Readiness::Ready => "ok\n".into_response(),
        // Paging runs on: whoever sends traffic must go on sending it.
        Readiness::Degraded(why) => format!("degraded: {why}\n").into_response(),
        Readiness::NotReady(why) => {
            let title = "The server is not ready";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", title, why).into_response()
        }
    }
}

async fn render_metrics(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.render()).into_response()
}

/// Refuses a path that is no UTF-8 behind its percent signs, before a handler takes a name from it.
async fn readable(request: axum::extract::Request, next: middleware::Next) -> Response {
    let path = request.uri().path();
    if is_utf8(path) {
        return next.run(request).await;
    }
    let detail = "the path is not UTF-8 once it is decoded";
    match path.starts_with("/api/v1/") {
        true => crate::api::prometheus_bad_data(detail),
        false => Problem::malformed(detail).into_response_for(request.headers()),
    }
}

fn is_utf8(path: &str) -> bool {
    let mut rest = path.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let hex =
            after.get(..2).filter(|hex| *first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    std::str::from_utf8(&decoded).is_ok()
}

async fn missing(request: axum::extract::Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    Problem::not_found(format!("there is nothing at `{path}`")).into_response_for(request.headers())
}

async fn wrong_method(request: axum::extract::Request) -> Response {
    let detail = format!("`{}` is not allowed here", request.method());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "The method is not allowed",
        detail,
    )
    .into_response_for(request.headers())
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_degraded_is_still_sent_to() {
        let check = async |readiness: Readiness| {
            let ready: Ready = Arc::new(move || readiness.clone());
            let response = is_ready(State(ready), None).await;
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            (status, String::from_utf8_lossy(&body).into_owned())
        };
        assert_eq!(check(Readiness::Ready).await, (200, "ok\n".into()));
        let degraded = Readiness::Degraded("the journal is broken".into());
        assert_eq!(check(degraded).await, (200, "degraded: the journal is broken\n".into()));
        let (status, body) = check(Readiness::NotReady("the disk is full".into())).await;
        assert!(status == 503 && body.contains("the disk is full"), "{status} {body}");
    }
}
