//! SLOs: how they stand, their history, back-filling it.

use std::{sync::Arc, time::Duration};

use app::{App, slo};
use axum::extract::{Path, State};
use model::Timestamp;
use serde::Deserialize;

use super::{
    error::{self, invalid},
    request::{Json, Params, Who, time},
    view,
};
use crate::{Problem, wire::api as dto};

pub(super) async fn list(State(app): State<Arc<App>>) -> Json<dto::SloList> {
    let now = app.clock.now();
    let evaluations = app.stores.counters.lock().evaluate(now);
    let mut items: Vec<dto::Slo> =
        evaluations.iter().filter_map(|one| shown(&app, one, dto::Source::default())).collect();
    // What is not known comes first among equals: it is no good news.
    let left = |slo: &dto::Slo| slo.budget.left_ratio.unwrap_or(f64::INFINITY);
    items.sort_by(|a, b| left(a).total_cmp(&left(b)).then_with(|| a.name.cmp(&b.name)));
    Json(dto::SloList { items, evaluated_at: view::time(now) })
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<dto::Slo>, Problem> {
    let evaluation = app.stores.counters.lock().evaluate_one(&name, app.clock.now());
    let evaluation = evaluation.ok_or_else(|| none(&name))?;
    let (reading, asked) = (Arc::clone(&app), name.clone());
    let found = tokio::task::spawn_blocking(move || reading.slo_source(&asked)).await;
    let source = found.ok().flatten().map(|found| dto::Source {
        path: found.path,
        line: found.line,
        text: found.text,
    });
    shown(&app, &evaluation, source.unwrap_or_default()).map(Json).ok_or_else(|| none(&name))
}

fn none(name: &str) -> Problem {
    Problem::not_found(format!("there is no SLO `{name}`"))
}

/// A list goes without the documents' texts.
fn shown(app: &App, evaluation: &slo::Evaluation, source: dto::Source) -> Option<dto::Slo> {
    let world = app.control.world();
    let slo = world.repo.slos.iter().find(|slo| slo.name == evaluation.slo)?;
    let entry = world.repo.services.iter().find(|entry| entry.name == slo.service);
    let state = app.control.state();
    let beside = view::slo::Beside {
        alerts: &state.alerts,
        source,
        owner: entry.and_then(|entry| entry.owner.as_deref()).map(str::to_owned),
    };
    Some(view::slo::slo(slo, evaluation, beside))
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    from: Option<String>,
    to: Option<String>,
    /// Seconds.
    step: Option<f64>,
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(range): Params<Range>,
) -> Result<Json<dto::SloHistory>, Problem> {
    let now = app.clock.now();
    let to = range.to.as_deref().map_or(Ok(now), time)?;
    let from = range.from.as_deref().map_or(Ok(to - Duration::from_secs(6 * 3600)), time)?;
    if from >= to {
        return Err(invalid("`from` is not before `to`"));
    }
    let step = match range.step {
        None => Duration::ZERO,
        Some(step) => Duration::try_from_secs_f64(step)
            .map_err(|_| invalid(format!("`step` is {step}; it is a number of seconds")))?,
    };
    let counters = app.stores.counters.lock();
    let points = counters.series(&name, from, to, step).ok_or_else(|| none(&name))?;
    let history = counters.evaluate_one(&name, now).map(|found| found.history);
    drop(counters);
    let known_from = history.filter(|history| !history.is_zero()).map(|history| now - history);
    let width = points.first().map_or(step, |point| point.width);
    Ok(Json(dto::SloHistory {
        name,
        from: view::time(from),
        to: view::time(to),
        step_seconds: width.as_secs_f64(),
        points: points.iter().map(|point| view::slo::point(point, known_from)).collect(),
    }))
}

pub(super) async fn backfill(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
    Json(request): Json<dto::BackfillRequest>,
) -> Result<Json<dto::BackfillAnswer>, Problem> {
    let buckets = request.buckets.iter().map(bucket).collect::<Result<_, _>>()?;
    let (done, seq) = app
        .backfill(&name, &request.source, buckets, by)
        .await
        .map_err(|error| error::backfill(&error))?;
    let slo::Backfilled { accepted, skipped } = done;
    Ok(Json(dto::BackfillAnswer { accepted, skipped, seq }))
}

fn bucket(bucket: &dto::BackfillBucket) -> Result<slo::Bucket, Problem> {
    let start: Timestamp = time(&bucket.start)?;
    let width = Duration::try_from_secs_f64(bucket.width_seconds)
        .map_err(|_| invalid(format!("a bucket cannot be {} s wide", bucket.width_seconds)))?;
    let (good, total) = (count(bucket.good, start)?, count(bucket.total, start)?);
    Ok(slo::Bucket { start, width, good, total })
}

/// Rates over counters give fractions of events; the nearest whole number is counted.
fn count(given: f64, start: Timestamp) -> Result<u64, Problem> {
    const COUNT_MAX: f64 = 9e15;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    if (0.0..=COUNT_MAX).contains(&given) {
        Ok(given.round() as u64)
    } else {
        Err(invalid(format!(
            "the bucket from `{start}` counts {given} events; at least 0 are allowed"
        )))
    }
}
