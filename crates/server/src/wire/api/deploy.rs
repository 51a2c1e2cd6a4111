//! Deploys and the gate that they pass.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::Actor;

/// `GET /evenkeel/v1/deploys?service&environment&limit`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeployList {
    pub items: Vec<Deploy>,
}

/// One deploy that was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Deploy {
    /// `dpl_…`.
    pub id: String,
    pub service: String,
    pub environment: String,
    pub version: String,
    /// Version before it, where it is known.
    pub previous_version: Option<String>,
    pub state: DeployState,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
    pub by: Actor,
    /// Link to the change or to the pipeline's run.
    pub url: Option<String>,
    /// `dpl_…` that this one undoes.
    pub rolls_back: Option<String>,
    /// `gat_…` of the verdict that let it pass: the one that was named, else the newest that held for it.
    pub gate: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeployState {
    Started,
    Succeeded,
    Failed,
    RolledBack,
}

/// `POST /evenkeel/v1/deploys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordDeployRequest {
    pub service: String,
    /// The only one in which the service is known when absent, else `prod`.
    #[serde(default)]
    pub environment: Option<String>,
    pub version: String,
    #[serde(default)]
    pub previous_version: Option<String>,
    /// `succeeded` when absent. `started` is ended by a later `succeeded` or `failed` of the same version;
    /// `rolled_back` says that this version runs again.
    #[serde(default)]
    pub state: Option<DeployState>,
    /// RFC 3339; now when absent.
    #[serde(default)]
    pub at: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    /// A key of the caller's choice: the same key records once.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// `dpl_…` that this one undoes; for `rolled_back`, the newest deploy when absent.
    #[serde(default)]
    pub rolls_back: Option<String>,
    /// `gat_…` of the verdict that it goes by; refused when that does not allow just this, has expired or was used.
    #[serde(default)]
    pub gate: Option<String>,
}

/// `POST /evenkeel/v1/gate/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCheckRequest {
    pub service: String,
    pub version: String,
    /// The only one in which the service is known when absent, else `prod`.
    #[serde(default)]
    pub environment: Option<String>,
}

/// `GET /evenkeel/v1/gate/verdicts?service&environment&limit`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateVerdictList {
    pub items: Vec<GateVerdict>,
}

/// What the gate said, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateVerdict {
    /// `gat_…`.
    pub id: String,
    pub service: String,
    pub environment: String,
    pub version: String,
    pub outcome: GateOutcome,
    /// One sentence; the same in the API, the command line and the page.
    pub sentence: String,
    /// RFC 3339.
    pub at: String,
    pub by: Actor,
    pub rules: Vec<GateRule>,
    /// RFC 3339: after this the verdict lets nothing pass.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Hash of the configuration that it saw.
    pub config_hash: Option<String>,
    /// Number of the fact; what can be replayed.
    pub seq: u64,
}

/// `POST /evenkeel/v1/gate/verdicts/{id}/replay`: the verdict judged once more on what it saw then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateReplay {
    /// As it was given.
    pub recorded: GateVerdict,
    /// Whether the rules of now, on the same input, say the same.
    pub same: bool,
    /// What they say.
    pub outcome: GateOutcome,
    pub sentence: String,
    pub rules: Vec<GateRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    Allow,
    Block,
    Inconclusive,
}

/// One rule of the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateRule {
    /// `budget_left`, `burning_now`, `open_incident`, `telemetry_present` or `freeze`.
    pub name: String,
    pub outcome: GateOutcome,
    /// What was found, with its unit, such as `-12.4 %`.
    pub value: String,
    /// What is asked for, with its unit, such as `at least 10 %`.
    pub limit: String,
    /// One sentence.
    pub reason: String,
}
