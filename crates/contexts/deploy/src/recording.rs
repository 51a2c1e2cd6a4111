//! Recording a deploy: what an announcement means beside what is on record.

use model::Timestamp;

use crate::{
    decide::Rejection,
    fact::Fact,
    gate::{Decision, GateId},
    limits,
    record::{Deploy, DeployId, DeployStatus, NewDeploy, Stage},
    state::{GateRecord, State},
};

/// The facts of an announcement; none when it was heard before.
///
/// The end of a deploy whose start is on record finishes that one; any other announcement is a deploy of its own. A key
/// that another deploy has is refused.
pub(crate) fn record(
    state: &State,
    new: &NewDeploy,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    check_texts(new)?;
    let known = known(state, new)?;
    if let Some(finished) = finished(state, new, known) {
        return Ok(vec![finished]);
    }
    if known.is_some() || is_known_rollback(state, new) {
        return Ok(Vec::new());
    }
    if state.deploy(new.id).is_some() {
        return Err(Rejection::IdTaken(new.id.to_string().into()));
    }
    // The newest is what runs: one from the future would stay the newest until then.
    if new.at > now + limits::AHEAD_MAX {
        return Err(Rejection::InTheFuture { at: new.at, now });
    }
    let newest = state.newest(&new.service, &new.environment);
    let previous = match newest {
        // The same version again goes back to where that one came from.
        Some(last) if last.version == new.version => last.previous_version.clone(),
        last => last.map(|last| last.version.clone()),
    };
    let status = match new.stage {
        Stage::Started => DeployStatus::Started,
        Stage::Succeeded | Stage::RolledBack => DeployStatus::Live,
        Stage::Failed => DeployStatus::Failed,
    };
    Ok(vec![Fact::DeployRecorded {
        deploy: Deploy {
            id: new.id,
            service: new.service.clone(),
            environment: new.environment.clone(),
            version: new.version.clone(),
            previous_version: new.previous_version.clone().or(previous),
            at: new.at,
            finished_at: (status != DeployStatus::Started).then_some(new.at),
            by: new.by.clone(),
            url: new.url.clone(),
            rolls_back: undone(state, new)?,
            gate: verdict(state, new, now)?,
            idempotency_key: new.idempotency_key.clone(),
            status,
        },
    }])
}

/// The deploy that has the announcement's idempotency key. Of another deploy the key would hide this one for good.
fn known<'a>(state: &'a State, new: &NewDeploy) -> Result<Option<&'a Deploy>, Rejection> {
    let Some(key) = &new.idempotency_key else { return Ok(None) };
    let Some(known) = state.by_idempotency_key(key) else { return Ok(None) };
    let announced = (&new.service, &new.environment, &new.version);
    if (&known.service, &known.environment, &known.version) == announced {
        return Ok(Some(known));
    }
    Err(Rejection::KeyTaken {
        key: key.clone(),
        id: known.id,
        service: known.service.clone(),
        version: known.version.clone(),
        environment: known.environment.clone(),
    })
}

/// The end of the deploy under way that the announcement is about.
fn finished(state: &State, new: &NewDeploy, known: Option<&Deploy>) -> Option<Fact> {
    let status = match new.stage {
        Stage::Succeeded | Stage::RolledBack => DeployStatus::Live,
        Stage::Failed => DeployStatus::Failed,
        Stage::Started => return None,
    };
    let started = match known {
        Some(known) => Some(known).filter(|known| known.status == DeployStatus::Started),
        None => state.under_way(&new.service, &new.environment, &new.version),
    };
    // What is announced as a rollback ends a rollback, of the same deploy where it names one.
    let fits = |started: &&Deploy| match (new.stage, started.rolls_back) {
        (Stage::RolledBack, Some(undone)) => new.rolls_back.is_none_or(|named| named == undone),
        (Stage::RolledBack, None) => false,
        (Stage::Started | Stage::Succeeded | Stage::Failed, _) => true,
    };
    let started = started.filter(fits)?;
    Some(Fact::DeployFinished {
        id: started.id,
        service: started.service.clone(),
        environment: started.environment.clone(),
        version: started.version.clone(),
        status,
        at: new.at.max(started.at),
        idempotency_key: new.idempotency_key.clone(),
        by: new.by.clone(),
    })
}

/// Checks what a deploy, or a question about one, is about.
pub(crate) fn check_names(
    service: &str,
    version: &str,
    environment: &str,
) -> Result<(), Rejection> {
    for (what, text) in [("service", service), ("version", version)] {
        if text.trim().is_empty() {
            return Err(Rejection::Empty { what });
        }
        name(what, text)?;
    }
    name("environment", environment)
}

