//! Incidents from the first page to the end, and after it.

mod replay;

use std::time::Duration;

use model::{Actor, ActorKind};

use super::*;
use crate::{
    AlertClass, AlertInput, ImpactReading, OpenBy, Reading, RecoveryPolicy, Severity, Status,
    Suspect, SuspectKind, apply, limits,
};

const POLICY: RecoveryPolicy = RecoveryPolicy { window: Duration::from_secs(60), min_events: 30 };

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

fn id(number: u128) -> IncidentId {
    IncidentId::from_u128(number)
}

fn ana() -> Actor {
    Actor { kind: ActorKind::Human, id: "ana".into(), via: "web".into() }
}

fn alert(id: &str, service: &str) -> AlertInput {
    AlertInput {
        id: id.into(),
        service: service.into(),
        environment: "production".into(),
        slo: Some(format!("{service}-availability").into()),
        class: AlertClass::Page,
        summary: format!("{service} burns its error budget").into(),
    }
}

fn open(incident: u128, alert: AlertInput) -> Command {
    Command::Open { id: id(incident), open: OpenBy::Alert(alert), by: Actor::system("alerts") }
}

fn suspect(service: &str, score: f64) -> Suspect {
    Suspect {
        kind: SuspectKind::Deploy,
        service: service.into(),
        version: Some("2.0.0".into()),
        reference: None,
        at: None,
        by: None,
        score,
        evidence: "evidence".into(),
        concurrent: true,
        numbers: crate::suspects::Numbers::default(),
    }
}

/// The last window's counts at `secs`.
fn measure(secs: i64, bad_events: u64, total_events: u64) -> Command {
    let reading = Reading {
        from: at(secs) - POLICY.window,
        to: at(secs),
        bad_events,
        total_events,
        objective: 0.99,
    };
    Command::MeasureRecovery { incident: id(1), reading, policy: POLICY }
}

fn mitigation(reference: &str) -> Command {
    Command::RecordMitigation {
        incident: id(1),
        what: "rolled back".into(),
        reference: Some(reference.into()),
        at: None,
        by: ana(),
    }
}

#[derive(Default)]
struct World {
    state: State,
    facts: Vec<Fact>,
}

impl World {
    /// With INC-1 open on checkout.
    fn burning() -> Self {
        let mut world = Self::default();
        world.run(0, open(1, alert("alr_1", "checkout")));
        world
    }

    /// The kinds of the facts that the command brings about.
    #[track_caller]
    fn run(&mut self, secs: i64, command: Command) -> Vec<&'static str> {
        let facts = decide(&self.state, &command, at(secs)).unwrap();
        for fact in &facts {
            apply(&mut self.state, fact);
        }
        let kinds = facts.iter().map(Fact::kind).collect();
        self.facts.extend(facts);
        kinds
    }

    #[track_caller]
    fn refused(&self, secs: i64, command: Command) -> String {
        decide(&self.state, &command, at(secs)).unwrap_err().to_string()
    }

    fn incident(&self) -> &Incident {
        self.state.get(id(1)).unwrap()
    }
}

#[test]
fn a_page_opens_one_incident_and_further_alerts_join() {
    let mut world = World::default();
    let opened = world.run(0, open(1, alert("alr_1", "checkout")));
    assert_eq!(opened, ["incident.opened", "incident.alert_joined"]);
    assert_eq!(world.run(1, open(2, alert("alr_1", "checkout"))), [""; 0], "the same alert");
    assert_eq!(world.run(2, open(2, alert("alr_2", "checkout"))), ["incident.alert_joined"]);
    let incident = world.incident();
    assert_eq!((&*incident.name(), incident.severity), ("INC-1", Severity::Sev2));
    assert_eq!(incident.alerts.len(), 2);
    assert_eq!(world.state.open_on("checkout", "production").unwrap().id, id(1));
    assert_eq!(world.state.of_alert("alr_2").unwrap().id, id(1));
    for text in ["INC-1", "inc-1", "1", &id(1).to_string()] {
        assert_eq!(world.state.find(text).unwrap().number, 1, "{text}");
    }
    assert!(["INC-2", "", "é", "inc-é"].iter().all(|text| world.state.find(text).is_none()));
}

