//! The requests that Grafana's Prometheus data source and promtool make, as they make them.

use serde_json::json;

use super::{
    load::load,
    rig::{Rig, Setup, encoded},
};
use crate::support::send;

async fn rig() -> Rig {
    let rig = Rig::start(Setup { now: Some(6_000), ..Setup::default() }).await;
    rig.store(load("up{job=\"a\"} 0+1x100\nup{job=\"b\"} 1+0x100")).await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grafana_asks_is_answered() {
    let rig = rig().await;
    // The health check.
    let answer = rig.post("/api/v1/query", &[("query", "1+1"), ("time", "4")]).await;
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["data"], json!({ "resultType": "scalar", "result": [4, "2"] }));
    // Which server it is.
    let built = rig.data("/api/v1/status/buildinfo", &[]).await;
    assert!(built["version"].as_str().unwrap().starts_with("3."), "{built}");
    // A panel: a form, with parameters after `?` as well.
    let form = [
        ("query", "sum by (job) (up)"),
        ("start", "5400.000"),
        ("end", "6000.000"),
        ("step", "15"),
    ];
    let kind = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept-encoding", "gzip, deflate"),
    ];
    let path = "/api/v1/query_range?timeout=60s";
    let answer = send(rig.at, "POST", path, &kind, encoded(&form).as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-encoding").as_deref(), Some("gzip"));
    // Variables and the builder.
    let span = [("start", "0"), ("end", "6000")];
    let answer = rig.post("/api/v1/labels", &[("match[]", "up"), span[0], span[1]]).await;
    assert!(answer.text().contains(r#"["__name__","job"]"#), "{}", answer.text());
    let names = rig.data("/api/v1/label/__name__/values", &span).await;
    assert_eq!(names, json!(["up"]));
    let values = rig.data("/api/v1/label/job/values", &[("match[]", "{__name__=\"up\"}")]).await;
    assert_eq!(values, json!(["a", "b"]));
    let answer =
        rig.post("/api/v1/series", &[("match[]", "up{job=~\"a|b\"}"), ("limit", "40000")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(rig.data("/api/v1/metadata", &[("limit", "40000")]).await, json!({}));
    let exemplars = [("query", "rate(up[5m])"), span[0], span[1]];
    assert_eq!(rig.data("/api/v1/query_exemplars", &exemplars).await, json!([]));
    assert_eq!(rig.data("/api/v1/rules", &[]).await, json!({ "groups": [] }));
    assert_eq!(rig.data("/api/v1/parse_query", &[("query", "up")]).await["type"], "vectorSelector");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_answered_as_http_has_them() {
    let rig = rig().await;
    let head = send(rig.at, "HEAD", "/api/v1/query?query=1", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let options = send(rig.at, "OPTIONS", "/api/v1/query_range", &[], b"").await;
    assert_eq!(options.status, 204);
    assert_eq!(options.header("allow").as_deref(), Some("GET, HEAD, OPTIONS, POST"));
    let answer = send(rig.at, "DELETE", "/api/v1/query", &[], b"").await;
    assert_eq!(answer.status, 405);
    for path in ["/-/healthy", "/-/ready"] {
        assert_eq!(send(rig.at, "GET", path, &[], b"").await.status, 200);
        assert_eq!(send(rig.at, "HEAD", path, &[], b"").await.status, 200);
    }
}