fn check_texts(new: &NewDeploy) -> Result<(), Rejection> {
    check_names(&new.service, &new.version, &new.environment)?;
    if let Some(previous) = &new.previous_version {
        name("previous version", previous)?;
    }
    if let Some(url) = &new.url {
        length("link", url, limits::TEXT_CHARS_MAX)?;
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web || url.chars().any(char::is_control) {
            return Err(bad("link", url, "is no link; it begins with `https://` or `http://`"));
        }
    }
    let key = new.idempotency_key.as_deref().unwrap_or("");
    length("idempotency key", key, limits::KEY_CHARS_MAX)
}

/// A name goes into pages and into the arguments of programs: one line, and never taken for an option.
fn name(what: &'static str, text: &str) -> Result<(), Rejection> {
    length(what, text, limits::NAME_CHARS_MAX)?;
    if text.chars().any(char::is_control) {
        return Err(bad(what, text, "holds control characters; write it on one line"));
    }
    if text.starts_with('-') {
        return Err(bad(
            what,
            text,
            "begins with `-`, so that a program could take it for an option",
        ));
    }
    Ok(())
}

fn bad(what: &'static str, text: &str, why: &'static str) -> Rejection {
    let text: String = text.chars().take(60).collect();
    Rejection::BadText { what, text: text.escape_debug().to_string().into(), why }
}

pub(crate) fn length(what: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    let chars = text.chars().count();
    if chars > max { Err(Rejection::TooLong { what, chars, max }) } else { Ok(()) }
}

/// Whether a rollback is announced that is on record: by Evenkeel, which ran it, and now by the program that it ran.
fn is_known_rollback(state: &State, new: &NewDeploy) -> bool {
    let newest = state.newest(&new.service, &new.environment);
    newest.is_some_and(|newest| {
        newest.version == new.version
            && newest.rolls_back.is_some()
            && match new.rolls_back {
                Some(undone) => newest.rolls_back == Some(undone),
                None => new.stage == Stage::RolledBack,
            }
    })
}

/// The deploy that this one undoes: the one that it names; for a rollback that names none, the newest.
fn undone(state: &State, new: &NewDeploy) -> Result<Option<DeployId>, Rejection> {
    if let Some(undone) = new.rolls_back {
        let known = state
            .deploy(undone)
            .ok_or_else(|| Rejection::UnknownDeploy(undone.to_string().into()))?;
        if known.service != new.service || known.environment != new.environment {
            return Err(Rejection::RollsBackElsewhere { undone });
        }
        return Ok(Some(undone));
    }
    if new.stage != Stage::RolledBack {
        return Ok(None);
    }
    let (service, environment) = (&new.service, &new.environment);
    let newest = state.newest(service, environment).ok_or_else(|| {
        Rejection::NothingToRollBack { service: service.clone(), environment: environment.clone() }
    })?;
    if newest.version == new.version {
        return Err(Rejection::WentNowhere {
            service: service.clone(),
            version: new.version.clone(),
        });
    }
    Ok(Some(newest.id))
}

/// The verdict that the deploy goes by.
///
/// A verdict holds for its service, environment and version, until it expires, and for one deploy: so what was judged is
/// what is deployed (time of check is time of use).
fn verdict(state: &State, new: &NewDeploy, now: Timestamp) -> Result<Option<GateId>, Rejection> {
    let Some(id) = new.gate else {
        // The last word counts: an older yes does not stand against a newer no.
        let asked = (&new.service, &new.environment, &new.version);
        let last = state.verdicts().rev().find(|record| {
            (&record.input.service, &record.input.environment, &record.input.version) == asked
        });
        let holds = |record: &&GateRecord| why_not(state, record, new, now).is_none();
        return Ok(last.filter(holds).map(|record| record.id));
    };
    let record = state.verdict(id).ok_or(Rejection::UnknownVerdict { id })?;
    match why_not(state, record, new, now) {
        None => Ok(Some(id)),
        Some(why) => Err(Rejection::VerdictDoesNotHold { id, why: why.into() }),
    }
}

fn why_not(state: &State, record: &GateRecord, new: &NewDeploy, now: Timestamp) -> Option<String> {
    let input = &record.input;
    let asked = (&input.service, &input.environment, &input.version);
    if asked != (&new.service, &new.environment, &new.version) {
        return Some(format!(
            "it was given for {} {} in `{}`",
            input.service, input.version, input.environment
        ));
    }
    if record.verdict.decision != Decision::Allow {
        return Some(record.verdict.sentence.to_string());
    }
    if record.expires_at < now.min(new.at) {
        return Some(format!("it expired at {}; ask the gate again", record.expires_at));
    }
    if new.at < input.at {
        return Some(format!("it was given at {}, after the deploy", input.at));
    }
    let user = state.deploys().rev().find(|deploy| deploy.gate == Some(record.id))?;
    Some(format!("{} went by it already; ask the gate again", user.id))
}
