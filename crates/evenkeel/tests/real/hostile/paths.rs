//! Hostile methods, names in paths, parameters and headers.

use super::{
    Right, Wrong,
    answer::Sender,
    routes::{Reads, Route},
};

const METHODS: [&str; 6] = ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "get"];

/// What stands in the place of a name.
const NAMES: [&str; 12] = [
    "%FF",
    "%00",
    "%0A",
    "%C0%AF",
    "a%2Fb",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%",
    "%zz",
    "%F0%9F%92%A5",
    "'%22%3Cscript%3E",
    "%ED%A0%80",
];

/// What stands behind `?`.
const PARAMETERS: [&str; 22] = [
    "limit=-1",
    "limit=18446744073709551616",
    "limit=0",
    "limit=NaN",
    "after=-1",
    "after=9223372036854775808",
    "status=%00",
    "service=%FF",
    "kind=%00&subject=%FF",
    "from=-1&to=1e999",
    "from=2026-01-01T00:00:00Z&to=0001-01-01T00:00:00Z",
    "from=-9999-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&step=0.0000001",
    "step=-1",
    "step=NaN",
    "step=1e308",
    "query=%FF",
    "query=((((((((((",
    "query=up&start=0&end=9999999999999&step=1e-9",
    "query=up&start=-1e308&end=1e308&step=1",
    "match[]=%7B&match[]=%00",
    "window_seconds=1e308",
    "&&&===&%=%",
];

pub(super) async fn run(sender: &Sender, route: &Route, wrong: &mut Wrong) {
    let filled = route.filled();
    for method in METHODS {
        let what = format!("{method} {filled}");
        wrong.look(&what, Right::Refused, &sender.send(method, &filled, &[], b"").await);
    }
    let (headers, body) = valid(route);
    if route.named("a") != route.path {
        let long = "a".repeat(7000);
        let names = NAMES.iter().copied().chain([long.as_str()]);
        for name in names {
            let path = route.named(name);
            // The browser application answers for each of its own pages.
            let right = if route.path == "/app/{*path}" || route.path.contains("/label/") {
                Right::Clear
            } else {
                Right::Refused
            };
            let answer = sender.send(route.method, &path, &headers, body.as_bytes()).await;
            wrong.look(&format!("{} {path}", route.method), right, &answer);
        }
    }
    let long = format!("query={}", "(".repeat(20_000));
    let deep = format!("query={}", "-".repeat(30_000));
    for parameters in PARAMETERS.iter().copied().chain([long.as_str(), deep.as_str()]) {
        if route.method == "GET" {
            let path = format!("{filled}?{parameters}");
            let answer = sender.send("GET", &path, &[], b"").await;
            wrong.look(&format!("GET {path}"), Right::Clear, &answer);
        }
    }
}

fn valid(route: &Route) -> (Vec<(&'static str, &'static str)>, &'static str) {
    match route.reads {
        Reads::Strict(body) | Reads::Loose(body) => {
            (vec![("content-type", "application/json")], body)
        }
        _ => (Vec::new(), ""),
    }
}

/// Heads that are no heads.
pub(super) async fn heads(sender: &Sender, wrong: &mut Wrong) {
    let long = "a".repeat(100_000);
    let many = "x: y\r\n".repeat(5_000);
    let line = "GET /evenkeel/v1/slos HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    let post = "POST /evenkeel/v1/deploys HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
    for (what, request) in [
        ("a long header", format!("{line}x: {long}\r\n\r\n")),
        ("many headers", format!("{line}{many}\r\n")),
        ("a long path", format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n")),
        ("NUL in a header", format!("{line}x: a\0b\r\n\r\n")),
        (
            "NUL in the path",
            "GET /evenkeel/v1/slos/a\0b HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        ),
        ("no host", "GET /evenkeel/v1/slos HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned()),
        (
            "another host",
            "GET /evenkeel/v1/slos HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
                .to_owned(),
        ),
        ("two lengths", format!("{post}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}")),
        ("a negative length", format!("{post}content-length: -2\r\n\r\n{{}}")),
        ("a huge length", format!("{post}content-length: 18446744073709551616\r\n\r\n{{}}")),
        (
            "length and chunks",
            format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "a bad chunk",
            format!("{post}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{{}}"),
        ),
        (
            "a long actor",
            format!("{post}evenkeel-actor: {}\r\ncontent-length: 2\r\n\r\n{{}}", "a".repeat(5000)),
        ),
        (
            "another site",
            format!("{post}origin: https://evil.example\r\ncontent-length: 2\r\n\r\n{{}}"),
        ),
        ("no HTTP", "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n\r\n".to_owned()),
    ] {
        let answer = sender.raw(request.as_bytes()).await;
        wrong.look(what, Right::Refused, &answer);
    }
}
