//! What a page says: the body of Alertmanager's webhook, version 4, or the text of an e-mail.
//!
//! Source: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>. The body is fixed when the
//! notification is queued, so that each attempt sends the same bytes.

use alert::delivery::{Channel, Destination, Reason};
use deploy::{Act, ActOutcome, ActState};
use incident::{AlertRef, Incident};
use model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::link::{Grant, LIFETIME};
use crate::{control::World, react::routing_labels, state::State};

/// One line for people: `[PAGE] INC-7 checkout in prod: burns 20x`.
pub fn subject(incident: &Incident, reason: Reason) -> String {
    let word = match reason {
        Reason::Opened => "PAGE",
        Reason::Joined => "JOINED",
        Reason::Escalated => "ESCALATED",
        Reason::Updated => "UPDATE",
        Reason::Resolved => "RESOLVED",
        Reason::Repeat => "STILL OPEN",
        Reason::Test => "TEST",
        Reason::ActInterrupted => "ACT NEEDS YOU",
    };
    format!("[{word}] {} {}: {}", incident.name(), incident.key, incident.title)
}

pub(crate) fn act_subject(act: &Act) -> String {
    let what = match &act.state {
        ActState::Ended { outcome: ActOutcome::Failed { .. }, .. } => "failed",
        ActState::Requested | ActState::Started { .. } | ActState::Ended { .. } => {
            "was interrupted"
        }
    };
    format!(
        "[ACT NEEDS YOU] the rollback of {} to {} {what}; it is not run again by itself ({})",
        act.service, act.to_version, act.id
    )
}

/// The bytes to send about an incident.
pub(crate) fn of_incident(
    state: &State,
    world: &World,
    incident: &Incident,
    reason: Reason,
    destination: &Destination,
    now: Timestamp,
) -> String {
    let links = Links::new(world, incident, &destination.receiver, now);
    match destination.channel {
        Channel::Webhook => {
            webhook(state, world, incident, reason, destination, &links).to_string()
        }
        Channel::Email => text(incident, reason, &links),
    }
}

/// A page that says that pages arrive.
pub fn test(external_url: &str, destination: &Destination, now: Timestamp) -> String {
    let summary = format!("This is a test page to `{}`; nothing is wrong.", destination.receiver);
    match destination.channel {
        Channel::Email => format!("{summary}\n\n{}\n", external_url),
        Channel::Webhook => {
            let labels = json!({"alertname": "TestPage", "severity": "page"});
            let annotations = json!({"summary": summary});
            json!({
                "version": "4",
                "groupKey": "test",
                "truncatedAlerts": 0,
                "status": "firing",
                "receiver": destination.receiver,
                "groupLabels": {},
                "commonLabels": labels,
                "commonAnnotations": annotations,
                "externalURL": external_url,
                "alerts": [{
                    "status": "firing",
                    "labels": labels,
                    "annotations": annotations,
                    "startsAt": now.to_string(),
                    "endsAt": "0001-01-01T00:00:00Z",
                    "generatorURL": external_url,
                    "fingerprint": fingerprint("test"),
                }],
            })
            .to_string()
        }
    }
}

/// Where the page leads.
struct Links {
    incident: String,
    acknowledge: String,
}

impl Links {
    fn new(world: &World, incident: &Incident, recipient: &str, now: Timestamp) -> Self {
        let token = world.links.token(&Grant {
            incident: incident.id.to_string(),
            recipient: recipient.to_owned(),
            expires_at: now + LIFETIME,
        });
        Self {
            incident: format!("{}/app/incidents/{}", world.external_url, incident.id),
            acknowledge: format!("{}/p/acknowledge/{token}", world.external_url),
        }
    }
}

