//! Answers that no table of the reference has.

use model::{Batch, Labels, Sample, Series};
use serde_json::{Value, json};

use super::{
    load::load,
    rig::{Rig, Setup, encoded},
};
use crate::support::send;

async fn rig() -> Rig {
    let rig = Rig::start(Setup { now: Some(6_000), ..Setup::default() }).await;
    rig.store(load(
        "up{job=\"a\"} 0+1x100\nup{job=\"b\"} 1+0x100\nx_total{\"é.b\"=\"ü\"} 0+10x100",
    ))
    .await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_answers_in_prometheus_envelope() {
    let rig = rig().await;
    for (path, pairs, expected) in [
        ("alerts", &[][..], json!({ "alerts": [] })),
        ("alertmanagers", &[], json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] })),
        ("rules", &[("type", "alert")], json!({ "groups": [] })),
        ("scrape_pools", &[], json!({ "scrapePools": [] })),
        (
            "targets",
            &[],
            json!({ "activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {} }),
        ),
        ("targets/metadata", &[], json!([])),
        ("status/config", &[], json!({ "yaml": "listen: x\n" })),
        ("status/flags", &[], json!({ "query.timeout": "30s" })),
        ("status/walreplay", &[], json!({ "min": 0, "max": 0, "current": 0, "state": "done" })),
        ("format_query", &[("query", "sum(up)by(job)")], json!("sum by (job) (up)")),
        ("labels", &[], json!(["__name__", "job", "é.b"])),
        ("label/job/values", &[], json!(["a", "b"])),
        ("label/U___e9__2e_b/values", &[], json!(["ü"])),
        ("label/job/values", &[("match[]", "{job=\"b\"}"), ("start", "0")], json!(["b"])),
        ("series", &[("match[]", "x_total")], json!([{ "__name__": "x_total", "é.b": "ü" }])),
    ] {
        assert_eq!(rig.data(&format!("/api/v1/{path}"), pairs).await, expected, "{path}");
    }
    let runtime = rig.data("/api/v1/status/runtimeinfo", &[]).await;
    assert_eq!(runtime["storageRetention"], "30d");
    let tsdb = rig.data("/api/v1/status/tsdb", &[("limit", "1")]).await;
    assert_eq!(tsdb["headStats"]["numSeries"], 3);
    assert_eq!(tsdb["seriesCountByMetricName"], json!([{ "name": "up", "value": 2 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_worded_as_prometheus_words_them() {
    let rig = rig().await;
    let range = |query| [("query", query), ("start", "0"), ("end", "9"), ("step", "1")];
    for (path, pairs, status, kind, text) in [
        (
            "query",
            &[("query", "up["), ("time", "0")][..],
            400,
            "bad_data",
            "invalid parameter \"query\": 1:4: parse error: ",
        ),
        (
            "query",
            &[("query", "up"), ("time", "x")],
            400,
            "bad_data",
            "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp",
        ),
        (
            "query",
            &[("query", "up"), ("timeout", "x")],
            400,
            "bad_data",
            "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration",
        ),
        (
            "query_range",
            &range("up[5m]"),
            400,
            "bad_data",
            "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector",
        ),
        (
            "query_range",
            &[("query", "up"), ("start", "0"), ("end", "11002"), ("step", "1")],
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        ("series", &[], 400, "bad_data", "no match[] parameter provided"),
        (
            "series",
            &[("match[]", "{job=\"\"}")],
            400,
            "bad_data",
            "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
        ),
        ("metadata", &[("limit", "x")], 400, "bad_data", "limit must be a number"),
        (
            "query_exemplars",
            &[("query", "up"), ("start", "2"), ("end", "1")],
            400,
            "bad_data",
            "end timestamp must not be before start timestamp",
        ),
        (
            "rules",
            &[("type", "x")],
            400,
            "bad_data",
            "invalid parameter \"type\": not supported value \"x\"",
        ),
        ("status/tsdb", &[("limit", "0")], 400, "bad_data", "limit must be a positive number"),
    ] {
        let (found, json) = rig.json(&format!("/api/v1/{path}"), pairs).await;
        assert_eq!((found, &json["status"]), (status, &json!("error")), "{path} {json}");
        assert_eq!(json["errorType"], kind, "{path} {json}");
        assert!(json["error"].as_str().unwrap().starts_with(text), "{path} {json}");
    }
    let answer = rig.post("/api/v1/admin/tsdb/snapshot", &[]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("admin APIs disabled"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_cut_and_say_so() {
    let rig = rig().await;
    for (path, pairs, pointer) in [
        ("query", &[("query", "up")][..], "/data/result"),
        (
            "query_range",
            &[("query", "up"), ("start", "0"), ("end", "60"), ("step", "60")],
            "/data/result",
        ),
        ("series", &[("match[]", "up")], "/data"),
        ("labels", &[], "/data"),
        ("label/job/values", &[], "/data"),
    ] {
        let cut = [pairs, &[("limit", "1")]].concat();
        let (_, json) = rig.json(&format!("/api/v1/{path}"), &cut).await;
        assert_eq!(json.pointer(pointer).unwrap().as_array().unwrap().len(), 1, "{path} {json}");
        assert_eq!(json["warnings"], json!(["results truncated due to limit"]), "{path}");
        let (_, json) = rig.json(&format!("/api/v1/{path}"), pairs).await;
        assert_eq!(json.get("warnings"), None, "{path} {json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_whole_plain_and_in_gzip() {
    let rig = Rig::start(Setup { now: Some(6_000), ..Setup::default() }).await;
    let series = (0..300).map(|at| Series {
        labels: Labels::from_pairs([("__name__", "many".to_owned()), ("at", at.to_string())]),
        samples: (0..100).map(|minute| Sample { at_ms: minute * 60_000, value: 0.1 }).collect(),
    });
    rig.store(Batch { series: series.collect(), ..Batch::default() }).await;
    // 300 series of 2001 points are sent in pieces, of 101 points are not.
    for (step, points) in [("3", 2001), ("60", 101)] {
        let pairs = [("query", "many"), ("start", "0"), ("end", "6000"), ("step", step)];
        let path = format!("/api/v1/query_range?{}", encoded(&pairs));
        let plain = send(rig.at, "GET", &path, &[], b"").await;
        let json: Value = serde_json::from_slice(&plain.body).unwrap();
        let result = json["data"]["result"].as_array().unwrap();
        assert_eq!(result.len(), 300);
        assert_eq!(result[299]["values"].as_array().unwrap().len(), points);
        let packed = send(rig.at, "GET", &path, &[("accept-encoding", "gzip")], b"").await;
        assert_eq!(packed.header("content-encoding").as_deref(), Some("gzip"));
        let mut read = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(&*packed.body);
        std::io::Read::read_to_end(&mut decoder, &mut read).unwrap();
        assert!(read == plain.body && packed.body.len() * 5 < plain.body.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relabelling_is_shown_step_by_step() {
    let scrape = r#"
scrape_configs:
  - job_name: "web é"
    relabel_configs:
      - {source_labels: [__meta_pod, port], separator: "-", regex: "(.+)-(.+)", target_label: instance, replacement: "$1:$2"}
      - {action: labeldrop, regex: "__meta_.*"}
      - {action: hashmod, source_labels: [instance], modulus: 1, target_label: shard}
      - {action: keepequal, source_labels: [shard], target_label: want}
      - {target_label: a, replacement: b}
"#;
    let rig = Rig::start(Setup { scrape: Some(scrape), ..Setup::default() }).await;
    let ask = async |pairs: &[(&str, &str)]| rig.json("/api/v1/targets/relabel_steps", pairs).await;
    let labels = r#"{"__meta_pod":"x","port":"80","want":"0"}"#;
    let (status, kept) = ask(&[("scrapePool", "web é"), ("labels", labels)]).await;
    let replaced = json!({ "__meta_pod": "x", "instance": "x:80", "port": "80", "want": "0" });
    let dropped = json!({ "instance": "x:80", "port": "80", "want": "0" });
    let sharded = json!({ "instance": "x:80", "port": "80", "shard": "0", "want": "0" });
    let last = json!({ "a": "b", "instance": "x:80", "port": "80", "shard": "0", "want": "0" });
    let rule = |own: Value| {
        let mut rule = json!({ "separator": ";", "regex": "(.*)", "replacement": "$1" });
        rule.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        rule
    };
    let first = json!({ "sourceLabels": ["__meta_pod", "port"], "separator": "-", "regex": "(.+)-(.+)", "targetLabel": "instance", "replacement": "$1:$2", "action": "replace" });
    let steps = json!([
        { "rule": first, "output": replaced, "keep": true },
        { "rule": rule(json!({ "action": "labeldrop", "regex": "__meta_.*" })), "output": dropped, "keep": true },
        { "rule": rule(json!({ "sourceLabels": ["instance"], "modulus": 1, "targetLabel": "shard", "action": "hashmod" })), "output": sharded, "keep": true },
        { "rule": rule(json!({ "sourceLabels": ["shard"], "targetLabel": "want", "action": "keepequal" })), "output": sharded, "keep": true },
        { "rule": rule(json!({ "targetLabel": "a", "replacement": "b", "action": "replace" })), "output": last, "keep": true },
    ]);
    assert_eq!((status, &kept["data"]["steps"]), (200, &steps), "{kept}");
    let (_, gone) = ask(&[("scrapePool", "web é"), ("labels", r#"{"want":"1"}"#)]).await;
    for (at, keep) in [(2, true), (3, false), (4, false)] {
        let step = &gone["data"]["steps"][at];
        assert_eq!(step["keep"], keep, "{gone}");
        assert_eq!(step["output"].as_object().unwrap().is_empty(), !keep, "{gone}");
    }
    for (pairs, text) in [
        (&[][..], "no scrapePool parameter provided"),
        (&[("scrapePool", "a")], "no labels parameter provided"),
        (&[("scrapePool", "web é"), ("labels", "{\"a\":1}")], "error parsing labels: "),
        (
            &[("scrapePool", "a\"b"), ("labels", "{}")],
            "error retrieving scrape config: scrape pool \"a\\\"b\" not found",
        ),
    ] {
        let (status, json) = ask(pairs).await;
        assert_eq!((status, json["errorType"].as_str()), (400, Some("bad_data")), "{json}");
        assert!(json["error"].as_str().unwrap().starts_with(text), "{json}");
    }

    let metrics = rig.get("/metrics", &[]).await.text();
    for line in [
        "evenkeel_scrape_scrapes_total 0",
        "evenkeel_scrape_samples_total 0",
        "evenkeel_scrape_targets{scrape_job=\"web é\",state=\"up\"} 0",
        "evenkeel_scrape_targets{scrape_job=\"web é\",state=\"dropped\"} 0",
        "evenkeel_scrape_job_failing{scrape_job=\"web é\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_configuration_that_broke_is_told_until_it_is_mended() {
    const GOOD: &str = "scrape_configs: [{job_name: a}]\n";
    let rig = Rig::start(Setup { scrape: Some(GOOD), ..Setup::default() }).await;
    let file = rig.dir.path().join("prometheus.yml");
    let check = async |good: bool| {
        let runtime = rig.data("/api/v1/status/runtimeinfo", &[]).await;
        assert_eq!(runtime["reloadConfigSuccess"], good);
        let metrics = rig.get("/metrics", &[]).await.text();
        let line = format!("evenkeel_scrape_config_last_reload_successful {}", i32::from(good));
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
        rig.json("/evenkeel/v1/status", &[]).await.1["troubles"].clone()
    };
    let until = async |errors: usize| {
        let read = async {
            while rig.app.scrape.config_state().errors() != errors {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::support::PATIENCE, read).await.unwrap();
    };
    assert_eq!(check(true).await, json!([]));

    std::fs::write(&file, "scrape_configs: [{job_name: a, scrape_interval: 1x}]\n").unwrap();
    until(1).await;
    let troubles = check(false).await;
    assert_eq!(troubles[0]["component"], "scraping", "{troubles}");
    let message = troubles[0]["message"].as_str().unwrap();
    let start = "the scrape configuration is not taken, the one read at 1970-01-02T03:46:40Z stays in force: ";
    assert!(message.starts_with(start) && message.contains("E0108"), "{message}");
    let command = format!("evenkeel check scrape {}", file.display());
    assert_eq!(troubles[0]["command"], command);

    std::fs::remove_file(&file).unwrap();
    let unreadable = async {
        while rig.app.scrape.config_state().unreadable.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, unreadable).await.unwrap();
    assert_eq!(check(false).await[0]["component"], "scraping");

    std::fs::write(&file, GOOD).unwrap();
    until(0).await;
    assert_eq!(check(true).await, json!([]));
}
