//! The journal: its facts, whether it holds, accepting a break; and the test page.

use std::{collections::BTreeMap, sync::Arc};

use app::{
    App,
    journal::{self, AcceptError, Acceptance, Health, Order, Query},
};
use axum::extract::State;
use serde::Deserialize;

use super::{
    error::{self, conflict, invalid},
    request::{Json, Params, Who},
    view,
};
use crate::{Problem, wire::api as dto};

const ITEMS: usize = 100;
const ITEMS_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    after: Option<u64>,
    kind: Option<String>,
    subject: Option<String>,
    limit: Option<usize>,
    newest: Option<bool>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Params(filter): Params<Filter>,
) -> Result<Json<dto::FactList>, Problem> {
    let newest = filter.newest.unwrap_or_default();
    let query = Query {
        after: filter.after,
        order: if newest { Order::NewestFirst } else { Order::OldestFirst },
        kind_prefix: filter.kind.map(Into::into),
        subject: filter.subject.map(Into::into),
        limit: filter.limit.unwrap_or(ITEMS).clamp(1, ITEMS_MAX),
        ..Query::default()
    };
    let page = tokio::task::spawn_blocking(move || app.reader.read(&query));
    let page = page.await.map_err(|_| Problem::internal())?;
    let page = page.map_err(|error| error::unread(&error))?;
    let numbers: BTreeMap<_, _> = page.records.iter().map(|one| (one.id, one.seq)).collect();
    let shown = |record: &journal::Record| {
        view::fact::fact(record, record.cause.and_then(|id| numbers.get(&id).copied()))
    };
    Ok(Json(dto::FactList {
        next_after: page.records.last().filter(|_| page.more && !newest).map(|last| last.seq),
        items: page.records.iter().map(shown).collect(),
    }))
}

/// Reads and checks the whole chain.
pub(super) async fn verify(
    State(app): State<Arc<App>>,
) -> Result<Json<dto::JournalVerification>, Problem> {
    let dir = app.data_dir().clone();
    let report = tokio::task::spawn_blocking(move || app::offline::verify_journal(&dir));
    let report = report.await.map_err(|_| Problem::internal())?;
    let report = report.map_err(|error| error::unread(&error))?;
    let of_file = report.file_problems.iter().map(|message| dto::JournalProblem {
        seq: report.head.seq,
        kind: "damaged".to_owned(),
        message: message.clone(),
    });
    if !report.is_whole() && app.control.health().is_whole() {
        // What the server runs on must say the same.
        app.control.verify_again().await.map_err(|error| error::control(&error))?;
    }
    let problems = report.findings.iter().map(finding).chain(of_file);
    Ok(Json(dto::JournalVerification {
        ok: report.is_whole(),
        checked: report.records,
        last_seq: report.head.seq,
        last_hash: view::deploy::hex(&report.head.hash),
        problems: problems.collect(),
    }))
}

fn finding(finding: &journal::Finding) -> dto::JournalProblem {
    use journal::Reason;
    let kind = match finding.reason {
        Reason::Removed | Reason::PayloadMissing => "missing",
        Reason::Moved { .. } => "reordered",
        Reason::CutTail
        | Reason::CheckpointMissing
        | Reason::CheckpointUnreadable { .. }
        | Reason::CheckpointForged => "tail-cut",
        _ => "changed",
    };
    dto::JournalProblem { seq: finding.first, kind: kind.to_owned(), message: finding.to_string() }
}

pub(super) async fn accept_break(
    State(app): State<Arc<App>>,
    Who(by): Who,
    Json(request): Json<dto::AcceptBreakRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    if request.reason.trim().is_empty() {
        return Err(invalid("the reason is empty; say why the break may be skipped"));
    }
    let Health::Broken(broken) = app.control.health() else {
        return Err(conflict("the journal has no break that waits to be accepted"));
    };
    if broken.first_bad_seq != request.seq {
        return Err(conflict(format!(
            "the break to accept is at record {}, not {}",
            broken.first_bad_seq, request.seq
        )));
    }
    let acceptance = Acceptance { reason: request.reason.into(), actor: by };
    let accepted = app.control.accept_break(acceptance).await;
    match accepted.map_err(|error| error::control(&error))? {
        Ok(seq) => Ok(Json(dto::Accepted { seq, id: request.seq.to_string() })),
        Err(error @ AcceptError::Nothing) => Err(conflict(error.to_string())),
        Err(error) => Err(error::unread(&error)),
    }
}

pub(super) async fn test_page(
    State(app): State<Arc<App>>,
    Who(by): Who,
    Json(request): Json<dto::TestNotificationRequest>,
) -> Result<Json<dto::TestNotificationAnswer>, Problem> {
    let sent = app.test_page(&request.receiver, by).await;
    let (ids, seq) = sent.map_err(|error| error::test_page(&error))?;
    let notifications = ids.iter().map(ToString::to_string).collect();
    Ok(Json(dto::TestNotificationAnswer { notifications, seq }))
}
