//! Findings in queries that can be read, with the queries after their fixes.

use eventql::{Signal, lint, parse};

use crate::show;

const QUERIES: &[&str] = &[
    "service:checkout duration>300ms",
    "? a:??",
    "*timeout* a:*x",
    "a or b and not c",
    "a \"or\" b",
    "a or",
    "http.status>error",
    "http.status>\"500\"",
    "size>5parsec",
    "size>10KiBs",
    "db.time>300ms",
    "-env:staging",
    "env!=staging -service:a",
    "(-a OR b!~\"x.*\")",
    "servise:a",
    "Duration>5",
    "\"servise\":a",
    "a=b*",
    "a:/api/cart/",
    "a:/api/",
    "body=~\"timeout\"",
    "body=~\".*timeout.*\"",
    "service:(a b) x:1 x:2",
    "status:error level:error",
];

fn findings(text: &str, signal: Option<Signal>) -> String {
    let query = parse(text).unwrap();
    let found: Vec<_> = lint(&query, text, signal)
        .into_iter()
        .map(|lint| {
            let fixed = lint.fix.map_or(String::new(), |fix| {
                let fixed = fix.apply(text);
                parse(&fixed).unwrap();
                format!("\n  fix: {fixed}")
            });
            format!("{} at {:?}: {}{fixed}", lint.code, lint.span.of(text), lint.message)
        })
        .collect();
    if found.is_empty() { "nothing".to_owned() } else { found.join("\n") }
}

#[test]
fn of_any_records() {
    insta::assert_snapshot!(show::table(QUERIES, |text| findings(text, None)));
}

#[test]
fn of_one_signal() {
    let queries = [
        "status:error",
        "level:error",
        "duration>1s",
        "body:x",
        "service:a time>2026-01-01",
        "x | patterns",
    ];
    let show = |text: &str| {
        format!(
            "logs: {}\nspans: {}",
            findings(text, Some(Signal::Logs)),
            findings(text, Some(Signal::Spans))
        )
    };
    insta::assert_snapshot!(show::table(&queries, show));
}
