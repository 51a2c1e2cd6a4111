//! Patterns of lines: masked and merged as stated, in whatever order, within limits.

use model::Timestamp;
use proptest::{collection::vec, prelude::*};
use triage::patterns::{Miner, Patterns, SHAPES_MAX};

fn mine<'a>(lines: impl IntoIterator<Item = &'a str>) -> Miner {
    let mut miner = Miner::default();
    for (at, line) in lines.into_iter().enumerate() {
        miner.observe(line, 9, Timestamp::from_secs(i64::try_from(at).unwrap()));
    }
    miner
}

fn templates<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut texts: Vec<_> = mine(lines).templates().iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

#[test]
fn names_vary_freely_and_words_do_not() {
    assert_eq!(
        templates([
            "moved from OnlineReplica to OfflineReplica",
            "moved from NewReplica to OnlineReplica",
            "moved from OfflineReplica to NewReplica"
        ]),
        ["moved from <*> to <*>"]
    );
    assert_eq!(
        templates(["worker started", "worker stopped"]),
        ["worker started", "worker stopped"]
    );
    let users = ["ann", "bob", "cid", "dan", "eve", "flo", "gus", "hal", "ida"];
    let lines: Vec<_> = users.iter().map(|user| format!("user {user} logged in")).collect();
    assert_eq!(templates(lines.iter().map(String::as_str)), ["user <*> logged in"]);
    assert_eq!(templates(["a ERROR x", "a WARN x"]).len(), 2);
    assert_eq!(templates(["failed: AException at x_y", "failed: BException at x_y"]).len(), 2);
}

#[test]
fn a_pattern_keeps_when_and_how_severe_and_an_example() {
    let mut miner = Miner::default();
    for (second, severity) in [(30, 17), (10, 9), (20, 17)] {
        miner.observe(&format!("took {second} ms"), severity, Timestamp::from_secs(second));
    }
    let [template] = &miner.templates()[..] else { panic!("one template") };
    assert_eq!((template.to_string(), template.count()), ("took <num> ms".to_owned(), 3));
    assert_eq!(
        (template.first(), template.last()),
        (Timestamp::from_secs(10), Timestamp::from_secs(30))
    );
    assert_eq!((template.example(), template.severities().errors()), ("took 10 ms", 2));
    // Ids are kept by others: no change of ours may change them unseen.
    assert_eq!(template.id().to_string(), "c2ffbb011578f6a4");
}

#[test]
fn more_shapes_than_the_limit_are_merged_or_counted_as_other() {
    let word = |n: usize| -> String {
        format!("{n:05}").bytes().map(|digit| char::from(b'a' + digit - b'0')).collect()
    };
    // One statement whose word varies without end stays one template.
    let lines: Vec<_> =
        (0..3 * SHAPES_MAX).map(|n| format!("user {} logged in", word(n))).collect();
    let miner = mine(lines.iter().map(String::as_str));
    assert_eq!(miner.templates().len(), 1);
    assert_eq!((miner.templates()[0].count(), miner.other().count), (lines.len() as u64, 0));
    // Statements without end: the least used are given up, and every line is counted still.
    let lines: Vec<_> = (0..2 * SHAPES_MAX).map(word).collect();
    let mut miner = mine(lines.iter().map(String::as_str));
    (0..100).for_each(|_| miner.observe("kept", 9, Timestamp::EPOCH));
    assert!(miner.other().count > 0);
    assert_eq!(miner.lines(), lines.len() as u64 + 100);
    assert!(miner.templates().len() <= SHAPES_MAX);
    assert_eq!(miner.templates()[0].to_string(), "kept");
}

#[test]
fn many_services_share_the_limits() {
    let mut patterns = Patterns::default();
    for n in 0..2000 {
        patterns.observe(&format!("s{n}"), "hello", 9, Timestamp::EPOCH);
    }
    assert!(patterns.services().count() <= 513);
    assert_eq!(patterns.services().map(|(_, miner)| miner.lines()).sum::<u64>(), 2000);
}

/// Lines of a few statements with varying words, numbers and rubbish.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let name = prop::sample::select(vec![
        "Alpha",
        "BetaGamma",
        "x_y",
        "eu-west",
        "plain",
        "words",
        "here",
    ]);
    let line = (0..5, name.clone(), name, 0..20_u32, "[ -~]{0,12}").prop_map(
        |(statement, a, b, n, rubbish)| match statement {
            0 => format!("moved {a} to {b} in {n} ms"),
            1 => format!("[{a}] list {n},{n},{n} and {{x={b}}}"),
            2 => format!("failed {a}: {b} after {n} tries"),
            3 => format!("key=\"{a} {n}\" msg=\"{b} {n}\""),
            _ => rubbish,
        },
    );
    vec(line, 0..60)
}

proptest! {
    #[test]
    fn no_order_of_lines_changes_the_templates(
        (lines, shuffled) in lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))
    ) {
        let at = Timestamp::EPOCH;
        let mine = |lines: &[String]| {
            let mut miner = Miner::default();
            lines.iter().for_each(|line| miner.observe(line, 9, at));
            miner
        };
        prop_assert_eq!(mine(&lines).templates(), mine(&shuffled).templates());
        // And so does no way of parting them among miners.
        let (one, other) = shuffled.split_at(shuffled.len() / 3);
        let mut sum = mine(other);
        sum.add(&mine(one));
        prop_assert_eq!(mine(&lines).templates(), sum.templates());
    }

    #[test]
    fn template_and_parameters_are_the_line_again(lines in lines()) {
        let templates = mine(lines.iter().map(String::as_str)).templates();
        for line in &lines {
            let mut matching = templates.iter().filter_map(|it| Some((it, it.parameters(line)?)));
            let (template, parameters) = matching.next().expect("a template of it");
            prop_assert_eq!(&template.fill(parameters.iter().map(|it| it.text)), line);
        }
        prop_assert_eq!(templates.iter().map(|it| it.count()).sum::<u64>(), lines.len() as u64);
    }

    #[test]
    fn rubbish_does_no_harm(line in "\\PC{0,200}|[\\[({\"=:,a1/. \n]{0,400}") {
        let miner = mine([line.as_str()]);
        let template = &miner.templates()[0];
        let parameters = template.parameters(&line).expect("its own");
        prop_assert_eq!(template.fill(parameters.iter().map(|it| it.text)), line);
    }
}
