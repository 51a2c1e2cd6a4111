//! The postmortem of an incident: as it was drafted, or drafted anew.

use std::sync::Arc;

use app::{
    App,
    drafts::DraftError,
    incident::Incident,
    record::{DraftDocument, DraftEvent, DraftSection},
};
use axum::extract::{Path, State};

use super::{
    error,
    incidents::find,
    request::{Json, Who},
    view,
};
use crate::{Problem, wire::api as dto};

pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<dto::Postmortem>, Problem> {
    let incident = find(&app, &name)?;
    let id = incident.id;
    let document = tokio::task::spawn_blocking(move || app.drafted_postmortem(id)).await;
    let document = document.map_err(|_| Problem::internal())?;
    match document.map_err(|error| error::unread(&error))? {
        Some(document) => Ok(Json(shown(&incident, document))),
        None => Err(Problem::not_found(format!(
            "{} has no postmortem yet: one is drafted when it has ended, or when you ask for it",
            incident.name()
        ))),
    }
}

pub(super) async fn write(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Who(by): Who,
) -> Result<Json<dto::Postmortem>, Problem> {
    let incident = find(&app, &name)?;
    match app.draft_postmortem(incident.clone(), by).await {
        Ok(document) => Ok(Json(shown(&incident, document))),
        Err(DraftError::Control(error)) => Err(error::control(&error)),
        Err(error) => Err(error::unread(&error)),
    }
}

fn shown(incident: &Incident, document: DraftDocument) -> dto::Postmortem {
    let section = |section: DraftSection| dto::PostmortemSection {
        heading: section.heading,
        paragraphs: section.paragraphs,
        from_data: section.from_data,
    };
    let event = |event: DraftEvent| dto::PostmortemEvent {
        at: view::time(event.at),
        sentence: event.sentence,
        seq: event.seq,
    };
    dto::Postmortem {
        incident: incident.id.to_string(),
        title: document.title,
        status: dto::PostmortemStatus::Draft,
        drafted_at: view::time(document.drafted_at),
        sections: document.sections.into_iter().map(section).collect(),
        timeline: document.timeline.into_iter().map(event).collect(),
        markdown: document.markdown,
    }
}
