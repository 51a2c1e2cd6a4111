//! When production is rolled back, and why not.
//!
//! A person may take back what runs now whenever there is a version before it ([`offered_rollback`]). Evenkeel does so
//! unasked ([`automatic_rollback`]) only when the policy says so, the first suspect is a deploy that runs now, and the
//! contrast between two versions that serve at the same time passes the policy's minimum. In doubt it does not act.

#[cfg(test)]
mod tests;

use std::time::Duration;

use model::{Actor, Timestamp};

use crate::{
    act::{Act, ActId, ActStatus, Action},
    command::RequestAct,
    policy::{RollbackMode, RollbackPolicy},
    record::{DeployId, DeployStatus, Place},
    state::State,
};

const HOUR: Duration = Duration::from_secs(3600);

/// What kind of suspect it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuspectKind {
    Deploy,
    Config,
    Dependency,
}

/// A suspect of an open incident, as `app` hands it over.
#[derive(Clone, Debug, PartialEq)]
pub struct SuspectEvidence {
    /// The incident's id as text.
    pub incident: Box<str>,
    /// 0 is the likeliest.
    pub rank: usize,
    pub kind: SuspectKind,
    pub place: Place,
    pub version: Option<Box<str>>,
    /// Whether the counts compare two versions that served at the same time.
    pub concurrent: bool,
    /// The share of failures that it explains, 0 to 1.
    pub score: f64,
    /// Requests on the suspect version that failed, and all of them.
    pub failed_on: u64,
    pub total_on: u64,
    /// The same of the version that it is compared with.
    pub failed_elsewhere: u64,
    pub total_elsewhere: u64,
    /// The chance that the contrast is an accident.
    pub p_value: Option<f64>,
    /// The sentence that people read.
    pub sentence: Box<str>,
}

/// A rollback that may be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub place: Place,
    pub from: Box<str>,
    pub to: Box<str>,
    pub deploy: DeployId,
    pub incident: Option<Box<str>>,
    pub automatic: bool,
    pub evidence: Box<str>,
}

impl Plan {
    /// The command that asks for it.
    pub fn request(self, id: ActId, by: Actor, idempotent: bool) -> RequestAct {
        RequestAct {
            id,
            action: Action::Rollback,
            place: self.place,
            from: self.from,
            to: self.to,
            deploy: Some(self.deploy),
            incident: self.incident,
            by,
            automatic: self.automatic,
            idempotent,
            evidence: self.evidence,
        }
    }

    /// What the button will do, such as `puts checkout 1.9.0 back in place of 2.0.0 in production`.
    pub fn preview(&self) -> String {
        let Place { service, environment } = &self.place;
        let place =
            if environment.is_empty() { String::new() } else { format!(" in {environment}") };
        format!("puts {service} {} back in place of {}{place}", self.to, self.from)
    }
}

/// Why nothing is rolled back; one sentence each.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WhyNot {
    #[error("the policy does not roll back")]
    ModeOff,
    #[error("the policy offers a rollback and leaves it to a person")]
    OfferOnly,
    #[error("the suspect is not the first; rolling it back would not help")]
    NotFirst,
    #[error("the first suspect is no deploy; there is nothing to roll back")]
    NotADeploy,
    #[error("nothing is on record of {place}")]
    UnknownPlace { place: String },
    #[error("{place} runs {running}, not the suspect {suspect}")]
    NotRunning { place: String, running: Box<str>, suspect: Box<str> },
    #[error("no version before {version} is on record for {place}")]
    NoVersionBefore { place: String, version: Box<str> },
    #[error("the version before, {version}, was itself rolled back")]
    VersionBeforeIsBad { version: Box<str> },
    #[error("{place} has gone back to {version} already")]
    WentBack { place: String, version: Box<str> },
    #[error("no other version serves beside {version} to compare it with")]
    NoContrast { version: Box<str> },
    #[error("{seen} requests on the {on} version are too few; {needed} are needed")]
    TooFewEvents { on: &'static str, seen: u64, needed: u64 },
    #[error("{share} % of requests on the suspect version fail; {needed} % are needed")]
    FailsTooSeldom { share: u64, needed: u64 },
    #[error("{share} % of requests on the other version fail too; at most {allowed} % are allowed")]
    FailsElsewhereToo { share: u64, allowed: u64 },
    #[error("the suspect explains {score} % of the failures; {needed} % are needed")]
    ExplainsTooLittle { score: u64, needed: u64 },
    #[error("the contrast between the versions may be an accident")]
    MayBeChance,
    #[error("`{act}` is {status} there; one act at a time is allowed")]
    ActInFlight { act: ActId, status: &'static str },
    #[error("`{act}` was interrupted there and its outcome is not known; a person must look first")]
    Interrupted { act: ActId },
    #[error("`{act}` tried to take {version} back before and {status}; a person must decide")]
    TriedBefore { act: ActId, version: Box<str>, status: &'static str },
    #[error(
        "an automatic act ran there {ago} s ago; the next waits until {cooldown} s have passed"
    )]
    CoolingDown { ago: u64, cooldown: u64 },
    #[error("{acts} automatic acts ran in the last hour, which is the limit")]
    BlastRadius { acts: u32 },
}

