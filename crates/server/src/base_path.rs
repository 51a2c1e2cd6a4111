//! The path under which people reach us: `/even` of `https://host/even`, behind a proxy that takes it off or leaves it on.
//!
//! Every link that we write carries it; of a request that still has it, it is taken off before anything else looks at the path.

use axum::{Router, extract::Request};
use http::Uri;
use tower::util::MapRequest;

/// How our own API begins, with or without a base path.
const API: &str = "/evenkeel/v1/";

/// The routes of `router`, also below `base`.
pub(crate) fn below(base: &str, router: Router) -> Router {
    if base.is_empty() {
        return router;
    }
    let base = base.to_owned();
    let take_off = move |mut request: Request| {
        if let Some(uri) = without(request.uri(), &base) {
            *request.uri_mut() = uri;
        }
        request
    };
    Router::new().fallback_service(MapRequest::new(router, take_off))
}

fn without(uri: &Uri, base: &str) -> Option<Uri> {
    let rest = rest(uri.path(), base)?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let slash = if rest.is_empty() { "/" } else { "" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{slash}{rest}{query}").parse().ok();
    Uri::from_parts(parts).ok()
}

/// What of the path comes after the base.
pub(crate) fn rest<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(base)?;
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    // With a base of `/evenkeel` our own API looks as if it had one; only telemetry has other paths under `/v1/`.
    let own = path.starts_with(API) && !matches!(rest, "/v1/traces" | "/v1/metrics" | "/v1/logs");
    (!own).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_taken_off_once_and_our_api_is_told_from_it() {
        let check = |path: &str, base: &str, expected: &str| {
            let uri: Uri = path.parse().unwrap();
            let found = without(&uri, base).unwrap_or(uri);
            assert_eq!(found.to_string(), expected, "{path} below {base}");
        };
        check("/even/app/now?x=1", "/even", "/app/now?x=1");
        check("/even", "/even", "/");
        check("/even/even/x", "/even", "/even/x");
        check("/app/now", "/even", "/app/now");
        check("/evening/app", "/even", "/evening/app");
        check("/evenkeel/v1/slos", "/evenkeel", "/evenkeel/v1/slos");
        check("/evenkeel/evenkeel/v1/slos?a", "/evenkeel", "/evenkeel/v1/slos?a");
        check("/evenkeel/v1/traces", "/evenkeel", "/v1/traces");
        check("http://host/even/app", "/even", "http://host/app");
    }
}
