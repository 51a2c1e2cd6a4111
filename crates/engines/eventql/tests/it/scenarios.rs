//! The search scenarios of Quickwit's REST tests, as far as the language covers them.
//!
//! Documents become spans with their fields as attributes, so that full text sees each string. A step runs when its query
//! is one of ours or has a simple translation, and its documents are at hand. `testdata/scenarios.txt` names each step
//! that does not run, with the reason; a step that runs must not be there.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use eventql::{Field, matches, plan};
use model::{Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value};
use serde_json::Value as Json;

use crate::yaml;

/// The steps that do not run.
const SKIPPED: &str = include_str!("../../testdata/scenarios.txt");

#[test]
fn quickwit_search() {
    #[expect(clippy::disallowed_methods, reason = "where the data is, is told by the environment")]
    let Ok(data) = std::env::var("EVENKEEL_CONFORMANCE_DATA") else {
        println!("conformance quickwit-search: skipped: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let root = Path::new(&data).join("logs-quickwit-rest/quickwit/rest-api-tests/scenarii");
    let skipped: BTreeMap<&str, &str> = SKIPPED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .collect();
    let (mut ran, mut read, mut wrong, mut seen) = (0, 0, String::new(), Vec::new());
    for folder in folders(&root) {
        let indexes = indexes(&documents(&folder.join("_setup.quickwit.yaml")));
        let context = documents(&folder.join("_ctx.yaml")).into_iter().next().unwrap_or(Json::Null);
        for (file, at, step) in steps(&folder) {
            let step = Step { context: &context, step: &step };
            let name = format!("{}/{file}#{at}", folder.strip_prefix(&root).unwrap().display());
            if !step.is_search() {
                continue;
            }
            let outcome = step.run(&indexes);
            read += usize::from(outcome == Outcome::Read);
            match (outcome, skipped.get(name.as_str())) {
                (Outcome::Right, None) => ran += 1,
                (Outcome::Right, Some(_)) => {
                    writeln!(wrong, "{name}: listed as skipped, and runs").unwrap()
                }
                (_, Some(_)) => seen.push(name),
                (other, None) => writeln!(wrong, "{name}: {}", other.reason()).unwrap(),
            }
        }
    }
    println!(
        "conformance quickwit-search: {ran} ran, {} skipped, of which {read} were read",
        seen.len()
    );
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(seen.len(), skipped.len(), "a listed step is not there");
    assert!(ran > 0);
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
                open.push(path);
            }
        }
    }
    folders.sort();
    folders
}

/// The documents of a YAML file; none when there is no file.
fn documents(path: &Path) -> Vec<Json> {
    let Ok(text) = fs::read_to_string(path) else { return Vec::new() };
    yaml::documents(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The steps of a folder, with their files and numbers from 1.
fn steps(folder: &Path) -> Vec<(String, usize, Json)> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut steps = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(file) = name.strip_suffix(".yaml").filter(|file| !file.starts_with('_')) {
            let documents = documents(&path).into_iter().filter(|step| !step.is_null());
            steps.extend(documents.enumerate().map(|(at, step)| (file.to_owned(), at + 1, step)));
        }
    }
    steps
}

/// The documents of each index.
fn indexes(setup: &[Json]) -> BTreeMap<String, Vec<Span>> {
    let mut times = BTreeMap::new();
    let mut indexes: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for step in setup {
        if let Some(id) = step["json"]["index_id"].as_str() {
            times.insert(id.to_owned(), step["json"]["doc_mapping"]["timestamp_field"].as_str());
        }
        let Some(index) =
            step["endpoint"].as_str().and_then(|endpoint| endpoint.strip_suffix("/ingest"))
        else {
            continue;
        };
        let lines = step["ndjson"].as_array().or(step["shuffle_ndjson"].as_array()).unwrap();
        // What has no time is refused where one is asked for.
        let time = times.get(index).copied().flatten();
        let kept = lines.iter().filter(|line| time.is_none_or(|time| !line[time].is_null()));
        indexes.entry(index.to_owned()).or_default().extend(kept.map(span));
    }
    indexes
}

fn span(document: &Json) -> Span {
    let Value::Map(attributes) = value(document) else { panic!("{document} is no object") };
    let start =
        document["timestamp"].as_str().map_or(Timestamp::EPOCH, |time| time.parse().unwrap());
    Span {
        trace_id: TraceId::default(),
        span_id: SpanId::default(),
        parent: None,
        resource: Arc::new(Resource::default()),
        name: "".into(),
        kind: SpanKind::Internal,
        start,
        end: start,
        status: SpanStatus::Unset,
        status_message: "".into(),
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        ..Span::default()
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Double(number.as_f64().unwrap()), Value::Int)
        }
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(map) => {
            Value::Map(map.iter().map(|(key, item)| (key.as_str().into(), value(item))).collect())
        }
    }
}

