//! How Evenkeel itself is.

use std::{sync::Arc, time::Duration};

use app::{
    App, alert::delivery, catalog::Heard, journal::Health, scrape::ConfigState,
    telemetry::SignalSeen,
};
use axum::{Extension, extract::State};
use model::Timestamp;

use super::{
    ServerInfo,
    request::{Json, Who},
    view::{self, time},
};
use crate::{Caller, Metrics, Problem, wire::api as dto};

/// An evaluator that is later than this is a trouble.
const LAG_MAX: Duration = Duration::from_secs(5);
/// A notification that is owed for longer than this is a trouble.
const OWED_MAX: Duration = Duration::from_secs(60);

pub(super) async fn whoami(
    Who(actor): Who,
    caller: Option<Extension<Caller>>,
) -> Json<dto::Whoami> {
    let by = match caller {
        None | Some(Extension(Caller::Anonymous)) => "loopback",
        Some(Extension(Caller::Token(_) | Caller::Session(_))) => "token",
    };
    let shown = view::actor(&actor);
    Json(dto::Whoami { id: shown.id, kind: shown.kind, authenticated_by: by.to_owned() })
}

pub(super) async fn status(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
) -> Result<Json<dto::Status>, Problem> {
    let now = app.clock.now();
    let reading = Arc::clone(&app);
    let journal = tokio::task::spawn_blocking(move || journal(&reading)).await;
    let journal = journal.map_err(|_| Problem::internal())?;
    let notifier = notifier(&app, now);
    let (evaluator, repo) = (evaluator(&app, now), repo(&app));
    let mut troubles = troubles(&journal, &evaluator, &notifier, &repo);
    troubles.extend(app.config_damage().map(|damage| stored_config(&damage)));
    troubles.extend(scrape_config(&app.scrape.config_state()));
    let seen = app.stores.seen.lock().clone();
    let stats = app.stores.metrics.stats();
    troubles.extend(damaged(stats.parts_damaged_total, stats.damage.regions_total));
    Ok(Json(dto::Status {
        build: dto::Build { version: env!("CARGO_PKG_VERSION").to_owned(), commit: None },
        started_at: time(app.started_at),
        now: time(now),
        ready: !info.drain.has_started()
            && !matches!(app.readiness(), app::app::Readiness::NotReady(_)),
        external_url: info.external_url.to_string(),
        listeners: info.listeners.clone(),
        ingest: vec![
            ingest(&app, &info.metrics, dto::Signal::Spans, &seen.spans),
            ingest(&app, &info.metrics, dto::Signal::Logs, &seen.logs),
            ingest(&app, &info.metrics, dto::Signal::Samples, &seen.samples),
        ],
        storage: dto::StorageHealth {
            data_dir: app.data_dir().to_string(),
            used_bytes: stats.bytes + app.stores.events.stats().bytes(),
            free_bytes: app.free_bytes(),
            series_active: stats.series_active as u64,
            series_max: app.limits().active_series_max as u64,
        },
        first_data: first_data(&app, &seen),
        journal,
        evaluator,
        notifier,
        repo,
        troubles,
    }))
}

fn journal(app: &App) -> dto::JournalHealth {
    let last_seq = *app.control.seq().borrow();
    let (verified_seq, broken) = match app.control.health() {
        Health::Whole => (last_seq, None),
        Health::Broken(broken) => {
            let reason = broken.to_string();
            (broken.verified_through, Some(dto::JournalBreak { seq: broken.first_bad_seq, reason }))
        }
    };
    dto::JournalHealth {
        last_seq,
        verified_seq,
        verified_at: Some(time(app.started_at)),
        broken,
        accepted_breaks: accepted_breaks(app),
    }
}

/// A journal that cannot be read shows none; the break itself is told from memory.
fn accepted_breaks(app: &App) -> Vec<dto::JournalBreak> {
    let read = app.accepted_breaks().unwrap_or_else(|error| {
        tracing::warn!(%error, "the accepted breaks of the journal were not read");
        Vec::new()
    });
    read.into_iter().map(|(seq, reason)| dto::JournalBreak { seq, reason }).collect()
}

