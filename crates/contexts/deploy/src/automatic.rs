//! Whether the evidence against a deploy is strong enough to undo it without asking.

use model::Timestamp;

use crate::{
    policy::{Policy, RollbackMode},
    record::{Deploy, DeployId, DeployStatus},
    state::State,
};

/// Nothing is undone without asking on a contrast that chance makes more often than this.
const P_MAX: f64 = 0.001;

/// What was counted on the suspect's version and on the others while the service failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RollbackEvidence {
    pub suspect_failed: u64,
    pub suspect_total: u64,
    pub others_failed: u64,
    pub others_total: u64,
    /// How often chance alone makes such a contrast, 0 to 1; `None` where it was not tested, which proves nothing.
    pub p_value: Option<f64>,
}

/// What would be rolled back.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPlan {
    pub deploy: DeployId,
    pub service: Box<str>,
    pub environment: Box<str>,
    pub from_version: Box<str>,
    pub to_version: Box<str>,
    /// The evidence in one sentence.
    pub reason: String,
}

/// Why nothing is rolled back by itself; each text is a sentence for the page.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WhyNot {
    #[error("the policy `{policy}` switches rollbacks off")]
    SwitchedOff { policy: Box<str> },
    #[error("the policy `{policy}` leaves rollbacks to people")]
    LeftToPeople { policy: Box<str> },
    #[error("the version before {version} is not known")]
    NoPreviousVersion { version: Box<str> },
    #[error("{version} is no longer the newest deploy of {service}")]
    Superseded { service: Box<str>, version: Box<str> },
    #[error(
        "{version} of {service} is itself a way back; what it took back is not put there again"
    )]
    WentBack { service: Box<str>, version: Box<str> },
    #[error("the version before, {version}, was itself rolled back")]
    VersionBeforeIsBad { version: Box<str> },
    #[error("only {seen} requests were seen on {version}; the policy asks for {min}")]
    TooFewEvents { version: Box<str>, seen: u64, min: u64 },
    #[error("{share:.1} % of the requests on {version} fail; the policy asks for {min:.1} %")]
    FailsTooLittle { version: Box<str>, share: f64, min: f64 },
    #[error(
        "{share:.1} % of the requests on other versions fail too; the policy allows {max:.1} %"
    )]
    OthersFailToo { share: f64, max: f64 },
    #[error(
        "no request on another version was seen since, so {version} cannot be told from the rest"
    )]
    NoContrast { version: Box<str> },
    #[error("chance makes such a contrast too often (p = {p:.4}; at most {max} is taken as proof)")]
    MayBeChance { p: f64, max: f64 },
    #[error("whether chance makes such a contrast was not tested")]
    NotTested,
    #[error("the deploy of {version} failed, so what runs is not known")]
    DeployFailed { version: Box<str> },
    #[error("another act on {service} is under way")]
    UnderWay { service: Box<str> },
    #[error("{count} automatic acts on {service} in the last hour; the policy allows {max}")]
    TooOften { service: Box<str>, count: usize, max: u32 },
    #[error("it was tried already and is not repeated by itself")]
    TriedBefore,
}

/// The plan to undo `deploy`, or why it is left to people.
///
/// `others` without requests means that no contrast between versions exists: then it is left to people.
///
/// # Errors
/// The first reason against it.
pub fn plan(
    state: &State,
    policy: &Policy,
    deploy: &Deploy,
    evidence: RollbackEvidence,
    now: Timestamp,
) -> Result<RollbackPlan, WhyNot> {
    let offer = offer(state, policy, deploy)?;
    let rules = &policy.rollback;
    let version = || deploy.version.clone();
    if rules.mode != RollbackMode::Automatic {
        return Err(WhyNot::LeftToPeople { policy: policy.name.clone() });
    }
    if evidence.suspect_total < rules.min_events {
        return Err(WhyNot::TooFewEvents {
            version: version(),
            seen: evidence.suspect_total,
            min: rules.min_events,
        });
    }
    let share = ratio(evidence.suspect_failed, evidence.suspect_total);
    if share < rules.min_failing_share {
        let min = rules.min_failing_share * 100.0;
        return Err(WhyNot::FailsTooLittle { version: version(), share: share * 100.0, min });
    }
    if evidence.others_total == 0 {
        return Err(WhyNot::NoContrast { version: version() });
    }
    let elsewhere = ratio(evidence.others_failed, evidence.others_total);
    if elsewhere > rules.max_failing_share_elsewhere {
        let max = rules.max_failing_share_elsewhere * 100.0;
        return Err(WhyNot::OthersFailToo { share: elsewhere * 100.0, max });
    }
    let p = evidence.p_value.ok_or(WhyNot::NotTested)?;
    if p.is_nan() || p > P_MAX {
        return Err(WhyNot::MayBeChance { p, max: P_MAX });
    }
    if state.acts().any(|act| act.deploy == deploy.id) {
        return Err(WhyNot::TriedBefore);
    }
    let count = state.automatic_acts_within_hour(&deploy.service, &deploy.environment, now);
    if count >= usize::try_from(rules.max_per_hour).unwrap_or(usize::MAX) {
        return Err(WhyNot::TooOften {
            service: deploy.service.clone(),
            count,
            max: rules.max_per_hour,
        });
    }
    let reason = format!(
        "{:.1} % of {} requests on {} fail; of {} on other versions {:.1} %",
        share * 100.0,
        evidence.suspect_total,
        deploy.version,
        evidence.others_total,
        elsewhere * 100.0
    );
    Ok(RollbackPlan { reason, ..offer })
}

/// What a person may roll back: the newest deploy, unless the policy switches rollbacks off.
///
/// # Errors
/// What stands against it.
pub fn offer(state: &State, policy: &Policy, deploy: &Deploy) -> Result<RollbackPlan, WhyNot> {
    if policy.rollback.mode == RollbackMode::Off {
        return Err(WhyNot::SwitchedOff { policy: policy.name.clone() });
    }
    can_undo(state, deploy)
}

/// The newest deploy can be undone, when the version before it is known and no act is under way.
///
/// # Errors
/// What stands against it.
pub(crate) fn can_undo(state: &State, deploy: &Deploy) -> Result<RollbackPlan, WhyNot> {
    let service = || deploy.service.clone();
    if deploy.rolls_back.is_some() {
        return Err(WhyNot::WentBack { service: service(), version: deploy.version.clone() });
    }
    let Some(to_version) = deploy.previous_version.clone() else {
        return Err(WhyNot::NoPreviousVersion { version: deploy.version.clone() });
    };
    let newest = state.newest(&deploy.service, &deploy.environment);
    if deploy.status == DeployStatus::Failed {
        return Err(WhyNot::DeployFailed { version: deploy.version.clone() });
    }
    if deploy.status == DeployStatus::RolledBack
        || newest.is_none_or(|newest| newest.id != deploy.id)
    {
        return Err(WhyNot::Superseded { service: service(), version: deploy.version.clone() });
    }
    let before = state.last_of(&deploy.service, &deploy.environment, &to_version);
    if before.is_some_and(|before| before.status == DeployStatus::RolledBack) {
        return Err(WhyNot::VersionBeforeIsBad { version: to_version });
    }
    if state.open_act(&deploy.service, &deploy.environment).is_some() {
        return Err(WhyNot::UnderWay { service: service() });
    }
    Ok(RollbackPlan {
        deploy: deploy.id,
        service: service(),
        environment: deploy.environment.clone(),
        from_version: deploy.version.clone(),
        to_version,
        reason: String::new(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of minutes")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
