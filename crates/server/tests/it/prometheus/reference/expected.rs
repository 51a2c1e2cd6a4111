//! What a case of the reference expects, as JSON: its Go values stand in the tables as types, calls and names.

use serde_json::{Map, Value, json};

use crate::support::Answer;

/// What must be so of an answer.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// The `errorType`; `None` is success.
    error: Option<&'static str>,
    error_text: Option<String>,
    data: Option<Value>,
    /// Items of `data`.
    len: Option<usize>,
    warnings: Option<usize>,
    /// Paths that must be there, or (`false`) must not.
    paths: Vec<(&'static str, bool)>,
    /// Whether lists are compared whatever their order.
    sorted: bool,
    /// An answer without a body.
    empty: bool,
}

impl Expected {
    pub(super) fn fits(&self, answer: &Answer) -> Result<(), String> {
        if self.empty && answer.status == 204 {
            return Ok(());
        }
        let json: Value =
            serde_json::from_slice(&answer.body).map_err(|error| format!("no JSON: {error}"))?;
        let status = match self.error {
            None => 200,
            Some("bad_data") => 400,
            Some("unavailable") => 503,
            Some(_) => 422,
        };
        let error = json["errorType"].as_str();
        if (answer.status, error) != (status, self.error) {
            return Err(format!("expected {status} {:?}", self.error));
        }
        if let Some(text) = self.error_text.as_ref().filter(|text| json["error"] != ***text) {
            return Err(format!("expected the error {text}"));
        }
        let mut data = json["data"].clone();
        if let Some(mut expected) = self.data.clone() {
            if self.sorted {
                sort(&mut data);
                sort(&mut expected);
            }
            if !same(&data, &expected) {
                return Err(format!("expected {expected}"));
            }
        }
        let len = data.as_array().map(Vec::len).or(data.as_object().map(Map::len));
        if self.len.is_some() && len != self.len {
            return Err(format!("expected {:?} items", self.len));
        }
        let warnings = json["warnings"].as_array().map_or(0, Vec::len);
        if self.warnings.is_some_and(|expected| expected != warnings) {
            return Err(format!("expected {:?} warnings", self.warnings));
        }
        for (path, there) in &self.paths {
            if json.pointer(path).is_some() != *there {
                return Err(format!("`{path}` is there: {}", !there));
            }
        }
        Ok(())
    }
}

/// Numbers may be written with more or fewer digits.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn sort(value: &mut Value) {
    if let Value::Array(items) = value {
        items.sort_by_key(Value::to_string);
    }
}

pub(super) fn expected(of: &str, case: &Value, now_ms: i64) -> Expected {
    let mut expected = Expected {
        error: error(case),
        len: whole(&case["responseLen"]),
        warnings: whole(&case["warningsCount"]),
        ..Expected::default()
    };
    match of {
        "TestGetSeries" | "TestLabelNames" => {
            expected.data = case.get("expected").cloned();
            expected.sorted = of == "TestGetSeries";
        }
        "TestStats" => {
            let param = case["param"].as_str().unwrap();
            expected.paths = vec![
                ("/data/stats/timings/evalTotalTime", !param.is_empty()),
                ("/data/stats/samples/totalQueryableSamples", !param.is_empty()),
                ("/data/stats/samples/totalQueryableSamplesPerStep", param == "all"),
            ];
            expected.warnings = Some(usize::from(case["wantWarning"] == true));
        }
        "TestParseTime" if expected.error.is_none() => {
            expected.data = Some(at_one_time(&case["result"]));
        }
        "TestParseDuration" if expected.error.is_none() => {
            expected.paths = vec![("/data/result/0/values/0", true)];
        }
        "TestParseTimeParam" if expected.error.is_some() => {
            let text = "invalid parameter \"start\": invalid time value for 'start': cannot parse \"baz\" to a valid timestamp";
            expected.error_text = Some(text.to_owned());
        }
        "TestExtractQueryOpts" => {
            expected.error_text = case["err"].as_str().map(str::to_owned);
        }
        "TestRespondSuccess" => expected.paths = vec![("/data/result/1", true)],
        "TestAdminEndpoints" => {
            expected.empty = expected.error.is_none() && case["endpoint"]["_id"] != "snapshotAPI";
        }
        "TestQueryExemplars" => expected.data = Some(converted(&case["exemplars"], now_ms)),
        "testEndpoints" => {
            expected.data = match (&case["responseAsJSON"], &case["response"]) {
                (Value::String(text), _) => Some(serde_json::from_str(text).unwrap()),
                (_, Value::Null) => None,
                (_, response) => Some(converted(response, now_ms)),
            };
            // The reference sorts what its store gives in any order.
            expected.sorted = ["api.series", "api.queryExemplars"]
                .contains(&case["endpoint"]["_id"].as_str().unwrap_or_default());
        }
        _ => {}
    }
    expected
}

