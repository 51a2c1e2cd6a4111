//! What follows from a failure by itself: one incident, one page that says enough, one rollback.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use alert::{
    delivery::{PAYLOAD_BYTES_MAX, Record},
    routing::{GroupBy, Integration, RouteConfig, Routing},
};
use app::{command::Command, notify::link::LinkSigner, state::State};
use deploy::{ActOutcome, DeployId, NewDeploy, Stage};
use incident::{AlertClass, AlertInput, OpenBy, Severity};
use model::{Clock, Labels, Matcher};
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
    let page = page(&sim.state);
    assert_eq!(page["commonLabels"]["severity"], Value::Null, "its alerts differ in that");
    let severities = [0, 1].map(|at| &page["alerts"][at]["labels"]["severity"]);
    assert_eq!(severities, ["ticket", "page"]);
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
    assert_eq!(page["groupKey"], r#"{}:{environment="prod", incident="INC-1", service="payment"}"#);
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

/// Pages of SLOs with the label `team="payments"` go to `oncall`, two alerts at a time, and all others elsewhere.
fn with_payments(sim: &mut Sim) {
    let mut repo = (*world::repo(0)).clone();
    for slo in &mut repo.slos {
        slo.labels = Labels::from_pairs([("team", "payments"), ("severity", "none")]);
    }
    let mut oncall = world::receiver("oncall");
    for integration in &mut oncall.integrations {
        if let Integration::Webhook(webhook) = integration {
            webhook.max_alerts = 2;
        }
    }
    let route = RouteConfig {
        receiver: Some("oncall".into()),
        matchers: vec![Matcher::equal("team", "payments")],
        group_by: Some(GroupBy::Labels(vec!["alertname".into(), "team".into()])),
        ..RouteConfig::default()
    };
    let root = RouteConfig {
        receiver: Some("audit".into()),
        routes: vec![route],
        ..RouteConfig::default()
    };
    repo.routing = Some(Routing::build(root, vec![world::receiver("audit"), oncall]).unwrap());
    sim.core.world.repo = Arc::new(repo);
}

fn told<'a>(state: &'a State, receiver: &str) -> Vec<&'a Record> {
    state.deliveries.records().filter(|record| &*record.receiver == receiver).collect()
}

#[test]
fn the_labels_of_an_slo_route_its_page_and_the_route_groups_it() {
    let mut sim = calm();
    with_payments(&mut sim);
    sim.burning.extend([(0, 0), (1, 0), (2, 0)]);
    sim.judge();
    assert!(told(&sim.state, "audit").is_empty());
    let [record] = told(&sim.state, "oncall")[..] else { panic!("not one page") };
    let page: Value = serde_json::from_str(&record.payload).unwrap();
    let group = serde_json::json!({
        "alertname": "ErrorBudgetBurn",
        "environment": "prod",
        "incident": "INC-1",
        "service": "payment",
        "team": "payments",
    });
    assert_eq!(page["groupLabels"], group);
    assert_eq!(
        (page["alerts"].as_array().unwrap().len(), &page["truncatedAlerts"]),
        (2, &1.into())
    );
    let common = &page["commonLabels"];
    assert_eq!((&common["team"], &common["severity"]), (&"payments".into(), &"page".into()));
    assert_eq!(common["service"], Value::Null, "its alerts are of two services");
    assert_eq!(page["commonAnnotations"]["summary"], Value::Null);
    assert_eq!(page["commonAnnotations"]["incident"], "INC-1");
}

#[test]
fn a_page_that_would_be_too_long_has_fewer_alerts() {
    let mut sim = calm();
    sim.burning.insert((2, 0));
    sim.judge();
    let incident = sim.state.incidents.open().next().unwrap().id;
    for at in 0..100 {
        let alert = AlertInput {
            id: format!("alr_{at}").into(),
            service: "payment".into(),
            environment: world::ENVIRONMENT.into(),
            slo: None,
            class: AlertClass::Page,
            summary: "\"".repeat(4000).into(),
        };
        let join = incident::Command::JoinAlert { incident, alert, why: None };
        sim.order(Command::Incident(join)).unwrap().unwrap();
    }
    let by = person();
    let raise = incident::Command::SetSeverity { incident, severity: Severity::Sev1, by };
    sim.order(Command::Incident(raise)).unwrap().unwrap();
    let record = told(&sim.state, "oncall").into_iter().next_back().unwrap();
    assert!(record.payload.len() <= PAYLOAD_BYTES_MAX, "{}", record.payload.len());
    let page: Value = serde_json::from_str(&record.payload).unwrap();
    let listed = page["alerts"].as_array().unwrap().len();
    assert!((20..100).contains(&listed), "{listed}");
    assert_eq!(page["truncatedAlerts"], 101 - listed);
}

#[test]
fn an_incident_by_hand_is_an_alert_to_its_receivers() {
    let mut sim = calm();
    let open = OpenBy::Hand {
        service: "payment".into(),
        environment: world::ENVIRONMENT.into(),
        title: "cards are refused".into(),
        severity: None,
    };
    let command = incident::Command::Open { id: sim.id(), open, by: person() };
    sim.order(Command::Incident(command)).unwrap().unwrap();
    let page = page(&sim.state);
    assert_eq!(page["alerts"][0]["annotations"]["summary"], "cards are refused");
    assert_eq!(page["commonLabels"]["service"], "payment");
}

