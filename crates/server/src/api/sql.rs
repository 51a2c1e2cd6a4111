//! Read-only SQL over spans and log records.

use std::sync::Arc;

use app::{
    App,
    events::{Cell, SqlError},
};
use axum::extract::State;
use http::StatusCode;
use model::Timestamp;
use serde_json::{Map, Value};

use super::{error::invalid, request::Json};
use crate::{Problem, wire::api as dto};

const ROWS_MAX: u64 = 10_000;
const ROWS: u64 = 1000;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    Json(request): Json<dto::SqlRequest>,
) -> Result<Json<dto::SqlRows>, Problem> {
    let time = |name: &str, text: &Option<String>| -> Result<Option<Timestamp>, Problem> {
        let parse =
            |text: &String| text.parse().map_err(|error| invalid(format!("`{name}`: {error}")));
        text.as_ref().map(parse).transpose()
    };
    let range = (time("start", &request.start)?, time("end", &request.end)?);
    let limit = request.limit.unwrap_or(ROWS);
    if limit > ROWS_MAX {
        return Err(invalid(format!("`limit` is {limit}; at most {ROWS_MAX} rows are given")));
    }
    let rows = usize::try_from(limit).expect("it is small");
    let found = app.sql(request.query, range, rows).await.map_err(|error| problem(&error))?;
    let columns =
        found.columns().map(|(name, kind)| dto::SqlColumn { name: name.to_owned(), kind });
    Ok(Json(dto::SqlRows {
        columns: columns.collect(),
        rows: found.rows().into_iter().map(|row| row.into_iter().map(value).collect()).collect(),
        cut: found.cut,
        scanned_bytes: found.scanned_bytes,
        damaged: found.damaged,
    }))
}

fn problem(error: &SqlError) -> Problem {
    match error {
        SqlError::Storage(why) => {
            tracing::error!(%why, "a query of spans and logs failed");
            Problem::internal()
        }
        SqlError::Time(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "The query took too long",
            error.to_string(),
        ),
        SqlError::Query(_) | SqlError::Memory(_) | SqlError::Scan(_) => invalid(error.to_string()),
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => value.into(),
        Cell::Int(value) => value.into(),
        Cell::UInt(value) => value.into(),
        Cell::Float(value) if value.is_finite() => value.into(),
        Cell::Float(value) => value.to_string().into(),
        Cell::Text(text) => text.into(),
        Cell::List(items) => items.into_iter().map(value).collect(),
        Cell::Map(entries) => {
            let entries = entries.into_iter().map(|(key, cell)| (key, value(cell)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}