/// Whether the suspect is rolled back unasked.
///
/// # Errors
/// [`WhyNot`], for the first demand that is not met.
pub fn automatic_rollback(
    policy: &RollbackPolicy,
    suspect: &SuspectEvidence,
    state: &State,
    now: Timestamp,
) -> Result<Plan, WhyNot> {
    match policy.mode {
        RollbackMode::Off => return Err(WhyNot::ModeOff),
        RollbackMode::Offer => return Err(WhyNot::OfferOnly),
        RollbackMode::Automatic => {}
    }
    if suspect.rank != 0 {
        return Err(WhyNot::NotFirst);
    }
    let version = match (suspect.kind, &suspect.version) {
        (SuspectKind::Deploy, Some(version)) => version,
        (SuspectKind::Deploy | SuspectKind::Config | SuspectKind::Dependency, _) => {
            return Err(WhyNot::NotADeploy);
        }
    };
    contrast(policy, suspect, version)?;
    let mut plan = takes_back(state, &suspect.place, Some(version))?;
    guards(policy, state, &plan, now)?;
    plan.incident = Some(suspect.incident.clone());
    plan.automatic = true;
    plan.evidence = suspect.sentence.clone();
    Ok(plan)
}

/// What a person's button would do on a place; `incident` and `evidence` go on record.
///
/// # Errors
/// [`WhyNot`], when the policy is off, there is nothing to go back to, or an act is in flight.
pub fn offered_rollback(
    policy: &RollbackPolicy,
    state: &State,
    place: &Place,
    incident: Option<&str>,
    evidence: &str,
) -> Result<Plan, WhyNot> {
    if policy.mode == RollbackMode::Off {
        return Err(WhyNot::ModeOff);
    }
    let mut plan = takes_back(state, place, None)?;
    in_flight(state, place)?;
    plan.incident = incident.map(Into::into);
    plan.evidence = evidence.into();
    Ok(plan)
}

fn contrast(
    policy: &RollbackPolicy,
    suspect: &SuspectEvidence,
    version: &str,
) -> Result<(), WhyNot> {
    if !suspect.concurrent || suspect.total_elsewhere == 0 {
        return Err(WhyNot::NoContrast { version: version.into() });
    }
    let needed = policy.min_events.max(1);
    for (on, seen) in [("suspect", suspect.total_on), ("other", suspect.total_elsewhere)] {
        if seen < needed {
            return Err(WhyNot::TooFewEvents { on, seen, needed });
        }
    }
    let here = share(suspect.failed_on, suspect.total_on);
    if !at_least(here, policy.min_failing_share) {
        let needed = percent(policy.min_failing_share);
        return Err(WhyNot::FailsTooSeldom { share: percent(here), needed });
    }
    let there = share(suspect.failed_elsewhere, suspect.total_elsewhere);
    if !at_least(policy.max_failing_share_elsewhere, there) {
        let allowed = percent(policy.max_failing_share_elsewhere);
        return Err(WhyNot::FailsElsewhereToo { share: percent(there), allowed });
    }
    if !at_least(suspect.score, policy.min_score) {
        let needed = percent(policy.min_score);
        return Err(WhyNot::ExplainsTooLittle { score: percent(suspect.score), needed });
    }
    let likely = suspect.p_value.is_some_and(|p| at_least(policy.max_p_value, p));
    if likely { Ok(()) } else { Err(WhyNot::MayBeChance) }
}

