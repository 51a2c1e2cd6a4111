//! Incidents: what is hurt, since when, why, who was told.

use app::{alert::delivery, incident};
use incident::{AlertClass, Incident, RecoveryVerdict, SuspectKind};
use model::Timestamp;

use super::{actor, grouped, number, ratio, time};
use crate::wire::api as dto;

/// `allowed_bad` is how many bad events the objective allows over its window.
pub(crate) fn summary(incident: &Incident, allowed_bad: Option<f64>) -> dto::IncidentSummary {
    let firing = incident.alerts.iter().filter(|alert| alert.resolved_at.is_none()).count();
    dto::IncidentSummary {
        id: incident.id.to_string(),
        number: incident.name(),
        title: incident.title.to_string(),
        service: incident.key.service.to_string(),
        environment: incident.key.environment.to_string(),
        severity: severity(incident.severity),
        status: status(incident.status),
        opened_at: time(incident.opened_at),
        resolved_at: incident.ended_at().map(time),
        acknowledged: incident.acknowledged.as_ref().map(acknowledgement),
        assignee: incident.assignee.as_deref().map(str::to_owned),
        alerts_firing: firing as u64,
        impact: impact(incident, allowed_bad),
        top_suspect: incident.suspects.first().map(incident::Suspect::name),
    }
}

fn severity(severity: incident::Severity) -> dto::Severity {
    match severity {
        incident::Severity::Sev1 => dto::Severity::Sev1,
        incident::Severity::Sev2 => dto::Severity::Sev2,
        incident::Severity::Sev3 => dto::Severity::Sev3,
        incident::Severity::Sev4 => dto::Severity::Sev4,
    }
}

pub(crate) fn severity_of(severity: dto::Severity) -> incident::Severity {
    match severity {
        dto::Severity::Sev1 => incident::Severity::Sev1,
        dto::Severity::Sev2 => incident::Severity::Sev2,
        dto::Severity::Sev3 => incident::Severity::Sev3,
        dto::Severity::Sev4 => incident::Severity::Sev4,
    }
}

fn status(status: incident::Status) -> dto::IncidentStatus {
    match status {
        incident::Status::Investigating => dto::IncidentStatus::Investigating,
        incident::Status::Identified => dto::IncidentStatus::Identified,
        incident::Status::Monitoring => dto::IncidentStatus::Monitoring,
        incident::Status::Resolved => dto::IncidentStatus::Resolved,
    }
}

pub(crate) fn status_of(status: dto::IncidentStatus) -> incident::Status {
    match status {
        dto::IncidentStatus::Investigating => incident::Status::Investigating,
        dto::IncidentStatus::Identified => incident::Status::Identified,
        dto::IncidentStatus::Monitoring => incident::Status::Monitoring,
        dto::IncidentStatus::Resolved => incident::Status::Resolved,
    }
}

pub(crate) fn acknowledgement(given: &incident::Acknowledgement) -> dto::Acknowledgement {
    dto::Acknowledgement { at: time(given.at), by: actor(&given.by) }
}

fn impact(incident: &Incident, allowed_bad: Option<f64>) -> dto::Impact {
    let measured = incident.impact.as_ref();
    let (bad, total) = measured.map_or((0, 0), |impact| (impact.bad_events, impact.total_events));
    let since = measured.map_or(incident.opened_at, |impact| impact.since);
    dto::Impact {
        sentence: impact_sentence(&incident.key.service, bad, total, since),
        bad_events: number(bad),
        total_events: number(total),
        bad_ratio: ratio(bad, total),
        users_affected_ratio: measured.and_then(|impact| impact.users_affected_share),
        since: time(since),
        until: incident.ended_at().map(time),
        budget_spent_ratio: allowed_bad
            .filter(|allowed| total > 0 && *allowed > 0.0)
            .map(|allowed| number(bad) / allowed),
    }
}

/// Such as `412 of 8,310 checkout requests failed (5.0 %) since 14:03:10 UTC`.
fn impact_sentence(service: &str, bad: u64, total: u64, since: Timestamp) -> String {
    let since = clock(since);
    match ratio(bad, total) {
        Some(share) => format!(
            "{} of {} {service} requests failed ({:.1} %) since {since}",
            grouped(bad),
            grouped(total),
            share * 100.0
        ),
        None => format!("no request of {service} has been counted since {since}"),
    }
}

/// The time of the day, to the second.
fn clock(at: Timestamp) -> String {
    let text = Timestamp::from_secs(at.as_secs()).to_string();
    let time = text.split_once('T').map_or(&*text, |(_, time)| time.trim_end_matches('Z'));
    format!("{time} UTC")
}

