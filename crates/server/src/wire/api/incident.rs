//! Incidents: what is hurt, why, who was told, what is being done.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{common::Actor, deploy::Deploy, journal::Fact, slo::AlertSeverity};

/// `GET /evenkeel/v1/incidents?status=open|resolved`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentList {
    pub items: Vec<IncidentSummary>,
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentSummary {
    /// `inc_…`.
    pub id: String,
    /// What people say: `INC-12`.
    pub number: String,
    pub title: String,
    pub service: String,
    pub environment: String,
    pub severity: Severity,
    pub status: IncidentStatus,
    /// RFC 3339.
    pub opened_at: String,
    /// RFC 3339.
    pub resolved_at: Option<String>,
    pub acknowledged: Option<Acknowledgement>,
    pub assignee: Option<String>,
    /// Number of alerts that fire.
    pub alerts_firing: u64,
    pub impact: Impact,
    /// What the first suspect is, in a few words; absent while there is none.
    pub top_suspect: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Sev1,
    Sev2,
    Sev3,
    Sev4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    Investigating,
    Identified,
    /// Something was done against it; the recovery test runs.
    Monitoring,
    Resolved,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledgement {
    /// RFC 3339.
    pub at: String,
    pub by: Actor,
}

/// Who is hurt, how much, since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Impact {
    /// One sentence, such as "412 of 8,310 checkout requests failed (5.0 %) since 14:03:10".
    pub sentence: String,
    pub bad_events: f64,
    pub total_events: f64,
    /// Share of the users' requests that failed; absent without events.
    pub bad_ratio: Option<f64>,
    /// Share of users with a bad event; absent where telemetry does not tell users apart.
    pub users_affected_ratio: Option<f64>,
    /// RFC 3339: when the damage began, which is before the alert.
    pub since: String,
    /// RFC 3339: when it ended; absent while it lasts.
    pub until: Option<String>,
    /// Share of the error budget that it spent; absent without events.
    pub budget_spent_ratio: Option<f64>,
}

/// `GET /evenkeel/v1/incidents/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    pub summary: IncidentSummary,
    pub alerts: Vec<Alert>,
    /// Most likely first.
    pub suspects: Vec<Suspect>,
    /// Who was told.
    pub deliveries: Vec<Delivery>,
    pub acts: Vec<Act>,
    /// Absent until something was done against it.
    pub recovery: Option<Recovery>,
    /// The rollback that can be started now; absent when there is none.
    pub rollback: Option<RollbackOffer>,
    /// Who acknowledged, oldest first.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Callers of the failing service that joined this incident.
    pub affected_services: Vec<String>,
    pub has_postmortem: bool,
    /// Link to the service's runbook.
    pub runbook: Option<String>,
}

/// An alert that belongs to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// `alr_…`.
    pub id: String,
    /// Absent for an alert that no SLO raised.
    pub slo: Option<String>,
    pub service: String,
    pub environment: String,
    pub severity: AlertSeverity,
    pub firing: bool,
    /// Such as "burns 52x over 1h and 61x over 5m".
    pub summary: String,
    /// Why an alert of another service joined the incident.
    pub joined_because: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub resolved_at: Option<String>,
}

/// What may have caused the incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Suspect {
    /// Counted from 1; 1 is the most likely.
    pub rank: u32,
    pub kind: SuspectKind,
    /// Such as "deploy of checkout 2.0.0".
    pub title: String,
    pub service: String,
    /// When the change landed, RFC 3339; absent for a dependency.
    pub at: Option<String>,
    /// Who made the change.
    pub by: Option<String>,
    /// `dpl_…`, for a deploy.
    pub deploy: Option<String>,
    /// Between 0 and 1; orders the suspects and means no probability.
    pub score: f64,
    /// Strongest first.
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuspectKind {
    Deploy,
    ConfigApply,
    Dependency,
}

/// One sentence of evidence with the counts behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Such as "98 % of failures carry checkout 2.0.0".
    pub sentence: String,
    /// Whether it speaks for the suspect; false when it clears it.
    pub supports: bool,
    /// Events that match; absent where evidence is no count.
    pub matching: Option<f64>,
    /// Events looked at; absent where evidence is no count.
    pub of: Option<f64>,
    /// A trace that shows it, 32 hexadecimal digits.
    pub trace_id: Option<String>,
}

