//! What is scraped.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use app::{
    App,
    scrape::{
        Rule,
        targets::{ActiveTarget, Targets},
    },
};
use axum::{
    extract::{Request, State},
    response::Response,
};
use model::{Labels, Quoted, Timestamp};

use super::{
    error::bad_data,
    form::Form,
    json::Out,
    query::answer,
    reply::{self, Remarks},
};

pub(super) async fn targets(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let state = form.text("state").to_ascii_lowercase();
        let pool = form.filled("scrapePool");
        let shown = |kind: &str| matches!(&*state, "" | "any") || state == kind;
        let targets = app.scrape.targets();
        Ok(reply::success(&Remarks::default(), |out| {
            write(out, &targets, pool, shown("active"), shown("dropped"));
        }))
    })
    .await
}

fn write(out: &mut Out, targets: &Targets, pool: Option<&str>, active: bool, dropped: bool) {
    let wanted = |name: &str| pool.is_none_or(|pool| pool == name);
    out.raw("{\"activeTargets\":");
    let found = targets.active().filter(|(name, _)| active && wanted(name));
    out.list(found, |out, (name, target)| one(out, name, target));
    out.field("droppedTargets", |out| {
        let found = targets.dropped().filter(|(name, _)| dropped && wanted(name));
        out.list(found, |out, (name, target)| {
            out.raw("{\"discoveredLabels\":");
            out.labels(&target.discovered_labels);
            out.field("scrapePool", |out| out.string(name));
            out.raw("}");
        });
    });
    out.field("droppedTargetCounts", |out| {
        if !dropped {
            return out.raw("null");
        }
        out.raw("{");
        let mut first = true;
        for found in targets.pools.iter().filter(|found| wanted(&found.name)) {
            out.comma(&mut first);
            out.string(&found.name);
            out.raw(":");
            out.uint(found.dropped_count);
        }
        out.raw("}");
    });
    out.raw("}");
}

fn one(out: &mut Out, pool: &str, target: &ActiveTarget) {
    out.raw("{\"discoveredLabels\":");
    out.labels(&target.discovered_labels);
    out.field("labels", |out| out.labels(&target.labels));
    out.field("scrapePool", |out| out.string(pool));
    out.field("scrapeUrl", |out| out.string(&target.scrape_url));
    out.field("globalUrl", |out| out.string(&target.global_url));
    out.field("lastError", |out| out.string(&target.last_error));
    // Go's zero time stands for never.
    let never = || "0001-01-01T00:00:00Z".to_owned();
    let last = target.last_scrape.as_ref().map_or_else(never, Timestamp::to_string);
    out.field("lastScrape", |out| out.string(&last));
    out.field("lastScrapeDuration", |out| out.number(target.last_scrape_duration.as_secs_f64()));
    out.field("health", |out| out.string(target.health.as_str()));
    out.field("scrapeInterval", |out| out.string(&duration(target.interval)));
    out.field("scrapeTimeout", |out| out.string(&duration(target.timeout)));
    out.raw("}");
}

pub(super) async fn relabel_steps(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let pool = form.filled("scrapePool");
        let pool = pool.ok_or_else(|| bad_data("no scrapePool parameter provided"))?;
        let labels = form.filled("labels");
        let labels = labels.ok_or_else(|| bad_data("no labels parameter provided"))?;
        let labels: BTreeMap<String, String> = serde_json::from_str(labels)
            .map_err(|error| bad_data(format!("error parsing labels: {error}")))?;
        let pairs = labels.iter().map(|(name, value)| (&**name, &**value));
        let steps = app.scrape.relabel_steps(pool, pairs).ok_or_else(|| {
            let name = Quoted(pool);
            bad_data(format!("error retrieving scrape config: scrape pool {name} not found"))
        })?;
        Ok(reply::success(&Remarks::default(), |out| {
            out.raw("{\"steps\":");
            out.list(&steps, |out, (rule, labels)| step(out, rule, labels.as_ref()));
            out.raw("}");
        }))
    })
    .await
}

/// A rule as Prometheus' types are written in JSON: what is empty is left out, but for the pattern.
fn step(out: &mut Out, rule: &Rule, labels: Option<&Labels>) {
    out.raw("{\"rule\":{");
    if !rule.source.is_empty() {
        out.raw("\"sourceLabels\":");
        out.strings(rule.source.iter().map(|name| &**name));
        out.raw(",");
    }
    if !rule.separator.is_empty() {
        out.raw("\"separator\":");
        out.string(&rule.separator);
        out.raw(",");
    }
    out.raw("\"regex\":");
    out.string(rule.regex.text());
    if rule.modulus > 0 {
        out.field("modulus", |out| out.uint(rule.modulus));
    }
    let texts = [("targetLabel", rule.target.text()), ("replacement", rule.replacement.text())];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        out.field(name, |out| out.string(text));
    }
    out.field("action", |out| out.string(rule.action.as_str()));
    out.raw("}");
    out.field("output", |out| match labels {
        Some(labels) => out.labels(labels),
        None => out.raw("{}"),
    });
    out.field("keep", |out| out.raw(if labels.is_some() { "true" } else { "false" }));
    out.raw("}");
}

/// As Prometheus prints durations.
fn duration(duration: Duration) -> String {
    app::files::text::print_duration(duration)
}

pub(super) async fn pools(State(app): State<Arc<App>>) -> Response {
    let targets = app.scrape.targets();
    reply::success(&Remarks::default(), |out| {
        out.raw("{\"scrapePools\":");
        out.strings(targets.names());
        out.raw("}");
    })
}
