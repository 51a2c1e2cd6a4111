//! What every resource shares: problems, actors, the health of Evenkeel's own parts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error, as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A stable name of the kind of error, such as `/problems/incident-not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of error in a few words.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// What failed, which one, and what is allowed.
    pub detail: String,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    pub kind: ActorKind,
    /// A name, such as `ana` or `ci`.
    pub id: String,
    /// The way it came in: `cli`, `api`, `web`, `signed-link`, `webhook`, or a part of Evenkeel.
    pub via: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Human,
    Machine,
    System,
}

/// What a change answers with: the last fact that it wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Number of the last fact written; a page that has seen this number has seen the change.
    pub seq: u64,
    /// Id of the thing changed.
    pub id: String,
}

/// Who is asking, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// The name that facts will carry.
    pub id: String,
    pub kind: ActorKind,
    /// How the caller proved it: `loopback` or `token`.
    pub authenticated_by: String,
}
