//! What can be asked of deploys, and why it may be refused.

use model::{Actor, Timestamp};

use crate::{
    act::{Act, ActId, ActOutcome, ActState},
    automatic::{RollbackPlan, WhyNot, can_undo},
    fact::Fact,
    gate::{GateId, GateInput, judge},
    limits,
    record::{DeployId, NewDeploy},
    recording::{check_names, length, record},
    state::State,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Records a deploy. A known idempotency key changes nothing.
    Record {
        deploy: NewDeploy,
    },
    /// Gives and keeps a verdict.
    Gate {
        id: GateId,
        input: GateInput,
        config_hash: Option<[u8; 32]>,
        by: Actor,
    },
    /// Asks for a rollback by `plan`; `command` is what the server's allow-list runs for it.
    RequestAct {
        id: ActId,
        plan: RollbackPlan,
        incident: Option<Box<str>>,
        automatic: bool,
        reason: Box<str>,
        command: Box<str>,
        by: Actor,
    },
    /// It is about to run: from now on it is never started again.
    StartAct {
        id: ActId,
    },
    EndAct {
        id: ActId,
        outcome: ActOutcome,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    #[error("a deploy needs a {what}")]
    Empty { what: &'static str },
    #[error("the {what} has {chars} characters; at most {max} are allowed")]
    TooLong { what: &'static str, chars: usize, max: usize },
    #[error("the {what} `{text}` {why}")]
    BadText { what: &'static str, text: Box<str>, why: &'static str },
    #[error("no deploy has the id `{0}`")]
    UnknownDeploy(Box<str>),
    #[error("the id `{0}` is taken already")]
    IdTaken(Box<str>),
    #[error(
        "the idempotency key `{key}` was used for `{id}`, which is {service} {version} in `{environment}`; use a key of its own"
    )]
    KeyTaken {
        key: Box<str>,
        id: DeployId,
        service: Box<str>,
        version: Box<str>,
        environment: Box<str>,
    },
    #[error("the deploy's time `{at}` lies in the future; now is `{now}`")]
    InTheFuture { at: Timestamp, now: Timestamp },
    #[error(
        "`{undone}` is a deploy of another service or environment; it cannot be rolled back here"
    )]
    RollsBackElsewhere { undone: DeployId },
    #[error(
        "{version} of {service} is the newest deploy on record; after a rollback, name the version that runs now"
    )]
    WentNowhere { service: Box<str>, version: Box<str> },
    #[error(
        "no deploy of {service} is on record in `{environment}`, so there is none to roll back"
    )]
    NothingToRollBack { service: Box<str>, environment: Box<str> },
    #[error("no verdict of the gate has the id `{id}`, or it is no longer kept")]
    UnknownVerdict { id: GateId },
    #[error("the verdict `{id}` cannot let this deploy pass: {why}")]
    VerdictDoesNotHold { id: GateId, why: Box<str> },
    #[error("no act has the id `{id}`")]
    UnknownAct { id: ActId },
    #[error("the act `{id}` was started already; it is never run twice")]
    StartedAlready { id: ActId },
    #[error("the act `{id}` has ended")]
    Ended { id: ActId },
    #[error("this cannot be rolled back: {0}")]
    NotOffered(WhyNot),
}

/// The facts that `command` leads to; none when what it asks for is so already.
///
/// # Errors
/// When the command is malformed, or does not fit the state.
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::Record { deploy } => record(state, deploy, now),
        Command::Gate { id, input, config_hash, by } => {
            check_names(&input.service, &input.version, &input.environment)?;
            Ok(vec![Fact::GateDecided {
                id: *id,
                verdict: judge(input),
                expires_at: now + input.policy.verdict_ttl,
                input: input.clone(),
                config_hash: *config_hash,
                by: by.clone(),
            }])
        }
        Command::RequestAct { id, plan, incident, automatic, reason, command, by } => {
            if state.act(*id).is_some() {
                return Err(Rejection::IdTaken(id.to_string().into()));
            }
            let deploy = state
                .deploy(plan.deploy)
                .ok_or_else(|| Rejection::UnknownDeploy(plan.deploy.to_string().into()))?;
            can_undo(state, deploy).map_err(Rejection::NotOffered)?;
            length("reason", reason, limits::TEXT_CHARS_MAX)?;
            Ok(vec![Fact::ActRequested {
                act: Act {
                    id: *id,
                    service: plan.service.clone(),
                    environment: plan.environment.clone(),
                    deploy: plan.deploy,
                    from_version: plan.from_version.clone(),
                    to_version: plan.to_version.clone(),
                    incident: incident.clone(),
                    by: by.clone(),
                    automatic: *automatic,
                    reason: reason.clone(),
                    command: command.clone(),
                    requested_at: now,
                    state: ActState::Requested,
                },
            }])
        }
        Command::StartAct { id } => match act(state, *id)?.state {
            ActState::Requested => Ok(vec![Fact::ActStarted { id: *id, at: now }]),
            ActState::Started { .. } => Err(Rejection::StartedAlready { id: *id }),
            ActState::Ended { .. } => Err(Rejection::Ended { id: *id }),
        },
        Command::EndAct { id, outcome } => match act(state, *id)?.state {
            ActState::Ended { .. } => Err(Rejection::Ended { id: *id }),
            ActState::Requested | ActState::Started { .. } => {
                Ok(vec![Fact::ActEnded { id: *id, outcome: outcome.clone(), at: now }])
            }
        },
    }
}

/// After a restart: acts that were started and have no outcome were interrupted; they are never run again.
pub fn interrupted(state: &State) -> Vec<Command> {
    state
        .acts()
        .filter(|act| matches!(act.state, ActState::Started { .. }))
        .map(|act| Command::EndAct { id: act.id, outcome: ActOutcome::Interrupted })
        .collect()
}

fn act(state: &State, id: ActId) -> Result<&Act, Rejection> {
    state.act(id).ok_or(Rejection::UnknownAct { id })
}

#[cfg(test)]
mod tests;