#[test]
fn a_page_that_reaches_nobody_goes_to_the_fallback_too() {
    let mut sim = calm();
    sim.burning.insert((2, 0));
    sim.judge();
    sim.clock.advance(Duration::from_secs(59));
    sim.run(Vec::new());
    assert!(told(&sim.state, "fallback").is_empty());
    sim.clock.advance(Duration::from_secs(1));
    sim.run(Vec::new());
    assert_eq!(told(&sim.state, "fallback").len(), 1);
}

#[test]
fn a_callees_alert_joins_the_callers_incident_that_suspects_its_deploy() {
    let mut sim = calm();
    deploy(&mut sim, "payment", false);
    let found = sim.core.world.suspicions.values().next().unwrap().clone();
    let place = ("web".into(), world::ENVIRONMENT.into());
    sim.core.world.suspicions = Arc::new([(place, found)].into());
    sim.burning.insert((0, 0));
    sim.judge();
    sim.burning.insert((2, 0));
    sim.judge();
    let incidents: Vec<_> = sim.state.incidents.open().collect();
    let [incident] = incidents.as_slice() else { panic!("{} incidents", incidents.len()) };
    assert_eq!((&*incident.key.service, incident.alerts.len()), ("web", 2));
}

/// Opens an incident on `web` that suspects the deploy of `payment`.
fn suspecting(sim: &mut Sim, environment: &str) -> incident::IncidentId {
    let found = world::suspicions(sim.state.deploys.deploys().next_back().unwrap(), false);
    let found = found.into_values().next().unwrap();
    sim.core.world.suspicions = Arc::new([(("web".into(), environment.into()), found)].into());
    let open = OpenBy::Hand {
        service: "web".into(),
        environment: environment.into(),
        title: "it fails".into(),
        severity: None,
    };
    let id = sim.id();
    sim.order(Command::Incident(incident::Command::Open { id, open, by: person() }))
        .unwrap()
        .unwrap();
    id
}

#[test]
fn an_alert_joins_the_callers_incident_of_no_environment_unless_its_own_has_one() {
    for with_own in [false, true] {
        let mut sim = calm();
        deploy(&mut sim, "payment", false);
        let mut wanted = suspecting(&mut sim, "");
        if with_own {
            wanted = suspecting(&mut sim, world::ENVIRONMENT);
        }
        sim.burning.insert((2, 0));
        sim.judge();
        let alerts = sim.state.incidents.get(wanted).unwrap().alerts.len();
        assert_eq!(alerts, 1, "with its own: {with_own}");
    }
}

#[test]
fn alerts_of_one_service_with_and_without_an_environment_are_one_incident() {
    for (first, second) in [("", world::ENVIRONMENT), (world::ENVIRONMENT, "")] {
        let mut sim = calm();
        let open = |sim: &mut Sim, environment: &str, pair: &str| {
            let ids = vec![sim.id()];
            sim.burning.insert((2, 0));
            let mut judgement = sim.judgement((2, 0));
            judgement.environment = (!environment.is_empty()).then(|| environment.into());
            judgement.key.pair = pair.into();
            let judge = alert::Command::Judge { judgements: vec![judgement], ids };
            sim.order(Command::Alert(judge)).unwrap().unwrap();
        };
        open(&mut sim, first, "1h+5m");
        open(&mut sim, second, "6h+30m");
        let incidents: Vec<_> = sim.state.incidents.open().collect();
        assert_eq!((incidents.len(), incidents[0].alerts.len()), (1, 2), "{first} then {second}");
    }
}

#[test]
fn an_incident_has_one_group_key_from_its_ticket_to_its_end() {
    let mut sim = calm();
    let mut repo = (*world::repo(0)).clone();
    let pages = RouteConfig {
        receiver: Some("oncall".into()),
        matchers: vec![Matcher::equal("severity", "page")],
        group_by: Some(GroupBy::All),
        ..RouteConfig::default()
    };
    let root = RouteConfig {
        receiver: Some("oncall".into()),
        group_by: Some(GroupBy::Labels(vec!["severity".into()])),
        routes: vec![pages],
        ..RouteConfig::default()
    };
    repo.routing = Some(Routing::build(root, vec![world::receiver("oncall")]).unwrap());
    sim.core.world.repo = Arc::new(repo);
    sim.burning.insert((2, 1));
    sim.judge();
    // A ticket waits for others to join it.
    sim.clock.advance(Duration::from_secs(60));
    sim.run(Vec::new());
    sim.burning.insert((2, 0));
    sim.judge();
    let incident = sim.state.incidents.open().next().unwrap().id;
    let reason = "fixed".into();
    let resolve = incident::Command::Resolve { incident, reason, by: person() };
    sim.order(Command::Incident(resolve)).unwrap().unwrap();
    let pages: Vec<Value> = told(&sim.state, "oncall")
        .iter()
        .map(|record| serde_json::from_str(&record.payload).unwrap())
        .collect();
    let told: BTreeSet<_> = pages
        .iter()
        .map(|page| (page["status"].as_str(), page["groupLabels"]["severity"].as_str()))
        .collect();
    let expected = [("firing", "page"), ("firing", "ticket"), ("resolved", "page")];
    assert_eq!(told, expected.map(|(status, severity)| (Some(status), Some(severity))).into());
    let keys: BTreeSet<_> = pages.iter().map(|page| page["groupKey"].as_str()).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
}
