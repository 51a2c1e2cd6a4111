//! The decider over small histories.

mod recording;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    automatic::{RollbackEvidence, offer, plan},
    fact::apply,
    gate::{BudgetReading, Decision, Freeze, IncidentReading, ReplayError, replay},
    policy::{GatePolicy, Policy, RollbackMode},
    record::{DeployId, DeployStatus, Stage},
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
        stage: Stage::Succeeded,
        at: at(secs),
        by: Actor::system("test"),
        url: None,
        rolls_back: None,
        gate: None,
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
    p_value: Some(1e-12),
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
    check(RollbackEvidence { p_value: Some(0.02), ..STRONG }, "chance makes such a contrast");
    check(RollbackEvidence { p_value: Some(f64::NAN), ..STRONG }, "chance makes such a contrast");
    check(RollbackEvidence { p_value: None, ..STRONG }, "was not tested");
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
fn what_was_taken_back_is_not_offered_again() {
    let mut state = two_deploys();
    let back = NewDeploy { rolls_back: Some(DeployId::from_u128(2)), ..new(3, "1.9.0", 300) };
    record(&mut state, back);
    let newest = state.newest("checkout", "prod").unwrap();
    assert!(matches!(offer(&state, &Policy::default(), newest), Err(WhyNot::WentBack { .. })));
    record(
        &mut state,
        NewDeploy { previous_version: Some("2.0.0".into()), ..new(4, "2.0.1", 400) },
    );
    let newest = state.newest("checkout", "prod").unwrap();
    assert_eq!(
        plan(&state, &automatic(), newest, STRONG, at(500)),
        Err(WhyNot::VersionBeforeIsBad { version: "2.0.0".into() })
    );
    record(&mut state, new(5, "2.0.0", 600));
    record(&mut state, new(6, "2.0.1", 700));
    let newest = state.newest("checkout", "prod").unwrap();
    assert!(
        offer(&state, &Policy::default(), newest).is_ok(),
        "2.0.0 was deployed again since, and stayed"
    );
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
    check(
        new(1, "1", 301),
        "the deploy's time `1970-01-01T00:05:01Z` lies in the future; now is `1970-01-01T00:00:00Z`",
    );
    let state = two_deploys();
    let refused =
        |deploy: NewDeploy| decide(&state, &Command::Record { deploy }, at(500)).unwrap_err();
    assert!(matches!(refused(new(1, "3.0.0", 500)), Rejection::IdTaken(_)));
    let cart = NewDeploy { service: "cart".into(), ..new(7, "1", 500) };
    let elsewhere = NewDeploy { rolls_back: Some(DeployId::from_u128(2)), ..cart };
    assert!(matches!(refused(elsewhere), Rejection::RollsBackElsewhere { .. }));
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

proptest! {
    #[test]
    fn a_verdict_on_record_replays(
        budgets in prop::collection::vec((prop::option::of(-1.0..1.0_f64), any::<bool>()), 0..3),
        incidents in 0..3_usize,
        seen in prop::option::of(0..900_i64),
        flags in prop::array::uniform7(any::<bool>()),
        least in 0.0..0.5_f64,
    ) {
        let [journal_whole, is_way_back, frozen, allow_rollback, check_budget, check_burning, check_telemetry] = flags;
        let input = GateInput {
            service: "checkout".into(),
            version: "2.0.1".into(),
            environment: "prod".into(),
            at: at(1000),
            budgets: budgets.into_iter().map(|(remaining, burns)| BudgetReading {
                slo: "availability".into(),
                remaining,
                burning: burns.then(|| "20.0x over 1h".into()),
            }).collect(),
            incidents: ["checkout", "payment"].iter().take(incidents).map(|service| IncidentReading {
                number: "INC-1".into(),
                service: (*service).into(),
                title: "it fails".into(),
            }).collect(),
            telemetry_at: seen.map(|ago| at(1000 - ago)),
            journal_whole,
            freezes: frozen.then(|| Freeze { from: at(0), to: at(2000), reason: "sale".into(), services: vec![] }).into_iter().collect(),
            is_way_back,
            policy: GatePolicy {
                min_budget_left: least,
                allow_rollback,
                check_budget,
                check_burning,
                check_telemetry,
                ..GatePolicy::default()
            },
        };
        let id = GateId::from_u128(1);
        let gate = Command::Gate { id, input: input.clone(), config_hash: None, by: Actor::system("test") };
        let facts = decide(&State::default(), &gate, at(1000)).unwrap();
        let verdict = replay(&facts[0]).unwrap();
        prop_assert_eq!(&verdict, &judge(&input));
        // Unknown never passes.
        let unknown = !journal_whole || (check_telemetry && seen.is_none_or(|ago| ago > 300));
        prop_assert!(!unknown || verdict.decision != Decision::Allow);
        prop_assert!(!frozen || verdict.decision != Decision::Allow);
        let changed = match facts[0].clone() {
            Fact::GateDecided { id, input, mut verdict, config_hash, expires_at, by } => {
                verdict.sentence = "it is fine".into();
                Fact::GateDecided { id, input, verdict, config_hash, expires_at, by }
            }
            other => other,
        };
        prop_assert!(matches!(replay(&changed), Err(ReplayError::Differs { .. })), "a changed record shows");
    }
}