#[test]
fn a_callers_alert_joins_with_a_reason() {
    let mut world = World::burning();
    let join = |why: Option<&str>| Command::JoinAlert {
        incident: id(1),
        alert: alert("alr_2", "web"),
        why: why.map(Into::into),
    };
    assert_eq!(
        world.refused(1, join(None)),
        "the alert `alr_2` is of `web`, not of the service of `INC-1`; say why it belongs there"
    );
    assert_eq!(world.run(1, join(Some("web calls checkout"))), ["incident.alert_joined"]);
    assert!(world.incident().affected.contains("web"));
    assert_eq!(
        world.facts.last().unwrap().sentence(),
        "alert of web joined, since web calls checkout: web burns its error budget"
    );
}

#[test]
fn acknowledged_twice_is_acknowledged_once() {
    let mut world = World::burning();
    let acknowledge = || Command::Acknowledge { incident: id(1), by: ana() };
    assert_eq!(world.run(5, acknowledge()), ["incident.acknowledged"]);
    assert_eq!(world.run(6, acknowledge()), [""; 0]);
    assert_eq!(world.incident().acknowledged.as_ref().unwrap().at, at(5));
    let unknown = Command::Acknowledge { incident: id(9), by: ana() };
    assert_eq!(world.refused(7, unknown), format!("no incident has the id `{}`", id(9)));
}

#[test]
fn a_page_that_joins_a_ticket_asks_again_though_the_ticket_was_acknowledged() {
    let mut world = World::default();
    world.run(0, open(1, AlertInput { class: AlertClass::Ticket, ..alert("alr_1", "checkout") }));
    let acknowledge = || Command::Acknowledge { incident: id(1), by: ana() };
    let raise = |severity, by| Command::SetSeverity { incident: id(1), severity, by };
    world.run(5, acknowledge());
    world.run(9, raise(Severity::Sev2, Actor::system("alerts")));
    assert_eq!(world.incident().acknowledged, None);
    assert_eq!(world.run(10, acknowledge()), ["incident.acknowledged"]);
    world.run(11, raise(Severity::Sev1, Actor::system("alerts")));
    world.run(12, raise(Severity::Sev3, ana()));
    world.run(13, raise(Severity::Sev2, ana()));
    assert!(world.incident().acknowledged.is_some(), "who raises it knows of it");
}

#[test]
fn after_the_end_what_changes_it_is_refused_and_what_is_learned_is_not() {
    let mut world = World::burning();
    let resolve = || Command::Resolve { incident: id(1), reason: "over".into(), by: ana() };
    assert_eq!(world.run(9, resolve()), ["incident.resolved"]);
    assert_eq!(world.run(10, resolve()), [""; 0]);
    let ended = "`INC-1` has ended; reopen it or open a new one";
    assert_eq!(world.refused(11, Command::Acknowledge { incident: id(1), by: ana() }), ended);
    assert_eq!(world.refused(11, mitigation("act_1")), ended);
    let update = Command::AddUpdate { incident: id(1), text: "it was the cache".into(), by: ana() };
    assert_eq!(world.run(12, update), ["incident.updated"]);
    let resolved = || Command::AlertResolved { incident: id(1), alert: "alr_1".into() };
    assert_eq!(world.run(13, resolved()), ["incident.alert_resolved"]);
    assert_eq!(world.run(14, resolved()), [""; 0]);
}

