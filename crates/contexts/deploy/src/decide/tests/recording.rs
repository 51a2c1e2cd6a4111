//! Announcements of deploys: rollouts with a beginning and an end, rollbacks, and verdicts that let them pass.

use super::*;

fn staged(id: u128, version: &str, secs: i64, stage: Stage) -> NewDeploy {
    NewDeploy { stage, ..new(id, version, secs) }
}

fn refused(state: &State, deploy: NewDeploy) -> String {
    let now = deploy.at;
    decide(state, &Command::Record { deploy }, now).unwrap_err().to_string()
}

#[test]
fn a_rollout_begins_and_ends() {
    let mut state = two_deploys();
    record(&mut state, staged(3, "2.1.0", 200, Stage::Started));
    let id = DeployId::from_u128(3);
    assert_eq!(state.newest("checkout", "prod").unwrap().id, id, "some of it serves already");
    assert_eq!(state.deploy(id).unwrap().finished_at, None);
    assert!(
        offer(&state, &Policy::default(), state.deploy(id).unwrap()).is_ok(),
        "it can be undone half-way"
    );
    assert_eq!(record(&mut state, staged(4, "2.1.0", 260, Stage::Succeeded)), 1);
    let done = state.deploy(id).unwrap();
    assert_eq!((done.status, done.finished_at), (DeployStatus::Live, Some(at(260))));
    assert!(state.deploy(DeployId::from_u128(4)).is_none(), "it is the same deploy");
}

#[test]
fn one_that_failed_is_not_what_runs() {
    let mut state = two_deploys();
    record(&mut state, staged(3, "2.1.0", 200, Stage::Started));
    record(&mut state, staged(4, "2.1.0", 260, Stage::Failed));
    assert_eq!(&*state.newest("checkout", "prod").unwrap().version, "2.0.0");
    let failed = state.deploy(DeployId::from_u128(3)).unwrap();
    assert!(matches!(offer(&state, &Policy::default(), failed), Err(WhyNot::DeployFailed { .. })));
    record(&mut state, staged(5, "2.2.0", 300, Stage::Failed));
    assert_eq!(&*state.newest("checkout", "prod").unwrap().version, "2.0.0");
}

#[test]
fn each_end_is_heard_once() {
    let mut state = State::default();
    let keyed = |id, secs, stage, key: &str| NewDeploy {
        idempotency_key: Some(key.into()),
        ..staged(id, "2.0.0", secs, stage)
    };
    assert_eq!(record(&mut state, keyed(1, 0, Stage::Started, "run")), 1);
    assert_eq!(record(&mut state, keyed(2, 9, Stage::Succeeded, "end")), 1);
    assert_eq!(record(&mut state, keyed(3, 9, Stage::Succeeded, "end")), 0);
    assert_eq!(record(&mut state, keyed(4, 9, Stage::Started, "run")), 0);
    assert_eq!(state.deploys().count(), 1);
}

#[test]
fn a_rollback_undoes_the_newest() {
    let mut state = two_deploys();
    assert_eq!(
        refused(&state, staged(3, "2.0.0", 200, Stage::RolledBack)),
        "2.0.0 of checkout is the newest deploy on record; after a rollback, name the version that runs now"
    );
    let cart = NewDeploy { service: "cart".into(), ..staged(3, "1", 200, Stage::RolledBack) };
    assert!(refused(&state, cart).contains("no deploy of cart is on record in `prod`"));
    record(&mut state, staged(3, "1.9.0", 200, Stage::RolledBack));
    assert_eq!(state.deploy(DeployId::from_u128(2)).unwrap().status, DeployStatus::RolledBack);
    let back = state.newest("checkout", "prod").unwrap();
    assert_eq!((&*back.version, back.rolls_back), ("1.9.0", Some(DeployId::from_u128(2))));
}

#[test]
fn the_same_version_again_goes_back_to_where_it_came_from() {
    let mut state = two_deploys();
    record(&mut state, new(3, "2.0.0", 200));
    let again = state.newest("checkout", "prod").unwrap();
    assert_eq!(
        (again.id, again.previous_version.as_deref()),
        (DeployId::from_u128(3), Some("1.9.0"))
    );
}

/// A verdict on `version`, given at `secs`; its service has no SLO when `is_known` is false.
fn verdict(state: &mut State, id: u128, version: &str, secs: i64, is_known: bool) {
    let budget = BudgetReading { slo: "a".into(), remaining: Some(0.5), burning: None };
    let input = GateInput {
        service: "checkout".into(),
        version: version.into(),
        environment: "prod".into(),
        at: at(secs),
        budgets: if is_known { vec![budget] } else { Vec::new() },
        incidents: Vec::new(),
        telemetry_at: Some(at(secs)),
        journal_whole: true,
        freezes: Vec::new(),
        is_way_back: false,
        policy: GatePolicy::default(),
    };
    let by = Actor::system("test");
    let command = Command::Gate { id: GateId::from_u128(id), input, config_hash: None, by };
    run(state, &command, at(secs)).unwrap();
}

#[test]
fn a_verdict_lets_just_what_it_judged_pass() {
    let mut state = two_deploys();
    verdict(&mut state, 1, "2.1.0", 200, true);
    verdict(&mut state, 2, "2.1.0", 200, false);
    let by = |gate, deploy: NewDeploy| NewDeploy { gate: Some(GateId::from_u128(gate)), ..deploy };
    let check = |state: &State, deploy, expected: &str| {
        let why = refused(state, deploy);
        assert!(why.contains(expected), "{why}");
    };
    check(&state, by(9, new(3, "2.1.0", 210)), "no verdict of the gate has the id");
    check(&state, by(1, new(3, "2.1.1", 210)), "it was given for checkout 2.1.0 in `prod`");
    check(&state, by(2, new(3, "2.1.0", 210)), "inconclusive: checkout has no SLO");
    check(&state, by(1, new(3, "2.1.0", 801)), "it expired at");
    check(&state, by(1, new(3, "2.1.0", 199)), "after the deploy");
    record(&mut state, by(1, new(3, "2.1.0", 210)));
    check(&state, by(1, new(4, "2.1.0", 220)), "went by it already");
}

