//! Spans and log records through the real binary: sent, asked in SQL, killed, asked again.

use std::process::Command;

use serde_json::{Value, json};

use crate::keep::{Kept, binary};
use crate::metrics::{STARTS_WITHIN, until_ready};

fn spans(count: u64) -> Value {
    let span = |n: u64| {
        json!({
            "traceId": format!("{:032x}", n / 4 + 1), "spanId": format!("{:016x}", n + 1), "name": "GET /cart", "kind": 2,
            "startTimeUnixNano": (1_795_000_000_000_000_000_u64 + n * 1000).to_string(),
            "endTimeUnixNano": (1_795_000_000_000_500_000_u64 + n * 1000).to_string(),
            "status": {"code": if n.is_multiple_of(10) { 2 } else { 0 }},
            "attributes": [
                {"key": "http.route", "value": {"stringValue": "/cart"}},
                {"key": "http.response.status_code", "value": {"intValue": "200"}},
            ],
        })
    };
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
        "scopeSpans": [{"scope": {"name": "lib"}, "spans": (0..count).map(span).collect::<Vec<_>>()}],
    }]})
}

fn sql(url: &str, query: &str) -> (bool, String) {
    let output = Command::new(binary()).args(["sql", query, "--server", url]).output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.success(), text.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_are_asked_in_sql_before_and_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    let url = format!("{}/v1/traces", address.url);
    let sent = reqwest::Client::new().post(url).json(&spans(1000)).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let query = r#"SELECT ServiceName, ScopeName, "http.route", count(*) AS n, sum("http.response.status_code") AS s FROM spans WHERE StatusCode = 'Error' GROUP BY 1, 2, 3"#;
    let (ok, before) = sql(&address.url, query);
    assert!(ok, "{before}");
    let rows: Vec<&str> = before.lines().collect();
    assert_eq!(
        rows[1].split_whitespace().collect::<Vec<_>>(),
        ["cart", "lib", "/cart", "100", "20000"],
        "{before}"
    );
    kept.kill();
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    assert_eq!(sql(&address.url, query), (true, before));
    let (ok, refused) = sql(&address.url, "DROP TABLE spans");
    assert!(!ok && refused.contains("not supported"), "{refused}");
    kept.stop();
}
