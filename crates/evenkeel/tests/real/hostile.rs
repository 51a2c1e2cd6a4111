//! Hostile input on every route of the real binary: each request is taken or clearly refused, nothing panics, memory stays bounded.
//!
//! The routes are a table ([`routes`]); a test compares it with the API's own description, so that a new route has its cases.

mod answer;
mod bodies;
mod grpc;
mod paths;
mod routes;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{http, keep::Kept, now, receiver::Receiver, unix};
use answer::{Answer, Sender};
use routes::{ROUTES, Reads, Route};

/// What all of it may add to the server's memory.
const GROWTH_KB_MAX: u64 = 384 << 10;
const BOMBS_AT_ONCE: usize = 50;

/// Which answer is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// 2xx, or a clear refusal.
    Clear,
    /// A clear refusal: 4xx that says why, or 503 that says when to come again.
    Refused,
}

/// What was not right, one line each.
#[derive(Debug, Default)]
struct Wrong {
    requests: usize,
    lines: Vec<String>,
}

impl Wrong {
    fn look(&mut self, what: &str, right: Right, answer: &Answer) {
        self.requests += 1;
        if let Err(why) = answer.check(right) {
            let what: String = what.chars().take(200).collect();
            self.lines.push(format!("{what}: {why}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_input_is_clearly_refused_on_every_route() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut kept = Kept::new(folder.path(), &receiver.url());
    let address = kept.start(Duration::from_secs(20)).await;
    incident(&address.url).await;
    let before = kept.memory_kb("VmRSS");
    let (sender, mut wrong) = (Sender::new(&address.url), Wrong::default());
    for route in ROUTES {
        paths::run(&sender, route, &mut wrong).await;
        bodies::run(&sender, route, &mut wrong).await;
        let alive = sender.send("GET", "/livez", &[], b"").await;
        assert_eq!(alive.status, 200, "after {} {}: {:?}", route.method, route.path, kept.said());
    }
    paths::heads(&sender, &mut wrong).await;
    grpc::run(&address.grpc, &mut wrong).await;
    bombs_at_once(&sender, &mut wrong).await;
    let grown = kept.memory_kb("VmHWM").saturating_sub(before);
    println!("{} requests; memory grew by {grown} kB at most from {before} kB", wrong.requests);
    let panics: Vec<String> =
        kept.said().into_iter().filter(|line| line.contains("panicked at")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
    assert!(wrong.lines.is_empty(), "{} are wrong:\n{}", wrong.lines.len(), wrong.lines.join("\n"));
    assert!(
        grown <= GROWTH_KB_MAX,
        "memory grew by {grown} kB; at most {GROWTH_KB_MAX} are allowed"
    );
    kept.stop();
    kept.verify_journal();
}

/// 200 requests of which half fail, so that there is an incident to be hostile about.
async fn incident(url: &str) {
    let end = unix();
    let span = |n: u32| {
        json!({
            "traceId": format!("{n:032x}"), "spanId": format!("{n:016x}"), "name": "POST /orders", "kind": 2,
            "startTimeUnixNano": (end - Duration::from_millis(5)).as_nanos().to_string(),
            "endTimeUnixNano": end.as_nanos().to_string(), "status": {"code": if n.is_multiple_of(2) { 2 } else { 0 }},
        })
    };
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [
            attribute("service.name", "checkout"), attribute("deployment.environment.name", "production"),
        ]},
        "scopeSpans": [{"spans": (1..=200).map(span).collect::<Vec<_>>()}],
    }]});
    let sent = http().post(format!("{url}/v1/traces")).json(&body).send().await.unwrap();
    assert!(sent.status().is_success());
    let began = now();
    loop {
        let list = http().get(format!("{url}/evenkeel/v1/incidents")).send().await.unwrap();
        let list: Value = list.json().await.unwrap();
        if list["items"][0]["number"] == "INC-1" {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "no incident: {list}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn bombs_at_once(sender: &Sender, wrong: &mut Wrong) {
    let mut bombs = tokio::task::JoinSet::new();
    for at in 0..BOMBS_AT_ONCE {
        let sender = sender.clone();
        let path = ["/v1/traces", "/evenkeel/v1/repo/check", "/api/v1/query"][at % 3];
        bombs.spawn(async move {
            let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
            sender.send("POST", path, &headers, &bodies::GZIP_BOMB).await
        });
    }
    while let Some(answer) = bombs.join_next().await {
        wrong.look("one of many bombs", Right::Refused, &answer.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_input_reaches_every_route_that_the_api_describes() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let url = kept.start(Duration::from_secs(20)).await.url;
    let described = http().get(format!("{url}/evenkeel/v1/openapi.json")).send().await.unwrap();
    let described: Value = described.json().await.unwrap();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let known =
                |route: &&Route| route.path == path && route.method.eq_ignore_ascii_case(method);
            let route = ROUTES.iter().find(known);
            assert!(route.is_some(), "{method} {path} has no cases");
            let reads = route.is_some_and(|route| !matches!(route.reads, Reads::Nothing));
            let is_bare = ["/postmortem", "/replay"].iter().any(|end| path.ends_with(end));
            assert!(reads || method == "get" || is_bare, "{path}");
        }
    }
    kept.stop();
}