fn ingest(
    app: &App,
    metrics: &Metrics,
    signal: dto::Signal,
    seen: &SignalSeen,
) -> dto::IngestCounts {
    let word = match signal {
        dto::Signal::Spans => "spans",
        dto::Signal::Logs => "logs",
        dto::Signal::Samples => "samples",
    };
    let rejected = metrics.refused(word).into_iter();
    dto::IngestCounts {
        signal,
        accepted: seen.accepted,
        rejected: rejected.map(|(reason, count)| dto::RejectedCount { reason, count }).collect(),
        per_second: seen.per_second(app.started_at, app.clock.now()),
        last_at: seen.last_at.map(time),
    }
}

fn evaluator(app: &App, now: Timestamp) -> dto::EvaluatorHealth {
    let round = app.last_round();
    let late = round.at.map_or(Duration::ZERO, |at| now.since(at + app::app::JUDGE_EVERY));
    dto::EvaluatorHealth {
        interval_seconds: app::app::JUDGE_EVERY.as_secs_f64(),
        lag_seconds: round.lag.max(late).as_secs_f64(),
        last_run_at: round.at.map(time),
        slos: app.control.world().repo.slos.len() as u64,
    }
}

fn notifier(app: &App, now: Timestamp) -> dto::NotifierHealth {
    let world = app.control.world();
    let state = app.control.state();
    let records = || state.deliveries.records();
    let oldest = records()
        .filter(|record| matches!(record.status, delivery::Status::Waiting { .. }))
        .map(|record| record.queued_at)
        .min();
    let attempts = || {
        let own = |attempt: &&delivery::AttemptRecord| attempt.at >= app.started_at;
        records().flat_map(|record| &record.recent).filter(own)
    };
    let failed = || attempts().filter(|attempt| attempt.error.is_some());
    let last_failure = failed().max_by_key(|attempt| attempt.at);
    let done = attempts().filter(|attempt| attempt.error.is_none());
    let (delivered, last_success) =
        done.fold((0, None), |(count, last), attempt| (count + 1, last.max(Some(attempt.at))));
    let receivers = world.repo.routing.iter().flat_map(|routing| routing.receivers());
    dto::NotifierHealth {
        queued: state.deliveries.waiting() as u64,
        oldest_queued_seconds: oldest.map_or(0.0, |at| now.since(at).as_secs_f64()),
        delivered,
        failed_attempts: failed().count() as u64,
        last_success_at: last_success.map(time),
        last_failure_at: last_failure.map(|attempt| time(attempt.at)),
        last_failure: last_failure.and_then(|attempt| attempt.error.as_deref().map(str::to_owned)),
        receivers: receivers.map(|receiver| receiver.name.to_string()).collect(),
    }
}

fn repo(app: &App) -> dto::RepoHealth {
    let follow = app.follow.borrow().clone();
    let state = app.control.state();
    let config = state.config();
    dto::RepoHealth {
        config_hash: config.map(|config| view::deploy::hex(&config.hash)),
        applied_at: config.map(|config| time(config.at)),
        path: follow.path.as_deref().map(str::to_owned),
        errors: follow.errors() as u64,
    }
}

fn first_data(app: &App, seen: &app::telemetry::FirstSeen) -> dto::FirstData {
    let catalog = app.stores.catalog.read();
    let mut services: Vec<dto::FirstSeen> = catalog
        .first()
        .map(|((service, environment), first)| dto::FirstSeen {
            service: service.to_string(),
            environment: environment.to_string(),
            signal: match first.by {
                Heard::Span => dto::Signal::Spans,
                Heard::Log => dto::Signal::Logs,
                Heard::Sample => dto::Signal::Samples,
            },
            at: time(first.at),
        })
        .collect();
    services.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.service.cmp(&b.service)));
    dto::FirstData {
        spans_at: seen.spans.first_at.map(time),
        logs_at: seen.logs.first_at.map(time),
        samples_at: seen.samples.first_at.map(time),
        services,
    }
}

