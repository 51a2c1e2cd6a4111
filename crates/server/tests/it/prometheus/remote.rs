//! Another server in place of the store, and samples sent on to it: two servers of ours, one behind the other.

use std::time::Duration;

use app::remote::{
    Auth, Endpoint, RemoteOptions,
    forward::{ForwardOptions, Protocol},
};
use serde_json::json;

use super::{
    load::load,
    rig::{Rig, Setup},
};
use crate::support::PATIENCE;

fn endpoint(url: &str) -> Endpoint {
    let url = url.parse().unwrap();
    Endpoint {
        name: "behind".into(),
        url,
        auth: Auth::None,
        headers: Vec::new(),
        ca_pem: None,
        timeout: Duration::from_secs(10),
    }
}

fn remote(url: &str, response_bytes_max: usize) -> Option<RemoteOptions> {
    Some(RemoteOptions { endpoint: endpoint(url), response_bytes_max })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_answers_in_place_of_the_store() {
    let behind = Rig::start(Setup { now: Some(6_000), ..Setup::default() }).await;
    behind.store(load("up{job=\"a\"} 0+1x100\nup{job=\"b\"} 1+0x100")).await;
    let url = format!("http://{}/", behind.at);
    let front =
        Rig::start(Setup { now: Some(6_000), remote: remote(&url, 1 << 20), ..Setup::default() })
            .await;
    for (path, pairs) in [
        ("query", &[("query", "sum by (job) (rate(up[5m])) * 2")][..]),
        ("query", &[("query", "up[2m]"), ("time", "120")]),
        ("query", &[("query", "\"text\""), ("time", "120")]),
        ("query", &[("query", "1 + 1"), ("time", "120")]),
        ("query_range", &[("query", "up"), ("start", "0"), ("end", "300"), ("step", "60")]),
        ("query_range", &[("query", "time()"), ("start", "0"), ("end", "300"), ("step", "60")]),
        ("series", &[("match[]", "up")]),
        ("labels", &[]),
        ("label/job/values", &[("match[]", "up{job!=\"a\"}")]),
        ("metadata", &[]),
    ] {
        let path = format!("/api/v1/{path}");
        let (front, behind) = (front.data(&path, pairs).await, behind.data(&path, pairs).await);
        assert_eq!(front, behind, "{path} {pairs:?}");
        assert_ne!(front, json!(null));
    }
    let refused = [("query", "topk(2, up)"), ("start", "0"), ("end", "20000"), ("step", "1")];
    let (status, json) = front.json("/api/v1/query_range", &refused).await;
    assert_eq!((status, &json["errorType"]), (400, &json!("bad_data")), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_cluster_names_it() {
    let behind = Rig::start(Setup { now: Some(6_000), ..Setup::default() }).await;
    behind.store(load("up{job=\"a\"} 0+1x100")).await;
    let url = format!("http://{}/", behind.at);
    let short =
        Rig::start(Setup { now: Some(6_000), remote: remote(&url, 100), ..Setup::default() }).await;
    let (status, json) = short.json("/api/v1/query", &[("query", "up[1h]")]).await;
    assert_eq!((status, &json["errorType"]), (422, &json!("execution")), "{json}");
    assert!(
        json["error"].as_str().unwrap().contains("the remote `behind` is longer than 100 bytes"),
        "{json}"
    );
    // Nobody listens at a port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/");
    let gone =
        Rig::start(Setup { now: Some(6_000), remote: remote(&url, 100), ..Setup::default() }).await;
    for path in ["query?query=up", "series?match[]=up", "labels?"] {
        let (path, query) = path.split_once('?').unwrap();
        let pairs: Vec<_> = query.split_once('=').into_iter().collect();
        let (status, json) = gone.json(&format!("/api/v1/{path}"), &pairs).await;
        assert_eq!((status, &json["errorType"]), (503, &json!("unavailable")), "{json}");
        assert!(json["error"].as_str().unwrap().starts_with("the remote `behind` cannot be asked"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_sent_on() {
    for protocol in [Protocol::V1, Protocol::V2] {
        are_sent_on(protocol).await;
    }
}

async fn are_sent_on(protocol: Protocol) {
    let behind = Rig::start(Setup { now: Some(6_000), ..Setup::default() }).await;
    let options = ForwardOptions {
        endpoint: endpoint(&format!("http://{}/api/v1/write", behind.at)),
        protocol,
        rewrite: None,
        bytes_max: 64 << 20,
        age_max: Duration::from_secs(86_400),
        shards_max: 3,
        samples_per_send_max: 50,
    };
    let front =
        Rig::start(Setup { now: Some(6_000), forward: vec![options], ..Setup::default() }).await;
    front.store(load("up{job=\"a\"} 0+1x100\nup{job=\"b\"} 1+0x100\nx 5+1x99")).await;
    let all = async {
        loop {
            let pairs = [("query", "count_over_time({__name__=~\".+\"}[2h])"), ("time", "6000")];
            let data = behind.data("/api/v1/query", &pairs).await;
            let result = data["result"].as_array().unwrap();
            if result.len() == 3 && result.iter().all(|one| one["value"][1] != "0") {
                let counts: Vec<_> =
                    result.iter().map(|one| one["value"][1].as_str().unwrap().to_owned()).collect();
                if counts.iter().map(|count| count.parse::<u32>().unwrap()).sum::<u32>() == 302 {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    let counts = &front.app.stores.forwarding.counts()[0].counts;
    let read =
        |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!((read(&counts.queued), read(&counts.sent)), (302, 302));
    assert!(read(&counts.requests) >= 7, "{counts:?}");
}
