//! Stories with a known cause: the ranking names it first, whatever the seed.

mod shop;

use std::time::Duration;

use super::{ChangeKind, Suspect, SuspectKind, rank};
use shop::{Cause, Story, at};

const SEEDS: u64 = 100;

/// Plays `story` from a hundred seeds; the first suspect's name must be `cause` in all of them.
#[track_caller]
fn names_first(story: impl Fn(u64) -> Story, cause: &str) {
    for seed in 0..SEEDS {
        let evidence = story(seed).play();
        let suspects = rank(&evidence);
        let first = suspects.first().map(Suspect::name);
        assert_eq!(first.as_deref(), Some(cause), "seed {seed}: {evidence:#?} {suspects:#?}");
        assert!(suspects.windows(2).all(|two| two[0].score >= two[1].score));
        assert!(suspects.iter().all(|one| (0.0..=1.0).contains(&one.score)));
    }
}

fn find<'a>(suspects: &'a [Suspect], name: &str) -> &'a Suspect {
    suspects.iter().find(|suspect| suspect.name() == name).unwrap()
}

fn bad_deploy(seed: u64) -> Story {
    let mut story = Story::new(seed, Cause::Version { service: "checkout", version: "2.0.0" });
    story.deploy("checkout", "2.0.0", 0, 0.5);
    story
}

#[test]
fn a_bad_deploy_on_half_of_the_instances() {
    names_first(bad_deploy, "deploy of checkout 2.0.0");
    let suspects = rank(&bad_deploy(1).play());
    insta::assert_snapshot!(
        suspects[0].evidence,
        @"99.7 % of failures carry checkout 2.0.0; of requests on 1.9.0, 0.3 % fail"
    );
    assert!(suspects[0].concurrent && suspects[0].score > 0.9, "{:?}", suspects[0]);
}

#[test]
fn a_bad_deploy_that_fails_some_requests_only_beside_a_harmless_one() {
    let story = |seed| {
        let mut story = bad_deploy(seed);
        story.failing_share = 0.3;
        story.deploy("payment", "5.1.0", -60, 0.5);
        story.config("checkout", -30);
        story
    };
    names_first(story, "deploy of checkout 2.0.0");
}

#[test]
fn a_bad_deploy_is_named_after_its_first_ten_failures() {
    let story = |seed| {
        let mut story = bad_deploy(seed);
        story.window(Duration::from_secs(20), Duration::ZERO);
        story.per_second = 1.5;
        story
    };
    names_first(story, "deploy of checkout 2.0.0");
}

fn outage(seed: u64) -> Story {
    Story::new(seed, Cause::Provider { service: "payment", peer: "provider" })
}

#[test]
fn a_dependency_fails_and_a_deploy_of_the_caller_is_a_decoy() {
    let story = |seed| {
        let mut story = outage(seed);
        story.deploy("checkout", "2.0.0", -60, 0.5);
        story
    };
    names_first(story, "dependency payment");
    let suspects = rank(&story(1).play());
    let decoy = find(&suspects, "deploy of checkout 2.0.0");
    assert!(decoy.score < 0.05 && decoy.concurrent, "{decoy:?}");
    insta::assert_snapshot!(
        format!("{}\n{}", suspects[0].evidence, decoy.evidence),
        @"
    100 % of failing traces fail deepest in payment `POST /charge`, which calls provider
    speaks against it: 78 % of requests on checkout 2.0.0 fail, and 78 % of those on 1.9.0
    "
    );
}

#[test]
fn a_decoy_that_took_over_completely_before_the_outage_is_no_contrast() {
    let story = |seed| {
        let mut story = outage(seed);
        story.deploy("checkout", "2.0.0", -60, 1.0);
        // The window reaches back to when the old version served, and served well.
        story.window(Duration::from_secs(90), Duration::from_secs(180));
        story
    };
    names_first(story, "dependency payment");
    let decoy = rank(&story(3).play());
    assert!(find(&decoy, "deploy of checkout 2.0.0").score < 0.3, "{decoy:?}");
}

#[test]
fn a_decoy_that_rolls_out_through_the_outage_is_compared_slice_by_slice() {
    let story = |seed| {
        let mut story = outage(seed);
        story.deploy("checkout", "2.0.0", -60, 1.0);
        story.rollout = Duration::from_secs(120);
        story.window(Duration::from_secs(90), Duration::from_secs(120));
        story
    };
    names_first(story, "dependency payment");
    let decoy = rank(&story(3).play());
    assert!(find(&decoy, "deploy of checkout 2.0.0").score < 0.3, "{decoy:?}");
}

#[test]
fn a_callees_bad_deploy_seen_from_its_caller() {
    let story = |seed| {
        let mut story = Story::new(seed, Cause::Version { service: "payment", version: "5.1.0" });
        story.deploy("payment", "5.1.0", -10, 0.5);
        story.deploy("checkout", "2.0.0", -5, 0.5);
        story
    };
    names_first(story, "deploy of payment 5.1.0");
    let suspects = rank(&story(1).play());
    assert!(find(&suspects, "deploy of checkout 2.0.0").score < 0.05);
    assert!(find(&suspects, "dependency payment").score < 0.3);
}

