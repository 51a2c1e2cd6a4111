//! The API described by itself.

mod operations;
mod prometheus;

use serde_json::{Value, json};

use self::operations::{OBJECT, OPERATIONS, Operation, Parameter};
use super::request::Json;
use crate::wire::api as dto;

/// Where all paths begin.
const PREFIX: &str = "/evenkeel/v1";
/// What any operation may answer.
const ERRORS: [u16; 5] = [400, 401, 403, 421, 503];
/// What an operation with a body may answer as well.
const BODY_ERRORS: [u16; 4] = [408, 413, 415, 422];

pub(super) async fn document() -> Json<Value> {
    Json(whole())
}

/// The types with the paths; the web application's types are generated from this.
fn whole() -> Value {
    let mut document = serde_json::to_value(dto::schemas()).unwrap_or_default();
    document["components"]["securitySchemes"]["bearer"] = json!({
        "type": "http",
        "scheme": "bearer",
        "description": "A token of `api.tokens`. None is asked for on loopback where no token is set.",
    });
    document["security"] = json!([{ "bearer": [] }, {}]);
    for operation in OPERATIONS {
        let path = format!("{PREFIX}{}", operation.path);
        document["paths"][path][operation.method] = described(operation);
    }
    prometheus::describe(&mut document);
    document
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": id(operation),
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if let Some(request) = operation.request {
        described["requestBody"] = json!({
            "required": request != OBJECT,
            "content": { "application/json": { "schema": schema(request) } },
        });
    }
    described
}

/// Such as `get_slos_name_history`.
fn id(operation: &Operation) -> String {
    let mut id = operation.method.to_owned();
    for word in operation.path.split(|c: char| !c.is_ascii_alphanumeric()) {
        if !word.is_empty() {
            id = format!("{id}_{word}");
        }
    }
    id
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let parts = operation.path.split('/');
    let in_path = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
        let means = match name {
            "id" if operation.path.starts_with("/gate/") => "The verdict's id, `gat_…`.",
            "id" => "The incident's id, `inc_…`, or its number, `INC-7`.",
            _ => "The SLO's name.",
        };
        json!({ "in": "path", "name": name, "required": true, "description": means, "schema": { "type": "string" } })
    });
    let optional = |place: &str, one: &Parameter| json!({ "in": place, "name": one.name, "required": false, "description": one.means, "schema": { "type": one.kind } });
    let mut all: Vec<Value> = in_path.collect();
    all.extend(operation.query.iter().map(|one| optional("query", one)));
    if operation.method == "post" {
        all.extend(WHO.iter().map(|one| optional("header", one)));
    }
    all
}

/// How a caller says who acts.
const WHO: [Parameter; 2] = [
    Parameter {
        name: "Evenkeel-Actor",
        kind: "string",
        means: "The name of the person who acts [default: the token's name].",
    },
    Parameter {
        name: "Evenkeel-Via",
        kind: "string",
        means: "`cli` or `web` where a person acts; facts name the token beside it.",
    },
];

fn responses(operation: &Operation) -> Value {
    let kind = if operation.path == "/events" { "text/event-stream" } else { "application/json" };
    let mut responses = json!({
        "200": { "description": operation.summary, "content": { kind: { "schema": schema(operation.answer) } } },
    });
    let of_body = operation.request.iter().flat_map(|_| BODY_ERRORS);
    for status in ERRORS.into_iter().chain(of_body).chain(operation.errors.iter().copied()) {
        responses[status.to_string()] = json!({
            "description": what_is_wrong(status),
            "content": { "application/problem+json": { "schema": schema("Problem") } },
        });
    }
    responses
}

fn what_is_wrong(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read.",
        401 => "A token is needed.",
        403 => "It is not allowed, or comes from another site.",
        404 => "There is no such thing.",
        408 => "The body came too slowly.",
        409 => "It does not fit the present state.",
        413 => "The body is too large.",
        415 => "The content type or encoding is not supported.",
        421 => "The request is for another host.",
        422 => "It can be read and cannot be carried out.",
        _ => "Not now; try again later.",
    }
}

fn schema(name: &str) -> Value {
    match name {
        OBJECT => json!({ "type": "object" }),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/api/schema.json");

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let described: BTreeSet<_> = OPERATIONS.iter().map(|one| (one.path, one.method)).collect();
        assert_eq!(described.len(), OPERATIONS.len(), "one is described twice");
        let routed: BTreeSet<_> = crate::api::ROUTES.iter().copied().collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|inner| references(inner, found));
                }
                Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
                _ => {}
            }
        }
        let document = whole();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > OPERATIONS.len());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn an_operation_says_what_it_takes_and_how_it_fails() {
        let document = whole();
        let history = &document["paths"]["/evenkeel/v1/slos/{name}/history"]["get"];
        let names = history["parameters"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|one| (one["name"].as_str(), &one["required"])).collect();
        let (yes, no) = (json!(true), json!(false));
        let expected =
            [("name", &yes), ("from", &no), ("to", &no), ("step", &no)].map(|(n, r)| (Some(n), r));
        assert_eq!(names, expected);
        let record = &document["paths"]["/evenkeel/v1/deploys"]["post"];
        assert_eq!(
            record["requestBody"]["content"]["application/json"]["schema"]["$ref"],
            "#/components/schemas/RecordDeployRequest"
        );
        for status in ["200", "400", "401", "409", "413", "415", "422"] {
            assert!(record["responses"][status].is_object(), "{status}");
        }
        assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    }

    #[test]
    fn api_schema_is_what_the_web_application_was_built_for() {
        let text = serde_json::to_string_pretty(&whole()).unwrap() + "\n";
        if std::env::var_os("EVENKEEL_WRITE_SCHEMA").is_some() {
            std::fs::write(COMMITTED, &text).unwrap();
        }
        let committed = std::fs::read_to_string(COMMITTED).unwrap();
        assert!(
            committed == text,
            "web/src/api/schema.json differs from the API; \
             run EVENKEEL_WRITE_SCHEMA=1 cargo test -p server api_schema, then npm --prefix web run api"
        );
    }
}
