//! Who is owed a word about which incident.

use std::time::Duration;

use alert::delivery::{
    self, Destination, IncidentInfo, Owed, Plan, Progress, Reason, destinations, reconcile,
};
use deploy::{Act, ActOutcome, ActState};
use incident::{Incident, Severity};
use model::{Labels, Timestamp};

use super::order;
use crate::{
    command::Command,
    control::{Order, World},
    mint::Mint,
    notify::payload,
    state::State,
};

/// How long after its end an incident's last word may still be owed.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(86_400);

/// Notifications to queue, and attempts that nobody needs any more.
pub(super) fn owed(state: &State, world: &World, now: Timestamp, mint: &mut Mint) -> Vec<Order> {
    let mut orders = Vec::new();
    for (incident, plan) in plans(state, world, now) {
        orders.extend(
            plan.abandon.into_iter().map(|command| order("outbox", Command::Delivery(command))),
        );
        for owed in plan.queue {
            orders.push(order(
                "outbox",
                Command::Delivery(queue(state, world, incident, owed, now, mint)),
            ));
        }
    }
    orders
}

/// When the next word is owed that is not owed yet.
pub(super) fn next_at(state: &State, world: &World, now: Timestamp) -> Option<Timestamp> {
    plans(state, world, now).filter_map(|(_, plan)| plan.next_at).min()
}

fn plans<'a>(
    state: &'a State,
    world: &'a World,
    now: Timestamp,
) -> impl Iterator<Item = (&'a Incident, Plan)> {
    let recent = move |incident: &&Incident| {
        incident
            .resolution
            .as_ref()
            .is_none_or(|resolution| now.since(resolution.at) < LAST_WORD_WITHIN)
    };
    state.incidents.iter().filter(recent).map(move |incident| {
        let (to, fallback) = (to(state, world, incident), fallback(world));
        (incident, reconcile(&state.deliveries, &info(state, incident), &to, &fallback, now))
    })
}

fn info(state: &State, incident: &Incident) -> IncidentInfo {
    IncidentInfo {
        incident: incident.id.to_string().into(),
        opened_at: incident.opened_at,
        is_page: incident.severity <= Severity::Sev2,
        acknowledged_at: incident.acknowledged.as_ref().map(|by| by.at),
        resolved: !incident.is_open(),
        progress: progress(state, incident),
    }
}

/// What became of acts, and what was done, is news as an update is.
fn progress(state: &State, incident: &Incident) -> Progress {
    let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    Progress {
        joined: count(incident.alerts.len().saturating_sub(1)),
        escalated: match incident.severity {
            Severity::Sev1 => 3,
            Severity::Sev2 => 2,
            Severity::Sev3 => 1,
            Severity::Sev4 => 0,
        },
        updated: count(
            incident.updates.len()
                + acts_ended(state, incident)
                + usize::from(incident.mitigation.is_some()),
        ),
        reopened: u64::from(incident.reopened),
    }
}

fn acts_ended(state: &State, incident: &Incident) -> usize {
    let id = incident.id.to_string();
    let own = |act: &&deploy::Act| act.incident.as_deref() == Some(&*id) && !act.is_open();
    state.deploys.acts().filter(own).count()
}

/// What the routing tree sees of an incident: what it is about, and the labels of the SLO whose alert came first.
pub(crate) fn routing_labels(state: &State, world: &World, incident: &Incident) -> Labels {
    let severity = if incident.severity <= Severity::Sev2 { "page" } else { "ticket" };
    let first = incident.alerts.first();
    let slo = first.and_then(|alert| alert.slo.as_deref()).unwrap_or("");
    let own = [
        ("alertname", "ErrorBudgetBurn"),
        ("service", &*incident.key.service),
        ("environment", &*incident.key.environment),
        ("severity", severity),
        ("slo", slo),
    ];
    // The alert has them as of when it fired; one that is no longer remembered has those of the SLO as it is.
    let fired = first.and_then(|alert| state.alerts.get(alert.id.parse().ok()?));
    let known = world.repo.slos.iter().find(|known| *known.name == *slo);
    let labels = fired.map(|record| &record.labels).or(known.map(|known| &known.labels));
    // Of two with one name the last holds.
    Labels::from_pairs(labels.into_iter().flat_map(Labels::iter).chain(own))
}

fn to(state: &State, world: &World, incident: &Incident) -> Vec<Destination> {
    let Some(routing) = &world.repo.routing else { return Vec::new() };
    destinations(&routing.route(&routing_labels(state, world, incident)))
}

/// Whom a page goes to that reaches nobody else.
fn fallback(world: &World) -> Vec<Destination> {
    let routing = world.repo.routing.as_ref();
    let found = routing.zip(world.fallback.as_deref()).and_then(|(routing, to)| routing.to(to));
    destinations(found.as_slice())
}

fn queue(
    state: &State,
    world: &World,
    incident: &Incident,
    owed: Owed,
    now: Timestamp,
    mint: &mut Mint,
) -> delivery::Command {
    let subject = payload::subject(incident, owed.reason);
    delivery::Command::Queue {
        notification: mint.id(now),
        incident: Some(owed.incident),
        payload: payload::of_incident(state, world, incident, owed.reason, &owed.destination, now)
            .into(),
        destination: owed.destination,
        reason: owed.reason,
        subject: subject.into(),
        told: Some(owed.told),
    }
}

/// An act that was cut off or failed pages whoever is paged for its incident, once.
pub(super) fn interrupted_acts(
    state: &State,
    world: &World,
    now: Timestamp,
    mint: &mut Mint,
) -> Vec<Order> {
    let mut orders = Vec::new();
    for act in state.deploys.acts().filter(|act| needs_a_person(act, now)) {
        let incident = act.incident.as_deref().and_then(|id| state.incidents.find(id));
        let Some(incident) = incident else { continue };
        let subject = payload::act_subject(act);
        let told = |destination: &Destination| {
            state.deliveries.records().any(|record| {
                record.reason == Reason::ActInterrupted
                    && *record.subject == *subject
                    && record.receiver == destination.receiver
                    && record.integration == destination.integration
            })
        };
        for destination in
            to(state, world, incident).into_iter().filter(|destination| !told(destination))
        {
            let command = delivery::Command::Queue {
                notification: mint.id(now),
                incident: Some(incident.id.to_string().into()),
                payload: payload::of_incident(
                    state,
                    world,
                    incident,
                    Reason::ActInterrupted,
                    &destination,
                    now,
                )
                .into(),
                destination,
                reason: Reason::ActInterrupted,
                subject: subject.as_str().into(),
                told: None,
            };
            orders.push(order("outbox", Command::Delivery(command)));
        }
    }
    orders
}

fn needs_a_person(act: &Act, now: Timestamp) -> bool {
    match &act.state {
        ActState::Ended {
            outcome: ActOutcome::Interrupted | ActOutcome::Failed { .. },
            at,
            ..
        } => now.since(*at) < LAST_WORD_WITHIN,
        ActState::Ended { .. } | ActState::Requested | ActState::Started { .. } => false,
    }
}
