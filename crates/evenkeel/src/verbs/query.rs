//! `evenkeel query`: PromQL through the Prometheus API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use server::wire::api::{PromqlFindings, PromqlLintRequest, PromqlSeverity};

use crate::{
    cli::{QueryArgs, Remote},
    client::Client,
    exit::{Exit, Failure},
    output::{self, Human},
};

/// The Prometheus API's envelope.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    status: String,
    data: Data,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    infos: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explain: Option<Node>,
}

/// A node of the plan and what it took.
#[derive(Debug, Serialize, Deserialize)]
struct Node {
    text: String,
    ms: f64,
    samples: u64,
    series: u64,
    #[serde(default)]
    children: Vec<Node>,
}

/// What is likely wrong in an expression.
#[derive(Debug, Serialize)]
struct Linted<'a> {
    #[serde(flatten)]
    found: PromqlFindings,
    #[serde(skip)]
    expression: &'a str,
}

pub(super) async fn run(
    client: &Client,
    remote: &Remote,
    args: &QueryArgs,
) -> Result<Exit, Failure> {
    if args.lint {
        return lint(client, remote, &args.expression).await;
    }
    let mut query = vec![("query", args.expression.clone())];
    if args.explain {
        query.push(("explain", "true".to_owned()));
    }
    let answer: Answer = if let Some(start) = &args.start {
        let end = args.end.clone().unwrap_or_else(|| super::now().to_string());
        query.extend([("start", start.clone()), ("end", end), ("step", args.step.clone())]);
        client.get("api/v1/query_range", &query).await?
    } else {
        query.extend(args.time.clone().map(|time| ("time", time)));
        client.get("api/v1/query", &query).await?
    };
    answer.warnings.iter().chain(&answer.infos).for_each(|remark| output::note(remark));
    output::print(remote.output, &answer)?;
    Ok(Exit::Ok)
}

async fn lint(client: &Client, remote: &Remote, expression: &str) -> Result<Exit, Failure> {
    let request = PromqlLintRequest { query: expression.to_owned() };
    let found: PromqlFindings = client.post("evenkeel/v1/promql/lint", &request).await?;
    let any = |severity| found.items.iter().any(|one| one.severity == severity);
    let exit = match (any(PromqlSeverity::Error), any(PromqlSeverity::Warning)) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Lint,
        (false, false) => Exit::Ok,
    };
    output::print(remote.output, &Linted { found, expression })?;
    Ok(exit)
}

impl Human for Linted<'_> {
    /// As compilers say it: each finding with its place and its code, and the expression that its fix makes.
    fn human(&self) -> String {
        if self.found.items.is_empty() {
            return "nothing was found".to_owned();
        }
        let mut lines = Vec::new();
        for one in &self.found.items {
            let severity = match one.severity {
                PromqlSeverity::Error => "error",
                PromqlSeverity::Warning => "warning",
                PromqlSeverity::Hint => "hint",
            };
            let place = format!("{}:{}", one.line, one.column);
            lines.push(format!("{place}: {severity}: {} [{}]", one.message, one.code));
            if let Some(fix) = &one.fix {
                lines.push(format!("  {}: {}", fix.title, fix.apply(self.expression)));
            }
        }
        if self.found.more > 0 {
            lines.push(format!("and {} more", self.found.more));
        }
        lines.join("\n")
    }
}

impl Human for Answer {
    /// As `promtool query` prints: one series a line, then its values.
    fn human(&self) -> String {
        if let Some(plan) = &self.data.explain {
            let mut lines = Vec::new();
            plan.lines(0, &mut lines);
            return lines.join("\n");
        }
        let Value::Array(items) = &self.data.result else { return self.data.result.to_string() };
        if self.data.result_type == "scalar" || self.data.result_type == "string" {
            return items.get(1).map_or_else(String::new, plain);
        }
        if items.is_empty() {
            return "no series".to_owned();
        }
        items.iter().map(series).collect::<Vec<_>>().join("\n")
    }
}

impl Node {
    /// A line for each node, its parts below it.
    fn lines(&self, depth: usize, lines: &mut Vec<String>) {
        let text = format!("{}{}", "  ".repeat(depth), self.text);
        lines.push(format!(
            "{text:60} {:9.3} ms {:>10} samples {:>7} series",
            self.ms, self.samples, self.series
        ));
        self.children.iter().for_each(|child| child.lines(depth + 1, lines));
    }
}

/// A sample on the line of its series; those of a range on lines of their own, floats before native histograms.
fn series(item: &Value) -> String {
    let labels = labels(&item["metric"]);
    if item.get("values").is_some() || item.get("histograms").is_some() {
        let all = |key: &str| item[key].as_array().into_iter().flatten();
        let floats = all("values").map(|point| at(&plain(&point[1]), point));
        let histograms = all("histograms").map(|point| at(&histogram(&point[1]), point));
        let points: Vec<_> = floats.chain(histograms).map(|point| format!("  {point}")).collect();
        return format!("{labels} =>\n{}", points.join("\n"));
    }
    let sample = match item.get("histogram") {
        Some(point) => at(&histogram(&point[1]), point),
        None => at(&plain(&item["value"][1]), &item["value"]),
    };
    format!("{labels} => {sample}")
}

fn at(value: &str, point: &Value) -> String {
    format!("{value} @[{}]", point[0])
}

/// `{count:3, sum:1.5, [0.5,1):1, (1,2]:2}`: each bucket with a bracket where the bound belongs to it.
fn histogram(value: &Value) -> String {
    let mut parts =
        vec![format!("count:{}", plain(&value["count"])), format!("sum:{}", plain(&value["sum"]))];
    for bucket in value["buckets"].as_array().into_iter().flatten() {
        // As Prometheus numbers them: the upper bound belongs to it, the lower, neither, both.
        let (open, close) = match bucket[0].as_u64() {
            Some(0) => ('(', ']'),
            Some(1) => ('[', ')'),
            Some(3) => ('[', ']'),
            _ => ('(', ')'),
        };
        let [lower, upper, count] = [1, 2, 3].map(|field| plain(&bucket[field]));
        parts.push(format!("{open}{lower},{upper}{close}:{count}"));
    }
    format!("{{{}}}", parts.join(", "))
}

fn labels(metric: &Value) -> String {
    let Value::Object(pairs) = metric else { return "{}".to_owned() };
    let name = pairs.get("__name__").map(plain).unwrap_or_default();
    let rest: Vec<_> = pairs
        .iter()
        .filter(|(key, _)| *key != "__name__")
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{name}{{{}}}", rest.join(", "))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
