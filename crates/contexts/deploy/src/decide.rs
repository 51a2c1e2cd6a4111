//! Decides what a command brings about.

mod acting;
mod recording;
#[cfg(test)]
mod tests;

use model::{Actor, Timestamp};

use crate::{
    command::{Command, Rejection, check_text},
    fact::Fact,
    gate::{GateInput, VerdictId, evaluate},
    limits,
    record::{Freeze, FreezeId},
    state::State,
};

/// Decides what `command` brings about at `now`. No fact at all is success: it is so already.
///
/// # Errors
/// [`Rejection`] says what was refused and what is allowed; the state then stays as it is.
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::Record(deploy) => recording::record(state, deploy, now),
        Command::CheckGate { id, input, config, by } => {
            check_gate(state, *id, input, (config, by), now)
        }
        Command::Freeze { id, freeze, by } => freeze_gate(state, *id, freeze, by, now),
        Command::Unfreeze { freeze, by } => {
            state.freeze(*freeze).ok_or(Rejection::UnknownFreeze { id: *freeze })?;
            Ok(vec![Fact::Unfrozen { freeze_id: *freeze, at: now, by: by.clone() }])
        }
        Command::RequestAct(request) => acting::request(state, request, now),
        Command::StartAct { act } => acting::start(state, *act, now),
        Command::FinishAct { act, outcome } => acting::finish(state, *act, outcome, now),
        Command::InterruptAct { act } => acting::interrupt(state, *act, now),
        Command::ExpireAct { act } => acting::expire(state, *act, now),
    }
}

/// The commands whose time has come: acts that waited too long to be started.
pub fn due(state: &State, now: Timestamp) -> Vec<Command> {
    state
        .acts_to_start()
        .filter(|act| act.requested_at + limits::ACT_WAITS <= now)
        .map(|act| Command::ExpireAct { act: act.id })
        .collect()
}

/// When [`due`] has something next.
pub fn next_due(state: &State) -> Option<Timestamp> {
    state.acts_to_start().map(|act| act.requested_at + limits::ACT_WAITS).min()
}

fn check_gate(
    state: &State,
    id: VerdictId,
    input: &GateInput,
    (config, by): (&str, &Actor),
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    check_text("service", &input.service, limits::NAME_CHARS_MAX)?;
    check_text("version", &input.version, limits::NAME_CHARS_MAX)?;
    if state.verdict(id).is_some() {
        return Err(Rejection::IdTaken { id: id.to_string() });
    }
    Ok(vec![Fact::GateDecided {
        verdict_id: id,
        input: Box::new(input.clone()),
        verdict: evaluate(input),
        config: config.into(),
        expires_at: now + limits::VERDICT_LASTS,
        at: now,
        by: by.clone(),
    }])
}

fn freeze_gate(
    state: &State,
    id: FreezeId,
    freeze: &Freeze,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    check_text("reason", &freeze.reason, limits::TEXT_CHARS_MAX)?;
    if state.freeze(id).is_some() {
        return Err(Rejection::IdTaken { id: id.to_string() });
    }
    if let Some(until) = freeze.until.filter(|until| *until <= freeze.from.max(now)) {
        return Err(Rejection::EmptyFreeze { from: freeze.from.max(now), until });
    }
    let standing =
        state.freezes().filter(|(old, _)| old.until.is_none_or(|until| until > now)).count();
    if standing >= limits::FREEZES_MAX {
        return Err(Rejection::TooManyFreezes { max: limits::FREEZES_MAX });
    }
    let freeze = Freeze { id: Some(id), ..freeze.clone() };
    Ok(vec![Fact::Frozen { freeze_id: id, freeze, at: now, by: by.clone() }])
}
