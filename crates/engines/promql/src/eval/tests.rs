//! Evaluation over a small store of series.

use super::*;
use crate::parse;

/// Series from lines such as `x{a="1"} 0 1 2 _ 4`: a value a minute from time 0, `_` for none.
struct Lines(Vec<Series>);

impl Lines {
    fn new(lines: &str) -> Self {
        Self(lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(series).collect())
    }
}

fn series(line: &str) -> Series {
    let (selector, values) = line.split_once(' ').unwrap();
    let ExprKind::Selector(selector) = parse(selector).unwrap().kind else { panic!("a selector") };
    let labels = Labels::from_pairs(
        selector.matchers.iter().map(|matcher| (matcher.name(), matcher.value())),
    );
    let sample = |(minute, text): (usize, &str)| {
        let value =
            if text == "stale" { f64::from_bits(Sample::STALE) } else { text.parse().ok()? };
        Some(Sample { at_ms: i64::try_from(minute).unwrap() * 60_000, value })
    };
    Series { labels, samples: values.split(' ').enumerate().filter_map(sample).collect() }
}

impl SeriesSource for Lines {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        max: usize,
    ) -> Result<Vec<Series>, String> {
        let mut found: Vec<Series> = self.0.clone();
        found
            .retain(|series| matchers.iter().all(|matcher| matcher.matches_labels(&series.labels)));
        for series in &mut found {
            series.samples.retain(|sample| (start_ms..=end_ms).contains(&sample.at_ms));
        }
        found.retain(|series| !series.samples.is_empty());
        let samples: usize = found.iter().map(|series| series.samples.len()).sum();
        if samples > max { Err("too many samples".to_owned()) } else { Ok(found) }
    }
}

fn limits() -> Limits<'static> {
    Limits {
        samples_max: 1_000_000,
        points_max: 11_000,
        lookback_ms: 300_000,
        cancelled: &|| false,
    }
}

fn run(lines: &str, expr: &str, query: Query) -> Result<Value, EvalError> {
    evaluate(
        &parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}")),
        query,
        &Lines::new(lines),
        &limits(),
    )
}

/// Evaluates at `minute` and shows `labels value` lines.
#[track_caller]
fn check(lines: &str, expr: &str, minute: i64, expected: &[&str]) {
    let shown = match run(lines, expr, Query::instant(minute * 60_000)).unwrap() {
        Value::Scalar(values) => vec![values[0].to_string()],
        Value::String(text) => vec![text],
        Value::Vector(columns) => columns
            .iter()
            .map(|column| format!("{} {}", column.labels, column.values[0].unwrap()))
            .collect(),
        Value::Matrix(series) => series
            .iter()
            .map(|series| format!("{} {}", series.labels, series.samples.len()))
            .collect(),
    };
    assert_eq!(shown, expected, "{expr} at {minute}m");
}

const REQUESTS: &str = r#"
    requests{job="a",code="200"} 0 60 120 180 240 300
    requests{job="a",code="500"} 0 0 0 6 12 18
    requests{job="b",code="200"} 0 30 60 90 10 40
    limit{job="a"} 100 100 100 100 100 100
"#;

#[test]
fn instant_selectors_look_back() {
    check("x 1 2 3", "x", 6, &["x 3"]);
    check("x 1 2 3", "x", 7, &[]);
    check("x 1 2 stale", "x", 2, &[]);
    check("x 1 2 3", "x offset 1m", 2, &["x 2"]);
    check("x 1 2 3", "x @ 60", 2, &["x 2"]);
    check("x 1 2 3", "x[2m]", 2, &["x 2"]);
}

