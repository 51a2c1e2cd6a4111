//! YAML documents as JSON, without anchors and tags.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Value as Json};

/// A collection whose end has not come.
enum Open {
    Sequence(Vec<Json>),
    Mapping(Map<String, Json>, Option<String>),
}

pub(crate) fn documents(text: &str) -> Result<Vec<Json>, ScanError> {
    let (mut documents, mut open) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let finished = match event?.0 {
            Event::SequenceStart(..) => {
                open.push(Open::Sequence(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::Sequence(items)) => Json::Array(items),
                Some(Open::Mapping(map, _)) => Json::Object(map),
                None => Json::Null,
            },
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::Alias(_) => Json::Null,
            _ => continue,
        };
        match open.last_mut() {
            None => documents.push(finished),
            Some(Open::Sequence(items)) => items.push(finished),
            Some(Open::Mapping(map, key)) => match key.take() {
                None => {
                    *key =
                        Some(finished.as_str().map_or_else(|| finished.to_string(), str::to_owned))
                }
                Some(key) => {
                    map.insert(key, finished);
                }
            },
        }
    }
    Ok(documents)
}

/// A plain scalar by the JSON schema, which is all that the data needs.
fn scalar(text: &str, style: ScalarStyle) -> Json {
    match text {
        _ if style != ScalarStyle::Plain => Json::from(text),
        "" | "null" | "~" => Json::Null,
        _ => serde_json::from_str(text)
            .ok()
            .filter(|json: &Json| !json.is_string())
            .unwrap_or_else(|| text.into()),
    }
}
