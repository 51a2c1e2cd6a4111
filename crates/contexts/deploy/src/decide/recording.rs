//! Deploys are recorded as they happened, allowed or not: what is kept out of the record cannot be suspected.

use model::Timestamp;

use crate::{
    command::{RecordDeploy, Rejection, check_text},
    fact::Fact,
    gate::{Decision, VerdictId},
    limits,
    record::{DeployId, DeployStatus, GateUse},
    state::{Current, State},
};

pub(super) fn record(
    state: &State,
    deploy: &RecordDeploy,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    check(deploy, now)?;
    if deploy.key.as_ref().is_some_and(|key| state.by_key.contains_key(key)) {
        return Ok(Vec::new());
    }
    if state.deploy(deploy.id).is_some() {
        return Err(Rejection::IdTaken { id: deploy.id.to_string() });
    }
    let gate = match deploy.verdict {
        None => GateUse::Unasked,
        Some(verdict) => use_verdict(state, deploy, verdict, now)?,
    };
    let deployed_at = deploy.at.unwrap_or(now);
    let current = state.current_at(&deploy.place);
    let is_current = current.is_none_or(|current| deployed_at >= current.since);
    let previous = match current {
        // Deployed again: what ran before it is what ran before the first time.
        Some(current) if current.version == deploy.version => state
            .deploy(current.deploy)
            .filter(|_| !current.went_back)
            .and_then(|old| old.previous.clone()),
        Some(current) if is_current => Some(current.version.clone()),
        _ => ran_before(state, deploy, deployed_at),
    };
    Ok(vec![Fact::DeployRecorded {
        deploy: deploy.id,
        place: deploy.place.clone(),
        version: deploy.version.clone(),
        previous,
        deployed_at,
        source: deploy.source,
        change: deploy.change.clone(),
        url: deploy.url.clone(),
        key: deploy.key.clone(),
        rolls_back: current
            .filter(|_| is_current)
            .and_then(|current| taken_back(state, deploy, current)),
        gate,
        is_current,
        at: now,
        by: deploy.by.clone(),
    }])
}

fn check(deploy: &RecordDeploy, now: Timestamp) -> Result<(), Rejection> {
    check_text("service", &deploy.place.service, limits::NAME_CHARS_MAX)?;
    check_text("version", &deploy.version, limits::NAME_CHARS_MAX)?;
    let texts = [
        ("environment", Some(&deploy.place.environment), limits::NAME_CHARS_MAX),
        ("key", deploy.key.as_ref(), limits::NAME_CHARS_MAX),
        ("change", deploy.change.as_ref(), limits::TEXT_CHARS_MAX),
        ("url", deploy.url.as_ref(), limits::TEXT_CHARS_MAX),
    ];
    for (what, text, max) in texts {
        let chars = text.map_or(0, |text| text.chars().count());
        if chars > max {
            return Err(Rejection::TooLong { what, chars, max });
        }
    }
    match deploy.at.filter(|at| *at > now + limits::DEPLOY_AHEAD) {
        Some(at) => Err(Rejection::InTheFuture { at, now }),
        None => Ok(()),
    }
}

/// A verdict covers one deploy of its version to its place, while it is fresh.
fn use_verdict(
    state: &State,
    deploy: &RecordDeploy,
    verdict: VerdictId,
    now: Timestamp,
) -> Result<GateUse, Rejection> {
    let known = state.verdicts.get(&verdict).ok_or(Rejection::UnknownVerdict { id: verdict })?;
    let why = if known.place != deploy.place || known.version != deploy.version {
        format!("it is about {} {}", known.place, known.version)
    } else if known.decision != Decision::Allow {
        format!("it says {}", known.decision.as_str())
    } else if now >= known.expires_at {
        format!("it expired at {}", known.expires_at)
    } else if let Some(used) = known.used_by {
        format!("{used} used it")
    } else {
        return Ok(GateUse::Passed { verdict });
    };
    Ok(GateUse::NotCovered { verdict, why: why.into() })
}

/// The newest deploy at that place before this time.
fn ran_before(state: &State, deploy: &RecordDeploy, at: Timestamp) -> Option<Box<str>> {
    state
        .deploys()
        .filter(|old| old.place == deploy.place && old.at <= at && old.version != deploy.version)
        .max_by_key(|old| old.at)
        .map(|old| old.version.clone())
}

/// The version before what runs now came back: that is a rollback, by an act of ours or by anyone.
fn taken_back(state: &State, deploy: &RecordDeploy, current: &Current) -> Option<DeployId> {
    let running = state.deploy(current.deploy)?;
    if current.went_back {
        return (current.version == deploy.version).then_some(running.id);
    }
    let is_back = running.status == DeployStatus::Recorded
        && running.rolls_back.is_none()
        && running.version != deploy.version
        && running.previous.as_ref() == Some(&deploy.version);
    is_back.then_some(running.id)
}
