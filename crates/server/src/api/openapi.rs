//! The API described by itself.

use super::request::Json;
use crate::wire::api as dto;

/// Every path with its methods, and the type of its answer.
const PATHS: &[(&str, &str, &str)] = &[
    ("/status", "get", "Status"),
    ("/whoami", "get", "Whoami"),
    ("/slos", "get", "SloList"),
    ("/slos/{name}", "get", "Slo"),
    ("/slos/{name}/history", "get", "SloHistory"),
    ("/slos/{name}/backfill", "post", "BackfillAnswer"),
    ("/incidents", "get", "IncidentList"),
    ("/incidents/{id}", "get", "Incident"),
    ("/incidents/{id}/timeline", "get", "Timeline"),
    ("/incidents/{id}/acknowledge", "post", "Accepted"),
    ("/incidents/{id}/assign", "post", "Accepted"),
    ("/incidents/{id}/updates", "post", "Accepted"),
    ("/incidents/{id}/resolve", "post", "Accepted"),
    ("/incidents/{id}/severity", "post", "Accepted"),
    ("/incidents/{id}/rollback", "post", "Accepted"),
    ("/incidents/{id}/postmortem", "get", "Postmortem"),
    ("/incidents/{id}/postmortem", "post", "Postmortem"),
    ("/deploys", "get", "DeployList"),
    ("/deploys", "post", "Accepted"),
    ("/gate/check", "post", "GateVerdict"),
    ("/gate/verdicts", "get", "GateVerdictList"),
    ("/gate/verdicts/{id}", "get", "GateVerdict"),
    ("/gate/verdicts/{id}/replay", "post", "GateReplay"),
    ("/repo/check", "post", "RepoCheck"),
    ("/repo/diff", "post", "RepoDiff"),
    ("/repo/apply", "post", "RepoApply"),
    ("/services", "get", "ServiceList"),
    ("/services/map", "get", "ServiceMap"),
    ("/journal", "get", "FactList"),
    ("/journal/verify", "get", "JournalVerification"),
    ("/journal/accept-break", "post", "Accepted"),
    ("/notifications/test", "post", "TestNotificationAnswer"),
    ("/events", "get", "StreamEvent"),
];

pub(super) async fn document() -> Json<serde_json::Value> {
    let mut document = serde_json::to_value(dto::schemas()).unwrap_or_default();
    for (path, method, schema) in PATHS {
        let kind = if *path == "/events" { "text/event-stream" } else { "application/json" };
        let reference = format!("#/components/schemas/{schema}");
        let problem = "#/components/schemas/Problem";
        document["paths"][format!("/evenkeel/v1{path}")][method] = serde_json::json!({
            "responses": {
                "200": { "description": schema, "content": { kind: { "schema": { "$ref": reference } } } },
                "default": {
                    "description": "What is wrong.",
                    "content": { "application/problem+json": { "schema": { "$ref": problem } } },
                },
            },
        });
    }
    Json(document)
}
