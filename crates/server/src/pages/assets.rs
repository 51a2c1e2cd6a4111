//! The web application's files, which are part of the binary.

use std::sync::Arc;

use app::App;
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

use crate::Problem;

/// Whether this build holds the web application.
pub const WEB_APP_EMBEDDED: bool = cfg!(web_app);

/// The built files; `build.rs` says where they are, or gives an empty folder.
#[derive(RustEmbed)]
#[folder = "$EVENKEEL_WEB_DIST"]
struct Files;

const INDEX: &str = "index.html";
const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Evenkeel</title>\
     <h1>This build has no web application</h1>\
     <p>Build it with <code>npm --prefix web ci</code> and <code>npm --prefix web run build</code>, \
     then build Evenkeel again. The API and the command line work without it.</p></html>";

/// The path of the address under which people reach us; empty or with a slash before it.
pub(super) fn base(app: &App) -> String {
    let url = url::Url::parse(app.external_url());
    url.map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

pub(super) async fn home(State(app): State<Arc<App>>) -> Redirect {
    Redirect::temporary(&format!("{}/app/", base(&app)))
}

pub(super) async fn index(State(app): State<Arc<App>>) -> Response {
    match Files::get(INDEX) {
        Some(file) => {
            let text = String::from_utf8_lossy(&file.data);
            let text = text.replace("\"/app/", &format!("\"{}/app/", base(&app)));
            ([(header::CACHE_CONTROL, "no-store")], Html(text)).into_response()
        }
        None => (StatusCode::NOT_FOUND, Html(MISSING)).into_response(),
    }
}

/// A file, or the application itself at one of its own addresses.
pub(super) async fn file(state: State<Arc<App>>, Path(path): Path<String>) -> Response {
    let Some(file) = Files::get(&path).filter(|_| path != INDEX) else {
        if path.starts_with("assets/") {
            return Problem::not_found("there is no such file").into_response();
        }
        return index(state).await;
    };
    // The build puts a hash of their content into these names.
    let hashed = path.starts_with("assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(&path))),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    (headers, file.data.into_owned()).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