#[test]
fn of_one_request_all_is_done_or_nothing() {
    let mut world = World::burning();
    let update = |text: &str| Command::AddUpdate { incident: id(1), text: text.into(), by: ana() };
    let monitor = |status| Command::SetStatus { incident: id(1), status, by: ana() };
    let refused = Command::All(vec![update("found it"), monitor(Status::Resolved)]);
    assert_eq!(world.refused(1, refused), "an incident is resolved with a reason; use resolve");
    // The mitigation sets the status already, and the second acknowledgement finds the first.
    let acknowledge = || Command::Acknowledge { incident: id(1), by: ana() };
    let request = Command::All(vec![
        update("rolled back"),
        mitigation("act_1"),
        monitor(Status::Monitoring),
        acknowledge(),
        acknowledge(),
    ]);
    assert_eq!(
        world.run(1, request),
        ["incident.updated", "incident.mitigated", "incident.acknowledged"]
    );
}

#[test]
fn texts_are_limited() {
    let world = World::burning();
    let update = |text: &str| Command::AddUpdate { incident: id(1), text: text.into(), by: ana() };
    assert_eq!(world.refused(1, update(" \n")), "the update is empty; write at least one word");
    assert_eq!(
        world.refused(1, update(&"é".repeat(4001))),
        "the update has 4001 characters; at most 4000 are allowed"
    );
    let long = AlertInput { summary: "x".repeat(500).into(), ..alert("alr_9", "cart") };
    let mut world = world;
    world.run(1, open(2, long));
    assert_eq!(world.state.get(id(2)).unwrap().title.chars().count(), limits::TITLE_CHARS_MAX);
}

#[test]
fn recovers_by_its_own_test_after_a_mitigation() {
    let mut world = World::burning();
    assert_eq!(world.run(100, measure(100, 0, 500)), [""; 0], "nobody did anything yet");
    assert_eq!(world.run(110, mitigation("act_1")), ["incident.mitigated"]);
    assert_eq!(world.run(120, mitigation("act_1")), [""; 0], "told twice");
    assert_eq!(world.incident().status, Status::Monitoring);
    assert_eq!(world.run(130, measure(130, 40, 500)), ["incident.recovery_measured"]);
    assert_eq!(world.run(131, measure(131, 39, 500)), [""; 0], "the same verdict");
    assert_eq!(world.run(170, measure(170, 6, 500)), ["incident.recovery_measured"]);
    let end = world.run(171, measure(171, 5, 500));
    assert_eq!(end, ["incident.recovery_measured", "incident.resolved"]);
    let resolution = world.incident().resolution.clone().unwrap();
    assert!(resolution.automatic);
    assert_eq!(&*resolution.reason, "recovered: 5 of 500 events bad in 60 s, 5 allowed");
}

#[test]
fn without_a_mitigation_it_ends_once_its_alerts_have() {
    let mut world = World::burning();
    world.run(50, Command::AlertResolved { incident: id(1), alert: "alr_1".into() });
    assert_eq!(world.run(100, measure(100, 0, 500)), ["incident.recovery_measured"]);
    assert_eq!(world.run(110, measure(110, 0, 20)), ["incident.recovery_measured"]);
    assert_eq!(world.incident().recovery.unwrap().1.verdict, crate::RecoveryVerdict::TooFewEvents);
    let end = world.run(120, measure(120, 0, 30));
    assert_eq!(end, ["incident.recovery_measured", "incident.resolved"]);
}

#[test]
fn what_chance_explains_or_a_ticket_alone_is_no_relapse() {
    let mut world = World::burning();
    let ticket = AlertInput { class: AlertClass::Ticket, ..alert("alr_2", "checkout") };
    world.run(1, open(2, ticket));
    world.run(10, mitigation("act_1"));
    world.run(70, measure(70, 0, 500));
    assert_eq!(world.run(130, measure(130, 1, 30)), [""; 0], "one of thirty");
    assert_eq!(world.run(140, measure(140, 9, 60)), [""; 0], "too few to be sure");
    assert_eq!(world.run(150, measure(150, 16, 1000)), [""; 0], "one in twenty such windows");
    world.run(160, Command::AlertResolved { incident: id(1), alert: "alr_1".into() });
    assert_eq!(world.run(170, measure(170, 400, 500)), [""; 0], "only the ticket fires");
}

