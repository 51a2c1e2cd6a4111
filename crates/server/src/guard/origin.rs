//! Against cross-site request forgery: a browser's unsafe request must come from our own pages.
//!
//! Browsers send `Sec-Fetch-Site` (Fetch Metadata) or at least `Origin` with such requests; what sends neither is no browser,
//! and carries no ambient credentials.

use axum::extract::Request;
use http::{StatusCode, header};
use url::{Origin, Url};

use super::host;
use crate::Problem;

/// The origin of the external URL, behind which a proxy may change `Host`.
#[derive(Debug)]
pub(super) struct OwnOrigin(Option<Origin>);

impl OwnOrigin {
    pub(super) fn new(external_url: Option<&Url>) -> Self {
        Self(external_url.map(Url::origin))
    }

    pub(super) fn check(&self, request: &Request) -> Result<(), Problem> {
        if let Some(site) = request.headers().get("sec-fetch-site") {
            return match site.as_bytes() {
                b"same-origin" | b"none" => Ok(()),
                _ => Err(refused("the browser says that another site sent this")),
            };
        }
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return Ok(());
        };
        let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
        match origin {
            Some(origin) if self.is_ours(&origin, request) => Ok(()),
            Some(_) | None => Err(refused("`Origin` is not this server's")),
        }
    }

    fn is_ours(&self, origin: &Url, request: &Request) -> bool {
        let own = || {
            let authority = host::authority(request)?;
            Url::parse(&format!("{}://{authority}", origin.scheme())).ok()
        };
        origin.origin().is_tuple()
            && (self.0.as_ref() == Some(&origin.origin())
                || own().is_some_and(|own| own.origin() == origin.origin()))
    }
}

fn refused(detail: &str) -> Problem {
    let title = "The request comes from another site";
    Problem::new(StatusCode::FORBIDDEN, "cross-site", title, detail)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_our_own_pages_may_post() {
        let own = OwnOrigin::new(Some(&"https://even.example.org/base".parse().unwrap()));
        let check = |name: &str, value: &str| {
            let request =
                Request::builder().uri("/").header("host", "127.0.0.1:7700").header(name, value);
            own.check(&request.body(Body::empty()).unwrap()).is_ok()
        };
        assert!(check("x", "no browser"));
        for site in ["same-origin", "none"] {
            assert!(check("sec-fetch-site", site), "{site}");
        }
        for site in ["same-site", "cross-site", "nonsense"] {
            assert!(!check("sec-fetch-site", site), "{site}");
        }
        for origin in ["http://127.0.0.1:7700", "https://even.example.org"] {
            assert!(check("origin", origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://127.0.0.1:7701",
            "http://evil.example",
            "http://even.example.org",
            "file:///x",
        ] {
            assert!(!check("origin", origin), "{origin}");
        }
    }
}