fn webhook(
    state: &State,
    world: &World,
    incident: &Incident,
    reason: Reason,
    destination: &Destination,
    links: &Links,
) -> Value {
    let common = Value::Object(
        routing_labels(state, world, incident)
            .iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect(),
    );
    let alerts: Vec<Value> = incident
        .alerts
        .iter()
        .map(|alert| one_alert(state, world, incident, alert, links))
        .collect();
    let status = if incident.is_open() { "firing" } else { "resolved" };
    json!({
        "version": "4",
        "groupKey": incident.id.to_string(),
        "truncatedAlerts": 0,
        "status": status,
        "receiver": destination.receiver,
        "groupLabels": {
            "service": incident.key.service,
            "environment": incident.key.environment,
        },
        "commonLabels": common,
        "commonAnnotations": annotations(incident, reason, links),
        "externalURL": world.external_url,
        "alerts": alerts,
    })
}

fn annotations(incident: &Incident, reason: Reason, links: &Links) -> Value {
    let mut annotations = json!({
        "summary": incident.title,
        "incident": incident.name(),
        "incident_id": incident.id.to_string(),
        "incident_url": links.incident,
        "acknowledge_url": links.acknowledge,
        "reason": reason.as_str(),
        "incident_severity": incident.severity.as_str(),
        "incident_status": incident.status.as_str(),
    });
    if let Some(suspect) = incident.suspects.first() {
        annotations["suspect"] = format!("{}: {}", suspect.name(), suspect.evidence).into();
    }
    if let Some(impact) = &incident.impact {
        annotations["impact"] = format!(
            "{} of {} events bad since {}",
            impact.bad_events, impact.total_events, impact.since
        )
        .into();
    }
    if let Some(resolution) = &incident.resolution {
        annotations["resolution"] = (&*resolution.reason).into();
    }
    annotations
}

/// An alert of an incident that has ended counts as resolved, even while its long window still shows the failure.
fn one_alert(
    state: &State,
    world: &World,
    incident: &Incident,
    alert: &AlertRef,
    links: &Links,
) -> Value {
    let record = alert.id.parse().ok().and_then(|id| state.alerts.get(id));
    let ended = alert.resolved_at.or(incident.resolution.as_ref().map(|resolution| resolution.at));
    let mut labels = json!({
        "alertname": "ErrorBudgetBurn",
        "service": alert.service,
        "environment": incident.key.environment,
        "severity": match alert.class {
            incident::AlertClass::Page => "page",
            incident::AlertClass::Ticket => "ticket",
        },
        "slo": alert.slo.as_deref().unwrap_or(""),
    });
    if let (Some(record), Value::Object(labels)) = (record, &mut labels) {
        labels.insert("windows".to_owned(), (&*record.key.pair).into());
        for (name, value) in record.labels.iter() {
            labels.entry(name).or_insert_with(|| value.into());
        }
    }
    json!({
        "status": if ended.is_some() { "resolved" } else { "firing" },
        "labels": labels,
        "annotations": {"summary": alert.summary, "incident_url": links.incident},
        "startsAt": record.map_or(alert.joined_at, |record| record.crossed_at).to_string(),
        "endsAt": ended.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string()),
        "generatorURL": format!("{}/app/slos/{}", world.external_url, alert.slo.as_deref().unwrap_or("")),
        "fingerprint": fingerprint(&alert.id),
    })
}

/// 16 hexadecimal digits, as Alertmanager's have.
fn fingerprint(of: &str) -> String {
    hex::encode(&Sha256::digest(of.as_bytes())[..8])
}

fn text(incident: &Incident, reason: Reason, links: &Links) -> String {
    let mut text = format!("{}\n\n", subject(incident, reason));
    for alert in &incident.alerts {
        text += &format!("- {}: {}\n", alert.service, alert.summary);
    }
    for suspect in incident.suspects.iter().take(3) {
        text += &format!("\nSuspect: {}\n  {}\n", suspect.name(), suspect.evidence);
    }
    if let Some(resolution) = &incident.resolution {
        text += &format!("\nResolved: {}\n", resolution.reason);
    }
    text + &format!("\nIncident:    {}\nAcknowledge: {}\n", links.incident, links.acknowledge)
}
