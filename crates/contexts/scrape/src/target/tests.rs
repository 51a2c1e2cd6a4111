//! From discovered labels to targets.

use super::*;
use crate::{
    config::test::job,
    pattern::{Pattern, Template},
    relabel::{Action, Rule},
};

fn check(job: &Job, target: &[(&str, &str)], group: &[(&str, &str)]) -> String {
    let group = Group {
        source: "g".into(),
        targets: vec![LabelSet::from_pairs(target.iter().copied())],
        labels: LabelSet::from_pairs(group.iter().copied()),
    };
    match build(job, &group).remove(0) {
        Ok(Built::Target(target)) => format!("{} {}", target.url, target.labels),
        Ok(Built::Dropped(labels)) => format!("dropped {labels}"),
        Err(error) => error.to_string(),
    }
}

fn set(target: &str, replacement: &str) -> Rule {
    Rule {
        target: Template::new(target),
        replacement: Template::new(replacement),
        ..Rule::default()
    }
}

#[test]
fn labels_come_from_the_target_its_group_and_the_job() {
    let mut job = job("shop");
    job.params = vec![("module".into(), vec!["a b".into(), "c".into()])];
    assert_eq!(
        check(
            &job,
            &[("__address__", "h:9100"), ("env", "own")],
            &[("env", "group"), ("team", "x")]
        ),
        r#"http://h:9100/metrics?module=a+b&module=c {env="own", instance="h:9100", job="shop", team="x"}"#
    );
    // No port is added: that is how Prometheus 3 does it.
    assert_eq!(
        check(&job, &[("__address__", "h")], &[("job", "other"), ("instance", "i")]),
        r#"http://h/metrics?module=a+b&module=c {instance="i", job="other"}"#
    );
}

#[test]
fn relabelling_sees_meta_labels_and_sets_where_to_scrape() {
    let mut job = job("shop");
    job.relabel = [
        Rule {
            source: ["__meta_zone".into()].into(),
            target: Template::new("zone"),
            ..Rule::default()
        },
        Rule {
            source: ["__address__".into()].into(),
            target: Template::new("__param_target"),
            ..Rule::default()
        },
        set("__address__", "prober:9115"),
        set("__metrics_path__", "probe/it?"),
        set("__scheme__", "https"),
    ]
    .into();
    assert_eq!(
        check(&job, &[("__address__", "h:1"), ("__meta_zone", "z1")], &[]),
        r#"https://prober:9115/probe/it%3F?target=h%3A1 {instance="prober:9115", job="shop", zone="z1"}"#
    );
}

#[test]
fn intervals_may_be_relabelled() {
    let mut job = job("shop");
    job.relabel = [set("__scrape_interval__", "5s"), set("__scrape_timeout__", "1s500ms")].into();
    let group =
        Group { targets: vec![LabelSet::from_pairs([("__address__", "h:1")])], ..Group::default() };
    let Ok(Built::Target(target)) = build(&job, &group).remove(0) else { panic!() };
    assert_eq!((target.interval.as_millis(), target.timeout.as_millis()), (5000, 1500));
}

#[test]
fn what_cannot_be_scraped_says_why() {
    let with = |rules: Vec<Rule>| {
        let mut job = job("shop");
        job.relabel = rules.into();
        check(&job, &[("__address__", "h:1")], &[])
    };
    let drop = Rule { action: Action::Drop, regex: Pattern::new(".*").unwrap(), ..Rule::default() };
    insta::assert_snapshot!(
        [
            with(vec![set("__address__", "")]),
            with(vec![set("__address__", "http://bad")]),
            with(vec![set("__address__", "user@host")]),
            with(vec![set("__scheme__", "ftp")]),
            with(vec![set("__scrape_interval__", "5")]),
            with(vec![set("__scrape_timeout__", "0s")]),
            with(vec![set("__scrape_timeout__", "2m")]),
            with(vec![drop]),
        ]
        .join("\n"),
        @r#"
    instance 0 in group g: no address
    instance 0 in group g: `http://bad` is not a valid hostname
    instance 0 in group g: `user@host` is not a valid hostname
    instance 0 in group g: the scheme is `ftp`; `http` and `https` are allowed
    instance 0 in group g: error parsing scrape interval: `5` is not a duration
    instance 0 in group g: scrape timeout cannot be 0
    instance 0 in group g: scrape timeout cannot be greater than scrape interval (`2m` > `1m`)
    dropped {__address__="h:1", __metrics_path__="/metrics", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="10s", job="shop"}
    "#
    );
}

#[test]
fn durations_print_as_prometheus_prints_them() {
    for text in ["1ms", "15s", "1m", "1m30s", "1h", "1d", "1w", "1y", "36h", "1h30m", "0s"] {
        assert_eq!(
            print_duration(parse_duration(text).unwrap()),
            if text == "36h" { "36h" } else { text }
        );
    }
    assert_eq!(print_duration(parse_duration("7d").unwrap()), "1w");
    assert_eq!(print_duration(parse_duration("1d1h").unwrap()), "25h");
}

#[test]
fn targets_that_are_scraped_alike_have_one_hash() {
    let hash = |labels: &[(&str, &str)]| {
        let group = Group {
            targets: vec![LabelSet::from_pairs(labels.iter().copied())],
            ..Group::default()
        };
        match build(&job("j"), &group).remove(0) {
            Ok(Built::Target(target)) => target.hash,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        hash(&[("__address__", "h"), ("__meta_a", "1")]),
        hash(&[("__address__", "h"), ("__meta_a", "2")])
    );
    assert_ne!(
        hash(&[("__address__", "h"), ("a", "1")]),
        hash(&[("__address__", "h"), ("a", "2")])
    );
}
