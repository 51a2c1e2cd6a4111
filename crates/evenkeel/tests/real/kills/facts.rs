//! The journal, read page by page over the API.

use serde_json::Value;

use crate::http;

/// All facts, in order.
pub(super) async fn all(url: &str) -> Vec<Value> {
    let (http, mut after, mut facts) = (http(), 0, Vec::new());
    loop {
        let page = format!("{url}/evenkeel/v1/journal?limit=1000&after={after}");
        let mut page: Value = http.get(page).send().await.unwrap().json().await.unwrap();
        facts.append(page["items"].as_array_mut().unwrap());
        match page["next_after"].as_u64() {
            Some(next) => after = next,
            None => return facts,
        }
    }
}

/// Those of one kind.
pub(super) fn of<'f>(facts: &'f [Value], kind: &'f str) -> impl Iterator<Item = &'f Value> {
    facts.iter().filter(move |fact| fact["kind"] == kind)
}

/// A text of a fact's payload.
pub(super) fn text<'f>(fact: &'f Value, pointer: &str) -> &'f str {
    fact["payload"].pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Every text in a payload.
pub(super) fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
