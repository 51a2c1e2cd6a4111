//! `GET /evenkeel/v1/status`: how Evenkeel itself is, where it listens, what has arrived.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Evenkeel's own state; the banner and the page Connect are drawn from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub build: Build,
    /// RFC 3339.
    pub started_at: String,
    /// The server's clock, RFC 3339.
    pub now: String,
    pub ready: bool,
    /// Where people reach the server; may carry a base path; no slash at the end.
    pub external_url: String,
    pub listeners: Vec<Listener>,
    pub journal: JournalHealth,
    pub ingest: Vec<IngestCounts>,
    pub evaluator: EvaluatorHealth,
    pub notifier: NotifierHealth,
    pub storage: StorageHealth,
    pub repo: RepoHealth,
    pub first_data: FirstData,
    /// What is wrong with Evenkeel itself, worst first; empty when it is well.
    pub troubles: Vec<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Build {
    pub version: String,
    /// Git commit, where the build knows it.
    pub commit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listener {
    pub purpose: ListenerPurpose,
    /// Such as `http://127.0.0.1:7700`; the real port, also when it was asked for as 0.
    pub url: String,
    /// Whether a caller needs a token.
    pub token_required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListenerPurpose {
    /// Pages, API, Prometheus API, OTLP over HTTP and remote write.
    Http,
    OtlpGrpc,
    OtlpHttp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalHealth {
    /// Number of the last fact; 0 when there is none.
    pub last_seq: u64,
    /// Facts up to this number verify.
    pub verified_seq: u64,
    /// RFC 3339; absent before the first verification ended.
    pub verified_at: Option<String>,
    /// Present while the chain is broken and the break is not accepted.
    pub broken: Option<JournalBreak>,
    /// Breaks that people accepted, oldest first.
    pub accepted_breaks: Vec<JournalBreak>,
}

/// Where the chain of facts breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalBreak {
    /// Number of the first record that does not verify.
    pub seq: u64,
    /// Such as "record 1207 was changed" or "the tail after 1300 is missing".
    pub reason: String,
}

/// What arrived of one signal since the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IngestCounts {
    pub signal: Signal,
    pub accepted: u64,
    /// Refused, by reason; never silently dropped.
    pub rejected: Vec<RejectedCount>,
    /// Mean over the last minute.
    pub per_second: f64,
    /// RFC 3339; absent when nothing arrived yet.
    pub last_at: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    Spans,
    Logs,
    Samples,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedCount {
    pub reason: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluatorHealth {
    /// Aimed time between two runs.
    pub interval_seconds: f64,
    /// How late the last run was.
    pub lag_seconds: f64,
    /// RFC 3339; absent before the first run.
    pub last_run_at: Option<String>,
    /// Number of SLOs judged in a run.
    pub slos: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NotifierHealth {
    /// Notifications that are owed.
    pub queued: u64,
    /// Age of the oldest one owed; 0 when none is.
    pub oldest_queued_seconds: f64,
    /// Since the start.
    pub delivered: u64,
    /// Attempts that failed since the start.
    pub failed_attempts: u64,
    /// RFC 3339.
    pub last_success_at: Option<String>,
    /// RFC 3339.
    pub last_failure_at: Option<String>,
    pub last_failure: Option<String>,
    /// Names of the receivers that `routing.yaml` declares.
    pub receivers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageHealth {
    pub data_dir: String,
    pub used_bytes: u64,
    /// Absent where the system does not say.
    pub free_bytes: Option<u64>,
    pub series_active: u64,
    pub series_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepoHealth {
    /// Hash of the configuration in force; absent before the first apply.
    pub config_hash: Option<String>,
    /// RFC 3339.
    pub applied_at: Option<String>,
    /// The directory that is followed, where one is.
    pub path: Option<String>,
    /// Errors that keep the followed directory from being applied.
    pub errors: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstData {
    /// RFC 3339; absent until the first span arrived.
    pub spans_at: Option<String>,
    /// RFC 3339; absent until the first log record arrived.
    pub logs_at: Option<String>,
    /// RFC 3339; absent until the first sample arrived.
    pub samples_at: Option<String>,
    /// Each service with its first data, newest first.
    pub services: Vec<FirstSeen>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstSeen {
    pub service: String,
    pub environment: String,
    pub signal: Signal,
    /// RFC 3339.
    pub at: String,
}

/// Something wrong with Evenkeel itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// The part: `journal`, `evaluator`, `notifier`, `ingest`, `storage`, `clock`, `repo`.
    pub component: String,
    pub level: TroubleLevel,
    /// One sentence: what is wrong and what it means.
    pub message: String,
    /// RFC 3339.
    pub since: Option<String>,
    /// The one command that helps, where there is one.
    pub command: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TroubleLevel {
    Warning,
    Critical,
}
