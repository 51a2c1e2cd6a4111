//! Prometheus' own tables of its parser, printer and durations: the tree, the places and the words of errors.

use std::{fs, path::PathBuf};

use promql::{
    Features,
    ast::{DurationExpr, DurationKind, DurationOp, Expr},
    parse_with,
};
use serde_json::Value;

use crate::tree;

/// The folder of the data, where it is there.
#[expect(clippy::disallowed_methods, reason = "where the data is differs from machine to machine")]
pub(crate) fn data() -> Option<PathBuf> {
    std::env::var("EVENKEEL_CONFORMANCE_DATA").ok().map(PathBuf::from)
}

/// The cases of one table of a file, or why there are none.
fn cases(file: &str, table: usize) -> Option<Vec<Value>> {
    let Some(data) = data() else {
        println!("conformance promql {file}: 0 ran: EVENKEEL_CONFORMANCE_DATA is not set");
        return None;
    };
    let path = data.join("promql/tables").join(file);
    let mut tables: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let Value::Array(cases) = tables["tables"][table]["cases"].take() else { panic!("{file}") };
    Some(cases)
}

/// The text of a case; `None` where it was computed and not transcribed.
fn text(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let hex = value["_bytes_hex"].as_str()?;
    let bytes: Vec<_> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap())
        .collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn the_parser_table() {
    let Some(cases) = cases("promql__parser__parse_test.json", 0) else { return };
    let (mut parsed, mut refused, mut skipped, mut wrong) = (0, 0, 0, Vec::new());
    for case in &cases {
        let Some(text) = text(&case["input"]) else {
            skipped += 1;
            continue;
        };
        match (parse_with(&text, &Features::ALL), case["fail"] == true) {
            (Ok(expr), false) => {
                parsed += 1;
                if let Err(difference) = tree::compare(&expr, &case["expected"]) {
                    wrong.push(format!("{text}\n  {difference}"));
                }
            }
            (Err(error), true) => {
                refused += 1;
                let first = &case["errors"][0];
                let place = &first["PositionRange"];
                let start = place["Start"].as_u64().unwrap_or(0) as usize;
                let end = place["End"].as_u64().unwrap_or(0) as usize;
                // What was no UTF-8 has become longer.
                let same_end = error.span.end == end || !case["input"].is_string();
                if first["Err"] != error.message.as_str() || error.span.start != start || !same_end
                {
                    wrong.push(format!("{text}\n  {:?} {}\n  {first}", error.span, error.message));
                }
            }
            (Ok(expr), true) => wrong.push(format!("{text}\n  was parsed as {expr}")),
            (Err(error), false) => wrong.push(format!("{text}\n  {error}")),
        }
    }
    println!(
        "conformance promql parser: {} ran ({parsed} trees, {refused} errors), {skipped} skipped",
        parsed + refused
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(parsed > 200 && refused > 130);
}

#[test]
fn the_printer_tables() {
    for (table, from, to) in [(0, "in", "out"), (2, "input", "expected")] {
        let Some(cases) = cases("promql__parser__printer_test.json", table) else { return };
        for case in &cases {
            let text = case[from].as_str().unwrap();
            let expected = case[to].as_str().unwrap_or(text);
            let expr = parse_with(text, &Features::ALL).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(expr.to_string(), expected);
            assert_eq!(expr.pretty(), expected);
        }
        println!("conformance promql printer: {} ran, 0 skipped", cases.len());
    }
}

#[test]
fn the_table_of_durations() {
    let Some(cases) = cases("promql__durations_test.json", 0) else { return };
    let mut ran = 0;
    for case in &cases {
        let expr = duration(&case["expr"]);
        // As the test sets them: a step of 1 s, a range of 5 min.
        let found = expr.to_ms(1000, 300_000, case["allowedNegative"] == true);
        match (&case["errorMessage"], &case["expected"]) {
            (Value::String(message), _) => assert_eq!(found.unwrap_err().message, message),
            (_, Value::String(length)) => assert_eq!(found.unwrap(), millis(length)),
            _ => assert_eq!(found.unwrap(), 1_000_000_000_000),
        }
        ran += 1;
    }
    println!("conformance promql durations: {ran} ran, 0 skipped");
}

fn millis(length: &str) -> i64 {
    let expr: Expr = parse_with(length, &Features::ALL).unwrap();
    let promql::ast::ExprKind::Number { value, .. } = expr.kind else { panic!("{length}") };
    (value * 1000.0) as i64
}

fn duration(value: &Value) -> DurationExpr {
    let side = |name: &str| Box::new(duration(&value[name]));
    let op = value["Op"]["_id"].as_str().unwrap_or("").trim_start_matches("parser.");
    let kind = match op {
        "" => DurationKind::Number { secs: value["Val"].as_f64().unwrap(), duration: false },
        "STEP" => DurationKind::Step,
        "RANGE" => DurationKind::Range,
        "MIN_OF" => DurationKind::Min(side("LHS"), side("RHS")),
        "MAX_OF" => DurationKind::Max(side("LHS"), side("RHS")),
        "SUB" if value["LHS"].is_null() => DurationKind::Negate(side("RHS")),
        _ => {
            let op = match op {
                "ADD" => DurationOp::Add,
                "SUB" => DurationOp::Sub,
                "MUL" => DurationOp::Mul,
                "DIV" => DurationOp::Div,
                "MOD" => DurationOp::Mod,
                "POW" => DurationOp::Pow,
                other => panic!("{other}"),
            };
            DurationKind::Binary { op, left: side("LHS"), right: side("RHS") }
        }
    };
    DurationExpr { span: promql::Span::default(), kind }
}
