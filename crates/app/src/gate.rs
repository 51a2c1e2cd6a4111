//! Puts together what a gate's verdict rests on.

use alert::Severity;
use deploy::{BudgetReading, DeployStatus, GateInput, IncidentReading, policy::wildcard};
use incident::SuspectKind;
use model::{Timestamp, same_environment};
use slo::Evaluation;

use crate::{control::WorldView, react::policy, state::State};

/// What is asked: may `version` of `service` come into `environment`?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub service: Box<str>,
    pub version: Box<str>,
    pub environment: Box<str>,
}

/// What is so now.
pub(crate) struct Seen<'a> {
    pub(crate) state: &'a State,
    pub(crate) world: &'a WorldView,
    pub(crate) evaluations: &'a [Evaluation],
    pub(crate) telemetry_at: Option<Timestamp>,
    pub(crate) journal_whole: bool,
}

/// Everything known about the question now.
pub(crate) fn input(question: &Question, seen: &Seen<'_>, now: Timestamp) -> GateInput {
    let Seen { state, world, evaluations, telemetry_at, journal_whole } = *seen;
    let Question { service, version, environment } = question;
    let policy = policy(&world.repo, service, environment);
    let here = |evaluation: &&Evaluation| {
        evaluation.service == *service
            && evaluation.environment.as_ref().is_none_or(|own| own == environment)
    };
    let dependencies = world.topology.dependencies(environment, service);
    let matters =
        |name: &str| name == &**service || dependencies.iter().any(|callee| **callee == *name);
    let incidents = state.incidents.open().filter(|incident| {
        same_environment(&incident.key.environment, environment) && matters(&incident.key.service)
    });
    GateInput {
        service: service.clone(),
        version: version.clone(),
        environment: environment.clone(),
        at: now,
        budgets: evaluations
            .iter()
            .filter(here)
            .map(|evaluation| reading(state, evaluation))
            .collect(),
        incidents: incidents
            .map(|incident| IncidentReading {
                number: incident.name().into(),
                service: incident.key.service.clone(),
                title: incident.title.clone(),
            })
            .collect(),
        telemetry_at,
        journal_whole,
        freezes: policy
            .freezes
            .iter()
            .filter(|freeze| {
                freeze.services.is_empty()
                    || freeze.services.iter().any(|one| wildcard(one, service))
            })
            .cloned()
            .collect(),
        is_way_back: is_way_back(state, question),
        policy: policy.gate,
    }
}

fn reading(state: &State, evaluation: &Evaluation) -> BudgetReading {
    let firing = state
        .alerts
        .firing()
        .find(|record| record.key.slo == evaluation.slo && record.severity == Severity::Page);
    let known = evaluation.state != slo::State::InsufficientData;
    // What burns now; the alert has what burned when it fired.
    let now = |pair: &str| {
        let burn = evaluation.burns.iter().find(|burn| burn.pair.name == pair)?;
        burn.long.burn
    };
    BudgetReading {
        slo: evaluation.slo.clone(),
        remaining: evaluation.budget.remaining_fraction.filter(|_| known),
        burning: firing.map(|record| {
            let fired = record.evidence.long.burn.unwrap_or(0.0);
            let rate = now(&record.key.pair).unwrap_or(fired);
            format!("{rate:.1}x over {}", record.key.pair.split('+').next().unwrap_or_default())
                .into()
        }),
    }
}

/// The version ran before the newest deploy, and that deploy is an open incident's first suspect.
fn is_way_back(state: &State, question: &Question) -> bool {
    let Some(newest) = state.deploys.newest(&question.service, &question.environment) else {
        return false;
    };
    let id = newest.id.to_string();
    matches!(newest.status, DeployStatus::Started | DeployStatus::Live)
        && newest.previous_version.as_deref() == Some(&*question.version)
        && state.incidents.open().any(|incident| {
            incident.suspects.first().is_some_and(|suspect| {
                suspect.kind == SuspectKind::Deploy && suspect.reference.as_deref() == Some(&*id)
            })
        })
}
