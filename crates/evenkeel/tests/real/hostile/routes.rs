//! Every route, with a request that it takes.

/// What a route reads of a body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reads {
    Nothing,
    /// JSON of a fixed form, such as this.
    Strict(&'static str),
    /// JSON of which it takes what it knows.
    Loose(&'static str),
    /// A form, such as this.
    Form(&'static str),
    /// OTLP, as JSON or protobuf.
    Otlp(&'static str),
    /// Snappy over protobuf.
    RemoteWrite,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// With `{…}` for what a caller fills in.
    pub(super) path: &'static str,
    pub(super) reads: Reads,
}

const fn get(path: &'static str) -> Route {
    Route { method: "GET", path, reads: Reads::Nothing }
}

const fn post(path: &'static str, reads: Reads) -> Route {
    Route { method: "POST", path, reads }
}

const fn put(path: &'static str, reads: Reads) -> Route {
    Route { method: "PUT", path, reads }
}

impl Route {
    /// The path of something that there is.
    pub(super) fn filled(&self) -> String {
        self.with("INC-1", "orders")
    }

    /// The path of something else.
    pub(super) fn named(&self, text: &str) -> String {
        self.with(text, text)
    }

    fn with(&self, id: &str, name: &str) -> String {
        self.path
            .replace("{id}", id)
            .replace("{name}", name)
            .replace("{token}", name)
            .replace("{*path}", name)
    }
}

const REPO: &str = r#"{"files":[{"path":"slos/a.yaml","content":"a: 1"}]}"#;
const BACKFILL: &str = r#"{"source":"x","buckets":[{"start":"2026-01-01T00:00:00Z","width_seconds":3600,"good":1,"total":2}]}"#;
const DEPLOY: &str = r#"{"service":"checkout","environment":"production","version":"1.0","previous_version":"0.9",
    "state":"succeeded","at":"2026-01-01T00:00:00Z","url":"https://ci.example/1","idempotency_key":"key"}"#;
const EVENT: &str = r#"{"context":{"type":"dev.cdevents.service.deployed.0.2.0","id":"e1","timestamp":"2026-01-01T00:00:00Z"},
    "subject":{"id":"shop/checkout","content":{"environment":{"id":"prod"},"artifactId":"pkg:oci/checkout@1.0"}}}"#;
const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},
    "scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET /cart","kind":2,
    "startTimeUnixNano":"1795460000000000000","endTimeUnixNano":"1795460000100000000","status":{}}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"level","gauge":{"dataPoints":[
    {"timeUnixNano":"1795460000000000000","asDouble":1.5}]}}]}]}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795460000000000000","severityNumber":9,
    "body":{"stringValue":"hello"}}]}]}]}"#;
const QUERY: &str = "query=up&time=1795460000";
const RANGE: &str = "query=up&start=1795460000&end=1795460060&step=15";
const MATCH: &str = "match[]=up&start=1795460000&end=1795460060";

