//! The decider over small histories.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    automatic::{RollbackEvidence, plan},
    fact::apply,
    policy::{Policy, RollbackMode},
    record::DeployId,
};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn new(id: u128, version: &str, secs: i64) -> NewDeploy {
    NewDeploy {
        id: DeployId::from_u128(id),
        service: "checkout".into(),
        environment: "prod".into(),
        version: version.into(),
        previous_version: None,
        at: at(secs),
        by: Actor::system("test"),
        url: None,
        rolls_back: None,
        idempotency_key: None,
    }
}

fn run(state: &mut State, command: &Command, now: Timestamp) -> Result<usize, Rejection> {
    let facts = decide(state, command, now)?;
    facts.iter().for_each(|fact| apply(state, fact));
    Ok(facts.len())
}

fn record(state: &mut State, deploy: NewDeploy) -> usize {
    let now = deploy.at;
    run(state, &Command::Record { deploy }, now).unwrap()
}

/// 1.9.0, then 2.0.0, which fails.
fn two_deploys() -> State {
    let mut state = State::default();
    record(&mut state, new(1, "1.9.0", 0));
    record(&mut state, new(2, "2.0.0", 100));
    state
}

fn automatic() -> Policy {
    let mut policy = Policy::default();
    policy.rollback.mode = RollbackMode::Automatic;
    policy
}

const STRONG: RollbackEvidence = RollbackEvidence {
    suspect_failed: 500,
    suspect_total: 500,
    others_failed: 0,
    others_total: 500,
};

#[test]
fn the_version_before_is_known_from_the_record() {
    let state = two_deploys();
    let newest = state.newest("checkout", "prod").unwrap();
    assert_eq!((&*newest.version, newest.previous_version.as_deref()), ("2.0.0", Some("1.9.0")));
}

#[test]
fn an_idempotency_key_records_once() {
    let mut state = State::default();
    let keyed = |id| NewDeploy { idempotency_key: Some("run-17".into()), ..new(id, "2.0.0", 0) };
    assert_eq!(record(&mut state, keyed(1)), 1);
    assert_eq!(record(&mut state, keyed(2)), 0);
}

#[test]
fn a_deploy_reported_late_is_not_what_runs_now() {
    let mut state = two_deploys();
    record(&mut state, new(3, "1.8.0", 50));
    assert_eq!(&*state.newest("checkout", "prod").unwrap().version, "2.0.0");
}

#[test]
fn strong_evidence_makes_a_plan() {
    let state = two_deploys();
    let deploy = state.newest("checkout", "prod").unwrap();
    let plan = plan(&state, &automatic(), deploy, STRONG, at(200)).unwrap();
    assert_eq!((&*plan.from_version, &*plan.to_version), ("2.0.0", "1.9.0"));
    assert_eq!(
        plan.reason,
        "100.0 % of 500 requests on 2.0.0 fail; of 500 on other versions 0.0 %"
    );
}

#[test]
fn weak_evidence_is_left_to_people() {
    let state = two_deploys();
    let deploy = state.newest("checkout", "prod").unwrap();
    let check = |evidence: RollbackEvidence, expected: &str| {
        let why = plan(&state, &automatic(), deploy, evidence, at(200)).unwrap_err();
        assert!(why.to_string().contains(expected), "{why}");
    };
    check(RollbackEvidence { suspect_total: 49, suspect_failed: 49, ..STRONG }, "only 49 requests");
    check(
        RollbackEvidence { suspect_failed: 200, ..STRONG },
        "40.0 % of the requests on 2.0.0 fail",
    );
    check(
        RollbackEvidence { others_failed: 480, ..STRONG },
        "96.0 % of the requests on other versions fail too",
    );
    check(RollbackEvidence { others_total: 0, ..STRONG }, "cannot be told from the rest");
    let why = plan(&state, &Policy::default(), deploy, STRONG, at(200)).unwrap_err();
    assert!(matches!(why, WhyNot::LeftToPeople { .. }));
    let first = state.deploy(DeployId::from_u128(1)).unwrap();
    assert!(matches!(
        plan(&state, &automatic(), first, STRONG, at(200)),
        Err(WhyNot::NoPreviousVersion { .. })
    ));
}

