//! Every text is parsed or refused, and prints to a fixed point: texts that people and attackers send, and expressions in
//! use elsewhere.

use std::{fs, thread};

use promql::{Features, HEIGHT_MAX, parse, parse_with};

use crate::{
    check::{check, evaluates},
    mutate::{corpus, mutations},
    tables::data,
};

/// Refused expressions that are shown.
const SHOWN_MAX: usize = 20;

#[test]
fn no_mutation_of_the_corpus_does_harm() {
    let (mut parsed, mut refused) = (0, 0);
    for (name, bytes) in corpus("promql") {
        for text in mutations(&name, &bytes) {
            let text = String::from_utf8_lossy(&text);
            for line in [&*text].into_iter().chain(text.lines()) {
                let done = check(line.trim_end_matches('\n'), &Features::ALL);
                *(if done { &mut parsed } else { &mut refused }) += 1;
                check(line, &Features::NONE);
            }
        }
    }
    println!("promql corpus: {parsed} parsed, {refused} refused");
    assert!(parsed > 0 && refused > 0);
}

/// A file of the data; `None`, with a word, where it is not there.
fn read(name: &str) -> Option<String> {
    let Some(data) = data() else {
        println!("conformance promql {name}: 0 ran: EVENKEEL_CONFORMANCE_DATA is not set");
        return None;
    };
    Some(fs::read_to_string(data.join(name)).unwrap())
}

/// Threads that check expressions: patterns take long to compile without optimization.
const THREADS: usize = 2;

fn all_are_parsed<'t>(name: &str, texts: impl Iterator<Item = &'t str>, features: &Features) {
    let texts: Vec<_> = texts.collect();
    let refused: Vec<_> = thread::scope(|scope| {
        let refused = |part: &[&str]| {
            let bad = part.iter().filter(|text| !check(text, features));
            bad.map(|text| format!("{}\n  {text}", parse_with(text, features).unwrap_err()))
                .collect::<Vec<_>>()
        };
        let parts = texts.chunks(texts.len().div_ceil(THREADS).max(1));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || refused(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("conformance promql {name}: {} ran, 0 skipped", texts.len());
    let shown = &refused[..refused.len().min(SHOWN_MAX)];
    assert!(refused.is_empty(), "{} were refused:\n{}", refused.len(), shown.join("\n"));
    assert!(!texts.is_empty());
}

#[test]
fn expressions_in_use_are_parsed() {
    let Some(lines) = read("real-promql/valid.txt") else { return };
    all_are_parsed("expressions in use", lines.lines(), &Features::NONE);
}

#[test]
fn expressions_that_are_wrong_are_refused() {
    let Some(lines) = read("real-promql/invalid.tsv") else { return };
    // promtool 2.42 refused a number as a range; Prometheus 3 reads it as seconds.
    let allowed_since = "missing unit character in duration";
    let (mut ran, mut allowed) = (0, 0);
    for line in lines.lines() {
        let (text, reason) = line.split_once('\t').unwrap();
        let parsed = check(text, &Features::NONE);
        if reason.ends_with(allowed_since) {
            allowed += 1;
            assert!(parsed, "{text}");
        } else {
            ran += 1;
            assert!(!parsed, "{text}\n{reason}");
            let message = parse(text).unwrap_err().to_string();
            assert_eq!(reason.trim_start_matches("could not parse expression: "), message);
        }
    }
    println!("conformance promql wrong expressions: {ran} ran, {allowed} skipped");
}

#[test]
fn expressions_of_the_test_scripts_are_parsed() {
    let Some(data) = data() else {
        println!("conformance promql scripts: 0 ran: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let mut names: Vec<_> = fs::read_dir(data.join("promql/promqltest"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    names.sort();
    let texts: Vec<_> = names.iter().map(|name| fs::read_to_string(name).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    all_are_parsed("expressions of scripts", lines.filter_map(evaluated), &Features::ALL);
}

/// The expression of a line `eval instant at 5m EXPR` or `eval range from 0 to 5m step 1m EXPR`.
fn evaluated(line: &str) -> Option<&str> {
    let mut rest = line.trim_start().strip_prefix("eval")?;
    let word = |text: &mut &str| {
        let trimmed = text.trim_start();
        let (word, after) = trimmed.split_once(char::is_whitespace)?;
        *text = after;
        Some(word.to_owned())
    };
    let kind = word(&mut rest)?;
    let words =
        if kind.starts_with("range") || rest.trim_start().starts_with("range") { 6 } else { 2 };
    // `eval_fail`, `eval_warn` and the like have their own word before.
    if !matches!(kind.as_str(), "instant" | "range") {
        word(&mut rest)?;
    }
    for _ in 0..words {
        word(&mut rest)?;
    }
    Some(rest.trim())
}

#[test]
fn the_queries_of_the_compliance_test_are_parsed() {
    let Some(data) = data() else {
        println!("conformance promql compliance: 0 ran: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let path = data.join("promql-golden/demo-queries.json");
    let queries: Vec<String> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut refused = Vec::new();
    for query in &queries {
        if !check(query, &Features::NONE) {
            refused.push(query);
        }
    }
    println!("conformance promql compliance queries: {} ran, 0 skipped", queries.len());
    for query in &refused {
        println!("  refused: {query}");
    }
    // The one that the list itself marks as failing.
    assert_eq!(refused, ["{__name__=~\".*\"}"]);
}

#[test]
fn the_highest_trees_are_evaluated() {
    let chain = |operator: &str| vec!["a"; HEIGHT_MAX].join(operator);
    let nested = |open: &str, close: &str| format!("{}a{}", open.repeat(98), close.repeat(98));
    let texts = [
        chain(" or "),
        chain("+"),
        chain(" and on (a) "),
        chain("*").replace('a', "1"),
        nested("(", ")"),
        nested("-", ""),
        nested("sum(", ")"),
        nested("abs(", ")"),
        nested("max_over_time(", "[1m:])"),
        nested("1^", ""),
    ];
    for text in texts {
        let expr = parse_with(&text, &Features::ALL).unwrap_or_else(|e| panic!("{text}: {e}"));
        evaluates(&expr, &text);
        assert!(!expr.pretty().is_empty());
        promql::lint::lint(&expr, &|_| None);
    }
}