#[test]
fn rates_extrapolate_and_see_resets() {
    check(REQUESTS, "rate(requests{job='a',code='200'}[5m])", 5, &[r#"{code="200", job="a"} 1"#]);
    check(REQUESTS, "increase(requests{job='b'}[5m])", 5, &[r#"{code="200", job="b"} 125"#]);
    check(REQUESTS, "resets(requests{job='b'}[5m])", 5, &[r#"{code="200", job="b"} 1"#]);
    check(
        REQUESTS,
        "irate(requests{job='a',code='500'}[5m])",
        5,
        &[r#"{code="500", job="a"} 0.1"#],
    );
    check("x 1", "rate(x[5m])", 0, &[]);
}

#[test]
fn aggregates_by_group() {
    check(REQUESTS, "sum by (job) (requests)", 5, &[r#"{job="a"} 318"#, r#"{job="b"} 40"#]);
    check(REQUESTS, "count(requests)", 5, &["{} 3"]);
    check(REQUESTS, "max without (code) (requests)", 5, &[r#"{job="a"} 300"#, r#"{job="b"} 40"#]);
    check(REQUESTS, "topk(1, requests)", 5, &[r#"requests{code="200", job="a"} 300"#]);
    check(REQUESTS, "quantile(0.5, requests)", 5, &["{} 40"]);
    check(REQUESTS, "count_values('v', limit)", 5, &[r#"{v="100"} 1"#]);
}

#[test]
fn operators_match_series() {
    check(
        REQUESTS,
        "requests / on(job) group_left limit",
        5,
        &[r#"{code="200", job="a"} 3"#, r#"{code="500", job="a"} 0.18"#],
    );
    check(
        REQUESTS,
        "requests > 30",
        5,
        &[r#"requests{code="200", job="a"} 300"#, r#"requests{code="200", job="b"} 40"#],
    );
    check(
        REQUESTS,
        "requests > bool 30",
        5,
        &[r#"{code="200", job="a"} 1"#, r#"{code="200", job="b"} 1"#, r#"{code="500", job="a"} 0"#],
    );
    check(REQUESTS, "requests unless on(job) limit", 5, &[r#"requests{code="200", job="b"} 40"#]);
    check(REQUESTS, "limit or vector(1)", 5, &[r#"{} 1"#, r#"limit{job="a"} 100"#]);
    check(REQUESTS, "-2 ^ 2", 5, &["-4"]);
    check(REQUESTS, "1 + 2 * 3", 5, &["7"]);
    let error = run(REQUESTS, "limit * on(job) requests", Query::instant(300_000)).unwrap_err();
    assert!(error.to_string().contains("many-to-many matching not allowed"), "{error}");
}

#[test]
fn functions_of_values_and_labels() {
    check("x 1.4", "round(x)", 0, &["{} 1"]);
    check("x 7", "clamp(x, 0, 5)", 0, &["{} 5"]);
    check("x 1", "absent(y{a='b'})", 0, &[r#"{a="b"} 1"#]);
    check("x 1", "absent(x)", 0, &[]);
    check(
        "x{a=\"b-c\"} 1",
        "label_replace(x, 'd', '$1', 'a', '.*-(.*)')",
        0,
        &[r#"x{a="b-c", d="c"} 1"#],
    );
    check("x{a=\"b\"} 1", "label_join(x, 'd', '/', 'a', 'a')", 0, &[r#"x{a="b", d="b/b"} 1"#]);
    check("x 1", "scalar(x)", 0, &["1"]);
    check("x 1", "time()", 2, &["120"]);
    check("x 0 1 2 3 4", "avg_over_time(x[3m])", 4, &["{} 3"]);
    check("x 0 1 2 3 4", "max_over_time(sum(x)[3m:1m])", 4, &["{} 4"]);
    check("x 0 1 2 3 4", "predict_linear(x[5m], 60)", 4, &["{} 5"]);
}

#[test]
fn a_range_query_gives_a_value_a_step() {
    let query = Query { start_ms: 0, end_ms: 180_000, step_ms: 60_000 };
    let value = run("x 1 2 _ 4", "x * 2", query).unwrap();
    let Value::Vector(columns) = value else { panic!("a vector") };
    assert_eq!(columns[0].values, [Some(2.0), Some(4.0), Some(4.0), Some(8.0)]);
}

#[test]
fn limits_are_named() {
    let wide = Query { start_ms: 0, end_ms: 60_000_000, step_ms: 1000 };
    let error = run("x 1", "x", wide).unwrap_err().to_string();
    assert!(error.contains("query.max_points_per_series"), "{error}");
    let few = Limits { samples_max: 3, ..limits() };
    let source = Lines::new("x 1 2 3\ny 1 2 3");
    let error = evaluate(
        &parse("sum_over_time(x[5m]) + sum_over_time(y[5m])").unwrap(),
        Query::instant(120_000),
        &source,
        &few,
    );
    assert!(error.is_err());
    let stop = Limits { cancelled: &|| true, ..limits() };
    assert_eq!(
        evaluate(&parse("1").unwrap(), Query::instant(0), &source, &stop),
        Err(EvalError::Cancelled)
    );
}

/// Whether `expr` at minute 2 is within `samples_max`; ten series of three samples each are there.
#[track_caller]
fn fits(expr: &str, samples_max: usize, expected: bool) {
    let lines: String = (0..10).map(|at| format!("g{{n=\"{at}\"}} 1 2 3\n")).collect();
    let few = Limits { samples_max, ..limits() };
    let query = Query { start_ms: 60_000, end_ms: 120_000, step_ms: 10_000 };
    match evaluate(&parse(expr).unwrap(), query, &Lines::new(&lines), &few) {
        Ok(_) => assert!(expected, "{expr}"),
        Err(error) => {
            assert!(!expected, "{expr}: {error}");
            assert!(error.to_string().contains("query.max_samples"), "{error}");
        }
    }
}

#[test]
fn what_a_query_builds_counts_as_what_it_reads() {
    // A subquery whose inner values are all filtered out holds them nonetheless.
    fits("max_over_time((g > 9)[100s:1ms])", 1_000_000, false);
    fits("max_over_time(g[100s:1ms])", 1_000_000, false);
    fits("max_over_time(g[100s:1s])", 4_000, true);
    fits("max_over_time(vector(1)[100d:1ms])", 1_000_000, false);
    // 7 steps of 10 series, beside the samples read; 7 counts more for each value counted.
    fits("g", 100, true);
    fits("g", 99, false);
    fits("sum by (n) (g)", 139, false);
    fits("sum by (n) (g)", 140, true);
    fits("count_values('v', g)", 90, false);
    fits("g + g", 200, false);
    fits("g + g", 210, true);
}

#[test]
fn what_a_part_took_is_free_when_it_is_done() {
    fits("sum(g)", 107, true);
    fits("sum(g) + sum(g) + sum(g) + sum(g) + sum(g) + sum(g)", 130, true);
    fits("sum(rate(g[5m])) / sum(rate(g[5m]))", 130, true);
}

#[test]
fn a_long_walk_over_windows_is_broken_off() {
    let asked = std::cell::Cell::new(0_u32);
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() > 10
    };
    let slow = Limits { cancelled: &cancelled, ..limits() };
    let expr = parse("max_over_time(max_over_time(g[100s:1ms])[100s:1ms])").unwrap();
    let result = evaluate(&expr, Query::instant(120_000), &Lines::new("g 1 2 3"), &slow);
    assert_eq!(result, Err(EvalError::Cancelled));
}
