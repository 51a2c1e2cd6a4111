//! What the journal does not take: one order fails, and nothing else does.

use app::{
    command::{Command, Rejection},
    control::Order,
};
use deploy::{NewDeploy, Stage};
use journal::FailAt;
use model::{Clock, Timestamp};
use slo::Bucket;

use crate::sim::{Sim, person, world};

fn calm() -> Sim {
    let mut sim = Sim::new(1);
    sim.is_rough = false;
    sim
}

fn deploy(sim: &mut Sim, version: &str) -> Command {
    let deploy = NewDeploy {
        id: sim.id(),
        service: "checkout".into(),
        environment: world::ENVIRONMENT.into(),
        version: version.into(),
        previous_version: None,
        stage: Stage::Succeeded,
        at: sim.time.now(),
        by: person(),
        url: None,
        rolls_back: None,
        gate: None,
        idempotency_key: None,
    };
    Command::Deploy(deploy::Command::Record { deploy })
}

fn order(command: Command) -> Order {
    Order { actor: person(), command }
}

fn versions(sim: &Sim) -> Vec<Box<str>> {
    sim.state.deploys.deploys().map(|deploy| deploy.version.clone()).collect()
}

#[test]
fn a_full_disk_rejects_the_batch_and_changes_nothing() {
    let mut sim = calm();
    let first = deploy(&mut sim, "1.0");
    sim.order(first).unwrap().unwrap();
    let (second, now) = (deploy(&mut sim, "2.0"), sim.time.now());
    sim.disk.journal.lock().fail_next(FailAt::DiskFull);
    let (answers, records) =
        sim.core.run(&mut sim.state, vec![order(second.clone())], now, &mut || false).unwrap();
    assert!(matches!(answers[..], [Err(Rejection::DiskFull)]) && records.is_empty());
    assert_eq!(versions(&sim), ["1.0".into()]);
    sim.order(second).unwrap().unwrap();
    assert_eq!(versions(&sim), ["1.0".into(), "2.0".into()]);
}

#[test]
fn what_is_too_large_for_the_journal_is_rejected_alone() {
    let mut sim = calm();
    let by = model::Actor { id: "x".repeat(1 << 20).into(), ..person() };
    let large = Order { actor: by, command: deploy(&mut sim, "1.0") };
    let (small, now) = (deploy(&mut sim, "2.0"), sim.time.now());
    let orders = vec![large, order(small)];
    let (answers, _) = sim.core.run(&mut sim.state, orders, now, &mut || false).unwrap();
    assert!(matches!(answers[0], Err(Rejection::TooLarge(_))) && answers[1].is_ok());
    assert_eq!(versions(&sim), ["2.0".into()]);
}

#[test]
fn a_long_history_takes_several_facts() {
    let mut sim = calm();
    let bucket = |at: u32| Bucket {
        start: Timestamp::from_secs(i64::from(at) * 10),
        width: std::time::Duration::from_secs(10),
        good: 281_474_976_710_655,
        total: 281_474_976_710_655,
    };
    let command = Command::Backfill {
        slo: "checkout".into(),
        source: "prometheus".into(),
        buckets: (0..100_000).map(bucket).collect(),
        by: person(),
    };
    let receipt = sim.order(command).unwrap().unwrap();
    assert_eq!(receipt.facts.len(), 5);
}
