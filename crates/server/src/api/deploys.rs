//! Deploys and the gate.

use std::sync::Arc;

use app::{
    App,
    command::Command,
    deploy::{self, NewDeploy},
    gate::Question,
    journal,
    record::Fact,
};
use axum::extract::{Path, State};
use serde::Deserialize;

use super::{
    error::{self, invalid},
    request::{Json, Params, Who, time},
    view,
};
use crate::{Problem, wire::api as dto};

/// Items of a list when nobody says how many.
const ITEMS: usize = 100;
const ITEMS_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    service: Option<String>,
    environment: Option<String>,
    limit: Option<usize>,
}

impl Filter {
    fn takes(&self, service: &str, environment: &str) -> bool {
        self.service.as_deref().is_none_or(|asked| asked == service)
            && self.environment.as_deref().is_none_or(|asked| asked == environment)
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(ITEMS).min(ITEMS_MAX)
    }
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Params(filter): Params<Filter>,
) -> Json<dto::DeployList> {
    let state = app.control.state();
    let mut found: Vec<&deploy::Deploy> = state
        .deploys
        .deploys()
        .filter(|deploy| filter.takes(&deploy.service, &deploy.environment))
        .collect();
    found.sort_by_key(|deploy| std::cmp::Reverse((deploy.at, deploy.id)));
    found.truncate(filter.limit());
    Json(dto::DeployList { items: found.into_iter().map(view::deploy::deploy).collect() })
}

pub(super) async fn record(
    State(app): State<Arc<App>>,
    Who(by): Who,
    Json(request): Json<dto::RecordDeployRequest>,
) -> Result<Json<dto::Accepted>, Problem> {
    let rolls_back = request.rolls_back.map(|id| id.parse::<deploy::DeployId>()).transpose();
    let gate = request.gate.map(|id| id.parse::<deploy::GateId>()).transpose();
    let environment = app.environment(&request.service, request.environment.as_deref());
    let deploy = NewDeploy {
        id: app.id(),
        environment: environment.map_err(|error| invalid(error.to_string()))?,
        service: request.service.into(),
        version: request.version.into(),
        previous_version: request.previous_version.map(Into::into),
        stage: match request.state {
            Some(dto::DeployState::Started) => deploy::Stage::Started,
            Some(dto::DeployState::Succeeded) | None => deploy::Stage::Succeeded,
            Some(dto::DeployState::Failed) => deploy::Stage::Failed,
            Some(dto::DeployState::RolledBack) => deploy::Stage::RolledBack,
        },
        at: request.at.as_deref().map_or(Ok(app.clock.now()), time)?,
        by: by.clone(),
        url: request.url.map(Into::into),
        rolls_back: rolls_back.map_err(|error| invalid(format!("`rolls_back`: {error}")))?,
        gate: gate.map_err(|error| invalid(format!("`gate`: {error}")))?,
        idempotency_key: request.idempotency_key.map(Into::into),
    };
    add(&app, deploy).await.map(Json)
}

/// Records a deploy; answers with the deploy that this one finishes, or that has the idempotency key already.
pub(super) async fn add(app: &App, deploy: NewDeploy) -> Result<dto::Accepted, Problem> {
    let (mut id, key, by) = (deploy.id, deploy.idempotency_key.clone(), deploy.by.clone());
    let (service, environment) = (deploy.service.clone(), deploy.environment.clone());
    let command = Command::Deploy(deploy::Command::Record { deploy });
    let receipt = app.order(command, by).await.map_err(|error| error::control(&error))?;
    match receipt.facts.first() {
        Some((_, Fact::Deploy(deploy::Fact::DeployFinished { id: started, .. }))) => id = *started,
        Some(_) => {}
        None => {
            let state = app.control.state();
            let keyed = key.and_then(|key| state.deploys.by_idempotency_key(&key));
            let known = keyed.or_else(|| state.deploys.newest(&service, &environment));
            id = known.map_or(id, |known| known.id);
        }
    }
    Ok(dto::Accepted { seq: receipt.seq, id: id.to_string() })
}

pub(super) async fn check(
    State(app): State<Arc<App>>,
    Who(by): Who,
    Json(request): Json<dto::GateCheckRequest>,
) -> Result<Json<dto::GateVerdict>, Problem> {
    let environment = app.environment(&request.service, request.environment.as_deref());
    let question = Question {
        environment: environment.map_err(|error| invalid(error.to_string()))?,
        service: request.service.into(),
        version: request.version.into(),
    };
    let (record, seq) = app.gate(&question, by).await.map_err(|error| error::control(&error))?;
    Ok(Json(view::deploy::verdict(&record, seq)))
}

pub(super) async fn verdict(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<dto::GateVerdict>, Problem> {
    let (record, seq) = recorded(app, &id).await?;
    Ok(Json(view::deploy::verdict(&record, seq)))
}

pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<dto::GateReplay>, Problem> {
    let (record, seq) = recorded(app, &id).await?;
    Ok(Json(view::deploy::replay(&record, seq)))
}

/// A verdict from the journal, which keeps all of them.
async fn recorded(app: Arc<App>, id: &str) -> Result<(deploy::GateRecord, u64), Problem> {
    let id: deploy::GateId = id.parse().map_err(|error| invalid(format!("`id`: {error}")))?;
    let found = tokio::task::spawn_blocking(move || app.gate_record(id)).await;
    let found = found.map_err(|_| Problem::internal())?.map_err(|error| error::unread(&error))?;
    match found {
        Some((
            seq,
            deploy::Fact::GateDecided { id, input, verdict, config_hash, expires_at, by },
        )) => Ok((deploy::GateRecord { id, input, verdict, config_hash, expires_at, by }, seq)),
        _ => Err(Problem::not_found(format!("no verdict of the gate has the id `{id}`"))),
    }
}

pub(super) async fn verdicts(
    State(app): State<Arc<App>>,
    Params(filter): Params<Filter>,
) -> Result<Json<dto::GateVerdictList>, Problem> {
    let found: Vec<deploy::GateRecord> = {
        let state = app.control.state();
        let input = |record: &&deploy::GateRecord| {
            filter.takes(&record.input.service, &record.input.environment)
        };
        state.deploys.verdicts().rev().filter(input).take(filter.limit()).cloned().collect()
    };
    let numbered = tokio::task::spawn_blocking(move || numbered(&app, &found));
    let items = numbered.await.map_err(|_| Problem::internal())?;
    let items = items.map_err(|error| error::unread(&error))?;
    Ok(Json(dto::GateVerdictList { items }))
}

/// Each verdict with the number of its fact.
fn numbered(
    app: &App,
    verdicts: &[deploy::GateRecord],
) -> Result<Vec<dto::GateVerdict>, journal::ReadError> {
    let number = |record: &deploy::GateRecord| {
        let query = journal::Query {
            subject: Some(record.id.to_string().into()),
            limit: 1,
            ..journal::Query::default()
        };
        let page = app.reader.read(&query)?;
        let seq = page.records.first().map_or(0, |found| found.seq);
        Ok(view::deploy::verdict(record, seq))
    };
    verdicts.iter().map(number).collect()
}
