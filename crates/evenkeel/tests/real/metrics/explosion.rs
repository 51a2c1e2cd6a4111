//! Exploding cardinality and outsized labels: new series are refused by the limit, with the label that exploded; old ones go on.

use serde_json::Value;

use super::{
    STARTS_WITHIN, ask, until_ready,
    writer::{Request, Writer, compressed, now_ms, post, series},
};
use crate::{http, keep::Kept, number};

const PER_REQUEST: u32 = 5000;
/// For one service; the limit's default.
const PER_SERVICE_MAX: u64 = 250_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_keep_old_series_when_new_ones_explode() {
    // 2 M new series in an acceptance run; a few more than the limit of a service otherwise.
    let requests = number("EVENKEEL_ROUNDS").map_or(8, |rounds| u32::try_from(rounds).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let small = requests < 100;
    if small {
        let path = folder.path().join("evenkeel.yaml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            format!("{config}limits: {{max_active_series_per_service: 20000}}\n"),
        )
        .unwrap();
    }
    let limit = if small { 20_000 } else { PER_SERVICE_MAX };
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    let mut old = Writer::new("old", 100);
    assert_eq!(old.step(&address.url).await, Some(204));
    let (mut refused, client) = (0, http());
    for round in 0..requests {
        let one = |n: u32| {
            let id = (round * PER_REQUEST + n).to_string();
            series(&[("__name__", "hits"), ("job", "load"), ("user_id", &id)], now_ms(), 1.0)
        };
        let request = Request { series: (0..PER_REQUEST).map(one).collect() };
        let (status, text) = post(&client, &address.url, compressed(&request)).await.unwrap();
        if status == 400 {
            refused += 1;
            assert!(text.contains("user_id"), "the label that exploded is named: {text}");
            assert!(text.contains("max_active_series_per_service"), "the setting too: {text}");
        } else {
            assert_eq!(status, 204, "{text}");
        }
        assert_eq!(old.step(&address.url).await, Some(204), "old series go on");
    }
    assert!(refused > 0, "the limit is met");
    assert_eq!(old.lost(&address.url).await, 0);
    outsized(&address.url, &client).await;
    offenders(&address.url, limit).await;
    println!(
        "{refused} of {requests} requests refused in part; {} kB resident at most",
        kept.memory_kb("VmHWM")
    );
    kept.stop();
}

/// A label of 1 MiB, and 10,000 labels: that series alone is refused.
async fn outsized(url: &str, client: &reqwest::Client) {
    let long = "x".repeat(1 << 20);
    let many: Vec<String> = (0..10_000).map(|n| format!("l{n}")).collect();
    let mut crowded: Vec<(&str, &str)> = vec![("__name__", "crowded"), ("job", "other")];
    crowded.extend(many.iter().map(|name| (name.as_str(), "v")));
    let request = Request {
        series: vec![
            series(&[("__name__", "long"), ("job", "other"), ("l", &long)], now_ms(), 1.0),
            series(&crowded, now_ms(), 1.0),
            series(&[("__name__", "sound"), ("job", "other")], now_ms(), 1.0),
        ],
    };
    let (status, text) = post(client, url, compressed(&request)).await.unwrap();
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("max_label_value_bytes") && text.contains("max_labels"), "{text}");
    let (_, answer) = ask(url, "/api/v1/query", &[("query", "sound")]).await;
    assert_eq!(answer["data"]["result"].as_array().map(Vec::len), Some(1), "{answer}");
}

async fn offenders(url: &str, limit: u64) {
    let answer = http().get(format!("{url}/api/v1/status/tsdb?limit=5")).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let first = |list: &str| answer["data"][list][0].clone();
    assert_eq!(first("seriesCountByMetricName")["name"], "hits", "{answer}");
    assert_eq!(first("labelValueCountByLabelName")["name"], "user_id", "{answer}");
    let series = answer["data"]["headStats"]["numSeries"].as_u64().unwrap();
    assert!((limit / 2..=limit + 1000).contains(&series), "{series} series");
    let metrics = http().get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    let refused = "evenkeel_metrics_samples_refused_total{reason=\"series_per_service_limit\",service=\"load\",label=\"user_id\"} ";
    let told = metrics.lines().find_map(|line| line.strip_prefix(refused));
    let told: f64 = told.expect("the label that exploded is in /metrics").parse().unwrap();
    assert!(told > 0.0, "{told}");
}
