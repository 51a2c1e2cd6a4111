//! The production repo: check, diff, apply.

use std::sync::Arc;

use app::{
    App,
    app::ApplyError,
    files::{self, RepoFiles, Severity, diff::Change},
};
use axum::extract::State;

use super::{
    error,
    request::{Json, Who},
    view,
};
use crate::{Problem, wire::api as dto};

pub(super) async fn check(
    Json(request): Json<dto::RepoFiles>,
) -> Result<Json<dto::RepoCheck>, Problem> {
    let files = given(request)?;
    let (repo, problems) = blocking(move || files::check(&files)).await?;
    Ok(Json(dto::RepoCheck { ok: repo.is_some(), problems: shown(&problems) }))
}

pub(super) async fn diff(
    State(app): State<Arc<App>>,
    Json(request): Json<dto::RepoFiles>,
) -> Result<Json<dto::RepoDiff>, Problem> {
    let files = given(request)?;
    Ok(Json(match blocking(move || app.diff(files)).await? {
        Ok(candidate) => dto::RepoDiff {
            problems: shown(&candidate.warnings),
            changes: candidate.changes.iter().map(change).collect(),
        },
        Err(problems) => dto::RepoDiff { problems: shown(&problems), changes: Vec::new() },
    }))
}

pub(super) async fn apply(
    State(app): State<Arc<App>>,
    Who(by): Who,
    Json(request): Json<dto::RepoFiles>,
) -> Result<Json<dto::RepoApply>, Problem> {
    match app.apply(given(request)?, by).await {
        Ok(done) => Ok(Json(dto::RepoApply {
            problems: shown(&done.warnings),
            changes: done.changes.iter().map(change).collect(),
            applied: Some(dto::Applied {
                config_hash: view::deploy::hex(&done.hash),
                fact: done.seq,
            }),
        })),
        Err(ApplyError::Problems(problems)) => Ok(Json(dto::RepoApply {
            problems: shown(&problems),
            changes: Vec::new(),
            applied: None,
        })),
        Err(other) => Err(error::apply(&other)),
    }
}

/// Parsing a large repo would hold up everything else on its thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
}

fn given(request: dto::RepoFiles) -> Result<RepoFiles, Problem> {
    let mut files = RepoFiles::default();
    for file in request.files {
        if let Some(twice) = files.files.insert(file.path.clone(), file.content.into_bytes()) {
            drop(twice);
            return Err(error::invalid(format!("the file `{}` is there twice", file.path)));
        }
    }
    Ok(files)
}

fn shown(problems: &[files::Problem]) -> Vec<dto::RepoProblem> {
    let problem = |problem: &files::Problem| dto::RepoProblem {
        file: problem.file.to_string(),
        line: problem.line,
        column: problem.column,
        severity: match problem.severity {
            Severity::Error => dto::ProblemSeverity::Error,
            Severity::Warning => dto::ProblemSeverity::Warning,
        },
        message: format!("[{}] {}", problem.code, problem.message),
        allowed: Some(problem.hint.clone()).filter(|hint| !hint.is_empty()),
    };
    problems.iter().map(problem).collect()
}

fn change(change: &Change) -> dto::RepoChange {
    use files::diff::ChangeKind;
    dto::RepoChange {
        change: match change.kind {
            ChangeKind::Added => dto::ChangeKind::Added,
            ChangeKind::Changed => dto::ChangeKind::Changed,
            ChangeKind::Removed => dto::ChangeKind::Removed,
        },
        kind: change.object.to_lowercase(),
        name: change.name.to_string(),
        effect: change.effects.join("; "),
    }
}
