//! Every operation of the API: what it is for, what it takes, what it answers.

/// A method of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// Parameters after `?`; none is required.
    pub(super) query: &'static [Parameter],
    /// The schema of the body.
    pub(super) request: Option<&'static str>,
    /// The schema of the answer.
    pub(super) answer: &'static str,
    /// Statuses of errors beside those that any operation may answer.
    pub(super) errors: &'static [u16],
}

/// Its name, its type, and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) means: &'static str,
}

/// A body or an answer that is any JSON object.
pub(super) const OBJECT: &str = "object";

const fn get(path: &'static str, answer: &'static str, summary: &'static str) -> Operation {
    Operation { method: "get", path, summary, query: &[], request: None, answer, errors: &[] }
}

const fn post(
    path: &'static str,
    request: &'static str,
    answer: &'static str,
    summary: &'static str,
) -> Operation {
    let request = Some(request);
    Operation { method: "post", path, summary, query: &[], request, answer, errors: &[] }
}

impl Operation {
    const fn query(mut self, query: &'static [Parameter]) -> Self {
        self.query = query;
        self
    }

    const fn errors(mut self, errors: &'static [u16]) -> Self {
        self.errors = errors;
        self
    }
}

const fn text(name: &'static str, means: &'static str) -> Parameter {
    Parameter { name, kind: "string", means }
}

const fn number(name: &'static str, means: &'static str) -> Parameter {
    Parameter { name, kind: "number", means }
}

const fn integer(name: &'static str, means: &'static str) -> Parameter {
    Parameter { name, kind: "integer", means }
}

const ENVIRONMENT: Parameter = text("environment", "Of this environment alone.");
const SERVICE: Parameter = text("service", "Of this service alone.");
const LIMIT: Parameter = integer("limit", "How many at most.");
const AFTER: Parameter = integer("after", "Only facts with a greater number.");

/// In the order of the reference.
pub(super) const OPERATIONS: &[Operation] = &[
    get("/status", "Status", "How Evenkeel itself is, where it listens, what has arrived."),
    get("/whoami", "Whoami", "As whom the caller acts."),
    get("/openapi.json", OBJECT, "This document."),
    get("/promql/functions", "PromqlWords", "The words of PromQL, for editors."),
    post(
        "/promql/lint",
        "PromqlLintRequest",
        "PromqlFindings",
        "What is likely wrong in an expression, with fixes.",
    ),
    post("/sql", "SqlRequest", "SqlRows", "Read-only SQL over the tables `spans` and `logs`.")
        .errors(&[422]),
    get("/metrics/verify", "StoreVerification", "Reads all of the metric store and checks it."),
    get("/slos", "SloList", "All SLOs, the worst budget first."),
    get("/slos/{name}", "Slo", "One SLO.").errors(&[404]),
    get("/slos/{name}/history", "SloHistory", "An SLO's counts over time.")
        .query(&[
            text("from", "RFC 3339 [default: the beginning of the SLO's window]."),
            text("to", "RFC 3339 [default: now]."),
            number("step", "Seconds of a point."),
        ])
        .errors(&[404, 422]),
    post(
        "/slos/{name}/backfill",
        "BackfillRequest",
        "BackfillAnswer",
        "Adds counts of the time before Evenkeel.",
    )
    .errors(&[404]),
    get("/incidents", "IncidentList", "Incidents, newest first.")
        .query(&[text("status", "`open` or `resolved`.")])
        .errors(&[422]),
    get("/incidents/{id}", "Incident", "One incident.").errors(&[404]),
    get("/incidents/{id}/timeline", "Timeline", "What happened, oldest first.").errors(&[404]),
    post(
        "/incidents/{id}/acknowledge",
        "AcknowledgeRequest",
        "Accepted",
        "Stops further pages for it.",
    )
    .errors(&[404, 409]),
    post("/incidents/{id}/assign", "AssignRequest", "Accepted", "Gives it to somebody.")
        .errors(&[404, 409]),
    post("/incidents/{id}/updates", "UpdateRequest", "Accepted", "Writes an update.")
        .errors(&[404, 409]),
    post("/incidents/{id}/resolve", "ResolveRequest", "Accepted", "Resolves it by hand.")
        .errors(&[404, 409]),
    post("/incidents/{id}/severity", "SeverityRequest", "Accepted", "Changes its severity.")
        .errors(&[404, 409]),
    post(
        "/incidents/{id}/rollback",
        "RollbackRequest",
        "Accepted",
        "Rolls back the deploy that the incident offers to undo.",
    )
    .errors(&[403, 404, 409]),
    get("/incidents/{id}/postmortem", "Postmortem", "Its postmortem, once there is one.")
        .errors(&[404]),
    post("/incidents/{id}/postmortem", OBJECT, "Postmortem", "Drafts its postmortem.")
        .errors(&[404, 409]),
    get("/deploys", "DeployList", "Deploys, newest first.").query(&[SERVICE, ENVIRONMENT, LIMIT]),
    post("/deploys", "RecordDeployRequest", "Accepted", "Records a deploy.").errors(&[404, 409]),
    post("/gate/check", "GateCheckRequest", "GateVerdict", "Whether a version may be deployed."),
    get("/gate/verdicts", "GateVerdictList", "Verdicts of the gate, newest first.").query(&[
        SERVICE,
        ENVIRONMENT,
        LIMIT,
    ]),
    get("/gate/verdicts/{id}", "GateVerdict", "One verdict.").errors(&[404, 422]),
    post(
        "/gate/verdicts/{id}/replay",
        OBJECT,
        "GateReplay",
        "Judges a verdict once more on what it saw then.",
    )
    .errors(&[404]),
    post("/cdevents", OBJECT, "Accepted", "Takes a CDEvent; 202 when it is of no use here.")
        .errors(&[409]),
    post("/repo/check", "RepoFiles", "RepoCheck", "Every problem of a production repo."),
    post("/repo/diff", "RepoFiles", "RepoDiff", "What applying a production repo would change."),
    post("/repo/apply", "RepoFiles", "RepoApply", "Applies a production repo: all or nothing."),
    get("/services", "ServiceList", "The catalogue.").query(&[ENVIRONMENT]),
    get("/services/map", "ServiceMap", "Who calls whom.").query(&[
        ENVIRONMENT,
        integer("window_seconds", "What it looks back on, 60 to 600 s [default: 600]."),
    ]),
    get("/journal", "FactList", "Facts in order.").query(&[
        AFTER,
        text("kind", "A kind or the beginning of one, such as `deploy.`."),
        text("subject", "Facts about this alone, such as `inc_01j…`."),
        LIMIT,
        Parameter { name: "newest", kind: "boolean", means: "The newest first." },
    ]),
    get("/journal/verify", "JournalVerification", "Reads and checks the whole chain."),
    post(
        "/journal/accept-break",
        "AcceptBreakRequest",
        "Accepted",
        "Accepts a break of the chain, so that gates and acts work again.",
    )
    .errors(&[409]),
    post(
        "/notifications/test",
        "TestNotificationRequest",
        "TestNotificationAnswer",
        "Sends a test page to a receiver.",
    )
    .errors(&[404]),
    get("/events", "StreamEvent", "Facts as they come; resumes by `Last-Event-ID`.")
        .query(&[AFTER]),
];
