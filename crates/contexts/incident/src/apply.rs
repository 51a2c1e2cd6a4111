//! Folds facts into the state.

use std::collections::BTreeSet;

use model::{Actor, ActorKind, Timestamp};

use crate::{
    fact::{Fact, ResolvedBecause},
    incident::{
        Acknowledgement, AlertClass, AlertRef, Impact, Incident, IncidentId, Mitigation,
        Resolution, Severity, Status, Update,
    },
    limits,
    state::State,
};

/// Folds one fact in. A fact of an incident that has left memory changes nothing.
pub fn apply(state: &mut State, fact: &Fact) {
    if let Fact::Opened { .. } = fact {
        open(state, fact);
        forget_the_oldest(state);
        return;
    }
    if let Fact::AlertJoined { incident, alert, .. } = fact {
        state.by_alert.insert(alert.clone(), *incident);
    }
    if let Some(incident) = state.incidents.get_mut(&fact.incident()) {
        change(incident, fact);
    }
}

fn open(state: &mut State, fact: &Fact) {
    let Fact::Opened { incident: id, number, key, title, severity, previous, at, by } = fact else {
        return;
    };
    let incident = Incident {
        id: *id,
        number: *number,
        title: title.clone(),
        key: key.clone(),
        severity: *severity,
        status: Status::Investigating,
        opened_at: *at,
        opened_by: by.clone(),
        previous: *previous,
        alerts: Vec::new(),
        acknowledged: None,
        assignee: None,
        updates: Vec::new(),
        impact: None,
        suspects: Vec::new(),
        suspects_at: None,
        mitigation: None,
        recovery: None,
        resolution: None,
        reopened: 0,
        reopened_at: None,
        postmortem: None,
        postmortem_at: None,
        affected: BTreeSet::from([key.service.clone()]),
    };
    state.incidents.insert(*id, incident);
    state.by_number.insert(*number, *id);
    state.newest.insert(key.clone(), *id);
    state.last_number = state.last_number.max(*number);
}

fn change(incident: &mut Incident, fact: &Fact) {
    match fact {
        Fact::Opened { .. } => {}
        Fact::AlertJoined { .. } => join_alert(incident, fact),
        Fact::AlertResolved { alert, at, .. } => {
            if let Some(found) = incident.alerts.iter_mut().find(|one| one.id == *alert) {
                found.resolved_at = Some(*at);
            }
        }
        Fact::Acknowledged { at, by, .. } => {
            incident.acknowledged = Some(Acknowledgement { by: by.clone(), at: *at });
        }
        Fact::Assigned { assignee, .. } => incident.assignee = Some(assignee.clone()),
        Fact::Titled { title, .. } => incident.title = title.clone(),
        Fact::SeveritySet { severity, by, .. } => {
            // Who acknowledged a ticket has not answered the page that it has become.
            let pages = |severity: Severity| severity <= AlertClass::Page.severity();
            if by.kind == ActorKind::System && pages(*severity) && !pages(incident.severity) {
                incident.acknowledged = None;
            }
            incident.severity = *severity;
        }
        Fact::StatusSet { status, .. } => incident.status = *status,
        Fact::Updated { text, at, by, .. } => {
            incident.updates.push(Update { at: *at, by: by.clone(), text: text.clone() });
        }
        Fact::SuspectsRanked { suspects, at, .. } => {
            incident.suspects.clone_from(suspects);
            incident.suspects_at = Some(*at);
        }
        Fact::ImpactMeasured { impact, at, .. } => {
            incident.impact = Some(Impact {
                bad_events: impact.bad_events,
                total_events: impact.total_events,
                users_affected_share: impact.users_affected_share,
                since: impact.since,
                measured_at: *at,
            });
        }
        Fact::Mitigated { what, reference, mitigated_at, by, .. } => {
            incident.mitigation = Some(Mitigation {
                what: what.clone(),
                reference: reference.clone(),
                at: *mitigated_at,
                by: by.clone(),
            });
            incident.recovery = None;
            incident.status = Status::Monitoring;
        }
        Fact::RecoveryMeasured { policy, progress, .. } => {
            incident.recovery = Some((*policy, *progress));
        }
        Fact::Resolved { because, reason, at, by, .. } => {
            resolve(incident, *because, reason, *at, by);
        }
        Fact::Reopened { at, .. } => reopen(incident, *at),
        Fact::PostmortemAttached { reference, at, .. } => {
            incident.postmortem = Some(reference.clone());
            incident.postmortem_at = Some(*at);
        }
    }
}

fn join_alert(incident: &mut Incident, fact: &Fact) {
    let Fact::AlertJoined { alert, service, slo, class, summary, why, at, .. } = fact else {
        return;
    };
    incident.affected.insert(service.clone());
    incident.alerts.retain(|one| one.id != *alert);
    incident.alerts.push(AlertRef {
        id: alert.clone(),
        service: service.clone(),
        slo: slo.clone(),
        class: *class,
        summary: summary.clone(),
        why: why.clone(),
        joined_at: *at,
        resolved_at: None,
    });
}

fn resolve(
    incident: &mut Incident,
    because: ResolvedBecause,
    reason: &str,
    at: Timestamp,
    by: &Actor,
) {
    incident.status = Status::Resolved;
    incident.resolution = Some(Resolution {
        at,
        by: by.clone(),
        reason: reason.into(),
        automatic: because == ResolvedBecause::Recovered,
    });
}

/// What was done did not last, so recovery is tested anew, from now or from the next mitigation on.
fn reopen(incident: &mut Incident, at: Timestamp) {
    incident.status = Status::Investigating;
    incident.resolution = None;
    incident.mitigation = None;
    incident.recovery = None;
    incident.acknowledged = None;
    incident.reopened += 1;
    incident.reopened_at = Some(at);
}

fn forget_the_oldest(state: &mut State) {
    let ended = |state: &State| state.iter().filter(|one| !one.is_open()).count();
    if state.len() <= limits::RESOLVED_KEPT_MAX || ended(state) <= limits::RESOLVED_KEPT_MAX {
        return;
    }
    let oldest = state.iter().find(|one| !one.is_open()).map(|one| one.id);
    if let Some(id) = oldest {
        forget(state, id);
    }
}

fn forget(state: &mut State, id: IncidentId) {
    let Some(gone) = state.incidents.remove(&id) else { return };
    state.by_number.remove(&gone.number);
    state.by_alert.retain(|_, incident| *incident != id);
    if state.newest.get(&gone.key) == Some(&id) {
        state.newest.remove(&gone.key);
    }
}
