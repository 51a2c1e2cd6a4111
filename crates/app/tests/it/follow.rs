//! What follows from a failure by itself: one incident, one page that says enough, one rollback.

use app::{command::Command, notify::link::LinkSigner, state::State};
use deploy::{ActOutcome, DeployId, NewDeploy, Stage};
use model::Clock;
use serde_json::Value;

use crate::sim::{Sim, person, world};

fn calm() -> Sim {
    let mut sim = Sim::new(1);
    sim.is_rough = false;
    sim
}

fn deploy(sim: &mut Sim, service: &str, is_clear: bool) -> DeployId {
    let id = sim.id();
    let deploy = NewDeploy {
        id,
        service: service.into(),
        environment: world::ENVIRONMENT.into(),
        version: "2.0".into(),
        previous_version: Some("1.0".into()),
        stage: Stage::Succeeded,
        at: sim.time.now(),
        by: person(),
        url: None,
        rolls_back: None,
        gate: None,
        idempotency_key: None,
    };
    sim.order(Command::Deploy(deploy::Command::Record { deploy })).unwrap().unwrap();
    let found = world::suspicions(sim.state.deploys.deploy(id).unwrap(), is_clear);
    sim.core.world.suspicions = std::sync::Arc::new(found);
    id
}

fn page(state: &State) -> Value {
    let record = state.deliveries.records().find(|record| &*record.receiver == "oncall").unwrap();
    serde_json::from_str(&record.payload).unwrap()
}

#[test]
fn a_bad_deploy_is_one_incident_one_rollback_and_a_mitigation() {
    let mut sim = calm();
    let bad = deploy(&mut sim, "payment", true);
    sim.burning.extend([(0, 0), (1, 0), (2, 0)]);
    sim.judge();
    let incidents: Vec<_> = sim.state.incidents.open().cloned().collect();
    let [incident] = incidents.as_slice() else { panic!("{} incidents", incidents.len()) };
    assert_eq!(&*incident.key.service, "payment");
    let whys: Vec<_> = incident.alerts.iter().filter_map(|alert| alert.why.as_deref()).collect();
    assert_eq!(
        whys,
        ["checkout depends on payment, which fails", "web depends on payment, which fails"]
    );
    sim.run(Vec::new());
    let acts: Vec<_> = sim.state.deploys.acts().cloned().collect();
    let [act] = acts.as_slice() else { panic!("{} acts", acts.len()) };
    assert_eq!((act.deploy, act.automatic, &*act.command), (bad, true, "deploy payment 1.0"));
    sim.act();
    let outcome = ActOutcome::Succeeded { detail: "exit status: 0".into() };
    let end = deploy::Command::EndAct { id: act.id, outcome };
    sim.order(Command::Deploy(end)).unwrap().unwrap();
    let mitigation = sim.state.incidents.get(incident.id).unwrap().mitigation.clone().unwrap();
    assert_eq!(&*mitigation.what, "payment rolled back from 2.0 to 1.0");
    assert_eq!(mitigation.reference, Some(act.id.to_string().into()));
}

#[test]
fn a_deploy_without_clear_evidence_is_left_to_people() {
    let mut sim = calm();
    deploy(&mut sim, "checkout", false);
    sim.burning.insert((1, 0));
    sim.judge();
    assert_eq!(sim.state.incidents.open().count(), 1);
    assert_eq!(sim.state.deploys.acts().count(), 0);
}

#[test]
fn a_page_that_joins_a_ticket_pages() {
    let mut sim = calm();
    sim.burning.insert((2, 1));
    sim.judge();
    let before = sim.state.incidents.open().next().unwrap().clone();
    assert_eq!(before.severity, incident::Severity::Sev3);
    sim.burning.insert((2, 0));
    sim.judge();
    let after = sim.state.incidents.get(before.id).unwrap();
    assert_eq!(after.severity, incident::Severity::Sev2);
    assert_eq!(page(&sim.state)["commonLabels"]["severity"], "page");
}

#[test]
fn a_page_is_alertmanagers_webhook_with_a_link_that_acknowledges() {
    let mut sim = calm();
    deploy(&mut sim, "payment", true);
    sim.burning.insert((2, 0));
    sim.judge();
    let incident = sim.state.incidents.open().next().unwrap().id;
    let mut page = page(&sim.state);
    let link = page["commonAnnotations"]["acknowledge_url"].take();
    let token = link.as_str().unwrap().rsplit('/').next().unwrap();
    let grant = LinkSigner::new(b"simulation").check(token, sim.time.now()).unwrap();
    assert_eq!((grant.incident, &*grant.recipient), (incident.to_string(), "oncall"));
    assert_eq!(page["groupKey"], incident.to_string());
    assert_eq!(
        page["commonAnnotations"]["suspect"],
        "deploy of payment 2.0: most failures carry it"
    );
    for (field, expected) in [("version", "4"), ("status", "firing"), ("receiver", "oncall")] {
        assert_eq!(page[field], expected, "{field}");
    }
    let alert = &page["alerts"][0];
    assert_eq!(alert["labels"]["alertname"], "ErrorBudgetBurn");
    assert_eq!(alert["labels"]["windows"], "1h+5m");
    assert_eq!(
        (&alert["status"], &alert["endsAt"]),
        (&"firing".into(), &"0001-01-01T00:00:00Z".into())
    );
    assert_eq!(alert["fingerprint"].as_str().unwrap().len(), 16);
}
