//! What is said about which expression, and what its fix makes of it.

use model::MetricKind;

use super::*;
use crate::{Features, parse_with};

fn found(text: &str) -> Vec<Lint> {
    let kind = |name: &str| match name {
        "up" | "memory_bytes" => Some(MetricKind::Gauge),
        "requests" | "errors_total" => Some(MetricKind::Counter),
        "latency_seconds" => Some(MetricKind::Histogram),
        _ => None,
    };
    let expr = parse_with(text, &Features::ALL).unwrap();
    let interval_ms = |name: &str| (name != "pushed").then_some(15_000);
    lint_with(&expr, &Known { kind: &kind, interval_ms: &interval_ms })
}

/// Nothing is said about `text`.
#[track_caller]
fn quiet(text: &str) {
    assert_eq!(found(text), [], "{text}");
}

/// Just this is said, of this part of the text.
#[track_caller]
fn says(text: &str, severity: Severity, code: &str, part: &str) {
    let found = found(text);
    let [lint] = &found[..] else { panic!("{text}: {found:?}") };
    let place = text.get(lint.span.start..lint.span.end).unwrap();
    assert_eq!((lint.severity, lint.code, place), (severity, code, part), "{text}: {lint:?}");
    assert!(!lint.message.ends_with('.'));
    if let Some(fix) = &lint.fix {
        parse_with(&fix.apply(text), &Features::ALL).unwrap();
    }
}

/// Just this is said, and its fix gives `fixed`, of which nothing is said.
#[track_caller]
fn fixes(text: &str, code: &str, fixed: &str) {
    let found = found(text);
    let [lint] = &found[..] else { panic!("{text}: {found:?}") };
    assert_eq!(lint.code, code, "{text}");
    assert_eq!(lint.fix.as_ref().map(|fix| fix.apply(text)).as_deref(), Some(fixed), "{lint:?}");
    quiet(fixed);
}

#[test]
fn counters_and_gauges() {
    quiet("sum by (job) (rate(requests[5m]))");
    quiet("rate(errors_total[5m]) / rate(requests[5m]) > 0.1");
    quiet("count(requests) + count(up)");
    quiet("up unless requests");
    quiet("requests > 0");
    quiet("absent(requests)");
    quiet("delta(memory_bytes[5m])");
    quiet("increase(latency_seconds_count[5m])");
    fixes("rate(up[5m])", "rate-of-gauge", "deriv(up[5m])");
    fixes("sum(increase(memory_bytes[1h]))", "rate-of-gauge", "sum(delta(memory_bytes[1h]))");
    fixes("sum(requests)", "counter-without-rate", "sum(rate(requests[5m]))");
    fixes("delta(requests[5m])", "counter-without-rate", "increase(requests[5m])");
    fixes("sum(x_total)", "counter-without-rate", "sum(rate(x_total[5m]))");
    let warning = Severity::Warning;
    says("sum(latency_seconds_sum)", warning, "counter-without-rate", "latency_seconds_sum");
    says("sum(requests offset 1h)", warning, "counter-without-rate", "requests offset 1h");
    fixes(
        "requests{a=\"b\"} - requests{a=\"b\"} offset 1h",
        "difference-of-counter",
        "increase(requests{a=\"b\"}[1h])",
    );
}

#[test]
fn rates_come_first() {
    let warning = Severity::Warning;
    says("rate(sum(up)[5m:])", warning, "rate-of-aggregate", "rate(sum(up)[5m:])");
    says(
        "irate(rate(requests[1m])[5m:])",
        warning,
        "rate-of-rate",
        "irate(rate(requests[1m])[5m:])",
    );
    says("rate(requests[20s])", Severity::Error, "range-too-short", "requests[20s]");
    says("rate(requests[30s])", Severity::Hint, "range-too-short", "requests[30s]");
    quiet("rate(pushed[20s]) / rate(requests[1m])");
}

