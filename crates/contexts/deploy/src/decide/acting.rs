//! Acts, one at a time at a place.

use model::Timestamp;

use crate::{
    act::{Act, ActId, ActStatus, Outcome, tail},
    command::{Rejection, RequestAct, check_text},
    fact::Fact,
    limits,
    state::State,
};

pub(super) fn request(
    state: &State,
    request: &RequestAct,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    check_text("evidence", &request.evidence, limits::TEXT_CHARS_MAX)?;
    check_text("version", &request.to, limits::NAME_CHARS_MAX)?;
    let place = &request.place;
    if let Some(act) = state.act(request.id) {
        // The same request told twice.
        let same = act.place == *place && act.from == request.from && act.to == request.to;
        let taken = Rejection::IdTaken { id: request.id.to_string() };
        return if same { Ok(Vec::new()) } else { Err(taken) };
    }
    if let Some(act) = state.act_in_flight(&place.service, &place.environment) {
        return Err(Rejection::ActInFlight {
            act: act.id,
            status: act.status.as_str(),
            place: place.to_string(),
        });
    }
    if request.from == request.to {
        return Err(Rejection::SameVersion { version: request.to.clone() });
    }
    let current = state
        .current_at(place)
        .ok_or_else(|| Rejection::UnknownPlace { place: place.to_string() })?;
    if current.version != request.from {
        return Err(Rejection::NotCurrent {
            place: place.to_string(),
            current: current.version.clone(),
            from: request.from.clone(),
        });
    }
    Ok(vec![Fact::ActRequested {
        act: request.id,
        action: request.action,
        place: place.clone(),
        from: request.from.clone(),
        to: request.to.clone(),
        deploy: request.deploy,
        incident: request.incident.clone(),
        automatic: request.automatic,
        idempotent: request.idempotent,
        evidence: request.evidence.clone(),
        at: now,
        by: request.by.clone(),
    }])
}

pub(super) fn start(state: &State, id: ActId, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    let act = known(state, id)?;
    let again = act.idempotent && matches!(act.status, ActStatus::Started { .. });
    if act.status != ActStatus::Requested && !again {
        return Err(not_ready(act, "one that is requested"));
    }
    if is_expired(act, now) && !again {
        return Err(Rejection::ActExpired {
            act: id,
            waited: now.since(act.requested_at).as_secs(),
        });
    }
    Ok(vec![Fact::ActStarted { act: id, attempt: act.attempts.saturating_add(1), at: now }])
}

/// Told twice is told once; another outcome than the first is refused.
pub(super) fn finish(
    state: &State,
    id: ActId,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let act = known(state, id)?;
    match (&act.status, outcome) {
        (ActStatus::Started { .. }, Outcome::Succeeded { status, output }) => {
            let (status, output) = (tail(status), tail(output));
            Ok(vec![Fact::ActSucceeded { act: id, status, output, at: now }])
        }
        (ActStatus::Started { .. }, Outcome::Failed { reason, output }) => {
            let (reason, output) = (tail(reason), tail(output));
            Ok(vec![Fact::ActFailed { act: id, reason, output, at: now }])
        }
        (ActStatus::Succeeded { .. }, Outcome::Succeeded { .. })
        | (ActStatus::Failed { .. }, Outcome::Failed { .. }) => Ok(Vec::new()),
        _ => Err(not_ready(act, "one that is started")),
    }
}

pub(super) fn interrupt(state: &State, id: ActId, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    let act = known(state, id)?;
    match act.status {
        ActStatus::Started { .. } => Ok(vec![Fact::ActInterrupted { act: id, at: now }]),
        ActStatus::Interrupted { .. } => Ok(Vec::new()),
        ActStatus::Requested | ActStatus::Succeeded { .. } | ActStatus::Failed { .. } => {
            Err(not_ready(act, "one that is started"))
        }
    }
}

pub(super) fn expire(state: &State, id: ActId, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    let act = known(state, id)?;
    if act.status != ActStatus::Requested || !is_expired(act, now) {
        return Ok(Vec::new());
    }
    let waited = limits::ACT_WAITS.as_secs() / 60;
    let reason = format!("not started within {waited} min of being asked for");
    Ok(vec![Fact::ActFailed { act: id, reason: reason.into(), output: "".into(), at: now }])
}

fn is_expired(act: &Act, now: Timestamp) -> bool {
    act.requested_at + limits::ACT_WAITS <= now
}

fn known(state: &State, id: ActId) -> Result<&Act, Rejection> {
    state.act(id).ok_or(Rejection::UnknownAct { id })
}

fn not_ready(act: &Act, allowed: &'static str) -> Rejection {
    Rejection::ActNotReady { act: act.id, status: act.status.as_str(), allowed }
}
