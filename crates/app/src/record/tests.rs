//! Every form ever written stays readable: the examples under `testdata/facts/` are one line of JSON for each fact.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::*;

fn kinds() -> BTreeSet<&'static str> {
    let all: [&[&str]; 5] = [
        <::alert::Fact as DiskFact>::KINDS,
        <::alert::delivery::Fact as DiskFact>::KINDS,
        <::incident::Fact as DiskFact>::KINDS,
        <::deploy::Fact as DiskFact>::KINDS,
        OwnFact::KINDS,
    ];
    all.into_iter().flatten().copied().collect()
}

#[test]
fn every_example_reads_and_writes_back_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/facts");
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let example: Value = serde_json::from_str(line).unwrap();
            let kind = example["kind"].as_str().unwrap();
            let fact = Fact::parse(kind, &example["payload"])
                .unwrap_or_else(|| panic!("{}: `{kind}` is no kind", path.display()))
                .unwrap_or_else(|error| panic!("{}: {kind}: {error}", path.display()));
            assert_eq!(fact.kind(), kind);
            let again = Fact::parse(kind, &fact.payload()).unwrap().unwrap();
            assert_eq!(again, fact, "{kind}");
            // A field that is no longer written under its name would be lost in what is there already.
            assert_kept(&example["payload"], &fact.payload(), kind);
            seen.insert(fact.kind());
        }
    }
    let missing: Vec<_> = kinds().difference(&seen).copied().collect();
    assert!(missing.is_empty(), "kinds without an example under testdata/facts: {missing:?}");
}

/// All that `example` says is also said by `written`, which may say more.
#[track_caller]
fn assert_kept(example: &Value, written: &Value, path: &str) {
    match example {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert_kept(value, &written[name], &format!("{path}: {name}"));
            }
        }
        Value::Array(items) => {
            assert_eq!(written.as_array().map(Vec::len), Some(items.len()), "{path}");
            for (at, value) in items.iter().enumerate() {
                assert_kept(value, &written[at], &format!("{path}[{at}]"));
            }
        }
        value => assert_eq!(written, value, "{path}"),
    }
}

#[test]
fn kinds_are_those_that_the_incident_context_names() {
    let at = Timestamp::from_secs(1);
    let fact = ::incident::Fact::AlertResolved {
        incident: model::Id::from_u128(1),
        alert: "a".into(),
        at,
    };
    assert_eq!(DiskFact::kind(&fact), fact.kind());
}
