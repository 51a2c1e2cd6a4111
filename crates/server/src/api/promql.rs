//! What an editor of PromQL wants to know of the language.

use app::promql::reference;

use super::request::Json;
use crate::wire::api as dto;

/// The table of all words.
pub(super) async fn functions() -> Json<dto::PromqlWords> {
    let word = |entry: reference::Entry| dto::PromqlWord {
        name: entry.name.to_owned(),
        kind: entry.kind.as_str().to_owned(),
        signature: entry.signature,
        doc: entry.doc.to_owned(),
        experimental: entry.experimental,
    };
    Json(dto::PromqlWords { items: reference::entries().into_iter().map(word).collect() })
}
