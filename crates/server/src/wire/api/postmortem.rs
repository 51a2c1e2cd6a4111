//! Postmortems: a draft written from the journal.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET` and `POST /evenkeel/v1/incidents/{id}/postmortem`; `POST` drafts it anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Postmortem {
    /// `inc_…`.
    pub incident: String,
    pub title: String,
    pub status: PostmortemStatus,
    /// RFC 3339.
    pub drafted_at: String,
    pub sections: Vec<PostmortemSection>,
    pub timeline: Vec<PostmortemEvent>,
    /// The whole document as Markdown.
    pub markdown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostmortemStatus {
    Draft,
    Reviewed,
}

/// One heading and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PostmortemSection {
    pub heading: String,
    /// Paragraphs of plain text.
    pub paragraphs: Vec<String>,
    /// Whether it was filled from data; false asks a person to write it.
    pub from_data: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PostmortemEvent {
    /// RFC 3339.
    pub at: String,
    pub sentence: String,
    /// Number of the fact behind it.
    pub seq: u64,
}
