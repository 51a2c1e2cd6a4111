//! Alerts that fire belong to an incident; alerts that resolved are resolved there too.

use std::collections::{BTreeMap, BTreeSet};

use alert::{AlertRecord, Severity};
use incident::{AlertClass, AlertInput, Incident, OpenBy};
use model::{Actor, Timestamp, same_environment};

use super::order;
use crate::{
    command::Command,
    control::{Order, World},
    mint::Mint,
    state::State,
};

/// Alerts whose windows are quiet again, of which the incident does not know yet.
pub(super) fn resolved(state: &State) -> Vec<Order> {
    state
        .alerts
        .resolved()
        .filter_map(|record| {
            let id = record.alert.to_string();
            let incident = state.incidents.of_alert(&id)?;
            incident.alert(&id).filter(|alert| alert.resolved_at.is_none())?;
            let command =
                incident::Command::AlertResolved { incident: incident.id, alert: id.into() };
            Some(order("incidents", Command::Incident(command)))
        })
        .collect()
}

/// Alerts of SLOs that the configuration no longer has.
pub(super) fn removed(state: &State, world: &World) -> Option<Order> {
    if !world.is_certain {
        return None;
    }
    let slos: BTreeSet<Box<str>> = world.repo.slos.iter().map(|slo| slo.name.clone()).collect();
    let gone = state.alerts.firing().any(|record| !slos.contains(&record.key.slo));
    gone.then(|| order("alerts", Command::Alert(alert::Command::Retain { slos })))
}

/// Firing alerts without an incident: each joins one that is open, or opens one.
///
/// An alert waits for those of services that it depends on, so that a caller's burn finds the incident of its failing
/// callee.
pub(super) fn joined(state: &State, world: &World, now: Timestamp, mint: &mut Mint) -> Vec<Order> {
    let homeless: Vec<&AlertRecord> = state
        .alerts
        .firing()
        .filter(|record| state.incidents.of_alert(&record.alert.to_string()).is_none())
        .collect();
    let depends = |record: &AlertRecord| {
        let callees = world.topology.dependencies(environment(record), &record.service);
        homeless.iter().any(|other| callees.contains(&other.service))
    };
    let mut first: Vec<&AlertRecord> =
        homeless.iter().copied().filter(|record| !depends(record)).collect();
    if first.is_empty() {
        // Services that depend on each other in a circle: somebody has to be first.
        first = homeless.into_iter().take(1).collect();
    }
    // Of one service's alerts the most urgent opens the incident, whichever came first.
    first.sort_by(|one, other| {
        let urgency = other.severity.cmp(&one.severity);
        urgency.then(other.evidence.threshold.total_cmp(&one.evidence.threshold))
    });
    // Of one service, alerts of other environments wait until the first has its incident: they may belong there.
    let mut places: BTreeMap<&str, &str> = BTreeMap::new();
    first.retain(|record| {
        let place = environment(record);
        *places.entry(&record.service).or_insert(place) == place
    });
    first
        .into_iter()
        .flat_map(|record| {
            let home = home(state, world, record, now, mint);
            let raised = raised(state, record, &home);
            std::iter::once(home).chain(raised)
        })
        .map(|command| order("incidents", Command::Incident(command)))
        .collect()
}

/// A page that joins an incident which nobody is paged for makes it worth a page, and is what it is about from now on.
fn raised(state: &State, record: &AlertRecord, home: &incident::Command) -> Vec<incident::Command> {
    let incident::Command::JoinAlert { incident, alert, .. } = home else { return Vec::new() };
    let severity = AlertClass::Page.severity();
    let lower = state.incidents.get(*incident).is_some_and(|known| known.severity > severity);
    if record.severity != Severity::Page || !lower {
        return Vec::new();
    }
    let (incident, by) = (*incident, Actor::system("alerts"));
    vec![
        incident::Command::SetSeverity { incident, severity, by: by.clone() },
        incident::Command::SetTitle { incident, title: alert.summary.clone(), by },
    ]
}

fn environment(record: &AlertRecord) -> &str {
    record.environment.as_deref().unwrap_or("")
}

fn home(
    state: &State,
    world: &World,
    record: &AlertRecord,
    now: Timestamp,
    mint: &mut Mint,
) -> incident::Command {
    let alert = AlertInput {
        id: record.alert.to_string().into(),
        service: record.service.clone(),
        environment: environment(record).into(),
        slo: Some(record.key.slo.clone()),
        class: match record.severity {
            Severity::Page => AlertClass::Page,
            Severity::Ticket => AlertClass::Ticket,
        },
        summary: record.summary.clone(),
    };
    let place = environment(record);
    // An alert of no environment in particular may be about the one that fails already, and the other way round.
    let own = state.incidents.open_on(&record.service, place).or_else(|| {
        state.incidents.open().find(|incident| {
            incident.key.service == record.service
                && same_environment(&incident.key.environment, place)
        })
    });
    if let Some(incident) = own {
        return incident::Command::JoinAlert { incident: incident.id, alert, why: None };
    }
    if let Some((incident, why)) = related(state, world, record) {
        return incident::Command::JoinAlert {
            incident: incident.id,
            alert,
            why: Some(why.into()),
        };
    }
    incident::Command::Open {
        id: mint.id(now),
        open: OpenBy::Alert(alert),
        by: Actor::system("alerts"),
    }
}

/// What was found out about a service before it had an incident, for incidents that know nothing yet.
pub(super) fn suspected(state: &State, world: &World) -> Vec<Order> {
    let unknown = state
        .incidents
        .open()
        .filter(|incident| incident.suspects_at.is_none() && incident.impact.is_none());
    unknown
        .filter_map(|incident| {
            let key = (incident.key.service.clone(), incident.key.environment.clone());
            let found = world.suspicions.get(&key)?;
            let mut commands = Vec::new();
            if !found.suspects.is_empty() {
                let suspects = found.suspects.clone();
                commands.push(incident::Command::RankSuspects { incident: incident.id, suspects });
            }
            if let Some(impact) = found.impact.clone() {
                commands.push(incident::Command::MeasureImpact {
                    incident: incident.id,
                    impact,
                    last: false,
                });
            }
            Some(commands)
        })
        .flatten()
        .map(|command| order("triage", Command::Incident(command)))
        .collect()
}

/// An open incident of a service that this one depends on, or of a caller that suspects this one; rather one of the same
/// environment than one of no environment in particular.
fn related<'a>(
    state: &'a State,
    world: &World,
    record: &AlertRecord,
) -> Option<(&'a Incident, String)> {
    let environment = environment(record);
    let callees = world.topology.dependencies(environment, &record.service);
    let nearest = |fits: &dyn Fn(&Incident) -> bool| {
        let own = |incident: &&Incident| same_environment(&incident.key.environment, environment);
        let in_reach = state.incidents.open().filter(own).filter(|incident| fits(incident));
        in_reach.min_by_key(|incident| *incident.key.environment != *environment)
    };
    let of_callee =
        nearest(&|incident| incident.has_firing_alert() && callees.contains(&incident.key.service));
    if let Some(incident) = of_callee {
        let why = format!("{} depends on {}, which fails", record.service, incident.key.service);
        return Some((incident, why));
    }
    let of_caller = nearest(&|incident| {
        incident.suspects.first().is_some_and(|suspect| suspect.service == record.service)
    })?;
    let why = format!("{} is the first suspect of {}", record.service, of_caller.name());
    Some((of_caller, why))
}
