//! The demo's story as a document, and drafts of which little is known.

use super::*;
use crate::input::{Affected, Ending, Event, Factor, Impact, Mitigation, Objective, Responder};
use model::Timestamp;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_795_402_800 + secs)
}

fn event(secs: i64, seq: u64, what: &str, actor: &str) -> Event {
    Event { at: at(secs), what: what.into(), actor: actor.into(), seq: Some(seq) }
}

fn bad_deploy() -> Input {
    Input {
        name: "INC-1".into(),
        title: "checkout-availability burns".into(),
        service: "checkout".into(),
        environment: "production".into(),
        severity: "SEV2".into(),
        affected: vec![
            Affected { service: "checkout".into(), owner: Some("team-payments".into()) },
            Affected { service: "web".into(), owner: None },
        ],
        began_at: Some(at(2)),
        opened_at: at(14),
        acknowledged: Some((at(30), "ana".into())),
        mitigation: Some(Mitigation {
            what: "rolled checkout back from 2.0.0 to 1.9.0".into(),
            at: at(48),
            by: "evenkeel".into(),
            automatic: true,
        }),
        ended: Some(Ending {
            at: at(110),
            by: "evenkeel".into(),
            reason: "0 of 950 events bad in 60 s, 0 allowed".into(),
            automatic: true,
        }),
        reopened: 0,
        factors: vec![
            Factor {
                kind: FactorKind::Deploy,
                service: "checkout".into(),
                version: Some("2.0.0".into()),
                at: Some(at(0)),
                reference: Some("dpl_1".into()),
                score: 0.97,
                evidence: "98 % of failures carry checkout 2.0.0; of requests on 1.9.0, 0.1 % fail"
                    .into(),
            },
            Factor {
                kind: FactorKind::Config,
                service: "checkout".into(),
                version: None,
                at: Some(at(-900)),
                reference: Some("41".into()),
                score: 0.01,
                evidence: "a configuration was applied 15 min before".into(),
            },
        ],
        impact: Some(Impact {
            bad_events: 410,
            total_events: 1650,
            users_affected_share: Some(0.23),
        }),
        objectives: vec![Objective {
            slo: "checkout-availability".into(),
            target: 0.995,
            budget_spent: Some(0.031),
        }],
        responders: vec![Responder {
            name: "ana".into(),
            did: vec!["acknowledged".into(), "one update".into()],
        }],
        timeline: vec![
            event(14, 102, "INC-1 opened on checkout in production as SEV2", "evenkeel"),
            event(0, 98, "checkout in production: deployed 2.0.0, before it 1.9.0", "deployer"),
            event(14, 101, "alert of checkout fired | burn 200x", "evenkeel"),
            event(30, 106, "acknowledged", "ana"),
        ],
        deploys_blocked: 1,
        pages_sent: 1,
        drafted_at: at(120),
    }
}

#[test]
fn the_whole_story() {
    insta::assert_snapshot!(draft(&bad_deploy()).markdown());
}

#[test]
fn the_sections_are_pagerdutys_in_their_order() {
    let headings: Vec<_> = draft(&bad_deploy()).sections.iter().map(|one| one.heading).collect();
    assert_eq!(
        headings.join(" · "),
        "Overview · What happened · Contributing factors · Resolution · Impact · Responders · Timeline · How'd we do? · \
         Action items · Messaging"
    );
}

#[test]
fn four_in_five_sections_are_filled_from_data() {
    let sections = draft(&bad_deploy()).sections;
    let filled = sections.iter().filter(|section| section.from_data()).count();
    assert!(filled * 5 >= sections.len() * 4, "{filled} of {}", sections.len());
}

#[test]
fn of_little_a_little_is_said_and_the_rest_asked_for() {
    let input = Input {
        began_at: None,
        acknowledged: None,
        mitigation: None,
        ended: None,
        factors: Vec::new(),
        impact: None,
        objectives: Vec::new(),
        responders: Vec::new(),
        timeline: Vec::new(),
        environment: "".into(),
        ..bad_deploy()
    };
    let draft = draft(&input);
    let markdown = draft.markdown();
    for said in [
        "requests to checkout failed. The incident was SEV2 and is not over.",
        "| Mitigated, from the page | not on record |",
        "_No change and no failing dependency was found. What made this possible?_",
        "- Nobody acknowledged the page.",
        "| Check who is paged and how: nobody acknowledged | team-payments | (date) |",
    ] {
        assert!(markdown.contains(said), "{said}\n{markdown}");
    }
    let responders = draft.sections.iter().find(|one| one.heading == "Responders").unwrap();
    assert!(!responders.from_data());
}

#[test]
fn a_failing_dependency_suggests_actions_to_both_sides() {
    let factor = Factor {
        kind: FactorKind::Dependency,
        service: "payment".into(),
        version: None,
        at: None,
        ..bad_deploy().factors.remove(0)
    };
    let input = Input { factors: vec![factor], reopened: 2, ..bad_deploy() };
    let text = draft(&input)
        .sections
        .iter()
        .flat_map(|one| one.paragraphs())
        .collect::<Vec<_>>()
        .join("\n");
    for said in [
        "The evidence points to the failures in payment.",
        "Decide how checkout behaves while payment fails: time-out, retry, fallback · team-payments",
        "Agree on an objective for payment that its callers can rely on · (owner of payment)",
        "It was reopened 2 times in between.",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn a_long_timeline_is_cut_and_says_so() {
    let timeline = (0..600).map(|seq| event(600 - seq as i64, seq, "x", "ana")).collect();
    let draft = draft(&Input { timeline, ..bad_deploy() });
    let section = draft.sections.iter().find(|one| one.heading == "Timeline").unwrap();
    let paragraphs = section.paragraphs();
    assert_eq!(paragraphs.len(), limits::TIMELINE_MAX + 1);
    assert!(paragraphs[0].ends_with("#599"), "the earliest first: {}", paragraphs[0]);
    assert_eq!(paragraphs.last().unwrap(), "100 later events stand in the journal.");
}
