//! Every text is parsed or refused, and prints to a fixed point: texts that people and attackers send, and expressions in
//! use elsewhere.

mod empty;

use std::{fs, thread};

use promql::{Features, lint::lint, parse, parse_with};

use crate::{
    mutate::{corpus, mutations},
    tables::data,
};

/// Refused expressions that are shown.
const SHOWN_MAX: usize = 20;

/// Checks all that holds for whatever text; whether it was parsed.
#[track_caller]
fn survives(text: &str, features: &Features) -> bool {
    let expr = match parse_with(text, features) {
        Ok(expr) => expr,
        Err(refused) => {
            assert!(!refused.message.is_empty());
            assert!(refused.span.start <= refused.span.end && refused.span.end <= text.len());
            return false;
        }
    };
    let printed = expr.to_string();
    if printed == text {
        // Parsing it again would give the same tree.
        empty::evaluates(&expr, text);
        return true;
    }
    let again = parse_with(&printed, features).unwrap_or_else(|e| panic!("{text}\n{printed}\n{e}"));
    assert_eq!(again.to_string(), printed, "{text}");
    let pretty = expr.pretty();
    // Indentation makes it longer, and what is too long is refused.
    if pretty != printed && pretty.len() <= promql::EXPRESSION_BYTES_MAX {
        let again =
            parse_with(&pretty, features).unwrap_or_else(|e| panic!("{text}\n{pretty}\n{e}"));
        assert_eq!(again.to_string(), printed, "{text}\n{pretty}");
    }
    empty::evaluates(&expr, text);
    for lint in lint(&expr, &|_| None) {
        assert!(text.get(lint.span.start..lint.span.end).is_some(), "{text}\n{lint:?}");
        if let Some(fixed) = lint.fix.as_ref().map(|fix| fix.apply(text)) {
            let parsed = parse_with(&fixed, &Features::ALL);
            assert!(parsed.is_ok(), "{text}\n{lint:?}\n{fixed}\n{parsed:?}");
        }
    }
    true
}

#[test]
fn no_mutation_of_the_corpus_does_harm() {
    let (mut parsed, mut refused) = (0, 0);
    for (name, bytes) in corpus("promql") {
        for text in mutations(&name, &bytes) {
            let text = String::from_utf8_lossy(&text);
            for line in [&*text].into_iter().chain(text.lines()) {
                let done = survives(line.trim_end_matches('\n'), &Features::ALL);
                *(if done { &mut parsed } else { &mut refused }) += 1;
                survives(line, &Features::NONE);
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
        let check = |part: &[&str]| {
            let bad = part.iter().filter(|text| !survives(text, features));
            bad.map(|text| format!("{}\n  {text}", parse_with(text, features).unwrap_err()))
                .collect::<Vec<_>>()
        };
        let parts = texts.chunks(texts.len().div_ceil(THREADS).max(1));
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || check(part))).collect();
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
        let parsed = survives(text, &Features::NONE);
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
        if !survives(query, &Features::NONE) {
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
