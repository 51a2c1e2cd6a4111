//! Who may ask: checked before any handler, for every route, by one table.
//!
//! - `Host` must name us, against DNS rebinding; an IP address cannot be rebound, and whoever has a token needs no name.
//! - An unsafe method from a browser must come from our own pages (Fetch Metadata, else `Origin`).
//! - Where tokens are set, or the listener leaves loopback, a token or a session is asked for. `/livez` and `/readyz` are open.

pub mod host;
pub mod origin;
pub mod session;
pub mod token;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Method, StatusCode, header};

use self::{host::Hosts, session::Sessions, token::Tokens};
use crate::{Metrics, Peer, Problem, ServerConfig, problem::shown::wants_html};

/// Who sent a request; in its extensions behind the guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody asked for a name.
    Anonymous,
    /// The bearer of the token of this name.
    Token(Arc<str>),
    /// A browser whose user signed in with the token of this name.
    Session(Arc<str>),
}

impl Caller {
    /// The name of the token, or `anonymous`.
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Token(name) | Self::Session(name) => name,
        }
    }
}

/// What a path is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Area {
    /// Health, and the page to sign in.
    Open,
    Ingest,
    /// Everything else, so that a new route is closed until someone opens it.
    Api,
}

/// The guard of one listener.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hosts: Hosts,
    origin: origin::OwnOrigin,
    api: Tokens,
    ingest: Tokens,
    api_required: bool,
    ingest_required: bool,
    sessions: Sessions,
    public_prefixes: Vec<String>,
    /// The path of the external URL.
    base: Arc<str>,
    metrics: Metrics,
}

impl Guard {
    /// The guard of the listener at `listen`.
    pub fn new(
        config: &ServerConfig,
        listen: std::net::SocketAddr,
        sessions: Sessions,
        metrics: Metrics,
    ) -> Self {
        let open = listen.ip().is_loopback() || config.insecure_listen.contains(&listen);
        let (api, ingest) = (Tokens::new(&config.api_tokens), Tokens::new(&config.ingest_tokens));
        Self(Arc::new(Inner {
            hosts: Hosts::new(config),
            origin: origin::OwnOrigin::new(config.external_url.as_ref()),
            api_required: !open || !api.is_empty(),
            ingest_required: !open || !ingest.is_empty(),
            api,
            ingest,
            sessions,
            public_prefixes: config.public_prefixes.clone(),
            base: config.base_path(),
            metrics,
        }))
    }

    fn area(&self, path: &str) -> Area {
        match path {
            "/livez" | "/readyz" | "/-/healthy" | "/-/ready" | crate::sign_in::PATH => Area::Open,
            "/v1/traces" | "/v1/metrics" | "/v1/logs" | "/api/v1/write" => Area::Ingest,
            _ if path.starts_with("/opentelemetry.proto.collector.") => Area::Ingest,
            _ if self.0.public_prefixes.iter().any(|prefix| path.starts_with(prefix.as_str())) => {
                Area::Open
            }
            _ => Area::Api,
        }
    }

    /// Whether the request may pass, and as whom.
    fn check(&self, request: &Request) -> Result<Caller, (&'static str, Problem)> {
        let inner = &*self.0;
        let area = self.area(request.uri().path());
        if let Some(peer) = request.extensions().get::<Peer>()
            && peer.reserved
            && (area == Area::Ingest || wants_events(request.headers()))
        {
            return Err(("reserved", full()));
        }
        let bearer = token::bearer(request.headers());
        let holder = bearer.and_then(|secret| match area {
            Area::Ingest => inner.ingest.find(secret).or_else(|| inner.api.find(secret)),
            Area::Api | Area::Open => inner.api.find(secret),
        });
        if holder.is_none() {
            inner.hosts.check(request).map_err(|problem| ("host", problem))?;
        }
        if !is_safe(request.method()) {
            inner.origin.check(request).map_err(|problem| ("origin", problem))?;
        }
        if let Some(name) = holder {
            return Ok(Caller::Token(name));
        }
        // Telemetry is sent by machines, which have no sessions.
        let session =
            if area == Area::Ingest { None } else { inner.sessions.find(request.headers()) };
        let required = match area {
            Area::Open => false,
            Area::Ingest => inner.ingest_required,
            Area::Api => inner.api_required,
        };
        match session {
            Some(name) => Ok(Caller::Session(name)),
            None if !required => Ok(Caller::Anonymous),
            None => Err(("token", unauthorized(bearer.is_some()))),
        }
    }
}

/// The middleware.
pub async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match guard.check(&request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err((why, problem)) => {
            guard.0.metrics.guard_refused.add(&[("why", why.to_owned())], 1);
            if problem.status == StatusCode::UNAUTHORIZED && is_page_visit(&request) {
                return Redirect::to(&crate::sign_in::location(&guard.0.base, request.uri()))
                    .into_response();
            }
            problem.into_response_for(request.headers())
        }
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"))
}

fn is_page_visit(request: &Request) -> bool {
    request.method() == Method::GET && wants_html(request.headers())
}

fn unauthorized(wrong: bool) -> Problem {
    let detail = if wrong {
        "the token is not one that this server knows"
    } else {
        "send `Authorization: Bearer` with a token of `api.tokens`, or for telemetry of `ingest.tokens`"
    };
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed", detail)
}

fn full() -> Problem {
    let detail = "nearly all connections are taken; what is left is for pages and health checks";
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "connections-full",
        "Too many connections",
        detail,
    )
    .setting("server.max_connections")
    .retry_after(std::time::Duration::from_secs(1))
}
