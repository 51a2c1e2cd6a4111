//! The reference's tables of requests and answers, case by case, when a copy of them is at hand.

mod expected;
mod skipped;

use std::{fs, path::PathBuf};

use model::{Batch, Metadata, MetricKind};
use serde_json::Value;

use self::expected::{Expected, expected};
use super::{
    load::{exemplar, load},
    rig::{Rig, Setup},
};
use crate::support::Answer;

/// What the reference's test of all endpoints stores.
const ENDPOINTS: &str = r#"
    test_metric1{foo="bar"} 0+100x100
    test_metric1{foo="boo"} 1+0x100
    test_metric2{foo="boo"} 1+0x100
    test_metric3{foo="bar", dup="1"} 1+0x100
    test_metric3{foo="boo", dup="1"} 1+0x100
    test_metric4{foo="bar", dup="1"} 1+0x100
    test_metric4{foo="boo", dup="1"} 1+0x100
    test_metric4{foo="boo"} 1+0x100
    test_metric5{"host.name"="localhost"} 1+0x100
    test_metric5{"junk\n{},=:  chars"="bar"} 1+0x100
"#;
/// What its test of label names stores.
const NAMES: &str = r#"
    test_metric1{foo1="bar", baz="abc"} 0+100x100
    test_metric1{foo2="boo"} 1+0x100
    test_metric2{foo="boo"} 1+0x100
    test_metric2{foo="boo", xyz="qwerty"} 1+0x100
    test_metric2{foo="baz", abc="qwerty"} 1+0x100
"#;

/// The pools whose relabelling the reference's test shows, step by step.
const POOLS: &str = r#"
scrape_configs:
  - job_name: testpool
    relabel_configs:
      - {regex: "", separator: "", target_label: __address__, replacement: "example.com:443"}
      - {source_labels: [__address__], separator: "", regex: 'example\.com:.*', action: drop, replacement: ""}
  - job_name: testpool3
    relabel_configs:
      - {regex: "", separator: "", target_label: __address__, replacement: "example.com:443"}
      - {source_labels: [__address__], separator: "", regex: 'example\.com:.*', action: drop, replacement: ""}
      - {regex: ".*", separator: "", target_label: job, replacement: should_not_apply}
"#;

/// The tables of a file; `None` when there is no copy.
#[expect(
    clippy::disallowed_methods,
    reason = "where the tables are differs from machine to machine"
)]
pub(super) fn tables(file: &str) -> Option<Vec<Value>> {
    let data = std::env::var("EVENKEEL_CONFORMANCE_DATA").ok().map(PathBuf::from)?;
    let text = fs::read(data.join("prometheus-http-api/tables").join(file)).ok()?;
    let tables: Value = serde_json::from_slice(&text).unwrap();
    Some(tables["tables"].as_array().unwrap().clone())
}

/// Cases of a table, in order or by name.
fn cases(table: &Value) -> Vec<(String, &Value)> {
    match &table["cases"] {
        Value::Array(all) => {
            all.iter().enumerate().map(|(at, case)| (at.to_string(), case)).collect()
        }
        Value::Object(all) => all.iter().map(|(name, case)| (name.clone(), case)).collect(),
        other => panic!("{other}"),
    }
}

/// A request of a case.
struct Asked {
    method: &'static str,
    path: String,
    pairs: Vec<(String, String)>,
}

impl Asked {
    fn get(path: &str, pairs: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { method: "GET", path: path.to_owned(), pairs: pairs.iter().map(own).collect() }
    }

    async fn send(&self, rig: &Rig) -> Answer {
        let pairs: Vec<_> = self.pairs.iter().map(|(a, b)| (&**a, &**b)).collect();
        match self.method {
            "GET" => rig.get(&self.path, &pairs).await,
            _ => rig.post(&self.path, &pairs).await,
        }
    }
}

#[derive(Default)]
struct Report {
    ran: usize,
    skipped: Vec<String>,
    wrong: Vec<String>,
}

