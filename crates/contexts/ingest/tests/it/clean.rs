//! What is no secret stays: the lines of `testdata/clean.txt`, and logs and traces of real systems.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ingest::{Findings, Redactor};
use model::Value;

/// The log line or the attribute that a line stands for.
fn held(line: &str) -> Value {
    let attribute = line.split_once(": ").filter(|(key, _)| {
        key.contains('.')
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"._-".contains(&byte))
    });
    match attribute {
        Some((key, text)) => Value::Map(vec![(key.into(), Value::string(text))]),
        None => Value::string(line),
    }
}

#[test]
fn names_ids_and_digests_stay() {
    let redactor = Redactor::new();
    let text = include_str!("../../testdata/clean.txt");
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = held(line);
        let mut findings = Findings::default();
        let mut after = value.clone();
        redactor.value(&mut after, &mut findings);
        if after != value {
            wrong.push(after.to_string());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn files(of: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(of).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// The strings of a JSON text, without their escapes that are no part of a word.
fn strings(text: &str) -> Vec<String> {
    let (mut strings, mut rest) = (Vec::new(), text);
    while let Some((_, after)) = rest.split_once('"') {
        let mut escaped = false;
        let end = after.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let Some(end) = end else { break };
        let (string, after) = after.split_at(end);
        strings.push(string.to_owned());
        rest = after.strip_prefix('"').unwrap_or_default();
    }
    strings
}

/// What is hidden of real telemetry, in which no secret is known to be.
#[test]
#[expect(clippy::disallowed_methods, reason = "the variable names the data of this test")]
fn real_logs_and_traces_stay() {
    let Ok(data) = std::env::var("EVENKEEL_CONFORMANCE_DATA") else {
        println!("conformance redaction: 0 ran, all skipped: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let (redactor, data) = (Redactor::new(), PathBuf::from(data));
    let (mut ran, mut skipped, mut bytes) = (0, 0, 0);
    let mut hits: BTreeMap<String, u64> = BTreeMap::new();
    for folder in [
        "logs-access",
        "logs-kafka",
        "traces-jaeger",
        "otlp/examples",
        "logs-parse-vectors",
        "logs-quickwit-rest",
    ] {
        let mut all = Vec::new();
        files(&data.join(folder), &mut all);
        assert!(!all.is_empty(), "{folder} is missing");
        for path in all {
            let Ok(text) = std::fs::read_to_string(&path) else {
                skipped += 1;
                continue;
            };
            let is_json = path.extension().is_some_and(|end| end == "json");
            let texts =
                if is_json { strings(&text) } else { text.lines().map(str::to_owned).collect() };
            for text in texts {
                (ran, bytes) = (ran + 1, bytes + text.len());
                let mut findings = Findings::default();
                let mut after: Box<str> = text.clone().into();
                redactor.text(&mut after, &mut findings);
                if *after != *text {
                    for (rule, count) in findings.hidden() {
                        *hits.entry(format!("{folder} {rule}")).or_default() += count;
                    }
                    if std::env::var_os("EVENKEEL_SHOW_HITS").is_some() {
                        println!("HIT {folder}: {text}\n -> {after}");
                    }
                }
            }
        }
    }
    println!("conformance redaction: {ran} ran, {skipped} skipped; {bytes} bytes; hits {hits:?}");
    // Both are opaque states of a search engine, in two of 49,000 texts.
    assert_eq!(hits, BTreeMap::from([("logs-access entropy".to_owned(), 2)]));
}
