//! An incident's timeline.

use std::sync::Arc;

use app::{
    App,
    timeline::{Category, Entry},
};
use axum::extract::{Path, State};

use super::{error, incidents::find, request::Json, view};
use crate::{Problem, wire::api as dto};

pub(super) async fn timeline(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<dto::Timeline>, Problem> {
    let incident = find(&app, &name)?;
    let entries = tokio::task::spawn_blocking(move || app.timeline(&incident)).await;
    let entries = entries.map_err(|_| Problem::internal())?;
    let entries = entries.map_err(|error| error::unread(&error))?;
    Ok(Json(dto::Timeline { entries: entries.iter().map(entry).collect() }))
}

fn entry(entry: &Entry) -> dto::TimelineEntry {
    dto::TimelineEntry {
        category: match entry.category {
            Category::Alert => dto::TimelineCategory::Alert,
            Category::Change => dto::TimelineCategory::Change,
            Category::Notification => dto::TimelineCategory::Notification,
            Category::Response => dto::TimelineCategory::Response,
            Category::Update => dto::TimelineCategory::Update,
            Category::Act => dto::TimelineCategory::Act,
            Category::Gate => dto::TimelineCategory::Gate,
            Category::Recovery => dto::TimelineCategory::Recovery,
            Category::Other => dto::TimelineCategory::Other,
        },
        sentence: entry.sentence.clone(),
        text: entry.text.clone(),
        fact: view::fact::fact(&entry.record, entry.cause),
    }
}
