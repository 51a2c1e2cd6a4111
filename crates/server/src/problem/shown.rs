//! How a problem looks to whom: a page to a browser, `google.rpc.Status` to a sender of OTLP, problem+json to all others.
//!
//! The page needs no JavaScript, so that it is there when nothing else works.

use std::{panic::AssertUnwindSafe, sync::Arc};

use askama::Template;
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::{Metrics, Nonce, Problem, wire::otlp_http};

/// What the layer needs.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// The base path of every link.
    pub(crate) base: Arc<str>,
    pub(crate) metrics: Metrics,
}

/// Who is told.
enum To {
    Browser(Arc<str>),
    Otlp(otlp_http::Format),
    Program,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    nonce: &'a str,
    base: &'a str,
    status: u16,
    title: &'a str,
    detail: &'a str,
}

/// The layer: a handler that panics is one request's 500, and every problem is shown as its reader wants it.
pub(crate) async fn show(State(shown): State<Shown>, request: Request, next: Next) -> Response {
    let to = To::of(&request);
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| {
        shown.metrics.panics.add(&[], 1);
        tracing::error!("a handler panicked");
        Problem::internal().into_response()
    });
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    match to {
        To::Browser(nonce) => page(response, &problem, &shown.base, &nonce),
        To::Otlp(format) => {
            let (kind, body) = otlp_http::status(format, &problem);
            replaced(response, kind, body)
        }
        To::Program => response,
    }
}

impl To {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        if otlp_http::PATHS.contains(&path) {
            return Self::Otlp(otlp_http::Format::of_answer(request.headers()));
        }
        match request.extensions().get::<Nonce>() {
            Some(nonce) if request.method() == Method::GET && wants_html(request.headers()) => {
                Self::Browser(Arc::clone(&nonce.0))
            }
            _ => Self::Program,
        }
    }
}

/// Whether a browser asks for a page, and not a script for data.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn page(response: Response, problem: &Problem, base: &str, nonce: &str) -> Response {
    let status = problem.status.as_u16();
    let page = Page { nonce, base, status, title: problem.title, detail: &problem.detail };
    match page.render() {
        Ok(text) => {
            replaced(response, HeaderValue::from_static("text/html; charset=utf-8"), text.into())
        }
        Err(error) => {
            tracing::error!(%error, "the page of a problem was not drawn");
            response
        }
    }
}

/// The same answer with another body.
fn replaced(response: Response, kind: HeaderValue, body: Vec<u8>) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, kind);
    parts.headers.append(header::VARY, HeaderValue::from_static("accept"));
    Response::from_parts(parts, Body::from(body))
}