#[derive(PartialEq)]
enum Outcome {
    Right,
    /// The query can be read, but its documents are not there.
    Read,
    Not(String),
}

impl Outcome {
    fn reason(self) -> String {
        match self {
            Self::Right => String::new(),
            Self::Read => "its documents are not in the data".to_owned(),
            Self::Not(reason) => reason,
        }
    }
}

struct Step<'s> {
    context: &'s Json,
    step: &'s Json,
}

impl Step<'_> {
    fn endpoint(&self) -> &str {
        self.step["endpoint"].as_str().or(self.context["endpoint"].as_str()).unwrap_or("")
    }

    /// Whether it asks Quickwit for records.
    fn is_search(&self) -> bool {
        let engines = self.step.get("engines").and_then(Json::as_array);
        let ours = engines.is_none_or(|engines| engines.contains(&"quickwit".into()));
        let path = self.endpoint().rsplit('/').next().unwrap_or("");
        let asks = !self.step["json"]["query"].is_null()
            || ["q", "query", "extra_filters"]
                .iter()
                .any(|name| !self.step["params"][name].is_null());
        ours && ["search", "_search", "_count"].contains(&path) && asks
    }

    fn run(&self, indexes: &BTreeMap<String, Vec<Span>>) -> Outcome {
        let Some(text) = self.query() else {
            return Outcome::Not("the query has no translation".to_owned());
        };
        let plan = plan(&text);
        if !self.step["status_code"].is_null() {
            return match plan {
                Err(_) => Outcome::Right,
                Ok(_) => Outcome::Not("refused there, and read here".to_owned()),
            };
        }
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => return Outcome::Not(error.to_string()),
        };
        let Some(wanted) = self.wanted() else {
            return Outcome::Not("no hits are expected".to_owned());
        };
        let Some(documents) = self.documents(indexes) else { return Outcome::Read };
        let mut hits: Vec<&Span> =
            documents.into_iter().filter(|span| matches(&plan.filter, *span)).collect();
        match wanted {
            Wanted::Number(number) if hits.len() == number => Outcome::Right,
            Wanted::Number(number) => {
                Outcome::Not(format!("{} hits where {number} are expected", hits.len()))
            }
            Wanted::Times(times) => {
                hits.sort_by_key(|span| span.start);
                if self.step["json"]["sort"][0]["timestamp"]["order"] == "desc" {
                    hits.reverse();
                }
                let found: Vec<_> = hits.iter().take(times.len()).map(|span| span.start).collect();
                if found == times { Outcome::Right } else { Outcome::Not(format!("{found:?}")) }
            }
        }
    }

    /// The documents of the indexes that are named; `None` when those of one are not there.
    fn documents<'d>(&self, indexes: &'d BTreeMap<String, Vec<Span>>) -> Option<Vec<&'d Span>> {
        let names = self.endpoint().rsplit_once('/')?.0.replace("%2C", ",");
        let fits = |pattern: &str, name: &str| match pattern.split_once('*') {
            Some((before, after)) => name.starts_with(before) && name.ends_with(after),
            None => pattern == name,
        };
        let (excluded, included): (Vec<&str>, Vec<&str>) =
            names.split(',').partition(|name| name.starts_with('-'));
        let known = included.iter().all(|pattern| {
            indexes.keys().any(|name| fits(pattern, name))
                && (pattern.contains('-') || !pattern.starts_with("gharchive"))
        });
        let wanted = indexes.iter().filter(|(name, _)| {
            included.iter().any(|pattern| fits(pattern, name))
                && !excluded.iter().any(|pattern| fits(pattern.trim_start_matches('-'), name))
        });
        known.then(|| wanted.flat_map(|(_, spans)| spans).collect())
    }

    fn wanted(&self) -> Option<Wanted> {
        let expected = &self.step["expected"];
        let number = expected["num_hits"].as_u64().or(expected["hits"]["total"]["value"].as_u64());
        if let Some(number) = number {
            return Some(Wanted::Number(usize::try_from(number).unwrap()));
        }
        let times = expected["hits"]["hits"].as_array()?.iter();
        let time = |hit: &Json| hit["_source"]["timestamp"].as_str()?.parse().ok();
        times.map(time).collect::<Option<_>>().map(Wanted::Times)
    }

    /// The query in our language.
    fn query(&self) -> Option<String> {
        let (params, json) = (&self.step["params"], &self.step["json"]);
        let mut text = match (params["q"].as_str().or(params["query"].as_str()), &json["query"]) {
            (Some(text), _) => text.to_owned(),
            (None, Json::String(text)) => text.clone(),
            (None, Json::Null) => "*".to_owned(),
            (None, query) => translated(query)?,
        };
        for filter in
            params["extra_filters"].as_str().into_iter().flat_map(|filters| filters.split(','))
        {
            text = format!("({text}) {filter}");
        }
        for (name, operator) in [("start_timestamp", ">="), ("end_timestamp", "<")] {
            if let Some(time) = params[name].as_i64() {
                text = format!("({text}) ts{operator}{time}");
            }
        }
        Some(text)
    }
}

