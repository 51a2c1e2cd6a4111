//! The types of our own HTTP API, `/evenkeel/v1`, one file for each kind of resource.
//!
//! Times are RFC 3339 in UTC; durations are seconds with a fraction and end in `_seconds`; ids are text with a
//! prefix (`inc_`, `alr_`, `dpl_`, `act_`, `ntf_`, `gat_`); ratios lie between 0 and 1. Counts of events are
//! numbers with a fraction because counters of metrics are. What is not known is `null`, never 0.
//!
//! The web application's types are generated from `web/src/api/schema.json`, these types with the paths; after a
//! change here run `EVENKEEL_WRITE_SCHEMA=1 cargo test -p server api_schema` and `npm --prefix web run api`.
//!
//! **Invariant:** additive only. A field is never removed, renamed or given another meaning; a new one may be absent.

mod common;
mod deploy;
mod incident;
mod journal;
mod postmortem;
mod promql;
mod repo;
mod service;
mod slo;
mod sql;
mod status;
mod store;

use utoipa::OpenApi as _;

pub use common::{Accepted, Actor, ActorKind, Problem, Whoami};
pub use deploy::{
    Deploy, DeployList, DeployState, GateCheckRequest, GateOutcome, GateReplay, GateRule,
    GateVerdict, GateVerdictList, RecordDeployRequest,
};
pub use incident::{
    AcknowledgeRequest, Acknowledgement, Act, ActState, Alert, AssignRequest, Attempt, Channel,
    Delivery, DeliveryState, Evidence, Impact, Incident, IncidentList, IncidentStatus,
    IncidentSummary, Recovery, ResolveRequest, RollbackOffer, RollbackRequest, Severity,
    SeverityRequest, Suspect, SuspectKind, Timeline, TimelineCategory, TimelineEntry,
    UpdateRequest,
};
pub use journal::{
    AcceptBreakRequest, Fact, FactList, JournalProblem, JournalVerification, StreamEvent,
    TestNotificationAnswer, TestNotificationRequest,
};
pub use postmortem::{Postmortem, PostmortemEvent, PostmortemSection, PostmortemStatus};
pub use promql::{
    PromqlEdit, PromqlFinding, PromqlFindings, PromqlFix, PromqlLintRequest, PromqlPlace,
    PromqlSeverity, PromqlWord, PromqlWords,
};
pub use repo::{
    Applied, ChangeKind, ProblemSeverity, RepoApply, RepoChange, RepoCheck, RepoDiff, RepoFile,
    RepoFiles, RepoProblem,
};
pub use service::{
    MapEdge, MapNode, Requests, Service, ServiceLink, ServiceList, ServiceMap, ServiceVersion,
};
pub use slo::{
    AlertSeverity, BackfillAnswer, BackfillBucket, BackfillRequest, Budget, Burn, BurnWindow,
    Indicator, IndicatorKind, Slo, SloHistory, SloList, SloPoint, SloState, Source,
};
pub use sql::{SqlColumn, SqlRequest, SqlRows};
pub use status::{
    Build, EvaluatorHealth, FirstData, FirstSeen, IngestCounts, JournalBreak, JournalHealth,
    Listener, ListenerPurpose, NotifierHealth, RejectedCount, RepoHealth, Signal, Status,
    StorageHealth, Trouble, TroubleLevel,
};
pub use store::{StoreDamage, StoreLoss, StoreVerification};

/// The roots; what they contain is found by itself.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Evenkeel",
        version = "1",
        description = "The API under /evenkeel/v1.",
        license(name = "Apache-2.0")
    ),
    components(schemas(
        AcceptBreakRequest,
        Accepted,
        AcknowledgeRequest,
        AssignRequest,
        BackfillAnswer,
        BackfillRequest,
        DeployList,
        FactList,
        GateCheckRequest,
        GateReplay,
        GateVerdictList,
        Incident,
        IncidentList,
        JournalVerification,
        Postmortem,
        Problem,
        PromqlFindings,
        PromqlLintRequest,
        PromqlWords,
        RecordDeployRequest,
        RepoApply,
        RepoCheck,
        RepoDiff,
        RepoFiles,
        ResolveRequest,
        RollbackRequest,
        ServiceList,
        ServiceMap,
        SeverityRequest,
        SloHistory,
        SloList,
        SqlRequest,
        SqlRows,
        Status,
        StoreVerification,
        StreamEvent,
        TestNotificationAnswer,
        TestNotificationRequest,
        Timeline,
        UpdateRequest,
        Whoami,
    ))
)]
struct Components;

/// All types as an OpenAPI document without paths; the router adds those.
pub fn schemas() -> utoipa::openapi::OpenApi {
    Components::openapi()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_refuse_unknown_fields_and_default_the_optional_ones() {
        let request: GateCheckRequest =
            serde_json::from_str(r#"{"service":"checkout","version":"2.0.0"}"#).unwrap();
        assert_eq!(request.environment, None);
        let error = serde_json::from_str::<ResolveRequest>(r#"{"reason":"x","why":1}"#);
        assert!(error.unwrap_err().to_string().contains("unknown field `why`"));
    }

    #[test]
    fn what_is_not_known_is_null() {
        let point = SloPoint { at: "2026-11-23T03:00:00Z".into(), good: None, total: None };
        assert_eq!(
            serde_json::to_string(&point).unwrap(),
            r#"{"at":"2026-11-23T03:00:00Z","good":null,"total":null}"#
        );
    }
}
