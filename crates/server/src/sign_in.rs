//! The page to sign in with a token, free of JavaScript.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use askama::Template;
use axum::{
    Extension, Router,
    extract::{Query, Request, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, Uri, header};
use tokio::time::Instant;
use url::form_urlencoded;

use crate::{
    Peer, Problem, ServerConfig, base_path,
    body::BodyReader,
    guard::{session::Sessions, token::Tokens},
    headers::Nonce,
};

/// Where the page is.
pub const PATH: &str = "/p/sign-in";
/// Where a form ends the session.
pub const OUT_PATH: &str = "/p/sign-out";
/// Failed attempts per address and hour.
const FAILURES_MAX: u32 = 20;
/// Addresses whose failures are remembered.
const ADDRESSES_MAX: usize = 10_000;
const WINDOW: Duration = Duration::from_hours(1);
/// A form with a token is short.
const FORM_BYTES_MAX: usize = 8 << 10;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Evenkeel</title>
<link rel="icon" href="data:,">
<style nonce="{{ nonce }}">
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { width: min(22rem, 100% - 2rem); }
label { display: block; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; font: inherit; padding: .6rem; margin-top: .5rem; }
.error { border-left: 4px solid; padding-left: .75rem; }
</style>
</head>
<body>
<main>
<h1>Evenkeel</h1>
{% if let Some(error) = error %}<p class="error" role="alert">{{ error }}</p>{% endif %}
<form method="post" action="{{ base }}/p/sign-in">
<input type="hidden" name="next" value="{{ next }}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Sign in</button>
</form>
<p>The token is one of <code>api.tokens</code> in <code>evenkeel.yaml</code>.</p>
</main>
</body>
</html>
"#
)]
struct Page<'a> {
    nonce: &'a str,
    base: &'a str,
    next: &'a str,
    error: Option<&'a str>,
}

/// What the page needs.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    tokens: Arc<Tokens>,
    sessions: Sessions,
    reader: BodyReader,
    /// The path of the external URL.
    base: Arc<str>,
    failures: Arc<Mutex<HashMap<IpAddr, (Instant, u32)>>>,
}

impl SignIn {
    pub(crate) fn new(config: &ServerConfig, sessions: Sessions, reader: BodyReader) -> Self {
        Self {
            tokens: Arc::new(Tokens::new(&config.api_tokens)),
            sessions,
            reader,
            base: config.base_path(),
            failures: Arc::default(),
        }
    }

    /// Counts a failure; whether there were too many already.
    fn is_limited(&self, peer: IpAddr, failed: bool) -> bool {
        let now = Instant::now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, (since, _)| now < *since + WINDOW);
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&peer) {
            return true;
        }
        let count = failures.get(&peer).map_or(0, |(_, count)| *count);
        if failed {
            failures.entry(peer).or_insert((now, 0)).1 += 1;
        }
        count >= FAILURES_MAX
    }
}

impl SignIn {
    fn page(&self, status: StatusCode, nonce: &Nonce, next: &str, error: Option<&str>) -> Response {
        match (Page { nonce: &nonce.0, base: &self.base, next, error }).render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "cannot render the page to sign in");
                Problem::internal().into_response()
            }
        }
    }
}

/// `GET` and `POST` of the page, `POST` to sign out.
pub(crate) fn router(state: SignIn) -> Router {
    Router::new().route(PATH, get(show).post(enter)).route(OUT_PATH, post(leave)).with_state(state)
}

/// Where to send a visitor of `from`, a path without the base, to sign in.
pub(crate) fn location(base: &str, from: &Uri) -> String {
    let next = from.path_and_query().map_or("/", |path| path.as_str());
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{base}{PATH}?{query}")
}

async fn show(
    State(state): State<SignIn>,
    nonce: Extension<Nonce>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let next = query.get("next").map_or("/", String::as_str);
    state.page(StatusCode::OK, &nonce, safe_next(next), None)
}

async fn enter(
    State(state): State<SignIn>,
    nonce: Extension<Nonce>,
    peer: Option<Extension<Peer>>,
    request: Request,
) -> Result<Response, Problem> {
    let peer = peer.map_or(IpAddr::from([127, 0, 0, 1]), |Extension(peer)| peer.address.ip());
    let (parts, body) = request.into_parts();
    let (form, _turn) = state.reader.read(&parts.headers, body).await?;
    if form.len() > FORM_BYTES_MAX {
        return Err(Problem::malformed("the form is longer than 8 KiB"));
    }
    let fields: HashMap<_, _> = form_urlencoded::parse(&form).collect();
    let field = |name: &str| fields.get(name).map_or("", |value| value.as_ref());
    let next = safe_next(field("next"));
    if state.is_limited(peer, false) {
        let error = Some("Too many attempts from this address. Try again in an hour.");
        return Ok(state.page(StatusCode::TOO_MANY_REQUESTS, &nonce, next, error));
    }
    let Some(name) = state.tokens.find(field("token").trim()) else {
        state.is_limited(peer, true);
        return Ok(state.page(
            StatusCode::UNAUTHORIZED,
            &nonce,
            next,
            Some("That token is not known here."),
        ));
    };
    let cookie = state.sessions.open(name).map_err(|error| {
        tracing::error!(%error, "cannot open a session");
        Problem::internal()
    })?;
    let next = below(&state.base, next);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}

async fn leave(State(state): State<SignIn>, headers: HeaderMap) -> Response {
    let cookie = state.sessions.close(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to(&format!("{}{PATH}", state.base))).into_response()
}

/// A path on this server, so that the page sends nobody elsewhere.
fn safe_next(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t']);
    if local { next } else { "/" }
}

/// The path below the base; the browser application names one that is below it already.
fn below(base: &str, next: &str) -> String {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let base = if base_path::rest(path, base).is_some() { "" } else { base };
    format!("{base}{next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_leads_elsewhere() {
        for (next, expected) in [
            ("/app/now?x=1", "/app/now?x=1"),
            ("//evil.example", "/"),
            ("/\\evil", "/"),
            ("https://e", "/"),
            ("", "/"),
        ] {
            assert_eq!(safe_next(next), expected);
        }
        for (base, next, expected) in [
            ("", "/app/now", "/app/now"),
            ("/even", "/app/now", "/even/app/now"),
            ("/even", "/even/app/now?x=/even#a", "/even/app/now?x=/even#a"),
            ("/even", "/even?x", "/even?x"),
            ("/even", "/evening", "/even/evening"),
            ("/evenkeel", "/evenkeel/app/now", "/evenkeel/app/now"),
            ("/evenkeel", "/evenkeel/v1/slos", "/evenkeel/evenkeel/v1/slos"),
        ] {
            assert_eq!(below(base, next), expected);
        }
        assert_eq!(
            location("/even", &"/app/x?a=b&c=d".parse().unwrap()),
            "/even/p/sign-in?next=%2Fapp%2Fx%3Fa%3Db%26c%3Dd"
        );
    }
}