enum Wanted {
    Number(usize),
    Times(Vec<Timestamp>),
}

/// A query of Elasticsearch's language in ours, where one term says the same.
fn translated(query: &Json) -> Option<String> {
    let (kind, body) = query.as_object()?.iter().next()?;
    let all = |queries: &Json, between: &str| -> Option<String> {
        let parts: Option<Vec<String>> = match queries {
            Json::Array(parts) => parts.iter().map(translated).collect(),
            Json::Null => Some(vec!["*".to_owned()]),
            one => translated(one).map(|one| vec![one]),
        };
        Some(format!("({})", parts?.join(between)))
    };
    if kind == "bool" {
        let only = |names: &[&str]| {
            body.as_object().is_some_and(|map| map.keys().all(|key| names.contains(&key.as_str())))
        };
        if only(&["must_not"]) {
            return Some(format!("-{}", all(&body["must_not"], " OR ")?));
        }
        if only(&["should"]) && body.get("should").is_some() {
            return all(&body["should"], " OR ");
        }
        return if only(&["must", "filter"]) {
            Some(format!("{} {}", all(&body["must"], " ")?, all(&body["filter"], " ")?))
        } else {
            None
        };
    }
    if kind == "query_string" {
        return query_string(body);
    }
    match kind.as_str() {
        "match_all" => return Some("*".to_owned()),
        "match_none" => return Some("-*".to_owned()),
        "exists" => return Some(format!("{}:*", Field::named(body["field"].as_str()?))),
        _ => {}
    }
    let (name, test) = body.as_object()?.iter().next()?;
    let field = Field::named(name);
    let quoted = |json: &Json| match json {
        Json::String(text) => model::Quoted(text).to_string(),
        other => other.to_string(),
    };
    let text =
        |part: &str| if test.is_object() { test.get(part).map(quoted) } else { Some(quoted(test)) };
    let insensitive = test["case_insensitive"] == true;
    match kind.as_str() {
        "term" if !insensitive => Some(format!("{field}={}", text("value")?)),
        "terms" => {
            let values: Vec<_> =
                test.as_array()?.iter().map(|value| format!("{field}={}", quoted(value))).collect();
            Some(format!("({})", values.join(" OR ")))
        }
        "range" if test["format"].is_null() => {
            let ends = [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")];
            let ends = ends.iter().filter_map(|(end, operator)| {
                Some(format!("{field}{operator}{}", quoted(test.get(end)?)))
            });
            Some(ends.collect::<Vec<_>>().join(" "))
        }
        "match" => {
            let text = test["query"].as_str().or(test.as_str())?;
            let and = test["operator"].as_str() == Some("AND");
            let words: Vec<_> = text.split(' ').map(|word| format!("{field}~\"{word}\"")).collect();
            Some(format!("({})", words.join(if and { " " } else { " OR " })))
        }
        "match_phrase" if test["slop"].is_null() => {
            text("query").map(|text| format!("{field}~{text}"))
        }
        "match_phrase_prefix" if test["analyzer"].is_null() => text("query")
            .map(|text| format!("{field}~{}*", text.trim_matches('"').replace(' ', "\\ "))),
        "wildcard" if !insensitive => {
            text("value").map(|text| format!("{field}:{}", text.trim_matches('"')))
        }
        "prefix" if !insensitive => {
            text("value").map(|text| format!("{field}:{}*", text.trim_matches('"')))
        }
        "regexp" => {
            let case = if insensitive { "(?i)" } else { "" };
            Some(format!("{field}=~\"{case}{}\"", text("value")?.trim_matches('"')))
        }
        _ => None,
    }
}

/// A query string, asked of the fields that stand beside it where it names none.
fn query_string(body: &Json) -> Option<String> {
    let query = body["query"].as_str()?;
    let fields: Vec<&str> = match (&body["default_field"], &body["fields"]) {
        (Json::Null, Json::Null) => Vec::new(),
        (field, Json::Null) => vec![field.as_str()?],
        (Json::Null, fields) => {
            fields.as_array()?.iter().map(Json::as_str).collect::<Option<_>>()?
        }
        _ => return None,
    };
    if fields.is_empty() {
        return Some(query.to_owned());
    }
    // An order stands behind a field, and words are searched for in its texts.
    let of = |field: &&str| match query.starts_with(['>', '<']) {
        true => format!("{field}:{query}"),
        false => format!("{field}~({query})"),
    };
    Some(format!("({})", fields.iter().map(of).collect::<Vec<_>>().join(" OR ")))
}
