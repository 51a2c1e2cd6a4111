//! The headers that every answer carries, so that a browser does nothing with it that we did not mean.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The nonce of this answer's inline styles; a handler of a page takes it from the request's extensions.
#[derive(Clone, Debug)]
pub struct Nonce(pub Arc<str>);

/// Whether people reach us by `https`.
#[derive(Clone, Copy, Debug)]
pub struct Https(pub bool);

/// The names of the Trusted Types policies that our scripts may make.
const TRUSTED_TYPES: &str = "trusted-types 'none'";

/// Adds the headers; the cache may keep an answer only where its handler says so.
pub async fn add(State(https): State<Https>, mut request: Request, next: Next) -> Response {
    let nonce = nonce();
    request.extensions_mut().insert(Nonce(Arc::clone(&nonce)));
    let mut response = next.run(request).await;
    set(response.headers_mut(), &nonce, https);
    response
}

fn set(headers: &mut HeaderMap, nonce: &str, Https(https): Https) {
    let is_html = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let style = if is_html { format!("'self' 'nonce-{nonce}'") } else { "'self'".to_owned() };
    let csp = format!(
        "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
         require-trusted-types-for 'script'; {TRUSTED_TYPES}"
    );
    if let Ok(csp) = HeaderValue::try_from(csp) {
        headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn nonce() -> Arc<str> {
    let mut random = [0_u8; 16];
    // Without randomness the page stays safe: a fixed nonce allows styles only, and scripts never have one.
    if getrandom::fill(&mut random).is_err() {
        tracing::warn!("the system gives no random bytes");
    }
    BASE64_STANDARD.encode(random).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_get_a_nonce_and_https_gets_hsts() {
        let mut page = HeaderMap::new();
        page.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        page.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        set(&mut page, "abc", Https(true));
        let csp = page[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            csp.contains("style-src 'self' 'nonce-abc';") && csp.starts_with("default-src 'none'"),
            "{csp}"
        );
        assert_eq!(page[header::CACHE_CONTROL], "max-age=60");
        assert!(page.contains_key(header::STRICT_TRANSPORT_SECURITY));
        let mut json = HeaderMap::new();
        set(&mut json, "abc", Https(false));
        assert!(!json[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("nonce"));
        assert_eq!(json[header::CACHE_CONTROL], "no-store");
        assert!(!json.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
