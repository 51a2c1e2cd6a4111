//! What metric families say of themselves, and exemplars of series.

use std::sync::Arc;

use app::App;
use axum::{
    extract::{Request, State},
    response::Response,
};
use model::Metadata;

use super::{
    error::{Refused, bad_data, invalid},
    form::{Form, selector},
    json::Out,
    query::answer,
    reply::{self, Remarks},
};

pub(super) async fn metadata(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let limit = form.number("limit")?;
        let per_metric = form.number("limit_per_metric")?;
        let metric = form.filled("metric");
        let found = app.metadata(metric).await.map_err(Refused::from)?;
        // Scraped targets may disagree about a family.
        let mut families = found.found;
        for (_, target) in app.scrape.targets().active() {
            for one in target.metadata.iter() {
                if metric.is_some_and(|metric| metric != &*one.family) {
                    continue;
                }
                let all = families.entry(one.family.clone()).or_default();
                if !all.contains(one) {
                    all.push(one.clone());
                }
            }
        }
        let most = |limit: Option<i64>| {
            limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
        };
        let per_metric = match most(per_metric) {
            0 => usize::MAX,
            some => some,
        };
        Ok(reply::success(&Remarks::warn(found.warnings), |out| {
            out.raw("{");
            let mut first = true;
            for (family, all) in families.iter().take(most(limit)) {
                out.comma(&mut first);
                out.string(family);
                out.raw(":");
                out.list(all.iter().take(per_metric), |out, one| {
                    out.raw("{");
                    said(out, one);
                    out.raw("}");
                });
            }
            out.raw("}");
        }))
    })
    .await
}

fn said(out: &mut Out, metadata: &Metadata) {
    out.raw("\"type\":");
    out.string(metadata.kind.as_str());
    out.field("unit", |out| out.string(&metadata.unit));
    out.field("help", |out| out.string(&metadata.help));
}

pub(super) async fn of_targets(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let limit = form.number("limit")?.and_then(|limit| usize::try_from(limit).ok());
        let matchers = match form.filled("match_target") {
            None => Vec::new(),
            Some(text) => selector(&app, text).map_err(|why| invalid("match_target", why))?,
        };
        let metric = form.filled("metric");
        let targets = app.scrape.targets();
        let mut found = Vec::new();
        for (_, target) in targets.active() {
            if limit.is_some_and(|limit| found.len() >= limit) {
                break;
            }
            if matchers.iter().all(|matcher| matcher.matches_labels(&target.labels)) {
                let wanted =
                    target.metadata.iter().filter(|one| metric.is_none_or(|m| m == &*one.family));
                found.extend(wanted.map(|one| (&target.labels, one)));
            }
        }
        Ok(reply::success(&Remarks::default(), |out| {
            out.list(found, |out, (labels, one)| {
                out.raw("{\"target\":");
                out.labels(labels);
                if metric.is_none() {
                    out.field("metric", |out| out.string(&one.family));
                }
                out.raw(",");
                said(out, one);
                out.raw("}");
            });
        }))
    })
    .await
}

pub(super) async fn exemplars(State(app): State<Arc<App>>, request: Request) -> Response {
    answer(async {
        let form = Form::of(request).await?;
        let (start_ms, end_ms) = form.span()?;
        if end_ms < start_ms {
            return Err(bad_data("end timestamp must not be before start timestamp").into());
        }
        let parsed = app.parse_query(form.text("query"));
        let parsed = parsed.map_err(|error| bad_data(error.to_string()))?;
        let mut selectors = Vec::new();
        app::remote::selectors(&parsed.expr, &mut selectors);
        if selectors.is_empty() {
            return Ok(reply::nothing());
        }
        let selectors = selectors.into_iter().map(|one| one.matchers.clone()).collect();
        let found = app.exemplars(selectors, start_ms, end_ms).await.map_err(Refused::from)?;
        Ok(reply::success(&Remarks::default(), |out| {
            out.list(&found, |out, series| {
                out.raw("{\"seriesLabels\":");
                out.labels(&series.labels);
                out.field("exemplars", |out| {
                    out.list(&series.exemplars, |out, one| {
                        out.raw("{\"labels\":");
                        out.labels(&one.labels);
                        out.field("value", |out| out.quoted_number(one.value));
                        out.field("timestamp", |out| out.time(one.at_ms));
                        out.raw("}");
                    });
                });
                out.raw("}");
            });
        }))
    })
    .await
}