pub(super) const ROUTES: &[Route] = &[
    get("/livez"),
    get("/-/healthy"),
    get("/readyz"),
    get("/-/ready"),
    get("/metrics"),
    post("/v1/traces", Reads::Otlp(TRACES)),
    post("/v1/metrics", Reads::Otlp(METRICS)),
    post("/v1/logs", Reads::Otlp(LOGS)),
    post("/api/v1/write", Reads::RemoteWrite),
    get("/api/v1/query"),
    post("/api/v1/query", Reads::Form(QUERY)),
    get("/api/v1/query_range"),
    post("/api/v1/query_range", Reads::Form(RANGE)),
    get("/api/v1/labels"),
    post("/api/v1/labels", Reads::Form(MATCH)),
    get("/api/v1/label/{name}/values"),
    get("/api/v1/series"),
    post("/api/v1/series", Reads::Form(MATCH)),
    get("/api/v1/query_exemplars"),
    post("/api/v1/query_exemplars", Reads::Form(QUERY)),
    get("/api/v1/format_query"),
    post("/api/v1/format_query", Reads::Form(QUERY)),
    get("/api/v1/parse_query"),
    post("/api/v1/parse_query", Reads::Form(QUERY)),
    get("/api/v1/metadata"),
    get("/api/v1/targets"),
    get("/api/v1/targets/metadata"),
    get("/api/v1/targets/relabel_steps"),
    get("/api/v1/scrape_pools"),
    get("/api/v1/rules"),
    get("/api/v1/alerts"),
    get("/api/v1/alertmanagers"),
    get("/api/v1/status/config"),
    get("/api/v1/status/flags"),
    get("/api/v1/status/runtimeinfo"),
    get("/api/v1/status/buildinfo"),
    get("/api/v1/status/tsdb"),
    get("/api/v1/status/walreplay"),
    get("/federate"),
    post("/api/v1/read", Reads::RemoteWrite),
    post("/api/v1/admin/tsdb/clean_tombstones", Reads::Form("x=1")),
    put("/api/v1/admin/tsdb/clean_tombstones", Reads::Form("x=1")),
    post("/api/v1/admin/tsdb/delete_series", Reads::Form(MATCH)),
    put("/api/v1/admin/tsdb/delete_series", Reads::Form(MATCH)),
    post("/api/v1/admin/tsdb/snapshot", Reads::Form("skip_head=false")),
    put("/api/v1/admin/tsdb/snapshot", Reads::Form("skip_head=false")),
    get("/p/acknowledge/{token}"),
    post("/p/acknowledge/{token}", Reads::Nothing),
    get("/p/acknowledge/style.css"),
    get("/p/runbooks/{*path}"),
    get("/p/sign-in"),
    post("/p/sign-in", Reads::Form("token=abc&next=/app/")),
    post("/p/sign-out", Reads::Nothing),
    get("/"),
    get("/app"),
    get("/app/"),
    get("/app/{*path}"),
    get("/evenkeel/v1/promql/functions"),
    post("/evenkeel/v1/promql/lint", Reads::Strict(r#"{"query":"sum(hits_total)"}"#)),
    post("/evenkeel/v1/sql", Reads::Strict(r#"{"query":"SELECT count(*) FROM spans"}"#)),
    get("/evenkeel/v1/metrics/verify"),
    get("/evenkeel/v1/status"),
    get("/evenkeel/v1/whoami"),
    get("/evenkeel/v1/openapi.json"),
    get("/evenkeel/v1/slos"),
    get("/evenkeel/v1/slos/{name}"),
    get("/evenkeel/v1/slos/{name}/history"),
    post("/evenkeel/v1/slos/{name}/backfill", Reads::Strict(BACKFILL)),
    get("/evenkeel/v1/incidents"),
    get("/evenkeel/v1/incidents/{id}"),
    get("/evenkeel/v1/incidents/{id}/timeline"),
    post("/evenkeel/v1/incidents/{id}/acknowledge", Reads::Strict(r#"{"note":"mine"}"#)),
    post("/evenkeel/v1/incidents/{id}/assign", Reads::Strict(r#"{"assignee":"ana"}"#)),
    post(
        "/evenkeel/v1/incidents/{id}/updates",
        Reads::Strict(r#"{"text":"looking","status":"identified","mitigation":false}"#),
    ),
    post(
        "/evenkeel/v1/incidents/{id}/severity",
        Reads::Strict(r#"{"severity":"sev2","reason":"as agreed"}"#),
    ),
    post(
        "/evenkeel/v1/incidents/{id}/rollback",
        Reads::Strict(r#"{"deploy":"dpl_01jd9m2v5n8h2k4m6p7r9s0t1v","reason":"bad"}"#),
    ),
    get("/evenkeel/v1/incidents/{id}/postmortem"),
    post("/evenkeel/v1/incidents/{id}/postmortem", Reads::Nothing),
    get("/evenkeel/v1/deploys"),
    post("/evenkeel/v1/deploys", Reads::Strict(DEPLOY)),
    post(
        "/evenkeel/v1/gate/check",
        Reads::Strict(r#"{"service":"checkout","version":"1.0","environment":"production"}"#),
    ),
    get("/evenkeel/v1/gate/verdicts"),
    get("/evenkeel/v1/gate/verdicts/{id}"),
    post("/evenkeel/v1/gate/verdicts/{id}/replay", Reads::Nothing),
    post("/evenkeel/v1/cdevents", Reads::Loose(EVENT)),
    post("/evenkeel/v1/repo/check", Reads::Strict(REPO)),
    post("/evenkeel/v1/repo/diff", Reads::Strict(REPO)),
    post("/evenkeel/v1/repo/apply", Reads::Strict(REPO)),
    get("/evenkeel/v1/services"),
    get("/evenkeel/v1/services/map"),
    get("/evenkeel/v1/journal"),
    get("/evenkeel/v1/journal/verify"),
    post("/evenkeel/v1/journal/accept-break", Reads::Strict(r#"{"seq":7,"reason":"known"}"#)),
    post("/evenkeel/v1/notifications/test", Reads::Strict(r#"{"receiver":"on-call"}"#)),
    get("/evenkeel/v1/events"),
    // Last: what is open ends here.
    post("/evenkeel/v1/incidents/{id}/resolve", Reads::Strict(r#"{"reason":"over"}"#)),
];
