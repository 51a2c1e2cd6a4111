//! Prometheus' API described: every path, with its parameters. Its answers are Prometheus' own.

use serde_json::{Value, json};

use crate::api::prometheus::{Methods, ROUTES};

/// Parameters of several requests, by the names of their groups.
const TIME: &[(&str, &str)] = &[
    ("time", "Unix seconds or RFC 3339; now, without it."),
    ("timeout", "The longest that it may take, up to `query.timeout`."),
    ("lookback_delta", "How old a sample may be to count as the value now."),
    ("limit", "How many series at most; 0 is all."),
    ("stats", "`true` adds statistics, `all` those of each step as well."),
    ("explain", "`true` adds the plan, as `data.explain`."),
];
const RANGE: &[(&str, &str)] = &[
    ("start", "Unix seconds or RFC 3339."),
    ("end", "Unix seconds or RFC 3339."),
    ("step", "Seconds, or a duration such as `15s`."),
    ("timeout", "The longest that it may take, up to `query.timeout`."),
    ("lookback_delta", "How old a sample may be to count as the value now."),
    ("limit", "How many series at most; 0 is all."),
    ("stats", "`true` adds statistics, `all` those of each step as well."),
    ("explain", "`true` adds the plan, as `data.explain`."),
];
const BETWEEN: &[(&str, &str)] =
    &[("start", "Unix seconds or RFC 3339."), ("end", "Unix seconds or RFC 3339.")];
const MATCH: &[(&str, &str)] = &[("match[]", "A selector of series; may come more than once.")];
const CHOSEN: &[(&str, &str)] = &[
    ("match[]", "A selector of series; may come more than once."),
    ("start", "Unix seconds or RFC 3339."),
    ("end", "Unix seconds or RFC 3339."),
];
const QUERY: (&str, &str) = ("query", "The expression, in PromQL.");
const SPAN: &[(&str, &str)] = &[
    ("match[]", "A selector of series; may come more than once."),
    ("start", "Unix seconds or RFC 3339."),
    ("end", "Unix seconds or RFC 3339."),
    ("limit", "How many at most; 0 is all."),
];

/// A path's summary, whether it takes an expression, and its other parameters.
type About = (&'static str, bool, &'static [(&'static str, &'static str)]);

fn about(path: &str) -> Option<About> {
    Some(match path {
        "/api/v1/query" => ("An expression's value at one time.", true, TIME),
        "/api/v1/query_range" => ("An expression's value at each step.", true, RANGE),
        "/api/v1/query_exemplars" => ("Exemplars of an expression's series.", true, BETWEEN),
        "/api/v1/format_query" => ("An expression, formatted.", true, &[]),
        "/api/v1/parse_query" => ("An expression's tree.", true, &[]),
        "/api/v1/labels" => ("Names of labels.", false, SPAN),
        "/api/v1/label/{name}/values" => ("A label's values.", false, SPAN),
        "/api/v1/series" => ("Series that selectors choose.", false, SPAN),
        "/api/v1/metadata" => (
            "What metric families say of themselves.",
            false,
            &[
                ("metric", "Of this family alone."),
                ("limit", "How many families at most."),
                ("limit_per_metric", "How much of each at most."),
            ],
        ),
        "/api/v1/targets" => (
            "What is scraped.",
            false,
            &[("state", "`active`, `dropped` or `any`."), ("scrapePool", "Of this pool alone.")],
        ),
        "/api/v1/targets/metadata" => (
            "What scraped families say of themselves, target by target.",
            false,
            &[
                ("match_target", "A selector of targets."),
                ("metric", "Of this family alone."),
                ("limit", "How many targets at most."),
            ],
        ),
        "/api/v1/targets/relabel_steps" => (
            "What each relabelling rule of a pool makes of a target's labels.",
            false,
            &[
                ("scrapePool", "The pool; must be there."),
                ("labels", "The labels before relabelling, as a JSON object; must be there."),
            ],
        ),
        "/api/v1/scrape_pools" => ("Names of what is scraped.", false, &[]),
        "/api/v1/rules" => (
            "Rules; there are none.",
            false,
            &[
                ("type", "`alert` or `record`."),
                ("match[]", "A selector of rules by their labels."),
            ],
        ),
        "/api/v1/alerts" => ("Alerts of rules; there are none.", false, &[]),
        "/api/v1/alertmanagers" => ("Alertmanagers; there are none.", false, &[]),
        "/api/v1/status/config" => ("The configuration, without its secrets.", false, &[]),
        "/api/v1/status/flags" => ("Settings by name, without secrets.", false, &[]),
        "/api/v1/status/runtimeinfo" => ("How the server runs.", false, &[]),
        "/api/v1/status/buildinfo" => ("Which API this is, and which build.", false, &[]),
        "/api/v1/status/tsdb" => (
            "What makes the store large.",
            false,
            &[("limit", "How many of each kind, 10 without it.")],
        ),
        "/api/v1/status/walreplay" => ("How far the start has come.", false, &[]),
        "/api/v1/read" => ("Remote read.", false, &[]),
        "/api/v1/admin/tsdb/delete_series" => {
            ("Deletes samples, where `api.enable_admin` is set.", false, CHOSEN)
        }
        "/api/v1/admin/tsdb/clean_tombstones" => {
            ("Takes deleted samples off the disk, where `api.enable_admin` is set.", false, &[])
        }
        "/api/v1/admin/tsdb/snapshot" => {
            ("Copies the store, where `api.enable_admin` is set.", false, &[])
        }
        "/federate" => ("Newest samples, to be scraped.", false, MATCH),
        _ => return None,
    })
}