impl Report {
    fn check(&mut self, name: &str, answer: &Answer, expected: &Expected) {
        self.ran += 1;
        if let Err(why) = expected.fits(answer) {
            self.wrong.push(format!("{name}: {why}\n  {} {}", answer.status, answer.text()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_s_cases_of_the_api_are_answered() {
    let (Some(api), Some(errors)) =
        (tables("web__api__v1__api_test.json"), tables("web__api__v1__errors_test.json"))
    else {
        println!(
            "conformance prometheus-http-api: 0 ran, 201 skipped: EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let endpoints = Setup { now: Some(100_000), scrape: Some(POOLS), ..Setup::default() };
    let endpoints = Rig::start(endpoints).await;
    endpoints.store(load(ENDPOINTS)).await;
    endpoints.store(exemplars()).await;
    let names = Rig::start(Setup::default()).await;
    names.store(load(NAMES)).await;
    let admin = Rig::start(Setup { admin: true, ..Setup::default() }).await;
    let mut report = Report::default();
    for table in api.iter().chain(&errors) {
        let of = table["func"].as_str().unwrap();
        for (at, case) in cases(table) {
            let name = format!("{of}/{at}");
            if let Some(why) = skipped::why(of, case) {
                report.skipped.push(format!("{name}: {why}"));
                continue;
            }
            let own = own_rig(of, case).await;
            let rig = own.as_ref().unwrap_or(match of {
                "TestGetSeries" | "TestLabelNames" => &names,
                "TestAdminEndpoints" if case["enableAdmin"] == true => &admin,
                _ => &endpoints,
            });
            for asked in asked(of, case) {
                let expected = expected(of, case, rig.app.clock.now().as_millis());
                report.check(&name, &asked.send(rig).await, &expected);
            }
        }
    }
    println!(
        "conformance prometheus-http-api: {} ran, {} skipped",
        report.ran,
        report.skipped.len()
    );
    for skipped in &report.skipped {
        println!("skipped {skipped}");
    }
    assert!(report.wrong.is_empty(), "{} differ:\n{}", report.wrong.len(), report.wrong.join("\n"));
    assert!(report.ran > 120, "{}", report.ran);
}

fn exemplars() -> Batch {
    let boo = r#"test_metric3{foo="boo",dup="1"}"#;
    let bar = r#"test_metric4{foo="bar",dup="1"}"#;
    Batch {
        exemplars: vec![
            exemplar(boo, "abc", 2000),
            exemplar(bar, "lul", 4000),
            exemplar(boo, "abc2", 4053),
            exemplar(bar, "lul2", 4153),
        ],
        ..Batch::default()
    }
}

/// A server of its own, where the case stores something.
async fn own_rig(of: &str, case: &Value) -> Option<Rig> {
    let batch = match (of, case["endpoint"]["_id"].as_str()) {
        ("TestQueryExemplars", _) => {
            let boo = r#"test_metric3{foo="boo",dup="1"}"#;
            let bar = r#"test_metric4{foo="bar",dup="1"}"#;
            let series = load(ENDPOINTS).series;
            let exemplars = vec![exemplar(boo, "abc", 0), exemplar(bar, "lul", 3000)];
            Batch { series, exemplars, ..Batch::default() }
        }
        (_, Some("api.metricMetadata")) => {
            Batch { metadata: metadata(&case["metadata"]), ..Batch::default() }
        }
        _ => return None,
    };
    let rig = Rig::start(Setup::default()).await;
    rig.store(batch).await;
    Some(rig)
}

fn metadata(of_targets: &Value) -> Vec<Metadata> {
    let targets = of_targets.as_array().into_iter().flatten();
    let all = targets.flat_map(|target| target["metadata"].as_array().unwrap());
    all.map(|one| Metadata {
        family: one["MetricFamily"].as_str().unwrap().into(),
        kind: match one["Type"]["_id"].as_str() {
            Some("model.MetricTypeSummary") => MetricKind::Summary,
            _ => MetricKind::Gauge,
        },
        help: one["Help"].as_str().unwrap().into(),
        unit: one["Unit"].as_str().unwrap().into(),
    })
    .collect()
}

/// The requests that a case stands for.
fn asked(of: &str, case: &Value) -> Vec<Asked> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    match of {
        "TestGetSeries" | "TestLabelNames" => {
            let path = if of == "TestGetSeries" { "series" } else { "labels" };
            let mut pairs: Vec<(String, String)> = case["matchers"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| ("match[]".to_owned(), one.as_str().unwrap().to_owned()))
                .collect();
            if let Some(limit) = case["limit"].as_str() {
                pairs.push(("limit".to_owned(), limit.to_owned()));
            }
            let asked =
                |method| Asked { method, path: format!("/api/v1/{path}"), pairs: pairs.clone() };
            vec![asked("GET"), asked("POST")]
        }
        "TestStats" => {
            let instant = [("query", "up"), ("stats", text("param"))];
            let range = [("start", "0"), ("end", "100"), ("step", "10")];
            vec![
                Asked::get("/api/v1/query", &instant),
                Asked::get("/api/v1/query_range", &[&instant[..], &range].concat()),
            ]
        }
        "TestParseTimeParam" => {
            let name = if text("paramName") == "foo" { "start" } else { text("paramName") };
            let pairs = [("query", "up"), (name, text("paramValue"))];
            vec![Asked::get("/api/v1/query_exemplars", &pairs)]
        }
        "TestParseTime" => {
            let time = expected::input(&case["input"]);
            let pairs = [("query", "time()"), ("start", &*time), ("end", &*time), ("step", "1")];
            vec![Asked::get("/api/v1/query_range", &pairs)]
        }
        "TestParseDuration" => {
            let pairs =
                [("query", "time()"), ("start", "0"), ("end", "1000"), ("step", text("input"))];
            vec![Asked::get("/api/v1/query_range", &pairs)]
        }
        "TestQueryTimeout" => {
            let asked = |method| Asked {
                method,
                ..Asked::get("/api/v1/query", &[("query", "2"), ("timeout", "1s")])
            };
            vec![asked(if case["method"]["_id"] == "http.MethodGet" { "GET" } else { "POST" })]
        }
        "TestRespondSuccess" => vec![Asked::get("/api/v1/query", &[("query", "\"test\"")])],
        "TestExtractQueryOpts" => {
            let mut asked = of_form("/api/v1/query", &case["form"]);
            asked.pairs.push(("query".to_owned(), "2".to_owned()));
            vec![asked]
        }
        "TestTSDBStatus" => vec![of_form("/api/v1/status/tsdb", &case["values"])],
        "TestAdminEndpoints" => {
            let path = match case["endpoint"]["_id"].as_str().unwrap() {
                "snapshotAPI" => "snapshot",
                "cleanAPI" => "clean_tombstones",
                _ => "delete_series",
            };
            let path = format!("/api/v1/admin/tsdb/{path}");
            vec![Asked { method: "POST", ..of_form(&path, &case["values"]) }]
        }
        _ => vec![of_form(&path(case), &case["query"])],
    }
}

fn of_form(path: &str, form: &Value) -> Asked {
    let pairs = form.as_object().into_iter().flatten().filter(|(name, _)| *name != "_type");
    let pairs = pairs.flat_map(|(name, values)| {
        let values = values.as_array().unwrap().iter();
        values.map(|value| (name.clone(), value.as_str().unwrap_or("token").to_owned()))
    });
    Asked { method: "GET", path: path.to_owned(), pairs: pairs.collect() }
}

fn path(case: &Value) -> String {
    let path = match case["endpoint"]["_id"].as_str().unwrap_or_default() {
        "api.query" => "query",
        "api.queryRange" => "query_range",
        "api.queryExemplars" => "query_exemplars",
        "api.formatQuery" => "format_query",
        "api.series" => "series",
        "api.targets" => "targets",
        "api.targetMetadata" => "targets/metadata",
        "api.targetRelabelSteps" => "targets/relabel_steps",
        "api.metricMetadata" => "metadata",
        "api.rules" => "rules",
        "api.alerts" => "alerts",
        "api.alertmanagers" => "alertmanagers",
        "api.serveConfig" => "status/config",
        "api.serveFlags" => "status/flags",
        // The query of a test without a table of endpoints.
        "" => "query_exemplars",
        other => panic!("{other}"),
    };
    format!("/api/v1/{path}")
}
