//! What is parsed and refused, and how deep.

use super::*;

#[track_caller]
fn prints(text: &str, expected: &str) {
    let parse = |text: &str| parse_with(text, &Features::ALL);
    let printed = parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string();
    assert_eq!(printed, expected);
    assert_eq!(parse(&printed).unwrap().to_string(), expected, "printing is a fixed point");
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    assert_eq!(parse_with(text, &Features::ALL).unwrap_err().to_string(), expected, "{text}");
}

#[test]
fn prints_what_it_parsed() {
    prints("a{d!~\"e\",b='c'}[5m] offset -1h", "a{b=\"c\",d!~\"e\"}[5m] offset -1h");
    prints("sum(rate(x[5m])) by (job)", "sum by (job) (rate(x[5m]))");
    prints("1 + 2 * 3 ^ 2 ^ 1", "1 + 2 * 3 ^ 2 ^ 1");
    prints("-a ^ 2", "-a ^ 2");
    prints("inf ^ 2", "Inf ^ 2");
    prints("a > bool on(x) group_left(y) b", "a > bool on (x) group_left (y) b");
    prints(
        "max_over_time(rate(x[5m])[1h:1m] @ end())",
        "max_over_time(rate(x[5m])[1h:1m] @ end())",
    );
    prints("x @ 1609746000", "x @ 1609746000.000");
    prints("topk(3, x)", "topk(3, x)");
    prints("{\"http.requests\", env=\"prod\"}", "{__name__=\"http.requests\",env=\"prod\"}");
    prints("x[1d12h]", "x[1d12h]");
    prints("x[300]", "x[5m]");
    prints("a and b or c unless d", "a and b or c unless d");
    prints("sum and and", "sum and and");
    prints("time() - 5m", "time() - 5m");
    prints("count_values without (a) (\"v\", x)", "count_values without (a) (\"v\", x)");
    prints("h </ 5 >/ -Inf", "h </ 5 >/ -Inf");
    prints("info(a, {})", "info(a, {})");
    prints("\"\\ufffd\\x00\"", "\"\\ufffd\\x00\"");
    prints("x[2*step()-(1m)] offset -(range()/2)", "x[2 * step() - (1m)] offset -(range() / 2)");
    prints("x offset (5m) - y", "x offset (5m) - y");
    prints("x offset (5m) - 1m", "x offset (5m) - 1m");
    prints("x offset 5m - 1m", "x offset 5m - 1m");
    prints("min_of(1, max_of(2, step()))", "min_of(1, max_of(2, step()))");
}

#[test]
fn refuses_with_a_reason_and_a_place() {
    refuses("", "unknown position: parse error: no expression found in input");
    refuses(" ", "1:1: parse error: no expression found in input");
    refuses("a +", "1:4: parse error: unexpected end of input");
    refuses("a\n + é", "2:4: parse error: unexpected character: 'é'");
    refuses("é", "1:1: parse error: unexpected character: 'é'");
    refuses("foo(x)", "1:1: parse error: unknown function with name \"foo\"");
    refuses("sum(a b)", "1:7: parse error: unexpected identifier \"b\" in aggregation");
    refuses("sum by (a)", "1:11: parse error: unexpected end of input in aggregation");
    refuses("rate(a b)", "1:8: parse error: unexpected identifier \"b\"");
    refuses("a[5m][5m]", "1:6: parse error: ranges only allowed for vector selectors");
    refuses(
        "a[5m 5m]",
        "1:6: parse error: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\"",
    );
    refuses("a[0.0001]", "1:3: parse error: duration must be greater than 0");
    refuses("a{b=\"c\"", "1:8: parse error: unexpected end of input inside braces");
    refuses("a{b=~\"(\"}", "1:3: parse error: error parsing regexp: missing closing ): `^(?s:()$`");
    refuses("START()", "1:1: parse error: unknown function with name \"START\"");
    refuses(
        "a offset (5m) - (b)",
        "1:18: parse error: unexpected identifier \"b\" in offset, expected number, duration, step(), or range()",
    );
}

#[test]
fn experimental_parts_want_their_flags() {
    let check = |text, expected: &str| {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        parse_with(text, &Features::ALL).unwrap();
    };
    check(
        "first_over_time(x[1m])",
        "1:1: parse error: function \"first_over_time\" is not enabled",
    );
    check(
        "limitk(1, x)",
        "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
    );
    check("x[1m+1m]", "1:3: parse error: experimental duration expression is not enabled");
    check("x offset step()", "1:10: parse error: experimental duration expression is not enabled");
    check(
        "rate(x[1m] smoothed)",
        "1:6: parse error: smoothed modifier is experimental and not enabled",
    );
    check(
        "a + fill(0) b",
        "1:1: parse error: binop fill modifiers are experimental and not enabled",
    );
}

#[test]
fn nesting_is_limited() {
    for (open, close) in [("(", ")"), ("-a+", ""), ("sum(", ")"), ("2^", "")] {
        let deep = format!("{}a{}", open.repeat(5000), close.repeat(5000));
        let message = parse(&deep).unwrap_err().message;
        assert!(message.contains("nests deeper") || message.contains("chains more"), "{message}");
    }
    let signs = format!("x[{}1]", "-".repeat(5000));
    assert!(parse_with(&signs, &Features::ALL).unwrap_err().message.contains("nests deeper"));
    let chain = format!("x[1{}]", "+1".repeat(5000));
    assert!(parse_with(&chain, &Features::ALL).unwrap_err().message.contains("operators"));
    let long = vec!["a"; HEIGHT_MAX].join(" or ");
    let expr = parse(&long).unwrap();
    assert_eq!(expr.to_string(), long);
    let short = parse(&vec!["a"; 40].join(" or ")).unwrap();
    assert_eq!(parse(&short.pretty()).unwrap().to_string(), short.to_string());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9 (){}\\[\\]\"'=~!<>+*/%^@:,.\\-\\\\é]{0,60}") {
        if let Ok(expr) = parse_with(&text, &Features::ALL) {
            let printed = expr.to_string();
            let again = parse_with(&printed, &Features::ALL);
            proptest::prop_assert!(again.is_ok(), "{text} printed as {printed}: {again:?}");
            proptest::prop_assert_eq!(again.unwrap().to_string(), printed);
        }
    }
}
