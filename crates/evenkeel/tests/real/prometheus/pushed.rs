//! Samples that a test sends, and what servers say of them.

use serde_json::{Value, json};

use crate::http;

/// Gauges `level{at="0"}` to `level{at="9"}`, a sample each second of `seconds` up to `until` (Unix seconds), as OTLP.
pub(super) async fn push(url: &str, until: u64, seconds: u64) {
    let point = |at: u64, second: u64| {
        let time = (until - second) * 1_000_000_000;
        json!({
            "timeUnixNano": time.to_string(),
            "asDouble": (at * 1000 + second) as f64 / 8.0,
            "attributes": [{ "key": "at", "value": { "stringValue": at.to_string() } }],
        })
    };
    let points = (0..10).flat_map(|at| (0..seconds).rev().map(move |second| point(at, second)));
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
        { "name": "level", "gauge": { "dataPoints": points.collect::<Value>() } },
    ] }] }] });
    let answer = http().post(format!("{url}/v1/metrics")).json(&body).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success() && !text.contains("rejected"), "{status} {text}");
}

/// `data` of an answer of Prometheus' API; `None` when it says no.
pub(super) async fn ask(url: &str, path: &str, pairs: &[(&str, &str)]) -> Option<Value> {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let request = http().post(format!("{url}/api/v1/{path}")).header(kind.0, kind.1).body(form);
    let answer = request.send().await.ok()?;
    let json: Value = answer.json().await.ok()?;
    (json["status"] == "success").then(|| json["data"].clone())
}

/// Each series' raw samples of `level` up to `until`, by the value of `at`.
pub(super) async fn raw(url: &str, until: u64) -> Option<Vec<Value>> {
    let time = until.to_string();
    let data = ask(url, "query", &[("query", "level[10m]"), ("time", &time)]).await?;
    let mut series: Vec<Value> = data["result"]
        .as_array()?
        .iter()
        .map(|one| json!([one["metric"]["at"], one["values"]]))
        .collect();
    series.sort_by_key(Value::to_string);
    (!series.is_empty()).then_some(series)
}