#[test]
fn matchers() {
    fixes("up{a=~\"b\"}", "simple-regex", "up{a=\"b\"}");
    fixes("up{a!~\"b\"}", "simple-regex", "up{a!=\"b\"}");
    fixes("up{\"a.b\"=~\".+\"}", "simple-regex", "up{\"a.b\"!=\"\"}");
    fixes("up{a=~\"^b.*$\"}", "anchored-regex", "up{a=~\"b.*\"}");
    says("up{a=~\"^b|c$\"}", Severity::Hint, "anchored-regex", "a=~\"^b|c$\"");
    says("up{a=~\".*\"}", Severity::Hint, "matches-everything", "a=~\".*\"");
    says("up{a!~\".*\"}", Severity::Error, "matches-nothing", "a!~\".*\"");
    says("{a=\"b\"}", Severity::Hint, "selector-without-name", "{a=\"b\"}");
    says("{__name__=~\".+_x\"}", Severity::Hint, "regex-over-names", "__name__=~\".+_x\"");
    quiet("up{a=~\"b|c\", d=~\"e.*\"}");
    quiet("info(up, {a=\"b\"})");
}

#[test]
fn quantiles() {
    quiet("histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m])))");
    quiet("histogram_quantile(0.9, sum without (pod) (rate(x_bucket[5m])))");
    quiet("histogram_quantile(0.9, sum(rate(latency_seconds[5m])))");
    fixes(
        "histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))",
        "missing-le",
        "histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m])))",
    );
    fixes(
        "histogram_quantile(0.9, sum(rate(x_bucket[5m])))",
        "missing-le",
        "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
    );
    fixes(
        "histogram_quantile(0.9, sum without (le, a) (rate(x_bucket[5m])))",
        "missing-le",
        "histogram_quantile(0.9, sum without (a) (rate(x_bucket[5m])))",
    );
    fixes(
        "histogram_quantile(95, rate(x_bucket[5m]))",
        "quantile-out-of-range",
        "histogram_quantile(0.95, rate(x_bucket[5m]))",
    );
}

#[test]
fn a_quantile_of_plain_buckets_is_one_finding() {
    let codes: Vec<_> = found("histogram_quantile(0.5, x_bucket)").iter().map(|l| l.code).collect();
    assert_eq!(codes, ["quantile-without-rate"]);
}

#[test]
fn comparisons() {
    quiet("up > 5");
    quiet("count(up > 5)");
    quiet("sum(up > bool 5)");
    quiet("memory_bytes > 5 and up");
    fixes("sum(up == 1)", "comparison-without-bool", "sum(up == bool 1)");
    fixes("(up == 1) * 100", "comparison-without-bool", "(up == bool 1) * 100");
    says("up == NaN", Severity::Error, "comparison-with-nan", "up == NaN");
    says("0 > count(up)", Severity::Warning, "never-true", "0 > count(up)");
    quiet("rate(requests[5m]) <= 0");
    fixes("up and up or memory_bytes", "mixed-set-operators", "(up and up) or memory_bytes");
}

#[test]
fn absence() {
    fixes("absent(sum(up{job=\"x\"}))", "absent-of-aggregate", "absent(up{job=\"x\"})");
    says("absent(up == 1)", Severity::Warning, "absent-of-comparison", "up == 1");
}

#[test]
fn joins() {
    quiet("sum by (a) (up) / sum by (a) (memory_bytes)");
    quiet("sum by (a) (up) / on (a) up");
    quiet("sum by (a, b) (up) / ignoring (b) group_left sum by (a) (up)");
    quiet("sum by (a) (up) or sum by (b) (up)");
    quiet("sum(up) / vector(5)");
    quiet("sum by (a) (up) / scalar(sum(up))");
    quiet("sum by (a) (up) / time()");
    says(
        "sum by (a) (up) / sum(up)",
        Severity::Warning,
        "never-matches",
        "sum by (a) (up) / sum(up)",
    );
    says("up / on (b) sum by (a) (up)", Severity::Warning, "on-missing-label", "sum by (a) (up)");
    says("sum by (a) (up) / on (b) up", Severity::Warning, "on-missing-label", "sum by (a) (up)");
}

#[test]
fn names_of_the_past() {
    fixes(
        "holt_winters(up[1h], 0.5, 0.5)",
        "deprecated-name",
        "double_exponential_smoothing(up[1h], 0.5, 0.5)",
    );
}

#[test]
fn the_metrics_that_are_named() {
    let expr =
        parse_with("a + rate(b_total[5m]) + {__name__=\"c.d\"} / a + {x=\"y\"}", &Features::ALL);
    let expr = expr.unwrap();
    assert_eq!(names(&expr, 10), ["a", "b_total", "c.d"]);
    assert_eq!(names(&expr, 2), ["a", "b_total"]);
    assert_eq!(families("x_bucket").collect::<Vec<_>>(), ["x_bucket", "x"]);
    assert_eq!(families("up").collect::<Vec<_>>(), ["up"]);
}