/// An older configuration is in force than the one applied last.
fn stored_config(damage: &str) -> dto::Trouble {
    dto::Trouble {
        component: "repo".to_owned(),
        level: dto::TroubleLevel::Critical,
        message: format!("an older configuration is in force: {damage}"),
        since: None,
        command: Some("evenkeel apply DIR".to_owned()),
    }
}

/// The scrape configuration on the disk is not the one in force.
fn scrape_config(state: &ConfigState) -> Option<dto::Trouble> {
    let first = state.first_error()?;
    let path = state.path.as_deref().map(ToString::to_string).unwrap_or_default();
    let and_more = match state.errors() {
        0 | 1 => String::new(),
        errors => format!(" (and {} more)", errors - 1),
    };
    let effect = match state.loaded_at {
        Some(at) => format!("the one read at {at} stays in force"),
        None => "nothing is scraped".to_owned(),
    };
    Some(dto::Trouble {
        component: "scraping".to_owned(),
        level: dto::TroubleLevel::Warning,
        message: format!("the scrape configuration is not taken, {effect}: {first}{and_more}"),
        since: None,
        command: Some(format!("evenkeel check scrape {path}")),
    })
}

/// Of the metric store: stretches of parts that were met since the start, and of logs that the start met.
fn damaged(parts: u64, logs: u64) -> Option<dto::Trouble> {
    let count = |count: u64, of: &str| (count > 0).then(|| format!("{count} of {of}"));
    let found: Vec<_> =
        [count(parts, "parts"), count(logs, "logs")].into_iter().flatten().collect();
    (!found.is_empty()).then(|| dto::Trouble {
        component: "metrics".to_owned(),
        level: dto::TroubleLevel::Warning,
        message: format!(
            "stretches of stored metrics cannot be read and are left out of answers: {}",
            found.join(", ")
        ),
        since: None,
        command: Some("evenkeel doctor".to_owned()),
    })
}

fn troubles(
    journal: &dto::JournalHealth,
    evaluator: &dto::EvaluatorHealth,
    notifier: &dto::NotifierHealth,
    repo: &dto::RepoHealth,
) -> Vec<dto::Trouble> {
    let trouble = |component: &str, level, message: String| dto::Trouble {
        component: component.to_owned(),
        level,
        message,
        since: None,
        command: None,
    };
    let mut found = Vec::new();
    if let Some(broken) = &journal.broken {
        let message = format!(
            "{}: gates are inconclusive and nothing is acted upon until the break is accepted",
            broken.reason
        );
        let command = format!("evenkeel journal accept-break --seq {} --reason '…'", broken.seq);
        found.push(dto::Trouble {
            command: Some(command),
            ..trouble("journal", dto::TroubleLevel::Critical, message)
        });
    }
    if evaluator.lag_seconds > LAG_MAX.as_secs_f64() {
        let message = format!("SLOs were judged {:.1} s late", evaluator.lag_seconds);
        found.push(trouble("evaluator", dto::TroubleLevel::Critical, message));
    }
    if notifier.oldest_queued_seconds > OWED_MAX.as_secs_f64() {
        let why = notifier.last_failure.as_deref().unwrap_or("no attempt has succeeded");
        let message = format!(
            "{} notifications are owed, the oldest for {:.0} s: {why}",
            notifier.queued, notifier.oldest_queued_seconds
        );
        found.push(trouble("notifier", dto::TroubleLevel::Critical, message));
    }
    if repo.errors > 0 {
        let path = repo.path.as_deref().unwrap_or_default();
        let message = format!("the production repo has {} errors and is not applied", repo.errors);
        found.push(dto::Trouble {
            command: Some(format!("evenkeel check repo {path}")),
            ..trouble("repo", dto::TroubleLevel::Warning, message)
        });
    }
    found
}
