//! The request line (RFC 9112, section 3) and the URL in it.

use crate::Parsed;

/// Adds method, URL and protocol of a request line; nothing when it is none: what a scanner or a TLS client sends is only a text.
pub(crate) fn put_request(parsed: &mut Parsed, request: &str) {
    let Some((method, rest)) = request.split_once(' ') else { return };
    if method.is_empty() || !method.bytes().all(is_token) {
        return;
    }
    let rest = rest.trim_ascii();
    let (target, protocol) = match rest.rsplit_once(' ') {
        Some((target, protocol)) if is_protocol(protocol) => (target.trim_ascii_end(), protocol),
        _ => (rest, ""),
    };
    if target.is_empty() {
        return;
    }
    parsed.put_text("http.request.method", method);
    put_url(parsed, target);
    put_protocol(parsed, protocol);
}

/// A method has letters, digits, `-` and `_`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_protocol(text: &str) -> bool {
    text.split_once('/').is_some_and(|(name, version)| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
            && version.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
    })
}

/// `url.original` as the client wrote it, and its path and query, which are what one counts by.
fn put_url(parsed: &mut Parsed, target: &str) {
    parsed.put_text("url.original", target);
    let path = if target.starts_with('/') {
        target
    } else if let Some((_, rest)) = target.split_once("://") {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    } else {
        return;
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    parsed.put_text("url.path", path);
    if !query.is_empty() {
        parsed.put_text("url.query", query);
    }
}

/// HTTP is what is expected; another protocol's name is told.
pub(crate) fn put_protocol(parsed: &mut Parsed, protocol: &str) {
    let Some((name, version)) = protocol.split_once('/') else { return };
    if !name.eq_ignore_ascii_case("http") {
        parsed.put_text("network.protocol.name", &name.to_ascii_lowercase());
    }
    parsed.put_text("network.protocol.version", version);
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Value;

    fn check(request: &str, expected: &str) {
        let mut parsed = Parsed::new(Value::Empty);
        put_request(&mut parsed, request);
        let text: Vec<_> =
            parsed.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(text.join(" "), expected, "{request}");
    }

    #[test]
    fn requests_and_what_is_none() {
        check(
            "GET / HTTP/1.1",
            "http.request.method=GET url.original=/ url.path=/ network.protocol.version=1.1",
        );
        check(
            "M-SEARCH * HTTP/1.1",
            "http.request.method=M-SEARCH url.original=* network.protocol.version=1.1",
        );
        check(
            "GET /a b?c d HTTP/2.0",
            "http.request.method=GET url.original=/a b?c d url.path=/a b url.query=c d network.protocol.version=2.0",
        );
        check("GET /old", "http.request.method=GET url.original=/old url.path=/old");
        check(
            "GET http://h:80/p?q HTTP/1.1",
            "http.request.method=GET url.original=http://h:80/p?q url.path=/p url.query=q network.protocol.version=1.1",
        );
        check(
            "CONNECT h:443 HTTP/1.1",
            "http.request.method=CONNECT url.original=h:443 network.protocol.version=1.1",
        );
        check(
            "OPTIONS / RTSP/1.0",
            "http.request.method=OPTIONS url.original=/ url.path=/ network.protocol.name=rtsp network.protocol.version=1.0",
        );
        for none in ["", "GET", r"\x16\x03\x01 x", r"]&\xDF HTTP/1.1", "GET  HTTP/1.1 "] {
            let mut parsed = Parsed::new(Value::Empty);
            put_request(&mut parsed, none);
            let expected = usize::from(none.starts_with("GET ")) * 2;
            assert_eq!(parsed.attributes.len(), expected, "{none}");
        }
    }
}
