//! What handlers take from a request: its JSON, its parameters, who sent it.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header, request::Parts};
use model::{Actor, ActorKind, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::error::invalid;
use crate::{Caller, Problem, body::BodyReader};

/// Characters of the name under which a caller acts.
const NAME_CHARS_MAX: usize = 100;
/// The way that a request came in: `cli` or `web`; anything else is the API.
const VIA: &str = "evenkeel-via";
/// The name of the person who asks.
const ACTOR: &str = "evenkeel-actor";

/// A body of JSON, or an answer of it.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_type(&parts.headers)?;
        let bytes = read(&parts, body).await?;
        // An empty body is one without fields.
        let text: &[u8] = if bytes.trim_ascii().is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let detail = format!("the body is not what is expected: {error}");
            if error.is_data() { invalid(detail) } else { Problem::malformed(detail) }
        })
    }
}

/// The bytes of a body within the server's limits.
pub(super) async fn read(parts: &Parts, body: axum::body::Body) -> Result<Vec<u8>, Problem> {
    let reader = parts.extensions.get::<BodyReader>().ok_or_else(Problem::internal)?;
    let (bytes, turn) = reader.read(&parts.headers, body).await?;
    drop(turn);
    Ok(bytes)
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(found) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = found.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    let lower = kind.to_ascii_lowercase();
    if lower == "application/json"
        || (lower.starts_with("application/") && lower.ends_with("+json"))
    {
        return Ok(());
    }
    Err(Problem::unsupported(format!(
        "the content type `{kind}` is not supported; use `application/json`"
    )))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer is not JSON");
                Problem::internal().into_response()
            }
        }
    }
}

/// The parameters after `?`.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| Problem::malformed(error.body_text()))
    }
}

/// Who asks, as facts name them.
#[derive(Debug)]
pub(super) struct Who(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().unwrap_or(&Caller::Anonymous);
        actor(&parts.headers, caller).map(Self)
    }
}

fn actor(headers: &HeaderMap, caller: &Caller) -> Result<Actor, Problem> {
    // Names are UTF-8, which `HeaderValue::to_str` refuses.
    let text = |name| {
        let value = headers.get(name)?;
        std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
    };
    let via = match text(VIA) {
        Some(via @ ("cli" | "web")) => via,
        _ if matches!(caller, Caller::Session(_)) => "web",
        _ => "api",
    };
    let kind = if via == "api" { ActorKind::Machine } else { ActorKind::Human };
    // The name and the way are what the headers say; the token is what was proved, and stands beside them.
    let (own, via) = match caller {
        Caller::Anonymous => ("local", via.to_owned()),
        Caller::Token(name) | Caller::Session(name) => (&**name, format!("{via}:{name}")),
    };
    let id = match text(ACTOR) {
        None | Some("") => own,
        Some(name) if name.chars().count() <= NAME_CHARS_MAX => name,
        Some(_) => {
            let detail = format!("the header `{ACTOR}` has more than {NAME_CHARS_MAX} characters");
            return Err(Problem::malformed(detail));
        }
    };
    Ok(Actor { kind, id: id.into(), via: via.into() })
}

/// A time from outside.
pub(super) fn time(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|error: model::time::ParseTimestampError| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actor_is_who_the_headers_and_the_token_say() {
        let check = |headers: &[(&'static str, &str)], caller: &Caller, expected: &str| {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                    (http::HeaderName::from_static(name), value)
                })
                .collect();
            let actor = actor(&headers, caller).unwrap();
            assert_eq!(format!("{} {actor}", actor.kind.as_str()), expected);
        };
        check(&[], &Caller::Anonymous, "machine local via api");
        check(&[("evenkeel-via", "cli")], &Caller::Anonymous, "human local via cli");
        check(
            &[("evenkeel-via", "signed-link")],
            &Caller::Token("ci".into()),
            "machine ci via api:ci",
        );
        check(
            &[("evenkeel-via", "web"), ("evenkeel-actor", "ana")],
            &Caller::Session("ops".into()),
            "human ana via web:ops",
        );
        check(
            &[("evenkeel-via", "cli"), ("evenkeel-actor", "ana")],
            &Caller::Token("ci".into()),
            "human ana via cli:ci",
        );
        check(
            &[("evenkeel-via", "web"), ("evenkeel-actor", "Zoë")],
            &Caller::Anonymous,
            "human Zoë via web",
        );
        let long = "x".repeat(101).parse().unwrap();
        assert!(
            actor(
                &HeaderMap::from_iter([(http::HeaderName::from_static("evenkeel-actor"), long)]),
                &Caller::Anonymous
            )
            .is_err()
        );
    }
}