#[test]
fn a_deploy_that_names_no_verdict_goes_by_the_newest_that_holds() {
    let mut state = two_deploys();
    verdict(&mut state, 1, "2.1.0", 200, true);
    verdict(&mut state, 2, "2.1.0", 300, false);
    record(&mut state, new(3, "2.1.0", 310));
    let third = state.deploy(DeployId::from_u128(3)).unwrap();
    assert_eq!(third.gate, None, "the last word was no");
    verdict(&mut state, 3, "2.1.0", 320, true);
    record(&mut state, new(4, "2.1.0", 330));
    record(&mut state, new(5, "2.1.0", 340));
    let gate = |id| state.deploy(DeployId::from_u128(id)).unwrap().gate;
    assert_eq!((gate(4), gate(5)), (Some(GateId::from_u128(3)), None), "it lets one pass");
}

#[test]
fn a_rollback_announced_twice_is_one() {
    let mut state = two_deploys();
    assert_eq!(record(&mut state, staged(3, "1.9.0", 200, Stage::RolledBack)), 1);
    assert_eq!(record(&mut state, staged(4, "1.9.0", 210, Stage::RolledBack)), 0);
    let named = NewDeploy { rolls_back: Some(DeployId::from_u128(2)), ..new(5, "1.9.0", 220) };
    assert_eq!(record(&mut state, named), 0);
    assert_eq!(record(&mut state, new(6, "1.9.0", 230)), 1, "deployed anew");
}

/// A rollback of deploy 2 to 1.9.0.
fn back(id: u128, secs: i64, stage: Stage) -> NewDeploy {
    NewDeploy { rolls_back: Some(DeployId::from_u128(2)), ..staged(id, "1.9.0", secs, stage) }
}

#[test]
fn a_rollback_undoes_only_once_it_is_live() {
    use DeployStatus::{Live, RolledBack};
    let check = |announced: &[Stage], undone: DeployStatus, runs: &str| {
        let mut state = two_deploys();
        for (at, stage) in announced.iter().enumerate() {
            let at = u8::try_from(at).unwrap();
            let new = back(3 + u128::from(at), 200 + 10 * i64::from(at), *stage);
            assert_eq!(record(&mut state, new), 1, "{announced:?}");
        }
        let bad = state.deploy(DeployId::from_u128(2)).unwrap();
        assert_eq!(bad.status, undone, "{announced:?}");
        assert_eq!(&*state.newest("checkout", "prod").unwrap().version, runs, "{announced:?}");
        let offered = offer(&state, &Policy::default(), bad).is_ok();
        assert_eq!(offered, runs == "2.0.0", "{announced:?}");
    };
    check(&[Stage::Started], Live, "1.9.0");
    check(&[Stage::Started, Stage::Succeeded], RolledBack, "1.9.0");
    check(&[Stage::Started, Stage::RolledBack], RolledBack, "1.9.0");
    check(&[Stage::Started, Stage::Failed], Live, "2.0.0");
    check(&[Stage::Started, Stage::Failed, Stage::RolledBack], RolledBack, "1.9.0");
    check(&[Stage::Failed], Live, "2.0.0");
    check(&[Stage::RolledBack], RolledBack, "1.9.0");
}

#[test]
fn a_key_of_another_deploy_is_refused_and_ends_nothing() {
    let keyed = |deploy| NewDeploy { idempotency_key: Some("run-17".into()), ..deploy };
    let mut state = State::default();
    record(&mut state, keyed(staged(1, "2.0.0", 0, Stage::Started)));
    let done = staged(2, "2.0.0", 10, Stage::Succeeded);
    for other in [
        NewDeploy { service: "cart".into(), ..done.clone() },
        NewDeploy { environment: "staging".into(), ..done.clone() },
        NewDeploy { version: "2.0.1".into(), ..done.clone() },
    ] {
        assert_eq!(
            refused(&state, keyed(other)),
            format!(
                "the idempotency key `run-17` was used for `{}`, which is checkout 2.0.0 in `prod`; use a key of its own",
                DeployId::from_u128(1)
            )
        );
    }
    assert_eq!(record(&mut state, keyed(done)), 1);
    assert_eq!(state.deploy(DeployId::from_u128(1)).unwrap().status, DeployStatus::Live);
}

#[test]
fn names_are_one_line_and_no_option() {
    let state = State::default();
    let check = |deploy, expected: &str| {
        let why = refused(&state, deploy);
        assert!(why.contains(expected), "{why}");
    };
    check(new(1, "--force", 0), "begins with `-`");
    check(new(1, "2.0\n", 0), "holds control characters");
    check(NewDeploy { environment: "a\0".into(), ..new(1, "2", 0) }, "holds control characters");
    check(NewDeploy { url: Some("javascript:alert(1)".into()), ..new(1, "2", 0) }, "is no link");
}

#[test]
fn a_policy_can_switch_rollbacks_off() {
    let state = two_deploys();
    let mut policy = automatic();
    policy.rollback.mode = RollbackMode::Off;
    let newest = state.newest("checkout", "prod").unwrap();
    assert!(matches!(offer(&state, &policy, newest), Err(WhyNot::SwitchedOff { .. })));
    assert!(matches!(
        plan(&state, &policy, newest, STRONG, at(200)),
        Err(WhyNot::SwitchedOff { .. })
    ));
}
