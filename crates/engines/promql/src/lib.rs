//! PromQL: text -> tokens -> tree with positions -> values, over whatever gives series.
//!
//! **Invariant:** pure. Series come through [`SeriesSource`]; nothing here reads a clock, a store or the network.

pub mod ast;
pub mod eval;
pub mod functions;
mod lex;
mod parse;
mod print;
pub mod span;

pub use eval::{EvalError, Limits, Query, SeriesSource, Value, evaluate};
pub use lex::EXPRESSION_BYTES_MAX;
pub use parse::{Features, parse, parse_with};
pub use span::{ParseError, Span};

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn prints(text: &str, expected: &str) {
        let printed = parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string();
        assert_eq!(printed, expected);
        assert_eq!(parse(&printed).unwrap().to_string(), expected, "printing is a fixed point");
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }

    #[test]
    fn prints_what_it_parsed() {
        prints("a{b='c',d!~\"e\"}[5m] offset -1h", "a{b=\"c\",d!~\"e\"}[5m] offset -1h");
        prints("sum(rate(x[5m])) by (job)", "sum by (job) (rate(x[5m]))");
        prints("1 + 2 * 3 ^ 2 ^ 1", "1 + 2 * 3 ^ 2 ^ 1");
        prints("-a ^ 2", "-a ^ 2");
        prints("a > bool on(x) group_left(y) b", "a > bool on (x) group_left (y) b");
        prints(
            "max_over_time(rate(x[5m])[1h:1m] @ end())",
            "max_over_time(rate(x[5m])[1h:1m] @ end())",
        );
        prints("x @ 1609746000", "x @ 1609746000.000");
        prints("topk(3, x)", "topk(3, x)");
        prints("{\"http.requests\", env=\"prod\"}", "{\"http.requests\",env=\"prod\"}");
        prints("x[1d12h]", "x[1d12h]");
        prints("a and b or c unless d", "a and b or c unless d");
        prints("sum", "sum");
        prints(
            "histogram_quantile(0.9, rate(x_bucket[10m]))",
            "histogram_quantile(0.9, rate(x_bucket[10m]))",
        );
        prints("time() - 5m", "time() - 5m");
        prints("count_values without (a) (\"v\", x)", "count_values without (a) (\"v\", x)");
    }

    #[test]
    fn refuses_with_a_reason_and_a_place() {
        refuses("", "1:1: parse error: no expression found in input");
        refuses("a +", "1:4: parse error: unexpected end of input, expected a value");
        refuses(
            "{}",
            "1:1: parse error: vector selector must contain at least one non-empty matcher",
        );
        refuses(
            "{a=~\".*\"}",
            "1:1: parse error: vector selector must contain at least one non-empty matcher",
        );
        refuses(
            "rate(x)",
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
        );
        refuses("foo(x)", "1:1: parse error: unknown function with name \"foo\"");
        refuses("1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier");
        refuses(
            "a and 1",
            "1:3: parse error: set operator \"and\" not allowed in binary scalar expression",
        );
        refuses(
            "a[5m] + 1",
            "1:1: parse error: binary expression must contain only scalar and instant vector types",
        );
        refuses("a[5m][5m]", "1:6: parse error: ranges only allowed for vector selectors");
        refuses("sum(a", "1:6: parse error: unexpected end of input, expected \",\" or \")\"");
        refuses("a offset 5m offset 5m", "1:1: parse error: offset may not be set multiple times");
        refuses(
            "a{b=\"c\"",
            "1:8: parse error: unexpected end of input, expected \",\" or \"}\" in label matching",
        );
    }

    #[test]
    fn nesting_is_limited() {
        let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(parse(&deep).unwrap_err().to_string().contains("nests deeper"));
        let signs = format!("{}1", "-".repeat(5000));
        assert!(parse(&signs).unwrap_err().to_string().contains("nests deeper"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z0-9 (){}\\[\\]\"'=~!<>+*/%^@:,.\\-\\\\é]{0,60}") {
            if let Ok(expr) = parse(&text) {
                let printed = expr.to_string();
                let again = parse(&printed);
                proptest::prop_assert!(again.is_ok(), "{text} printed as {printed}: {again:?}");
                proptest::prop_assert_eq!(again.unwrap().to_string(), printed);
            }
        }
    }
}
