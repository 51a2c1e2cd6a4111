//! What is said about texts that are no queries.

use eventql::{DEPTH_MAX, PATTERNS_MAX, QUERY_BYTES_MAX, TERMS_MAX, plan};

use crate::show;

const WRONG: &[&str] = &[
    // Filters.
    "service:checkout \"card declined",
    "a 'b",
    "\"a\"b",
    "(a OR b",
    "a OR b)",
    "()",
    "a OR",
    "AND a",
    "a AND AND b",
    "a OR OR b",
    "NOT",
    "a -",
    "a - b",
    "-)",
    "a && b",
    "a || b",
    "a ||",
    "=x",
    ">5",
    "...",
    "---",
    "foo-*bar",
    "\\",
    r#""\d""#,
    r#""\u12""#,
    // Terms.
    "service:",
    "service: | count",
    "ERROR: ",
    "duration>",
    "a==5",
    "a>>5",
    "a>(b OR c)",
    "a:(b OR)",
    "a:()",
    "a:(b | c)",
    "a:[1 TO 5",
    "a:[1 5]",
    "a:[1 to 5]",
    "a:[TO 5]",
    "a:[1 TO 5]x",
    "a:[1 TO x]",
    "a:\"b\"*",
    "a=~\"(\"",
    "a=~\"x{1000}{1000}\"",
    "a=~a|b",
    "a=~\"b",
    "a:/(/",
    // Typed fields.
    "duration>300",
    "duration>5parsec",
    "duration>5mss",
    "duration:fast",
    "duration:5*",
    "duration=~\"5.*\"",
    "time>yesterday",
    "level:eror",
    "level:99",
    "level:warn*",
    "severity_number>x",
    "status:500",
    "service:a status>=500",
    "status:(500 OR error)",
    "status:5*",
    "status:eror",
    "status:err*",
    "kind:sever",
    "trace:4bf9",
    "span:x",
    "trace:4bf9*",
    "duration~x",
    "a~",
    "a~...",
    "root:maybe",
    "body:\"...\"",
    "body:>x\n  AND level:bad",
    // Stages.
    "|",
    "a |",
    "a | cuont",
    "a | histogram",
    "a | count by",
    "a | count by version every",
    "a | count by version every fortnight",
    "a | count every 1us",
    "a | count by every 1m",
    "a | count foo",
    "a | count, by x",
    "a | count, p101(x)",
    "a | p99",
    "a | sum",
    "a | sum(duration",
    "a | rate(duration)",
    "a | sum(service)",
    "a | p95(time)",
    "a | quantile(2, x)",
    "a | quantile(x)",
    "a | quantile",
    "a | count as",
    "a | count as by",
    "a | count, count",
    "a | count by service as x",
    "a | count as service by service",
    "a | top by x",
    "a | top 10",
    "a | top 99999999999 by x",
    "a | limit",
    "a | limit 0",
    "a | limit ten",
    "a | sort",
    "a | sort count desc",
    "a | sort -p99(duration)",
    "a | fields",
    "a | fields a b",
    "a | where count > 5",
    "a | count | where",
    "a | count | where count",
    "a | count | where count > many",
    "a | count | where cuont > 5",
    "a | count | where count > 5 OR count < 2",
    "a | count by service | where service > x",
    "a | count | sort -latency",
    "a | limit 5 | count",
    "a | limit 5 | sort x",
    "a | limit 5 | limit 6",
    "a | sort x | sort y",
    "a | count | sum(x)",
    "a | count | top 5 by x",
    "a | fields x | count",
    "a | patterns | sort x",
    "a | patterns | fields x",
    "a | count )",
    "a\nb\n  | cuont by x",
];

fn error(text: &str) -> String {
    let error = plan(text).expect_err(text);
    let place = error.span.of(text);
    assert!(
        error.span.start <= error.span.end && error.span.end <= text.len(),
        "{text}: {error:?}"
    );
    let fix = error.fix.as_ref().map_or(String::new(), |fix| format!("\nfix: {}", fix.apply(text)));
    format!("{error}\nat: {place:?}{fix}")
}

#[test]
fn errors() {
    insta::assert_snapshot!(show::table(WRONG, error));
}

/// The error of a text too long to show.
fn limit(text: &str) -> String {
    plan(text).map_or_else(|error| error.message, |_| "read".to_owned())
}

#[test]
fn limits_are_named() {
    let of = |count: usize, one: &str| vec![one; count].join(" ");
    assert_eq!(limit(&"a".repeat(QUERY_BYTES_MAX)), "read");
    assert_eq!(
        limit(&"a".repeat(QUERY_BYTES_MAX + 1)),
        "the query has 65537 bytes; at most 65536 are read"
    );
    assert_eq!(limit(&of(TERMS_MAX, "a:b")), "read");
    assert_eq!(limit(&of(TERMS_MAX + 1, "a:b")), "the filter has more than 1000 terms");
    assert_eq!(
        limit(&format!("a:({})", of(TERMS_MAX + 1, "b"))),
        "the filter has more than 1000 terms"
    );
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(limit(&nested(DEPTH_MAX - 1)), "read");
    let deep = "parentheses and negations nest deeper than 100 levels";
    assert_eq!(limit(&nested(DEPTH_MAX)), deep);
    assert_eq!(limit(&nested(30_000)), deep);
    assert_eq!(limit(&"-".repeat(30_000)), deep);
    assert_eq!(limit(&format!("{}a", "NOT ".repeat(10_000))), deep);
    assert_eq!(limit(&format!("{}b", "a:(".repeat(10_000))), deep);
    let pattern = r#"a=~"x+""#;
    assert_eq!(limit(&of(PATTERNS_MAX, pattern)), "read");
    assert_eq!(
        limit(&of(PATTERNS_MAX + 1, pattern)),
        "the query has more than 64 regular expressions"
    );
    assert_eq!(limit(&format!("\"{}\"", "x ".repeat(257))), "a phrase has at most 256 words");
    assert_eq!(limit(&format!("a=~\"{}\"", "x".repeat(4097))), "a pattern has at most 4096 bytes");
    assert_eq!(limit(&format!("a:{}*", "x".repeat(4096))), "a pattern has at most 4096 bytes");
    assert_eq!(limit(&format!("a | count{}", "| where count > 1 ".repeat(31))), "read");
    assert_eq!(
        limit(&format!("a {}", "| where x > 1 ".repeat(33))),
        "the query has more than 32 stages"
    );
    assert_eq!(
        limit(&format!("a | fields a{}", ", a".repeat(32))),
        "the list has more than 32 items"
    );
    assert_eq!(limit(&format!("span:{}", "x".repeat(60_000))), format!("`{}…", "x".repeat(399)));
    assert_eq!(limit("a=~\"((x{50}){50}){50}\""), "the regular expression is too large");
}