/// `fired` is the alert as the alerting has it, while it is remembered.
pub(crate) fn alert(
    alert: &incident::AlertRef,
    environment: &str,
    fired_at: Option<Timestamp>,
) -> dto::Alert {
    dto::Alert {
        id: alert.id.to_string(),
        slo: alert.slo.as_deref().map(str::to_owned),
        service: alert.service.to_string(),
        environment: environment.to_owned(),
        severity: match alert.class {
            AlertClass::Page => dto::AlertSeverity::Page,
            AlertClass::Ticket => dto::AlertSeverity::Ticket,
        },
        firing: alert.resolved_at.is_none(),
        summary: alert.summary.to_string(),
        joined_because: alert.why.as_deref().map(str::to_owned),
        started_at: time(fired_at.unwrap_or(alert.joined_at)),
        resolved_at: alert.resolved_at.map(time),
    }
}

/// `rank` counts from 1.
pub(crate) fn suspect(rank: u32, suspect: &incident::Suspect) -> dto::Suspect {
    let counts = match suspect.kind {
        SuspectKind::Dependency => suspect.numbers.traces,
        SuspectKind::Deploy | SuspectKind::Config => suspect.numbers.on,
    };
    let counted = counts.total > 0;
    let evidence = dto::Evidence {
        sentence: suspect.evidence.to_string(),
        supports: suspect.score > 0.0,
        matching: counted.then(|| number(counts.failed)),
        of: counted.then(|| number(counts.total)),
        trace_id: None,
    };
    dto::Suspect {
        rank,
        kind: match suspect.kind {
            SuspectKind::Deploy => dto::SuspectKind::Deploy,
            SuspectKind::Config => dto::SuspectKind::ConfigApply,
            SuspectKind::Dependency => dto::SuspectKind::Dependency,
        },
        title: suspect.name(),
        service: suspect.service.to_string(),
        at: suspect.at.map(time),
        by: suspect.by.as_deref().map(str::to_owned),
        deploy: suspect.reference.as_deref().filter(|id| id.starts_with("dpl_")).map(str::to_owned),
        score: suspect.score,
        evidence: vec![evidence],
    }
}

pub(crate) fn delivery(record: &delivery::Record) -> dto::Delivery {
    let mut attempts: Vec<dto::Attempt> = record.recent.iter().map(attempt).collect();
    let (state, delivered_at, next_at) = match record.status {
        delivery::Status::Waiting { next_at } => (dto::DeliveryState::Queued, None, Some(next_at)),
        delivery::Status::Delivered { at } => (dto::DeliveryState::Delivered, Some(at), None),
        delivery::Status::Abandoned { at, reason } => {
            let error = Some(format!("given up: {}", reason.as_str()));
            let at = time(at);
            attempts.push(dto::Attempt { at, http_status: None, latency_seconds: None, error });
            (dto::DeliveryState::Failed, None, None)
        }
    };
    dto::Delivery {
        id: record.notification.to_string(),
        receiver: record.receiver.to_string(),
        channel: match record.channel {
            delivery::Channel::Webhook => dto::Channel::Webhook,
            delivery::Channel::Email => dto::Channel::Email,
        },
        target: record.target.to_string(),
        subject: record.reason.as_str().to_owned(),
        state,
        queued_at: time(record.queued_at),
        delivered_at: delivered_at.map(time),
        next_attempt_at: next_at.map(time),
        attempts,
    }
}

fn attempt(attempt: &delivery::AttemptRecord) -> dto::Attempt {
    dto::Attempt {
        at: time(attempt.at),
        http_status: attempt.status,
        latency_seconds: Some(number(attempt.latency_ms) / 1000.0),
        error: attempt.error.as_deref().map(str::to_owned),
    }
}

/// Where the recovery test stands; absent until something was done against the incident.
pub(crate) fn recovery(incident: &Incident, now: Timestamp) -> Option<dto::Recovery> {
    let (policy, progress) = incident.recovery.as_ref()?;
    let since = incident.recovery_starts_at().unwrap_or(incident.opened_at);
    let until = incident.ended_at().unwrap_or(now);
    Some(dto::Recovery {
        since: time(since),
        window_seconds: policy.window.as_secs_f64(),
        elapsed_seconds: until.since(since).min(policy.window).as_secs_f64(),
        bad_events: number(progress.reading.bad_events),
        total_events: number(progress.reading.total_events),
        min_events: number(policy.min_events),
        allowed_bad_events: number(progress.allowed_bad),
        passed: progress.verdict == RecoveryVerdict::Recovered,
        sentence: progress.sentence(policy),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_impact_is_said_in_one_sentence() {
        let at = Timestamp::from_millis(1_795_000_990_400);
        insta::assert_snapshot!(impact_sentence("checkout", 412, 8310, at), @"412 of 8,310 checkout requests failed (5.0 %) since 11:23:10 UTC");
        insta::assert_snapshot!(impact_sentence("checkout", 0, 0, at), @"no request of checkout has been counted since 11:23:10 UTC");
    }
}