#[test]
fn what_was_reopened_recovers_by_a_window_after_that_while_its_page_fires() {
    let mut world = World::burning();
    world.run(10, mitigation("act_1"));
    world.run(70, measure(70, 0, 500));
    assert_eq!(world.run(140, measure(140, 50, 500)), ["incident.reopened"]);
    world.run(190, measure(190, 0, 500));
    assert!(world.incident().is_open(), "the window reaches back before the reopening");
    let end = world.run(200, measure(200, 0, 500));
    assert_eq!(end, ["incident.recovery_measured", "incident.resolved"]);
}

#[test]
fn what_a_person_ended_during_the_outage_is_opened_again_after_a_whole_window() {
    let mut world = World::burning();
    world.run(150, Command::Resolve { incident: id(1), reason: "known".into(), by: ana() });
    assert_eq!(world.run(209, measure(209, 400, 500)), [""; 0], "reaches back before the end");
    assert_eq!(world.run(210, measure(210, 400, 500)), ["incident.reopened"]);
    assert_eq!(
        world.facts.last().unwrap().sentence(),
        "reopened: 400 of 500 events bad since it was resolved, 5 allowed, and an alert still fires"
    );
}

#[test]
fn a_ticket_that_still_fires_does_not_keep_an_outage_open() {
    let mut world = World::burning();
    let ticket = AlertInput { class: AlertClass::Ticket, ..alert("alr_2", "checkout") };
    world.run(1, open(2, ticket.clone()));
    world.run(50, Command::AlertResolved { incident: id(1), alert: "alr_1".into() });
    let end = world.run(110, measure(110, 0, 500));
    assert_eq!(end, ["incident.recovery_measured", "incident.resolved"]);

    let mut world = World::default();
    world.run(0, open(1, ticket));
    assert_eq!(world.run(110, measure(110, 0, 500)), [""; 0], "a ticket alone is waited for");
}

#[test]
fn a_relapse_while_its_alert_still_fires_opens_it_again() {
    let mut world = World::burning();
    world.run(10, mitigation("act_1"));
    world.run(70, measure(70, 0, 500));
    assert_eq!(world.run(100, measure(100, 50, 500)), [""; 0], "reaches back before the end");
    assert_eq!(world.run(130, measure(130, 5, 500)), [""; 0], "no more than allowed");
    assert_eq!(world.run(140, measure(140, 20, 500)), ["incident.reopened"]);
    let incident = world.incident();
    assert!(incident.is_open() && incident.mitigation.is_none() && incident.acknowledged.is_none());
    assert_eq!(incident.reopened, 1);
}

#[test]
fn a_new_alert_after_the_end_opens_a_new_incident_that_names_the_last() {
    let mut world = World::burning();
    world.run(10, Command::Resolve { incident: id(1), reason: "over".into(), by: ana() });
    world.run(600, open(2, alert("alr_2", "checkout")));
    let second = world.state.get(id(2)).unwrap();
    assert_eq!((second.number, second.previous), (2, Some(id(1))));
    let reopen = Command::Reopen { incident: id(1), reason: "again".into(), by: ana() };
    assert_eq!(
        world.refused(601, reopen),
        "`INC-1` has a newer incident on the same service, `INC-2`"
    );
    world.run(610, Command::Resolve { incident: id(2), reason: "over".into(), by: ana() });
    world.run(1300, open(3, alert("alr_3", "checkout")));
    assert_eq!(world.state.get(id(3)).unwrap().previous, None);
}

