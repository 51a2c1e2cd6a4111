//! Whatever is asked in whatever order: the state is a function of the facts, and its rules hold.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A command out of four small numbers.
fn command((what, incident, which, number): (u8, u8, u8, u64)) -> Command {
    let services = ["checkout", "payment", "web"];
    let service = services[usize::from(which) % services.len()];
    let alert_id = format!("alr_{which}");
    let target = id(u128::from(incident));
    let secs = i64::try_from(number).unwrap();
    let by = ana();
    match what {
        0..=3 => open(u128::from(incident), alert(&alert_id, service)),
        4 => Command::JoinAlert {
            incident: target,
            alert: alert(&alert_id, service),
            why: which.is_multiple_of(2).then(|| "it calls it".into()),
        },
        5 => Command::AlertResolved { incident: target, alert: alert_id.into() },
        6 => Command::Acknowledge { incident: target, by },
        7 => Command::Assign { incident: target, assignee: service.into(), by },
        8 => Command::SetSeverity {
            incident: target,
            severity: Severity::ALL[usize::from(which) % 4],
            by,
        },
        9 => {
            Command::SetStatus { incident: target, status: Status::ALL[usize::from(which) % 4], by }
        }
        10 => {
            Command::AddUpdate { incident: target, text: "x".repeat(usize::from(which)).into(), by }
        }
        11 => Command::RankSuspects { incident: target, suspects: vec![suspect(service, 0.5)] },
        12 => Command::MeasureImpact {
            incident: target,
            impact: ImpactReading {
                bad_events: number,
                total_events: number * 2,
                users_affected_share: None,
                since: at(0),
            },
            last: which == 0,
        },
        13 => Command::RecordMitigation {
            incident: target,
            what: "rolled back".into(),
            reference: Some(service.into()),
            at: Some(at(secs)),
            by,
        },
        14..=16 => match measure(secs, u64::from(which), 500) {
            Command::MeasureRecovery { reading, policy, .. } => {
                Command::MeasureRecovery { incident: target, reading, policy }
            }
            other => other,
        },
        17 => Command::Resolve { incident: target, reason: "over".into(), by },
        18 => Command::Reopen { incident: target, reason: "not over".into(), by },
        _ => Command::AttachPostmortem {
            incident: target,
            reference: service.into(),
            document: None,
            by,
        },
    }
}

fn check_rules(state: &State) {
    let mut keys = BTreeSet::new();
    for incident in state.open() {
        assert!(keys.insert(&incident.key), "one open incident on a key");
        assert!(incident.resolution.is_none());
    }
    let numbers: Vec<u32> = state.iter().map(|incident| incident.number).collect();
    assert_eq!(numbers, (1..=state.last_number).collect::<Vec<_>>(), "no gap");
    for incident in state.iter() {
        assert_eq!(incident.is_open(), incident.resolution.is_none());
        assert!(incident.alerts.iter().all(|alert| state.of_alert(&alert.id).is_some()));
    }
}

proptest! {
    #[test]
    fn replays_to_the_same_state(steps in prop::collection::vec((0..20u8, 0..5u8, 0..12u8, 0..400u64), 1..120)) {
        let mut world = World::default();
        for (second, step) in steps.into_iter().enumerate() {
            let now = at(i64::try_from(second).unwrap() * 7);
            let command = command(step);
            let Ok(facts) = decide(&world.state, &command, now) else { continue };
            for fact in &facts {
                prop_assert!(fact.at() == now && !fact.sentence().is_empty());
                apply(&mut world.state, fact);
            }
            check_rules(&world.state);
            // Asked again at once, nothing more happens, but for what a person says twice.
            if !matches!(command, Command::AddUpdate { .. } | Command::Reopen { .. }) {
                let again = decide(&world.state, &command, now);
                prop_assert!(facts.is_empty() || again.as_ref().map_or(true, Vec::is_empty), "{command:?} {again:?}");
            }
            world.facts.extend(facts);
        }
        let mut replayed = State::default();
        world.facts.iter().for_each(|fact| apply(&mut replayed, fact));
        prop_assert_eq!(replayed, world.state);
    }
}
