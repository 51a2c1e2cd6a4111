//! The web application's files, which are part of the binary.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::Write as _,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use app::App;
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
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
        None => (StatusCode::SERVICE_UNAVAILABLE, Html(MISSING)).into_response(),
    }
}

/// A file, or the application itself at one of its own addresses.
pub(super) async fn file(
    state: State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = Files::get(&path).filter(|_| path != INDEX) else {
        if path.starts_with("assets/") {
            return Problem::not_found("there is no such file").into_response();
        }
        return index(state).await;
    };
    let hash = file.metadata.sha256_hash();
    answer(&path, file.data, hash, &headers)
}

/// The file as the browser wants it: not at all when it has it, and small when it can inflate.
fn answer(path: &str, data: Cow<'static, [u8]>, hash: [u8; 32], asked: &HeaderMap) -> Response {
    let small = Some(&data).filter(|_| is_text(path) && accepts_gzip(asked));
    let small = small.and_then(|data| gzipped(hash, data));
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = if small.is_some() { format!("\"{hash}-gzip\"") } else { format!("\"{hash}\"") };
    // The build puts a hash of their content into these names.
    let hashed = path.starts_with("assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let has_it = has(asked, &tag);
    let mut response = match small {
        _ if has_it => StatusCode::NOT_MODIFIED.into_response(),
        Some(small) => {
            let encoding = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            (encoding, small).into_response()
        }
        None => data.into_owned().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether the browser has the file of this tag.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let tags = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    tags.is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    })
}

fn accepts_gzip(asked: &HeaderMap) -> bool {
    let accepted =
        asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|one| one.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        matches!(name.trim(), "gzip" | "*")
            && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

/// The file compressed, once for as long as the process runs; `None` when that does not make it smaller.
fn gzipped(hash: [u8; 32], data: &[u8]) -> Option<Bytes> {
    static DONE: LazyLock<Mutex<HashMap<[u8; 32], Option<Bytes>>>> = LazyLock::new(Mutex::default);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    done.entry(hash)
        .or_insert_with(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let written = encoder.write_all(data).and_then(|()| encoder.finish()).ok()?;
            (written.len() < data.len()).then(|| written.into())
        })
        .clone()
}

/// Whether compressing makes it smaller; images and fonts are compressed already.
fn is_text(path: &str) -> bool {
    let kind = content_type(path);
    kind.starts_with("text/") || matches!(kind, "application/json" | "image/svg+xml")
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const TEXT: &[u8] = &[b'a'; 4096];

    async fn ask(path: &str, headers: &[(header::HeaderName, &str)]) -> (Response, Vec<u8>) {
        let asked = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let response = answer(path, Cow::Borrowed(TEXT), [7; 32], &asked.collect());
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
        (Response::from_parts(parts, axum::body::Body::empty()), body)
    }

    #[tokio::test]
    async fn a_file_is_sent_small_and_once() {
        let gzip = (header::ACCEPT_ENCODING, "br;q=1.0, gzip;q=0.8");
        let (small, body) = ask("assets/index-abc.js", std::slice::from_ref(&gzip)).await;
        let header =
            |response: &Response, name| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(&small, header::CONTENT_ENCODING), "gzip");
        assert_eq!(header(&small, header::VARY), "accept-encoding");
        assert_eq!(header(&small, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
        assert!(plain == TEXT && body.len() < 200, "{}", body.len());
        let tag = header(&small, header::ETAG);
        let tags = format!("\"other\", W/{tag}");
        let again = (header::IF_NONE_MATCH, &*tags);
        let (known, body) = ask("assets/index-abc.js", &[gzip, again.clone()]).await;
        assert_eq!((known.status(), body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(header(&known, header::ETAG), tag);
        let (whole, body) = ask("icon.svg", &[again]).await;
        assert_eq!(
            (whole.status(), &*body),
            (StatusCode::OK, TEXT),
            "that was the small one's tag"
        );
        assert_eq!(header(&whole, header::CACHE_CONTROL), "no-cache");
        assert_ne!(header(&whole, header::ETAG), tag);
    }

    #[tokio::test]
    async fn what_cannot_or_shall_not_be_compressed_is_not() {
        for (path, accepted) in [
            ("a.js", ""),
            ("a.js", "gzip;q=0"),
            ("a.js", "br"),
            ("a.woff2", "gzip"),
            ("a.png", "*"),
        ] {
            let (response, body) = ask(path, &[(header::ACCEPT_ENCODING, accepted)]).await;
            assert!(
                !response.headers().contains_key(header::CONTENT_ENCODING),
                "{path} {accepted}"
            );
            assert_eq!(body, TEXT);
        }
    }
}
