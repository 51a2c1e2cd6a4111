//! Each kind of fact as a sentence.

use model::in_environment;

use super::Category;
use crate::record::{Fact, OwnFact};

/// Changes of a configuration that its line names; the fact has all.
const CHANGES_SHOWN: usize = 3;

/// A line's kind, its sentence, and what somebody wrote.
type Said = (Category, String, Option<String>);

pub(super) fn say(fact: &Fact) -> Said {
    match fact {
        Fact::Incident(fact) => say_incident(fact),
        Fact::Alert(alert::Fact::Fired { service, summary, severity, .. }) => {
            let word = severity.as_str();
            (Category::Alert, format!("{word} alert of {service} fires: {summary}"), None)
        }
        Fact::Alert(alert::Fact::Resolved { reason, .. }) => {
            let why = match reason {
                alert::ResolveReason::Clear => "its windows are clear again",
                alert::ResolveReason::SloRemoved => "its SLO is no longer configured",
            };
            (Category::Alert, format!("the alert resolved: {why}"), None)
        }
        Fact::Delivery(fact) => (Category::Notification, say_delivery(fact), None),
        Fact::Deploy(fact) => say_deploy(fact),
        Fact::Own(OwnFact::ConfigApplied { changes, .. }) => {
            let mut text =
                changes.iter().take(CHANGES_SHOWN).map(|one| &**one).collect::<Vec<_>>().join("; ");
            if changes.len() > CHANGES_SHOWN {
                text += &format!("; and {} more changes", changes.len() - CHANGES_SHOWN);
            }
            (Category::Change, format!("configuration applied: {text}"), None)
        }
        Fact::Own(OwnFact::SloBackfilled { slo, source, .. }) => {
            (Category::Other, format!("history of {slo} back-filled from {source}"), None)
        }
        Fact::Own(OwnFact::ClockStepped { from, to, .. }) => {
            (Category::Other, format!("the server's clock stepped from {from} to {to}"), None)
        }
    }
}

fn say_incident(fact: &incident::Fact) -> Said {
    use incident::Fact as Of;
    let category = match fact {
        Of::AlertJoined { .. } | Of::AlertResolved { .. } => Category::Alert,
        Of::Opened { .. }
        | Of::Acknowledged { .. }
        | Of::Assigned { .. }
        | Of::SeveritySet { .. }
        | Of::Titled { .. }
        | Of::StatusSet { .. }
        | Of::Resolved { .. }
        | Of::Reopened { .. }
        | Of::PostmortemAttached { .. } => Category::Response,
        Of::Updated { .. } => Category::Update,
        Of::Mitigated { .. } => Category::Act,
        Of::RecoveryMeasured { .. } => Category::Recovery,
        Of::SuspectsRanked { .. } | Of::ImpactMeasured { .. } => Category::Other,
    };
    match fact {
        Of::Updated { text, by, .. } => {
            (category, format!("{} wrote an update", by.id), Some(text.to_string()))
        }
        Of::Acknowledged { by, .. } => (category, format!("{} acknowledged", by.id), None),
        other => (category, other.sentence(), None),
    }
}

fn say_delivery(fact: &alert::delivery::Fact) -> String {
    use alert::delivery::Fact as Of;
    match fact {
        Of::Queued { receiver, channel, reason, .. } => {
            format!("{} queued for {receiver} by {}", reason.as_str(), channel.as_str())
        }
        Of::AttemptFailed { attempt, error, .. } => {
            format!("attempt {attempt} to deliver failed: {error}")
        }
        Of::Delivered { attempt, latency_ms, status, .. } => {
            let answer = status.map(|status| format!(", answered {status}")).unwrap_or_default();
            format!("delivered at attempt {attempt} in {latency_ms} ms{answer}")
        }
        Of::Abandoned { reason, .. } => format!("no longer delivered: {}", reason.as_str()),
    }
}

fn say_deploy(fact: &deploy::Fact) -> Said {
    use deploy::{ActOutcome, Fact as Of};
    match fact {
        Of::DeployRecorded { deploy } => {
            let before = deploy.previous_version.as_deref();
            let before = before.map(|version| format!(" over {version}")).unwrap_or_default();
            let place = in_environment(&deploy.environment);
            let did = match deploy.status {
                deploy::DeployStatus::Started => "is being deployed",
                deploy::DeployStatus::Failed => "could not be deployed",
                deploy::DeployStatus::Live | deploy::DeployStatus::RolledBack => "deployed",
            };
            let text = format!("{} {} {did}{place}{before}", deploy.service, deploy.version);
            (Category::Change, text, None)
        }
        Of::DeployFinished { service, environment, version, status, .. } => {
            let how = match status {
                deploy::DeployStatus::Failed => "failed",
                _ => "is done",
            };
            let place = in_environment(environment);
            (Category::Change, format!("the deploy of {service} {version}{place} {how}"), None)
        }
        Of::GateDecided { verdict, .. } => {
            (Category::Gate, format!("gate: {}", verdict.sentence), None)
        }
        Of::ActRequested { act } => {
            let how = if act.automatic { "by itself" } else { "by hand" };
            let text = format!(
                "rollback of {} from {} to {} asked for {how}: {}",
                act.service, act.from_version, act.to_version, act.reason
            );
            (Category::Act, text, None)
        }
        Of::ActStarted { .. } => (Category::Act, "the rollback started".to_owned(), None),
        Of::ActEnded { outcome, .. } => {
            let text = match outcome {
                ActOutcome::Succeeded { detail } => format!("the rollback succeeded: {detail}"),
                ActOutcome::Failed { detail } => format!("the rollback failed: {detail}"),
                ActOutcome::Refused { detail } => format!("the rollback was not run: {detail}"),
                ActOutcome::Interrupted => {
                    "the rollback was cut off; whether it took effect is not known".to_owned()
                }
            };
            (Category::Act, text, None)
        }
    }
}
