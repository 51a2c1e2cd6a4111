//! Evaluation over a store without series: whatever parses has a value or a reason, within its limits.

use model::{Labels, Matcher, Points};
use promql::{
    EvalError, Features, HEIGHT_MAX, Hints, Limits, Query, SeriesSet, SeriesSource, SourceError,
    Value, ast::Expr, evaluate, parse_with,
};

const POINTS_MAX: usize = 100;
/// One of so many expressions is evaluated over a range, too.
const RANGED: usize = 8;

/// A store without series.
struct Empty;

impl SeriesSource for Empty {
    fn select(&self, _: &[Matcher], _: &Hints) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        Ok(Box::new(Self))
    }
}

impl SeriesSet for Empty {
    fn len(&self) -> usize {
        0
    }

    fn labels(&self, _: usize) -> Labels {
        Labels::default()
    }

    fn visit_labels(&self, _: usize, _: &mut dyn FnMut(&str, &str)) {}

    fn samples_hint(&self, _: usize) -> usize {
        0
    }

    fn read(&self, _: usize, _: &mut Points) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Evaluates `expr` for one moment, for an hour, and for longer than is allowed.
#[track_caller]
pub(super) fn evaluates(expr: &Expr, text: &str) {
    let limits = Limits {
        samples_max: 10_000,
        points_max: POINTS_MAX,
        memory_max_bytes: 1 << 20,
        text,
        ..Limits::default()
    };
    let run = |query| evaluate(expr, query, &Empty, &limits);
    let hour = Query { start_ms: 0, end_ms: 3_600_000, step_ms: 60_000 };
    // Most are asked for one moment only: there are many, and what is not optimized takes its time.
    let ranged = text.len().is_multiple_of(RANGED);
    let queries = [(Query::instant(1_700_000_000_000), 1), (hour, 61)];
    for (query, steps) in queries.into_iter().take(1 + usize::from(ranged)) {
        match run(query).map(|answer| answer.value) {
            Ok(Value::Scalar(values)) => assert_eq!(values.len(), steps, "{text}"),
            Ok(Value::Vector(_) | Value::Matrix(_) | Value::String(_)) => {}
            Err(refused) => assert!(!refused.to_string().is_empty(), "{text}"),
        }
    }
    let long = Query { start_ms: 0, end_ms: i64::MAX, step_ms: 1 };
    assert!(matches!(run(long), Err(EvalError::Points { max: POINTS_MAX, .. })), "{text}");
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
