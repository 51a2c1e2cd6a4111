//! Deploys from `CDEvents` (0.4), in its own JSON or as a `CloudEvent`, structured or binary.

use std::sync::Arc;

use app::{
    App,
    deploy::{NewDeploy, Stage},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    deploys::add,
    error::invalid,
    request::{Json, Who, time},
};
use crate::Problem;

pub(super) async fn take(
    State(app): State<Arc<App>>,
    Who(by): Who,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    let event = Event::of(&headers, &body)?;
    let Some(mut stage) = event.stage()? else {
        let note =
            json!({ "note": format!("`{}` is no deploy; nothing was recorded", event.kind) });
        return Ok((StatusCode::ACCEPTED, Json(note)).into_response());
    };
    let environment = app.environment(event.service, event.environment);
    let environment = environment.map_err(|error| invalid(error.to_string()))?;
    // Going back from what nobody recorded is a deploy like any other.
    if app.control.state().deploys.newest(event.service, &environment).is_none() {
        stage = Stage::Succeeded;
    }
    let deploy = NewDeploy {
        id: app.id(),
        service: event.service.into(),
        environment,
        version: event.version.into(),
        previous_version: None,
        stage,
        at: event.at.map_or(Ok(app.clock.now()), time)?,
        by,
        url: None,
        rolls_back: None,
        gate: None,
        // An id is unique within its source.
        idempotency_key: Some(format!("cdevents/{}/{}", event.source, event.id).into()),
    };
    Ok(Json(add(&app, deploy).await?).into_response())
}

/// What of an event is of use.
#[derive(Debug, PartialEq)]
struct Event<'a> {
    kind: &'a str,
    source: &'a str,
    id: &'a str,
    at: Option<&'a str>,
    service: &'a str,
    environment: Option<&'a str>,
    version: String,
}

impl<'a> Event<'a> {
    /// The event stands in the body, in its `data`, or in the body with the envelope's fields as headers.
    fn of(headers: &'a HeaderMap, body: &'a Value) -> Result<Self, Problem> {
        let event = if body["data"]["context"].is_object() { &body["data"] } else { body };
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let text = |value: &'a Value| value.as_str().filter(|text| !text.is_empty());
        let kind = text(&event["context"]["type"]).or_else(|| header("ce-type"));
        let id = text(&event["context"]["id"]).or_else(|| header("ce-id"));
        let kind = kind.ok_or_else(|| invalid("the event has no `context.type`"))?;
        let subject = &event["subject"];
        let content = &subject["content"];
        Ok(Self {
            kind,
            source: text(&event["context"]["source"])
                .or_else(|| header("ce-source"))
                .unwrap_or_default(),
            id: id.ok_or_else(|| invalid("the event has no `context.id`"))?,
            at: text(&event["context"]["timestamp"]).or_else(|| header("ce-time")),
            service: text(&subject["id"]).map(last_part).unwrap_or_default(),
            environment: text(&content["environment"]["id"]),
            version: text(&content["artifactId"]).map(version).unwrap_or_default(),
        })
    }

    /// What it says of a deploy; `None` when it is about something else.
    fn stage(&self) -> Result<Option<Stage>, Problem> {
        let Some(rest) = self.kind.strip_prefix("dev.cdevents.") else {
            return Err(invalid(format!("`{}` is no type of CDEvents", self.kind)));
        };
        let stages = [
            ("service.deployed.", Stage::Succeeded),
            ("service.upgraded.", Stage::Succeeded),
            ("service.rolledback.", Stage::RolledBack),
        ];
        Ok(stages.into_iter().find(|(kind, _)| rest.starts_with(kind)).map(|(_, stage)| stage))
    }
}

/// The name in an id such as `apps/checkout`.
fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The version in a package URL such as `pkg:npm/checkout@2.0.0`; of an image, whose version is a digest, the tag where it
/// is said (`pkg:oci/checkout@sha256%3A0b31…?tag=2.0.0`). Another text is the version itself.
fn version(artifact: &str) -> String {
    let Some(url) = artifact.strip_prefix("pkg:") else { return artifact.to_owned() };
    let url = url.split('#').next().unwrap_or(url);
    let (path, qualifiers) = url.split_once('?').unwrap_or((url, ""));
    let tag = url::form_urlencoded::parse(qualifiers.as_bytes()).find(|(key, _)| key == "tag");
    if let Some((_, tag)) = tag.filter(|(_, tag)| !tag.is_empty()) {
        return tag.into_owned();
    }
    let version = path.rsplit_once('@').map_or("", |(_, version)| version);
    percent_encoding::percent_decode_str(version).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Value {
        json!({
            "context": { "version": "0.4.1", "id": "e1", "source": "/ci", "type": "dev.cdevents.service.deployed.0.2.0", "timestamp": "2026-11-23T03:00:00Z" },
            "subject": { "id": "apps/checkout", "type": "service", "content": {
                "environment": { "id": "production" }, "artifactId": "pkg:oci/checkout@2.0.0?repository_url=x" } },
        })
    }

    #[test]
    fn an_event_is_the_same_plain_and_in_an_envelope() {
        let (headers, plain) = (HeaderMap::new(), plain());
        let event = Event::of(&headers, &plain).unwrap();
        assert_eq!(
            (event.service, event.environment, &*event.version),
            ("checkout", Some("production"), "2.0.0")
        );
        assert_eq!(event.stage().unwrap(), Some(Stage::Succeeded));
        let envelope = json!({ "specversion": "1.0", "type": "dev.cdevents.service.deployed.0.2.0", "data": plain.clone() });
        assert_eq!(Event::of(&headers, &envelope).unwrap(), event);
    }

    #[test]
    fn versions_are_read_from_package_urls() {
        let check = |artifact, expected: &str| assert_eq!(version(artifact), expected);
        check("pkg:oci/checkout@sha256%3A0b31b1?repository_url=x&tag=2.0.0", "2.0.0");
        check("pkg:oci/checkout@sha256%3A0b31b1", "sha256:0b31b1");
        check("pkg:npm/%40shop/checkout@1.0.0+build.5#lib", "1.0.0+build.5");
        check("pkg:oci/checkout", "");
        check("0b31b1c02ff458", "0b31b1c02ff458");
        check("checkout@2", "checkout@2");
    }

    #[test]
    fn other_events_are_told_apart() {
        let mut other = plain();
        other["context"]["type"] = "dev.cdevents.build.finished.0.2.0".into();
        assert_eq!(Event::of(&HeaderMap::new(), &other).unwrap().stage().unwrap(), None);
        other["context"]["type"] = "com.example.made".into();
        assert!(Event::of(&HeaderMap::new(), &other).unwrap().stage().is_err());
    }
}