/// One notification and its attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// `ntf_…`; the same in every attempt.
    pub id: String,
    pub receiver: String,
    pub channel: Channel,
    /// Where it goes; without its credentials.
    pub target: String,
    /// What it told, such as "firing" or "resolved".
    pub subject: String,
    pub state: DeliveryState,
    /// RFC 3339.
    pub queued_at: String,
    /// RFC 3339.
    pub delivered_at: Option<String>,
    /// RFC 3339; when it is tried again.
    pub next_attempt_at: Option<String>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Webhook,
    Email,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Queued,
    Delivered,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// RFC 3339.
    pub at: String,
    /// Absent when there was no answer.
    pub http_status: Option<u16>,
    pub latency_seconds: Option<f64>,
    /// Absent when it succeeded.
    pub error: Option<String>,
}

/// Something Evenkeel ran: a rollback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Act {
    /// `act_…`.
    pub id: String,
    /// Such as `rollback`.
    pub kind: String,
    /// What it does, such as "roll checkout in prod back to 1.9.0".
    pub title: String,
    pub state: ActState,
    pub by: Actor,
    pub reason: String,
    /// RFC 3339; absent until it started.
    pub started_at: Option<String>,
    /// RFC 3339.
    pub ended_at: Option<String>,
    /// What ran: the arguments, or the webhook's address.
    pub command: String,
    /// Exit status, answer or error; absent until it ended.
    pub outcome: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActState {
    Requested,
    Started,
    Succeeded,
    Failed,
    /// Evenkeel stopped while it ran; it is not run again by itself.
    Interrupted,
    /// Not run; `outcome` says why.
    Refused,
}

/// How far the incident's own recovery test has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recovery {
    /// RFC 3339: the mitigation that it counts from.
    pub since: String,
    /// How long it must stay well.
    pub window_seconds: f64,
    /// How long it has stayed well.
    pub elapsed_seconds: f64,
    pub bad_events: f64,
    pub total_events: f64,
    /// Fewer events decide nothing.
    pub min_events: f64,
    /// Bad events that the objective allows among `total_events`.
    pub allowed_bad_events: f64,
    pub passed: bool,
    /// One sentence.
    pub sentence: String,
}

/// What a rollback would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RollbackOffer {
    /// The deploy that is undone.
    pub deploy: Deploy,
    pub from_version: String,
    pub to_version: String,
    /// What it touches, such as "2 of 4 instances of checkout in prod".
    pub effect: String,
    /// What will run: the arguments, or the webhook's address.
    pub command: String,
    /// Why policy does not do it by itself; absent when it will.
    pub not_automatic: Option<String>,
}

/// `GET /evenkeel/v1/incidents/{id}/timeline`, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    pub entries: Vec<TimelineEntry>,
}

/// A fact of the journal, told as one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    pub category: TimelineCategory,
    /// One sentence.
    pub sentence: String,
    /// What somebody wrote; absent for what the machine noted.
    pub text: Option<String>,
    pub fact: Fact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineCategory {
    Alert,
    Change,
    Notification,
    Response,
    Update,
    Act,
    Gate,
    Recovery,
    Other,
}

/// `POST /evenkeel/v1/incidents/{id}/acknowledge`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeRequest {
    /// A word to the others.
    #[serde(default)]
    pub note: Option<String>,
}

/// `POST /evenkeel/v1/incidents/{id}/assign`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    pub assignee: String,
}

/// `POST /evenkeel/v1/incidents/{id}/updates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRequest {
    /// At most 4 KiB.
    pub text: String,
    /// A new status, where it changes.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// Something was done against the incident: its recovery is measured from now on.
    #[serde(default)]
    pub mitigation: bool,
}

/// `POST /evenkeel/v1/incidents/{id}/resolve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// Why it is over.
    pub reason: String,
}

/// `POST /evenkeel/v1/incidents/{id}/severity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityRequest {
    pub severity: Severity,
    pub reason: String,
}

/// `POST /evenkeel/v1/incidents/{id}/rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// `dpl_…` of the offer that was shown, so that no other deploy is undone.
    pub deploy: String,
    pub reason: String,
}
