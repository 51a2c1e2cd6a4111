//! Services: what the catalogue says and what traces show.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::slo::SloState;

/// `GET /evenkeel/v1/services?environment`, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceList {
    pub items: Vec<Service>,
}

/// One service in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    pub name: String,
    pub environment: String,
    pub description: Option<String>,
    /// From the catalogue.
    pub owner: Option<String>,
    /// From the catalogue, such as `production`.
    pub lifecycle: Option<String>,
    /// Whether the catalogue has it; false when only telemetry does.
    pub in_catalog: bool,
    /// Whether telemetry of it arrived in the last five minutes.
    pub telemetry_present: bool,
    /// RFC 3339.
    pub last_seen_at: Option<String>,
    /// Versions and instances that sent telemetry in the last five minutes.
    pub versions: Vec<ServiceVersion>,
    /// Requests over the last five minutes; absent without telemetry.
    pub requests: Option<Requests>,
    /// The worst of its SLOs' states; absent when it has no SLO.
    pub slo_state: Option<SloState>,
    pub slos: Vec<String>,
    /// `inc_…` of its open incident.
    pub open_incident: Option<String>,
    /// Services that the catalogue says it depends on.
    pub depends_on: Vec<String>,
    /// Links of the catalogue.
    pub links: Vec<ServiceLink>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceVersion {
    pub version: String,
    pub instances: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceLink {
    pub title: String,
    pub url: String,
}

/// Rate, errors and duration of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requests {
    pub per_second: f64,
    /// Between 0 and 1.
    pub error_ratio: f64,
    /// Median; absent without requests.
    pub p50_seconds: Option<f64>,
    /// 95th percentile; absent without requests.
    pub p95_seconds: Option<f64>,
}

/// `GET /evenkeel/v1/services/map?environment&window_seconds`: who called whom, as seen in traces of the last 60 to 600 s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceMap {
    /// RFC 3339.
    pub from: String,
    /// RFC 3339.
    pub to: String,
    pub nodes: Vec<MapNode>,
    pub edges: Vec<MapEdge>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MapNode {
    pub service: String,
    /// Empty where telemetry names none.
    #[serde(default)]
    pub environment: Option<String>,
    /// Absent when it has no SLO.
    pub slo_state: Option<SloState>,
    /// Not instrumented: known only from its callers' spans.
    pub external: bool,
    pub requests: Option<Requests>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MapEdge {
    pub caller: String,
    pub callee: String,
    /// Of both; empty where telemetry names none.
    #[serde(default)]
    pub environment: Option<String>,
    pub requests: Requests,
}
