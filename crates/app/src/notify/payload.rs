//! What a page says: the body of Alertmanager's webhook, version 4, or the text of an e-mail.
//!
//! Source: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>. The body is fixed when the
//! notification is queued, so that each attempt sends the same bytes. What would be too long has fewer alerts.

use alert::delivery::{Channel, Destination, PAYLOAD_BYTES_MAX, Reason};
use deploy::{Act, ActOutcome, ActState};
use incident::{AlertRef, Incident};
use model::{Labels, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::link::{Grant, LIFETIME};
use crate::{control::World, react::routing_labels, runbooks, state::State};

/// The most bytes that a mail says of alerts; what comes after them finds room.
const MAIL_ALERTS_BYTES_MAX: usize = 64 << 10;

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
        Channel::Webhook => webhook(state, world, incident, reason, destination, &links),
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
    runbook: Option<String>,
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
            runbook: runbooks::address(&world.repo, &world.external_url, incident),
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
) -> String {
    let about = annotations(incident, reason, links);
    let labels = routing_labels(state, world, incident);
    let mut alerts: Vec<Value> = incident
        .alerts
        .iter()
        .map(|alert| one_alert(state, world, incident, alert, &about))
        .collect();
    if alerts.is_empty() {
        alerts.push(by_hand(incident, &labels, about, links));
    }
    let group = group_labels(incident, &labels, destination);
    let status = if incident.is_open() { "firing" } else { "resolved" };
    fitted(&alerts, destination.max_alerts, |kept| {
        json!({
            "version": "4",
            "groupKey": group_key(incident),
            "truncatedAlerts": alerts.len() - kept.len(),
            "status": status,
            "receiver": destination.receiver,
            "groupLabels": object(&group),
            "commonLabels": common(kept, "labels"),
            "commonAnnotations": common(kept, "annotations"),
            "externalURL": world.external_url,
            "alerts": kept,
        })
    })
}

/// By this a receiver knows its notifications of one incident from each other's. It stays from the first to the last, so
/// it is built of nothing that may change: an incident's severity, and with it the route, may.
fn group_key(incident: &Incident) -> String {
    let name = incident.name();
    format!("{{}}:{}", Labels::from_pairs(own_labels(incident, &name)))
}

/// The labels of the group: those that the route groups by, and what makes an incident one, since its notifications are
/// about nothing else.
fn group_labels(incident: &Incident, labels: &Labels, destination: &Destination) -> Labels {
    let name = incident.name();
    let own = own_labels(incident, &name);
    Labels::from_pairs(destination.group_by.group(labels).iter().chain(own))
}

fn own_labels<'a>(incident: &'a Incident, name: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("service", &incident.key.service),
        ("environment", &incident.key.environment),
        ("incident", name),
    ]
}

/// The body with the first alerts, as many as are wanted (0 is all) and fit.
fn fitted(alerts: &[Value], max: u64, body: impl Fn(&[Value]) -> Value) -> String {
    let max = usize::try_from(max).ok().filter(|max| *max > 0).unwrap_or(alerts.len());
    let mut kept = max.min(alerts.len());
    loop {
        let text = body(&alerts[..kept]).to_string();
        if text.len() <= PAYLOAD_BYTES_MAX || kept == 0 {
            return text;
        }
        // Alerts are much alike in size, so few rounds lead to what fits.
        kept = (kept * PAYLOAD_BYTES_MAX / text.len()).min(kept - 1);
    }
}

/// What all alerts have alike in the object `field`.
fn common(alerts: &[Value], field: &str) -> Value {
    let mut all = alerts.iter().map(|alert| &alert[field]);
    let mut common = all.next().and_then(Value::as_object).cloned().unwrap_or_default();
    for other in all {
        common.retain(|name, value| other.get(name.as_str()) == Some(&*value));
    }
    common.into()
}

fn object(labels: &Labels) -> Value {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn annotations(incident: &Incident, reason: Reason, links: &Links) -> Value {
    let mut annotations = json!({
        "summary": incident.title,
        "incident": incident.name(),
        "incident_title": incident.title,
        "incident_id": incident.id.to_string(),
        "incident_url": links.incident,
        "acknowledge_url": links.acknowledge,
        "reason": reason.as_str(),
        "incident_severity": incident.severity.as_str(),
        "incident_status": incident.status.as_str(),
    });
    if let Some(runbook) = &links.runbook {
        // The name that Prometheus' rules and Alertmanager's templates use.
        annotations["runbook_url"] = runbook.as_str().into();
    }
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
    about: &Value,
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
    let mut annotations = about.clone();
    annotations["summary"] = (&*alert.summary).into();
    json!({
        "status": status(ended),
        "labels": labels,
        "annotations": annotations,
        "startsAt": record.map_or(alert.joined_at, |record| record.crossed_at).to_string(),
        "endsAt": end(ended),
        "generatorURL": format!("{}/app/slos/{}", world.external_url, alert.slo.as_deref().unwrap_or("")),
        "fingerprint": fingerprint(&alert.id),
    })
}

/// An incident that a person opened stands as an alert of its own: receivers expect one.
fn by_hand(incident: &Incident, labels: &Labels, about: Value, links: &Links) -> Value {
    let ended = incident.resolution.as_ref().map(|resolution| resolution.at);
    json!({
        "status": status(ended),
        "labels": object(labels),
        "annotations": about,
        "startsAt": incident.opened_at.to_string(),
        "endsAt": end(ended),
        "generatorURL": links.incident,
        "fingerprint": fingerprint(&incident.id.to_string()),
    })
}

fn status(ended: Option<Timestamp>) -> &'static str {
    if ended.is_some() { "resolved" } else { "firing" }
}

/// Go's zero time while it fires.
fn end(ended: Option<Timestamp>) -> String {
    ended.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}

/// 16 hexadecimal digits, as Alertmanager's have.
fn fingerprint(of: &str) -> String {
    hex::encode(&Sha256::digest(of.as_bytes())[..8])
}

fn text(incident: &Incident, reason: Reason, links: &Links) -> String {
    let mut text = format!("{}\n\n", subject(incident, reason));
    for (listed, alert) in incident.alerts.iter().enumerate() {
        let line = format!("- {}: {}\n", alert.service, alert.summary);
        if text.len() + line.len() > MAIL_ALERTS_BYTES_MAX {
            text += &format!("- and {} more\n", incident.alerts.len() - listed);
            break;
        }
        text += &line;
    }
    for suspect in incident.suspects.iter().take(3) {
        text += &format!("\nSuspect: {}\n  {}\n", suspect.name(), suspect.evidence);
    }
    if let Some(resolution) = &incident.resolution {
        text += &format!("\nResolved: {}\n", resolution.reason);
    }
    text += &format!("\nIncident:    {}\nAcknowledge: {}\n", links.incident, links.acknowledge);
    if let Some(runbook) = &links.runbook {
        text += &format!("Runbook:     {runbook}\n");
    }
    text
}
