//! Which cases of the reference say nothing about this server, and why.

use serde_json::Value;

/// Why a case is not run; `None` runs it.
pub(super) fn why(of: &str, case: &Value) -> Option<&'static str> {
    const BROKEN: &str = "a store that always fails is put in place of the real one";
    const RULES: &str = "Prometheus rules are not evaluated here yet, so there are none to list";
    const PARTS: &str = "tests a function of the reference's code, no request";
    match of {
        "setupTestTargetRetriever" => return Some("the reference's targets, no case"),
        "BenchmarkRespond" => return Some("a benchmark, no case"),
        "TestGetGlobalURL" => return Some(PARTS),
        "TestReturnAPIError" | "TestApiStatusCodes" => {
            return Some("tests how errors of Go become answers; see `error.rs` for ours");
        }
        "TestRespondSuccess" if case["expectedContentType"] != "application/json" => {
            return Some("another codec is put in place of JSON");
        }
        "TestStats" if case.get("renderer").is_some() => {
            return Some("another renderer of statistics is put in place");
        }
        _ => {}
    }
    if case["api"]["_type"] == "API" {
        return Some(BROKEN);
    }
    let db = case["db"]["_id"].as_str().unwrap_or_default();
    if db == "tsdbWithError" {
        return Some(BROKEN);
    }
    if db == "tsdbNotReady" {
        return Some("the server listens when the store is ready");
    }
    match case["endpoint"]["_id"].as_str().unwrap_or_default() {
        "api.rules" => {
            let groups = &case["response"]["RuleGroups"];
            let some = groups.as_array().is_some_and(|groups| !groups.is_empty());
            some.then_some(RULES)
        }
        "api.alerts" => Some(RULES),
        "api.alertmanagers" => {
            Some("there is no Alertmanager to send to: Evenkeel pages by itself")
        }
        "api.targets" | "api.targetMetadata" => {
            let empty = case["response"].as_array().is_some_and(Vec::is_empty);
            (!empty).then_some("the reference puts targets in place that are never scraped")
        }
        "api.serveConfig" | "api.serveFlags" => Some("shows the reference's own settings"),
        "api.metricMetadata" => metadata(case),
        _ => None,
    }
}

/// Pushed metadata is kept once for each family; only scraped targets may disagree.
fn metadata(case: &Value) -> Option<&'static str> {
    let targets = case["metadata"].as_array().into_iter().flatten();
    let mut said: Vec<(&str, &str)> = targets
        .flat_map(|target| target["metadata"].as_array().unwrap())
        .map(|one| (one["MetricFamily"].as_str().unwrap(), one["Help"].as_str().unwrap()))
        .collect();
    said.sort_unstable();
    said.dedup();
    let families = said.len();
    said.dedup_by_key(|(family, _)| *family);
    (said.len() < families)
        .then_some("targets disagree about a family, which takes scraped targets")
}
