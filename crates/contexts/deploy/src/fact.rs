//! What has happened, and how it changes the state.

use model::{Actor, Timestamp};

use crate::{
    act::{Act, ActId, ActOutcome, ActState},
    gate::{GateId, GateInput, Verdict},
    record::{Deploy, DeployId, DeployStatus},
    state::{GateRecord, State},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    DeployRecorded {
        deploy: Deploy,
    },
    /// A deploy that had started came to its end, as [`DeployStatus::Live`] or [`DeployStatus::Failed`].
    DeployFinished {
        id: DeployId,
        service: Box<str>,
        environment: Box<str>,
        version: Box<str>,
        status: DeployStatus,
        at: Timestamp,
        /// Of the announcement: the same key ends it once.
        idempotency_key: Option<Box<str>>,
        by: Actor,
    },
    /// `config_hash` names the production repo that the verdict saw.
    GateDecided {
        id: GateId,
        input: GateInput,
        verdict: Verdict,
        config_hash: Option<[u8; 32]>,
        expires_at: Timestamp,
        by: Actor,
    },
    ActRequested {
        act: Act,
    },
    ActStarted {
        id: ActId,
        at: Timestamp,
    },
    ActEnded {
        id: ActId,
        outcome: ActOutcome,
        at: Timestamp,
    },
}

/// Folds a fact into the state.
pub fn apply(state: &mut State, fact: &Fact) {
    match fact {
        Fact::DeployRecorded { deploy } => {
            state.add_deploy(deploy.clone());
        }
        Fact::DeployFinished { id, status, at, idempotency_key, .. } => {
            state.finish_deploy(*id, *status, *at, idempotency_key.as_deref());
        }
        Fact::GateDecided { id, input, verdict, config_hash, expires_at, by } => {
            state.add_verdict(GateRecord {
                id: *id,
                input: input.clone(),
                verdict: verdict.clone(),
                config_hash: *config_hash,
                expires_at: *expires_at,
                by: by.clone(),
            });
        }
        Fact::ActRequested { act } => state.add_act(act.clone()),
        Fact::ActStarted { id, at } => {
            if let Some(act) = state.act_mut(*id) {
                act.state = ActState::Started { at: *at };
            }
        }
        Fact::ActEnded { id, outcome, at } => {
            if let Some(act) = state.act_mut(*id) {
                let started_at = match act.state {
                    ActState::Started { at } => Some(at),
                    ActState::Requested | ActState::Ended { .. } => None,
                };
                act.state = ActState::Ended { started_at, at: *at, outcome: outcome.clone() };
            }
        }
    }
}