#[test]
fn an_act_runs_once_and_alone() {
    let mut state = two_deploys();
    let deploy = state.newest("checkout", "prod").unwrap().clone();
    let plan_of = |state: &State| plan(state, &automatic(), &deploy, STRONG, at(200));
    let request = |id, plan: RollbackPlan| Command::RequestAct {
        id: ActId::from_u128(id),
        plan,
        incident: None,
        automatic: true,
        reason: "it fails".into(),
        command: "roll-back".into(),
        by: Actor::system("test"),
    };
    let first = plan_of(&state).unwrap();
    assert_eq!(run(&mut state, &request(1, first.clone()), at(200)), Ok(1));
    assert!(matches!(run(&mut state, &request(2, first), at(201)), Err(Rejection::NotOffered(_))));
    let start = Command::StartAct { id: ActId::from_u128(1) };
    assert_eq!(run(&mut state, &start, at(202)), Ok(1));
    assert!(matches!(run(&mut state, &start, at(203)), Err(Rejection::StartedAlready { .. })));
    let interrupted = interrupted(&state);
    assert_eq!(interrupted.len(), 1);
    assert_eq!(run(&mut state, &interrupted[0], at(204)), Ok(1));
    assert!(matches!(run(&mut state, &start, at(205)), Err(Rejection::Ended { .. })));
    assert_eq!(plan_of(&state), Err(WhyNot::TriedBefore));
}

#[test]
fn a_rollback_marks_what_it_undoes() {
    let mut state = two_deploys();
    let back = NewDeploy { rolls_back: Some(DeployId::from_u128(2)), ..new(3, "1.9.0", 300) };
    record(&mut state, back);
    assert_eq!(state.deploy(DeployId::from_u128(2)).unwrap().status, DeployStatus::RolledBack);
}

#[test]
fn refuses_what_is_malformed() {
    let state = State::default();
    let check = |deploy: NewDeploy, expected: &str| {
        let error = decide(&state, &Command::Record { deploy }, at(0)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(NewDeploy { service: " ".into(), ..new(1, "1", 0) }, "a deploy needs a service");
    let long = NewDeploy { version: "v".repeat(201).into(), ..new(1, "1", 0) };
    check(long, "the version has 201 characters; at most 200 are allowed");
}

proptest! {
    #[test]
    fn replaying_the_facts_gives_the_same_state(steps in prop::collection::vec((0_u8..5, 1_u128..6, 0_i64..100), 0..60)) {
        let (mut state, mut facts) = (State::default(), Vec::new());
        let mut now = 0;
        for (kind, id, wait) in steps {
            now += wait;
            let command = command(&state, kind, id, now);
            if let Ok(new) = decide(&state, &command, at(now)) {
                new.iter().for_each(|fact| apply(&mut state, fact));
                facts.extend(new);
            }
        }
        let mut replayed = State::default();
        facts.iter().for_each(|fact| apply(&mut replayed, fact));
        prop_assert_eq!(replayed, state);
    }
}

fn command(state: &State, kind: u8, id: u128, now: i64) -> Command {
    let start = Command::StartAct { id: ActId::from_u128(id) };
    match kind {
        0 => Command::Record { deploy: new(id, &format!("{id}.0"), now) },
        1 => {
            let newest = state.newest("checkout", "prod");
            let plan = newest.map(|deploy| plan(state, &automatic(), deploy, STRONG, at(now)));
            match plan {
                Some(Ok(plan)) => Command::RequestAct {
                    id: ActId::from_u128(id),
                    plan,
                    incident: None,
                    automatic: true,
                    reason: "it fails".into(),
                    command: "roll-back".into(),
                    by: Actor::system("test"),
                },
                _ => start,
            }
        }
        2 => start,
        3 => Command::EndAct { id: ActId::from_u128(id), outcome: ActOutcome::Interrupted },
        _ => Command::Record {
            deploy: NewDeploy {
                rolls_back: Some(DeployId::from_u128(id)),
                ..new(
                    id + 100,
                    "1.0",
                    now + i64::try_from(Duration::from_secs(1).as_secs()).unwrap(),
                )
            },
        },
    }
}
