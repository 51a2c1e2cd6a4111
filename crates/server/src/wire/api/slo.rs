//! SLOs: their evaluation, their counts over time, and the back-filling of history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /evenkeel/v1/slos`, ordered by budget left, worst first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SloList {
    pub items: Vec<Slo>,
    /// RFC 3339.
    pub evaluated_at: String,
}

/// One SLO with its full evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slo {
    /// Unique name from the document.
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub service: String,
    pub environment: String,
    /// From the service catalogue.
    pub owner: Option<String>,
    /// Labels of the document.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Share of good events that is promised, such as `0.999`.
    pub objective: f64,
    /// Length of the rolling window.
    pub window_seconds: f64,
    pub indicator: Indicator,
    pub state: SloState,
    /// One sentence: why it is in this state.
    pub reason: String,
    /// RFC 3339.
    pub evaluated_at: String,
    /// Share of good events over the window; absent when there were none.
    pub sli: Option<f64>,
    pub budget: Budget,
    /// At the present burn; absent when the budget is not being spent faster than it comes back.
    pub time_to_exhaustion_seconds: Option<f64>,
    /// The four multi-window rows, fastest first.
    pub burns: Vec<Burn>,
    /// How far back counts reach.
    pub history_seconds: f64,
    /// Whether a part of the window was back-filled by a command.
    pub backfilled: bool,
    /// RFC 3339; absent when no event has been counted yet.
    pub last_event_at: Option<String>,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SloState {
    Ok,
    Burning,
    Exhausted,
    InsufficientData,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Indicator {
    pub kind: IndicatorKind,
    /// Which events are good, in words.
    pub good: String,
    /// Which events count at all, in words.
    pub total: String,
    /// PromQL over the stored counts: good events a second.
    pub good_query: String,
    /// PromQL over the stored counts: all events a second.
    pub total_query: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorKind {
    Spans,
    Metrics,
}

/// The error budget of the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    /// Events over the window.
    pub total_events: f64,
    /// Bad events over the window: what is spent.
    pub bad_events: f64,
    /// Bad events that the objective allows over the window at the traffic seen.
    pub allowed_events: f64,
    /// Allowed less spent; below zero when overspent.
    pub left_events: f64,
    /// Share of the budget left; below zero when overspent; absent without events.
    pub left_ratio: Option<f64>,
    /// The budget as minutes of full outage over the window.
    pub allowed_minutes: f64,
    /// Minutes of full outage left; below zero when overspent; absent without events.
    pub left_minutes: Option<f64>,
}

/// One row of the multi-window burn table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Burn {
    /// `page` or `ticket`.
    pub severity: AlertSeverity,
    /// The burn rate that both windows must reach, such as `14.4`.
    pub threshold: f64,
    pub long: BurnWindow,
    pub short: BurnWindow,
    pub firing: bool,
    /// RFC 3339; since when it fires.
    pub since: Option<String>,
    /// Id of the alert that fires, `alr_…`.
    pub alert: Option<String>,
    /// A whole budget would be gone after this time at `threshold`.
    pub exhaustion_seconds: f64,
    /// Why it does not fire although it burns, such as too few bad events.
    pub held_back: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BurnWindow {
    pub window_seconds: f64,
    /// `1.0` spends the budget in exactly one SLO window; absent without events.
    pub burn: Option<f64>,
    pub bad_events: f64,
    pub total_events: f64,
    /// PromQL over the stored counts that gives the same burn.
    pub query: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertSeverity {
    Page,
    Ticket,
}

/// Where an object of the production repo comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Path inside the production repo.
    pub path: String,
    /// Counted from 1.
    pub line: u32,
    /// The document as it was applied.
    pub text: String,
}

/// `GET /evenkeel/v1/slos/{name}/history?from&to&step`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SloHistory {
    pub name: String,
    /// RFC 3339.
    pub from: String,
    /// RFC 3339.
    pub to: String,
    /// Width of each point; never finer than what is stored for that age.
    pub step_seconds: f64,
    /// Oldest first, one for each step; at most 11,000.
    pub points: Vec<SloPoint>,
}

/// Counts of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SloPoint {
    /// Start of the step, RFC 3339.
    pub at: String,
    /// Absent when no telemetry arrived: unknown, not zero.
    pub good: Option<f64>,
    /// Absent when no telemetry arrived: unknown, not zero.
    pub total: Option<f64>,
}

/// `POST /evenkeel/v1/slos/{name}/backfill`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillRequest {
    /// Where the counts come from; kept with them, such as `prometheus prod-eu`.
    pub source: String,
    /// In any order, not overlapping, all before the first event counted live.
    pub buckets: Vec<BackfillBucket>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillBucket {
    /// RFC 3339.
    pub start: String,
    /// 60, 300 or 3600.
    pub width_seconds: f64,
    pub good: f64,
    pub total: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackfillAnswer {
    pub accepted: u64,
    /// Buckets that were already there and were left as they are.
    pub skipped: u64,
    /// Number of the fact that records the back-fill.
    pub seq: u64,
}