/// False also when either is not a number: in doubt, do not act.
fn at_least(value: f64, least: f64) -> bool {
    value >= least
}

fn takes_back(state: &State, place: &Place, version: Option<&str>) -> Result<Plan, WhyNot> {
    let unknown = || WhyNot::UnknownPlace { place: place.to_string() };
    let current = state.current_at(place).ok_or_else(unknown)?;
    if let Some(suspect) = version.filter(|version| **version != *current.version) {
        return Err(WhyNot::NotRunning {
            place: place.to_string(),
            running: current.version.clone(),
            suspect: suspect.into(),
        });
    }
    let deploy = state.deploy(current.deploy).ok_or_else(unknown)?;
    if current.went_back || deploy.rolls_back.is_some() {
        let version = current.version.clone();
        return Err(WhyNot::WentBack { place: place.to_string(), version });
    }
    let to = deploy.previous.clone().ok_or_else(|| WhyNot::NoVersionBefore {
        place: place.to_string(),
        version: current.version.clone(),
    })?;
    let bad = state.deploys().rev().find(|old| old.place == *place && old.version == to);
    if bad.is_some_and(|old| old.status == DeployStatus::RolledBack) {
        return Err(WhyNot::VersionBeforeIsBad { version: to });
    }
    Ok(Plan {
        place: place.clone(),
        from: current.version.clone(),
        to,
        deploy: deploy.id,
        incident: None,
        automatic: false,
        evidence: "".into(),
    })
}

fn in_flight(state: &State, place: &Place) -> Result<(), WhyNot> {
    match state.act_in_flight(&place.service, &place.environment) {
        Some(act) => Err(WhyNot::ActInFlight { act: act.id, status: act.status.as_str() }),
        None => Ok(()),
    }
}

/// What keeps a machine from acting twice, or everywhere at once.
fn guards(
    policy: &RollbackPolicy,
    state: &State,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), WhyNot> {
    in_flight(state, &plan.place)?;
    let here = || state.acts().rev().filter(|act| act.place == plan.place);
    if let Some(act) = here().next().filter(|act| is_interrupted(act)) {
        return Err(WhyNot::Interrupted { act: act.id });
    }
    if let Some(act) = here().find(|act| act.deploy == Some(plan.deploy)) {
        return Err(WhyNot::TriedBefore {
            act: act.id,
            version: plan.from.clone(),
            status: act.status.as_str(),
        });
    }
    let last = here().filter(|act| act.automatic).map(|act| act.requested_at).max();
    if let Some(ago) = last.map(|at| now.since(at)).filter(|ago| *ago < policy.cooldown) {
        let cooldown = policy.cooldown.as_secs();
        return Err(WhyNot::CoolingDown { ago: ago.as_secs(), cooldown });
    }
    let lately = state.acts().filter(|act| act.automatic && now.since(act.requested_at) < HOUR);
    let acts = u32::try_from(lately.count()).unwrap_or(u32::MAX);
    if acts >= policy.acts_per_hour_max { Err(WhyNot::BlastRadius { acts }) } else { Ok(()) }
}

fn is_interrupted(act: &Act) -> bool {
    matches!(act.status, ActStatus::Interrupted { .. })
}

#[expect(clippy::cast_precision_loss, reason = "counts under 2^53")]
fn share(failed: u64, total: u64) -> f64 {
    failed as f64 / total as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped, for words")]
fn percent(share: f64) -> u64 {
    (share * 100.0).round().clamp(0.0, 100.0) as u64
}