pub(super) fn describe(document: &mut Value) {
    for (path, methods) in ROUTES {
        let Some(about) = about(path) else { continue };
        for method in methods.names() {
            document["paths"][*path][*method] = described(path, *methods, method, about);
        }
    }
}

fn described(path: &str, methods: Methods, method: &str, about: About) -> Value {
    let (summary, expression, parameters) = about;
    let mut all = Vec::new();
    if path.contains("{name}") {
        all.push(json!({ "in": "path", "name": "name", "required": true, "description": "The label's name.", "schema": { "type": "string" } }));
    }
    let own = parameters.iter().copied();
    let own = expression.then_some(QUERY).into_iter().chain(own);
    all.extend(own.map(|(name, means)| {
        let required = name == "query";
        json!({ "in": "query", "name": name, "required": required, "description": means, "schema": { "type": "string" } })
    }));
    let mut id = format!("prometheus_{method}");
    for word in path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        id = format!("{id}_{word}");
    }
    let kind = match path {
        "/federate" => "text/plain",
        "/api/v1/read" => "application/x-protobuf",
        _ => "application/json",
    };
    let answer = |text: &str, kind: &str| json!({ "description": text, "content": { kind: { "schema": { "type": if kind == "application/json" { "object" } else { "string" } } } } });
    let mut described = json!({
        "operationId": id,
        "summary": summary,
        "tags": ["prometheus"],
        "parameters": all,
        "responses": {
            "200": answer(summary, kind),
            "400": answer("A parameter cannot be read (`bad_data`).", "application/json"),
            "422": answer("It cannot be evaluated (`execution`).", "application/json"),
            "503": answer("It took too long (`timeout`), or is not to be had (`unavailable`).", "application/json"),
        },
    });
    if methods == Methods::GetOrPost && method == "post" {
        described["description"] = "The parameters may stand in a form in the body.".into();
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_prometheus_is_described() {
        for (path, methods) in ROUTES {
            assert!(about(path).is_some(), "{path}");
            assert!(!methods.names().is_empty());
        }
        let mut document = json!({ "paths": {} });
        describe(&mut document);
        let values = &document["paths"]["/api/v1/label/{name}/values"]["get"];
        assert_eq!(values["parameters"][0]["in"], "path");
        assert_eq!(document["paths"]["/api/v1/query"]["post"]["parameters"][0]["required"], true);
    }
}