fn error(case: &Value) -> Option<&'static str> {
    let named = [&case["errType"], &case["expectedErrorType"]];
    let named = named.iter().find_map(|named| named["_id"].as_str()).unwrap_or_default();
    let failed =
        case["fail"] == true || case["err"].is_string() || case["result"]["asError"].is_object();
    match named {
        "errorBadData" => Some("bad_data"),
        "errorUnavailable" => Some("unavailable"),
        _ if failed => Some("bad_data"),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<usize> {
    value.as_u64().map(|value| usize::try_from(value).unwrap())
}

/// A time's text, which may be a call.
pub(super) fn input(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None if value["_call"] == "MinTime.Format" => "-292273086-05-16T16:47:06Z".to_owned(),
        None => "292277025-08-18T07:12:54.999999999Z".to_owned(),
    }
}

/// `time()` at the time that was read.
fn at_one_time(result: &Value) -> Value {
    let ms = match (result["_call"].as_str(), result["_id"].as_str()) {
        (Some("time.Unix"), _) => {
            let part = |at: usize| result["args"][at].as_f64().unwrap();
            part(0) * 1000.0 + part(1) / 1e6
        }
        // The test's variable of 2015-06-03T13:21:58.555Z.
        (_, Some("ts")) => 1_433_337_718_555.0,
        (_, Some("MinTime")) => return extreme(i64::MIN),
        _ => return extreme(i64::MAX),
    };
    let value = [json!(ms / 1000.0), json!((ms / 1000.0).to_string())];
    json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": [value] }] })
}

#[expect(clippy::cast_precision_loss, reason = "what `time()` does at the ends of time")]
fn extreme(ms: i64) -> Value {
    let value = [json!(ms as f64 / 1000.0), json!((ms as f64 / 1000.0).to_string())];
    json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": [value] }] })
}

fn relabel_step(step: &Value) -> Value {
    let (rule, output) = (&step["Rule"], &step["Output"]["args"]);
    let action = rule["Action"]["_id"].as_str().unwrap().trim_start_matches("relabel.");
    let mut shown = json!({ "action": action.to_lowercase(), "regex": rule["Regex"]["args"][0] });
    for (ours, theirs) in [
        ("sourceLabels", "SourceLabels"),
        ("targetLabel", "TargetLabel"),
        ("replacement", "Replacement"),
    ] {
        if let Some(value) = rule.get(theirs) {
            shown[ours] = value.clone();
        }
    }
    let output = output.get(0).cloned().unwrap_or_else(|| json!({}));
    json!({ "rule": shown, "output": output, "keep": step["Keep"] })
}

/// A Go value as the API writes it.
fn converted(value: &Value, now_ms: i64) -> Value {
    let at = |value: &Value| time(value, now_ms) / 1000.0;
    match value {
        Value::Array(items) => items.iter().map(|item| converted(item, now_ms)).collect(),
        Value::Object(fields) => match value["_type"].as_str() {
            Some("QueryData") => {
                let kind = match value["ResultType"]["_id"].as_str() {
                    Some("parser.ValueTypeScalar") => "scalar",
                    _ => "matrix",
                };
                json!({ "resultType": kind, "result": converted(&value["Result"], now_ms) })
            }
            Some("promql.Scalar") => json!([at(&value["T"]), number(&value["V"])]),
            Some("promql.Matrix") => converted(&value["_items"], now_ms),
            Some("promql.Series") => {
                let metric = value["Metric"]["args"].get(0).cloned().unwrap_or(json!({}));
                let points = value["Floats"].as_array().unwrap().iter();
                let points = points.map(|point| json!([at(&point["T"]), number(&point["F"])]));
                json!({ "metric": metric, "values": points.collect::<Value>() })
            }
            Some("RelabelStepsResponse") => {
                let steps = value["Steps"].as_array().unwrap().iter().map(relabel_step);
                json!({ "steps": steps.collect::<Value>() })
            }
            Some("RuleDiscovery") => json!({ "groups": value["RuleGroups"] }),
            _ if fields.contains_key("SeriesLabels") => {
                let all = value["Exemplars"].as_array().unwrap().iter();
                let all = all.map(|one| {
                    json!({ "labels": one["Labels"], "value": number(&one["Value"]), "timestamp": at(&one["Ts"]) })
                });
                json!({ "seriesLabels": value["SeriesLabels"], "exemplars": all.collect::<Value>() })
            }
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn number(value: &Value) -> Value {
    value.as_f64().unwrap().to_string().into()
}

/// Milliseconds of `timestamp.FromTime(start.Add(…))` and its like; the tests' `start` is the epoch.
#[expect(clippy::cast_precision_loss, reason = "times of tests")]
fn time(value: &Value, now_ms: i64) -> f64 {
    if let Some(ms) = value.as_f64() {
        return ms;
    }
    let inner = &value["args"][0];
    match (value["_call"].as_str(), value["_id"].as_str(), value["_expr"].as_str()) {
        (Some("timestamp.FromTime"), ..) => time(inner, now_ms),
        (Some("start.Add"), ..) => duration(inner),
        (Some("api.now"), ..) => now_ms as f64,
        (_, Some("start"), _) => 0.0,
        _ => panic!("{value}"),
    }
}

fn duration(value: &Value) -> f64 {
    if value["_expr"] == "123*time.Second + 400*time.Millisecond" {
        return 123_400.0;
    }
    let text = value.as_str().unwrap();
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(ms), _) => ms.parse().unwrap(),
        (None, Some(seconds)) => seconds.parse::<f64>().unwrap() * 1000.0,
        _ => panic!("{value}"),
    }
}