#[test]
fn a_configuration_just_before_without_a_contrast() {
    let story = |seed| {
        let mut story = Story::new(seed, Cause::Own { service: "checkout" });
        story.config("checkout", -15);
        story.deploy("checkout", "2.0.0", -600, 0.5);
        story.deploy("payment", "5.1.0", -3000, 1.0);
        story
    };
    names_first(story, "config of checkout");
    insta::assert_snapshot!(
        rank(&story(1).play())[0].evidence,
        @"a configuration of checkout was applied 15 s before the failures began; since, 94 % of requests to checkout fail; before it, 0.1 %"
    );
}

#[test]
fn a_bad_deploy_on_all_instances_at_once() {
    let story = |seed| {
        let mut story = Story::new(seed, Cause::Version { service: "checkout", version: "2.0.0" });
        story.deploy("checkout", "2.0.0", 0, 1.0);
        story.config("checkout", -3600);
        story
    };
    names_first(story, "deploy of checkout 2.0.0");
    let first = rank(&story(1).play()).remove(0);
    assert!(!first.concurrent, "{first:?}");
}

#[test]
fn a_callees_bad_deploy_on_all_instances_at_once() {
    let story = |seed| {
        let mut story = Story::new(seed, Cause::Version { service: "payment", version: "5.1.0" });
        story.deploy("payment", "5.1.0", 0, 1.0);
        story.deploy("checkout", "2.0.0", -60, 0.5);
        story
    };
    names_first(story, "deploy of payment 5.1.0");
}

#[test]
fn a_deploy_that_nobody_recorded_stands_out_by_its_contrast() {
    let story = |seed| {
        let mut story = bad_deploy(seed);
        story.changes.clear();
        story
    };
    names_first(story, "deploy of checkout 2.0.0");
    let first = rank(&story(1).play()).remove(0);
    assert!(first.reference.is_none() && first.evidence.ends_with("no deploy of it is on record"));
}

#[test]
fn a_change_after_the_failures_began_is_cleared() {
    let mut story = outage(7);
    story.config("payment", 0);
    let mut evidence = story.play();
    evidence.changes[0].at = at(400);
    let suspects = rank(&evidence);
    let config = find(&suspects, "config of payment");
    assert_eq!(config.score, 0.0);
    assert_eq!(&*config.evidence, "speaks against it: failures began 6 min before it");
}

#[test]
fn nothing_changed_and_nothing_that_is_called_fails() {
    let evidence = Story::new(5, Cause::Own { service: "checkout" }).play();
    assert_eq!(rank(&evidence), []);
}

#[test]
fn a_deploy_without_traffic_and_too_few_requests_are_told_apart() {
    let mut story = outage(11);
    story.deploy("checkout", "2.0.0", -60, 0.0);
    let suspects = rank(&story.play());
    assert_eq!(
        &*find(&suspects, "deploy of checkout 2.0.0").evidence,
        "speaks against it: no request ran through checkout 2.0.0"
    );
    let mut story = bad_deploy(11);
    story.window(Duration::from_secs(10), Duration::ZERO);
    story.per_second = 1.6;
    story.changes[0].share = 0.1;
    let first = rank(&story.play()).remove(0);
    assert!(first.evidence.starts_with("too few requests to tell"), "{first:?}");
}

#[test]
fn metrics_alone_leave_time_as_the_only_evidence() {
    let mut story = Story::new(3, Cause::Own { service: "checkout" });
    story.deploy("checkout", "2.0.0", -20, 1.0);
    let mut evidence = story.play();
    evidence.by_version.clear();
    evidence.error_sources.clear();
    evidence.failing_traces = 0;
    let first = rank(&evidence).remove(0);
    assert_eq!((first.kind, first.concurrent), (SuspectKind::Deploy, false));
    assert!(first.score > 0.5, "{first:?}");
    evidence.baseline = super::Counts::default();
    let unsure = rank(&evidence).remove(0);
    assert!(unsure.score < 0.35 && unsure.evidence.contains("too little is known"), "{unsure:?}");
    evidence.changes[0].kind = ChangeKind::Config;
    assert_eq!(rank(&evidence)[0].version, None);
}

#[test]
fn whatever_the_numbers_the_ranking_is_sound() {
    use proptest::prelude::*;
    let outcome = (0..3u8, 0..3u8, 0..4i64, 0..50u64, 0..50u64);
    let change = (0..3u8, 0..3u8, -8000..8000i64, any::<bool>());
    let source = (0..4u8, 0..100u64, any::<bool>());
    let many = (
        prop::collection::vec(outcome, 0..20),
        prop::collection::vec(change, 0..20),
        prop::collection::vec(source, 0..8),
        (0..100u64, 0..1000u64, 0..1000u64),
    );
    proptest!(|((outcomes, changes, sources, (traces, now, before)) in many)| {
        let evidence = shop::arbitrary(&outcomes, &changes, &sources, (traces, now, before));
        let suspects = rank(&evidence);
        prop_assert!(suspects.len() <= crate::limits::SUSPECTS_MAX);
        prop_assert!(suspects.iter().all(|one| (0.0..=1.0).contains(&one.score)));
        prop_assert!(suspects.iter().all(|one| !one.evidence.is_empty() && !one.evidence.contains("NaN")));
        prop_assert_eq!(rank(&evidence), suspects);
    });
}
