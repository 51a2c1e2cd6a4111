//! Folds facts into the state.

use std::collections::BTreeMap;

use model::Timestamp;

use crate::{
    act::{Act, ActId, ActStatus},
    fact::Fact,
    limits,
    record::{Deploy, DeployId, DeployStatus, GateUse},
    state::{Current, KnownVerdict, State},
};

/// Folds one fact in. A fact about something that has left memory changes nothing.
pub fn apply(state: &mut State, fact: &Fact) {
    match fact {
        Fact::DeployRecorded { .. } => record(state, fact),
        Fact::GateDecided { verdict_id, input, verdict, expires_at, .. } => {
            let known = KnownVerdict {
                place: crate::Place::new(input.service.clone(), input.environment.clone()),
                version: input.version.clone(),
                decision: verdict.decision,
                expires_at: *expires_at,
                used_by: None,
            };
            state.verdicts.insert(*verdict_id, known);
            if state.verdicts.len() > limits::VERDICTS_KEPT_MAX {
                state.verdicts.pop_first();
            }
        }
        Fact::Frozen { freeze_id, freeze, at, by } => {
            state.freezes.retain(|_, (old, _)| old.until.is_none_or(|until| until > *at));
            state.freezes.insert(*freeze_id, (freeze.clone(), by.clone()));
        }
        Fact::Unfrozen { freeze_id, .. } => {
            state.freezes.remove(freeze_id);
        }
        Fact::ActRequested { .. } => request(state, fact),
        Fact::ActStarted { act, attempt, at } => {
            if let Some(act) = state.acts.get_mut(act) {
                act.attempts = *attempt;
                act.status = ActStatus::Started { at: *at };
            }
        }
        Fact::ActSucceeded { act, status, output, at } => {
            let (status, output) = (status.clone(), output.clone());
            end(state, *act, ActStatus::Succeeded { at: *at, status, output });
            went_back(state, *act, *at);
        }
        Fact::ActFailed { act, reason, output, at } => {
            let (reason, output) = (reason.clone(), output.clone());
            end(state, *act, ActStatus::Failed { at: *at, reason, output });
        }
        Fact::ActInterrupted { act, at } => {
            end(state, *act, ActStatus::Interrupted { at: *at });
        }
    }
}

fn record(state: &mut State, fact: &Fact) {
    let Fact::DeployRecorded {
        deploy: id,
        place,
        version,
        previous,
        deployed_at,
        source,
        change,
        url,
        key,
        rolls_back,
        gate,
        is_current,
        at: _,
        by,
    } = fact
    else {
        return;
    };
    let replaced = state.current.get(place).map(|current| current.deploy);
    if *is_current {
        if let Some(old) = replaced.and_then(|old| state.deploys.get_mut(&old))
            && old.status == DeployStatus::Recorded
        {
            old.status = DeployStatus::Superseded;
        }
        let current = Current {
            version: version.clone(),
            deploy: *id,
            since: *deployed_at,
            went_back: false,
        };
        state.current.insert(place.clone(), current);
    }
    if let Some(bad) = rolls_back.and_then(|bad| state.deploys.get_mut(&bad)) {
        bad.status = DeployStatus::RolledBack;
    }
    if let GateUse::Passed { verdict } = gate
        && let Some(verdict) = state.verdicts.get_mut(verdict)
    {
        verdict.used_by = Some(*id);
    }
    let deploy = Deploy {
        id: *id,
        place: place.clone(),
        version: version.clone(),
        previous: previous.clone(),
        at: *deployed_at,
        by: by.clone(),
        source: *source,
        change: change.clone(),
        url: url.clone(),
        status: if *is_current { DeployStatus::Recorded } else { DeployStatus::Superseded },
        rolls_back: *rolls_back,
        gate: gate.clone(),
    };
    state.deploys.insert(*id, deploy);
    state.order.push(*id);
    if let Some(key) = key {
        state.by_key.insert(key.clone(), *id);
        state.keys.insert(*id, key.clone());
    }
    forget_the_oldest(state);
}

/// What runs somewhere is never forgotten, so that its version is always known.
fn forget_the_oldest(state: &mut State) {
    if state.order.len() <= limits::DEPLOYS_KEPT_MAX {
        return;
    }
    let runs = |id: &DeployId| state.current.values().any(|current| current.deploy == *id);
    let Some(at) = state.order.iter().position(|id| !runs(id)) else { return };
    let id = state.order.remove(at);
    state.deploys.remove(&id);
    if let Some(key) = state.keys.remove(&id) {
        state.by_key.remove(&key);
    }
}

fn request(state: &mut State, fact: &Fact) {
    let Fact::ActRequested {
        act: id,
        action,
        place,
        from,
        to,
        deploy,
        incident,
        automatic,
        idempotent,
        evidence,
        at,
        by,
    } = fact
    else {
        return;
    };
    let act = Act {
        id: *id,
        action: *action,
        place: place.clone(),
        from: from.clone(),
        to: to.clone(),
        deploy: *deploy,
        incident: incident.clone(),
        by: by.clone(),
        automatic: *automatic,
        idempotent: *idempotent,
        evidence: evidence.clone(),
        requested_at: *at,
        status: ActStatus::Requested,
        attempts: 0,
    };
    state.acts.insert(*id, act);
    forget_ended(&mut state.acts);
}

fn forget_ended(acts: &mut BTreeMap<ActId, Act>) {
    if acts.len() <= limits::ACTS_KEPT_MAX {
        return;
    }
    let oldest = acts.values().find(|act| !act.status.is_in_flight()).map(|act| act.id);
    if let Some(id) = oldest {
        acts.remove(&id);
    }
}

fn end(state: &mut State, id: ActId, status: ActStatus) {
    if let Some(act) = state.acts.get_mut(&id) {
        act.status = status;
    }
}

/// A rollback that succeeded put the old version back, whether its deployer tells of it or not.
fn went_back(state: &mut State, id: ActId, at: Timestamp) {
    let Some(act) = state.acts.get(&id) else { return };
    if let Some(bad) = act.deploy.and_then(|bad| state.deploys.get_mut(&bad)) {
        bad.status = DeployStatus::RolledBack;
    }
    if let Some(current) = state.current.get_mut(&act.place)
        && current.version == act.from
    {
        current.version = act.to.clone();
        current.since = at;
        current.went_back = true;
    }
}
