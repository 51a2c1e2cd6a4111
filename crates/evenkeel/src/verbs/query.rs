//! `evenkeel query`: PromQL through the Prometheus API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

pub(super) async fn run(
    client: &Client,
    remote: &Remote,
    args: &QueryArgs,
) -> Result<Exit, Failure> {
    let mut query = vec![("query", args.expression.clone())];
    let answer: Answer = if let (Some(start), Some(end)) = (&args.start, &args.end) {
        query.extend([
            ("start", start.clone()),
            ("end", end.clone()),
            ("step", args.step.to_string()),
        ]);
        client.get("api/v1/query_range", &query).await?
    } else {
        query.extend(args.time.clone().map(|time| ("time", time)));
        client.get("api/v1/query", &query).await?
    };
    answer.warnings.iter().for_each(|warning| output::note(warning));
    output::print(remote.output, &answer)?;
    Ok(Exit::Ok)
}

impl Human for Answer {
    /// As `promtool query` prints: one series a line, then its values.
    fn human(&self) -> String {
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

fn series(item: &Value) -> String {
    let labels = labels(&item["metric"]);
    if let Value::Array(values) = &item["values"] {
        let points: Vec<_> =
            values.iter().map(|point| format!("  {} @[{}]", plain(&point[1]), point[0])).collect();
        return format!("{labels} =>\n{}", points.join("\n"));
    }
    format!("{labels} => {} @[{}]", plain(&item["value"][1]), item["value"][0])
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