#[test]
fn by_hand_it_needs_a_title_and_a_free_service() {
    let mut world = World::burning();
    let by_hand = |incident, service: &str, title: &str| Command::Open {
        id: id(incident),
        open: OpenBy::Hand {
            service: service.into(),
            environment: "production".into(),
            title: title.into(),
            severity: Some(Severity::Sev1),
        },
        by: ana(),
    };
    assert_eq!(
        world.refused(1, by_hand(2, "cart", "")),
        "the title is empty; write at least one word"
    );
    assert_eq!(
        world.refused(1, by_hand(2, "checkout", "slow")),
        "`INC-1` is open on checkout in production already; add an update to it"
    );
    assert_eq!(
        world.refused(1, by_hand(1, "cart", "slow")),
        format!("an incident has the id `{}` already", id(1))
    );
    assert_eq!(world.run(1, by_hand(2, "cart", "slow")), ["incident.opened"]);
    let resolved = Command::SetStatus { incident: id(2), status: Status::Resolved, by: ana() };
    assert_eq!(world.refused(2, resolved), "an incident is resolved with a reason; use resolve");
}

#[test]
fn suspects_and_impact_are_folded() {
    let mut world = World::burning();
    let ranked = |suspects: &[(&str, f64)]| Command::RankSuspects {
        incident: id(1),
        suspects: suspects.iter().map(|(service, score)| suspect(service, *score)).collect(),
    };
    let told = ["incident.suspects_ranked"];
    assert_eq!(world.run(1, ranked(&[])), [""; 0]);
    assert_eq!(world.run(1, ranked(&[("payment", 0.4)])), told);
    assert_eq!(world.run(2, ranked(&[("payment", 0.9)])), [""; 0], "too soon");
    assert_eq!(world.run(3, ranked(&[("checkout", 0.9), ("payment", 0.1)])), told, "another first");
    assert_eq!(world.run(30, ranked(&[("checkout", 0.95), ("payment", 0.1)])), [""; 0], "alike");
    assert_eq!(world.run(30, ranked(&[("checkout", 0.7), ("payment", 0.1)])), told);
    world.run(31, mitigation("act_1"));
    assert_eq!(world.run(60, ranked(&[("payment", 0.9)])), [""; 0], "the evidence fades");
    let changed = |changed_at, score| Command::RankSuspects {
        incident: id(1),
        suspects: vec![Suspect { at: Some(at(changed_at)), ..suspect("payment", score) }],
    };
    assert_eq!(world.run(60, changed(20, 0.9)), [""; 0], "that came before");
    assert_eq!(world.run(60, changed(50, 0.0)), [""; 0], "nothing speaks against it");
    assert_eq!(world.run(60, changed(50, 0.9)), told, "it came since");
    world.run(92, measure(92, 400, 500));
    assert_eq!(world.run(93, ranked(&[("search", 0.9)])), told, "it did not help");

    let impact = |bad_events, last| Command::MeasureImpact {
        incident: id(1),
        impact: ImpactReading {
            bad_events,
            total_events: 10_000,
            users_affected_share: Some(0.2),
            since: at(-30),
        },
        last,
    };
    let told = ["incident.impact_measured"];
    assert_eq!(world.run(100, impact(1000, false)), told);
    assert_eq!(world.run(110, impact(2000, false)), [""; 0], "too soon");
    assert_eq!(world.run(115, impact(1009, false)), [""; 0], "hardly changed");
    assert_eq!(world.run(115, impact(1010, false)), told);
    assert_eq!(world.run(116, impact(1011, true)), told);
    assert_eq!(world.run(117, impact(1011, true)), [""; 0]);
}

#[test]
fn the_oldest_ended_incidents_leave_memory_and_open_ones_stay() {
    let mut world = World::burning();
    let more = u128::try_from(limits::RESOLVED_KEPT_MAX).unwrap() + 2;
    for number in 2..2 + more {
        world.run(1, open(number, alert(&format!("alr_{number}"), "cart")));
        let reason = "over".into();
        world.run(1, Command::Resolve { incident: id(number), reason, by: ana() });
        world.facts.clear();
    }
    let state = &world.state;
    assert!(state.get(id(1)).is_some(), "open");
    assert!(state.get(id(2)).is_none() && state.by_number(2).is_none());
    assert!(state.of_alert("alr_2").is_none() && state.of_alert("alr_1").is_some());
    assert!(state.len() <= limits::RESOLVED_KEPT_MAX + 2);
}
