//! Every text is parsed or refused, prints to a fixed point, and is evaluated within its limits.

use std::{fs, path::PathBuf};

use model::{Matcher, Series};
use promql::{EvalError, Limits, Query, SeriesSource, Value, ast::Expr, evaluate, parse};

use crate::mutate::{corpus, mutations};

/// Expressions of `valid.txt` that must parse; raise it when more do.
const VALID_MIN: usize = 12_425;
/// Expressions of `invalid.tsv` that must be refused; raise it when more are.
const INVALID_MIN: usize = 22;
/// Refused expressions that are shown.
const SHOWN_MAX: usize = 20;
const POINTS_MAX: usize = 100;

/// A store without series.
struct Empty;

impl SeriesSource for Empty {
    fn select(&self, _: &[Matcher], _: i64, _: i64, _: usize) -> Result<Vec<Series>, String> {
        Ok(Vec::new())
    }
}

fn run(expr: &Expr, query: Query) -> Result<Value, EvalError> {
    let limits = Limits {
        samples_max: 10_000,
        points_max: POINTS_MAX,
        lookback_ms: 300_000,
        cancelled: &|| false,
    };
    evaluate(expr, query, &Empty, &limits)
}

/// Checks all that holds for whatever text; whether it was parsed.
#[track_caller]
fn survives(text: &str) -> bool {
    let expr = match parse(text) {
        Ok(expr) => expr,
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            return false;
        }
    };
    let printed = expr.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{text}\n{printed}\n{error}"));
    assert_eq!(again.to_string(), printed, "{text}");
    let hour = Query { start_ms: 0, end_ms: 3_600_000, step_ms: 60_000 };
    for (query, steps) in [(Query::instant(1_700_000_000_000), 1), (hour, 61)] {
        match run(&expr, query) {
            Ok(Value::Scalar(values)) => assert_eq!(values.len(), steps, "{text}"),
            Ok(Value::Vector(columns)) => {
                assert!(columns.iter().all(|column| column.values.len() == steps), "{text}");
            }
            Ok(Value::Matrix(_) | Value::String(_)) => {}
            Err(refused) => assert!(!refused.to_string().is_empty()),
        }
    }
    let long = Query { start_ms: 0, end_ms: i64::MAX, step_ms: 1 };
    assert!(matches!(run(&expr, long), Err(EvalError::Points { max: POINTS_MAX, .. })), "{text}");
    true
}

#[test]
fn no_mutation_of_the_corpus_does_harm() {
    let (mut parsed, mut refused) = (0, 0);
    for (name, bytes) in corpus("promql") {
        for text in mutations(&name, &bytes) {
            let text = String::from_utf8_lossy(&text);
            let count =
                if survives(text.trim_end_matches('\n')) { &mut parsed } else { &mut refused };
            *count += 1;
        }
    }
    println!("promql corpus: {parsed} parsed, {refused} refused");
    assert!(parsed > 0 && refused > 0);
}

#[expect(clippy::disallowed_methods, reason = "where the data is differs from machine to machine")]
fn real(file: &str) -> Option<String> {
    let data = std::env::var("EVENKEEL_CONFORMANCE_DATA").ok().map(PathBuf::from)?;
    fs::read_to_string(data.join("real-promql").join(file)).ok()
}

#[test]
fn expressions_in_use_are_parsed() {
    let Some(lines) = real("valid.txt") else {
        println!("expressions in use: 0 run: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let refused: Vec<_> = lines.lines().filter(|line| !survives(line)).collect();
    let parsed = lines.lines().count() - refused.len();
    println!("expressions in use: {parsed} parsed, {} refused", refused.len());
    for line in refused.iter().take(SHOWN_MAX) {
        println!("{}\n  {line}", parse(line).unwrap_err());
    }
    assert!(parsed >= VALID_MIN, "{parsed} of at least {VALID_MIN} were parsed");
}

#[test]
fn expressions_that_are_wrong_are_refused() {
    let Some(lines) = real("invalid.tsv") else {
        println!("wrong expressions: 0 run: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let expressions = lines.lines().filter_map(|line| line.split('\t').next());
    let (parsed, refused): (Vec<_>, Vec<_>) = expressions.partition(|line| survives(line));
    println!("wrong expressions: {} refused, {} parsed", refused.len(), parsed.len());
    for line in parsed.iter().take(SHOWN_MAX) {
        println!("  {line}");
    }
    assert!(
        refused.len() >= INVALID_MIN,
        "{} of at least {INVALID_MIN} were refused",
        refused.len()
    );
}
