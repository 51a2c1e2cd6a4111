//! The words of PromQL, for editors.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /evenkeel/v1/promql/functions`: functions, aggregations, operators and keywords, each kind by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlWords {
    pub items: Vec<PromqlWord>,
}

/// One word of the language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlWord {
    pub name: String,
    /// `function`, `aggregation`, `operator` or `keyword`.
    pub kind: String,
    /// With parameters and types: `rate(v range vector) instant vector`.
    pub signature: String,
    /// One line.
    pub doc: String,
    /// Known only with its feature flag (`query.features`).
    pub experimental: bool,
}
