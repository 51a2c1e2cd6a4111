//! What Prometheus itself answered: recorded answers over a small set of samples, and tables of its tests.

use std::{collections::BTreeMap, io::Read as _, path::PathBuf};

use model::{Labels, Points};
use promql::{Features, Limits, MatrixSeries, Query, evaluate, parse, parse_with};
use regex::Regex;
use serde_json::Value as Json;

use crate::{
    promqltest::{Store, near},
    tables::data,
};

/// Recorded answers of Prometheus 2.42 that Prometheus 3 does not give.
const CHANGED: [(&str, &str); 4] = [
    (
        r#"label_replace(demo_num_cpus, "~invalid", "", "src", "(.*)")"#,
        "any UTF-8 is a name of a label now",
    ),
    (
        r#"label_join(demo_num_cpus, "~invalid", "-", "instance")"#,
        "any UTF-8 is a name of a label now",
    ),
    (
        "avg_over_time(rate(demo_cpu_usage_seconds_total[1m])[2m:10s])",
        "windows are open on the left now, and a step of the subquery lies on the edge",
    ),
    ("demo_num_cpus atan2 demo_is_holiday", "atan2 removes the name now"),
];

fn unpacked(path: PathBuf) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// Lines `name{labels} value seconds`.
fn stored(text: &str) -> Store {
    let mut all: BTreeMap<String, Points> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (rest, seconds) = line.rsplit_once(' ').unwrap();
        let (series, value) = rest.rsplit_once(' ').unwrap();
        let at_ms = (seconds.parse::<f64>().unwrap() * 1000.0).round() as i64;
        all.entry(series.to_owned()).or_default().push(at_ms, value.parse().unwrap());
    }
    let mut store = Store::default();
    for (series, points) in all {
        let promql::ast::ExprKind::Selector(selector) = parse(&series).unwrap().kind else {
            panic!("{series}")
        };
        let labels = selector.matchers.iter().map(|one| (one.name(), one.value()));
        store.add(Labels::from_pairs(labels), points);
    }
    store
}

fn labels(metric: &Json) -> Labels {
    let pairs = metric.as_object().unwrap().iter();
    Labels::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap())))
}

fn differs(wanted: &Json, found: &[MatrixSeries]) -> Option<String> {
    let wanted: BTreeMap<Labels, &Json> = wanted
        .as_array()
        .unwrap()
        .iter()
        .map(|series| (labels(&series["metric"]), &series["values"]))
        .collect();
    if wanted.len() != found.len() {
        return Some(format!("{} series, not {}", found.len(), wanted.len()));
    }
    for series in found {
        let Some(values) = wanted.get(&series.labels) else {
            return Some(format!("unexpected {}", series.labels));
        };
        let values = values.as_array().unwrap();
        if values.len() != series.points.len() {
            return Some(format!(
                "{}: {} points, not {}",
                series.labels,
                series.points.len(),
                values.len()
            ));
        }
        for (wanted, found) in values.iter().zip(series.points.samples()) {
            let at_ms = (wanted[0].as_f64().unwrap() * 1000.0).round() as i64;
            let value: f64 = wanted[1].as_str().unwrap().parse().unwrap();
            if at_ms != found.at_ms || !near(value, found.value, 1e-9) {
                return Some(format!(
                    "{}: {} at {}, not {value} at {at_ms}",
                    series.labels, found.value, found.at_ms
                ));
            }
        }
    }
    None
}

#[test]
fn recorded_answers_are_given() {
    let Some(data) = data() else {
        println!("conformance promql-golden: skipped, EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let folder = data.join("promql-golden");
    let store = stored(&unpacked(folder.join("demo.openmetrics.txt.gz")));
    let golden: Json = serde_json::from_str(&unpacked(folder.join("demo-golden.json.gz"))).unwrap();
    let (mut ran, mut skipped, mut failures) = (0, 0, Vec::new());
    for case in golden["cases"].as_array().unwrap() {
        let text = case["query"].as_str().unwrap();
        if let Some((_, reason)) = CHANGED.iter().find(|(changed, _)| *changed == text) {
            println!("promql-golden: not compared, {reason}: {text}");
        }
        let changed = CHANGED.iter().any(|(changed, _)| *changed == text);
        if case["oracle_unsupported"] == true || changed {
            skipped += 1;
            continue;
        }
        ran += 1;
        let ms = |key: &str| (case[key].as_f64().unwrap() * 1000.0) as i64;
        let query = Query { start_ms: ms("start"), end_ms: ms("end"), step_ms: ms("step") };
        let answer =
            parse_with(text, &Features::ALL).map_err(|error| error.to_string()).and_then(|expr| {
                evaluate(&expr, query, &store, &Limits::default())
                    .map_err(|error| error.to_string())
            });
        let wants_error = case["status"] == "error";
        let failure = match answer {
            Err(_) if wants_error => None,
            Err(error) => Some(error),
            Ok(_) if wants_error => Some("gave no error".to_owned()),
            Ok(answer) => differs(&case["result"], &answer.value.into_matrix(query)),
        };
        failures.extend(failure.map(|failure| format!("{text}: {failure}")));
    }
    println!("conformance promql-golden: {ran} ran, {skipped} skipped");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn quantiles_of_buckets_are_those_of_the_table() {
    let Some(data) = data() else {
        println!(
            "conformance promql quantile table: skipped, EVENKEEL_CONFORMANCE_DATA is not set"
        );
        return;
    };
    let text =
        std::fs::read_to_string(data.join("promql/tables/promql__quantile_test.json")).unwrap();
    let tables: Json = serde_json::from_str(&text).unwrap();
    let bucket = Regex::new(r"UpperBound:\s*([^,]+),\s*Count:\s*([^,]+),").unwrap();
    let number = |text: &str| match text.trim() {
        "math.Inf(1)" => f64::INFINITY,
        text => text.parse().unwrap(),
    };
    let (mut ran, mut skipped) = (0, 0);
    for table in tables["tables"].as_array().unwrap() {
        for (name, case) in table["cases"].as_object().unwrap() {
            let input = case["getInput"]["_func"].as_str().unwrap_or("");
            if bucket.find(input).is_none() {
                skipped += 1;
                continue;
            }
            let mut store = Store::default();
            for found in bucket.captures_iter(input) {
                let (bound, count) = (number(&found[1]), number(&found[2]));
                let mut points = Points::default();
                points.push(0, count);
                let le = bound.to_string();
                store.add(
                    Labels::from_pairs([("__name__", "x_bucket"), ("le", le.as_str())]),
                    points,
                );
            }
            for (q, wanted) in case["expectedValues"].as_object().unwrap() {
                let text = format!("histogram_quantile({q}, x_bucket)");
                let expr = parse(&text).unwrap();
                let answer =
                    evaluate(&expr, Query::instant(0), &store, &Limits::default()).unwrap();
                let series = answer.value.into_matrix(Query::instant(0));
                let found = series[0].points.values[0];
                assert!(near(wanted.as_f64().unwrap(), found, 1e-9), "{name}: {q} is {found}");
                let forced = !answer.annotations.infos.is_empty();
                assert_eq!(forced, case["expectedForced"] == true, "{name}");
            }
            ran += 1;
        }
    }
    println!("conformance promql quantile table: {ran} ran, {skipped} skipped");
}
