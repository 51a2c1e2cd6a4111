//! What has happened, and how it changes the state.

use model::{Actor, Timestamp};

use crate::{
    act::{Act, ActId, ActOutcome, ActState},
    gate::{GateId, GateInput, Verdict},
    record::{Deploy, DeployStatus},
    state::{GateRecord, State},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    DeployRecorded {
        deploy: Deploy,
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
            if let Some(undone) = deploy.rolls_back.and_then(|id| state.deploy_mut(id)) {
                undone.status = DeployStatus::RolledBack;
            }
            state.add_deploy(deploy.clone());
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
