//! The page behind the link of a notification: opening it shows the incident, the button acknowledges it.
//!
//! Scanners of mail open links; so only the form's POST acts.

use std::sync::Arc;

use app::{
    App,
    incident::{self, Incident},
    notify::link::{Grant, LinkError},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use model::{Actor, ActorKind};

use super::page;
use crate::{api, wire::api::IncidentSummary};

#[derive(Template)]
#[template(path = "acknowledge.html")]
struct AcknowledgePage<'a> {
    incident: &'a IncidentSummary,
    suspects: Vec<(String, &'a str)>,
    recipient: &'a str,
    /// Who has acknowledged it, with the time.
    acknowledged: Option<String>,
    resolved: bool,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    title: &'a str,
    text: &'a str,
}

pub(super) async fn show(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    match granted(&app, &token) {
        Ok((grant, incident)) => drawn(&app, &grant, &incident),
        Err(refused) => *refused,
    }
}

pub(super) async fn act(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    let (grant, incident) = match granted(&app, &token) {
        Ok(granted) => granted,
        Err(refused) => return *refused,
    };
    let by = Actor {
        kind: ActorKind::Human,
        id: grant.recipient.as_str().into(),
        via: "signed-link".into(),
    };
    if incident.is_open() {
        let command = incident::Command::Acknowledge { incident: incident.id, by: by.clone() };
        if let Err(problem) = api::order(&app, command, by).await {
            let title = "This was not acknowledged";
            return page(problem.status, &MessagePage { title, text: &problem.detail });
        }
    }
    match granted(&app, &token) {
        Ok((grant, incident)) => drawn(&app, &grant, &incident),
        Err(refused) => *refused,
    }
}

fn granted(app: &App, token: &str) -> Result<(Grant, Incident), Box<Response>> {
    let refused =
        |status, title: &str, text: &str| Box::new(page(status, &MessagePage { title, text }));
    let grant = app.links.check(token, app.clock.now()).map_err(|error| match error {
        LinkError::Expired => {
            refused(StatusCode::GONE, "This link has expired", &error.to_string())
        }
        LinkError::Forged => {
            refused(StatusCode::FORBIDDEN, "This link does not work", &error.to_string())
        }
    })?;
    let incident = app.control.state().incidents.find(&grant.incident).cloned();
    let incident = incident.ok_or_else(|| {
        let text = "the incident of this link is no longer kept";
        refused(StatusCode::NOT_FOUND, "There is no such incident", text)
    })?;
    Ok((grant, incident))
}

fn drawn(app: &App, grant: &Grant, incident: &Incident) -> Response {
    let summary = api::summary(app, incident);
    let suspects = incident.suspects.iter().take(3);
    let acknowledged =
        incident.acknowledged.as_ref().map(|given| format!("{} at {}", given.by.id, given.at));
    let template = AcknowledgePage {
        incident: &summary,
        suspects: suspects.map(|suspect| (suspect.name(), &*suspect.evidence)).collect(),
        recipient: &grant.recipient,
        acknowledged,
        resolved: !incident.is_open(),
    };
    page(StatusCode::OK, &template)
}
