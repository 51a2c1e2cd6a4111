//! Counters want a rate before anything else, and gauges none.

use model::MetricKind;

use super::{Fix, Linter, SUFFIXES, Severity, name_of};
use crate::{
    ast::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, Selector, Shift},
    print::Millis,
    span::Span,
};

/// The functions that know how counters start again at 0, with what does the same for a gauge.
const OF_COUNTERS: [(&str, Option<&str>); 4] =
    [("rate", Some("deriv")), ("increase", Some("delta")), ("irate", None), ("resets", None)];

/// The functions of gauges, with what does the same for a counter.
const OF_GAUGES: [(&str, Option<&str>); 5] = [
    ("delta", Some("increase")),
    ("idelta", None),
    ("deriv", Some("rate")),
    ("predict_linear", None),
    ("double_exponential_smoothing", None),
];

/// Functions whose result does not depend on the values, or to which a counter's value means something.
const INDIFFERENT: [&str; 12] = [
    "absent",
    "absent_over_time",
    "changes",
    "count_over_time",
    "info",
    "present_over_time",
    "resets",
    "start_timestamp",
    "timestamp",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "scalar",
];

/// Functions that give their vector on as it is.
const PASSING: [&str; 5] =
    ["label_join", "label_replace", "sort", "sort_by_label", "sort_by_label_desc"];

/// A rate over fewer scrapes than this loses what lies between two.
const SCRAPES_MIN: i64 = 2;
/// A rate over fewer scrapes than this has gaps when one fails.
const SCRAPES_GOOD: i64 = 4;

impl<'e> Linter<'e> {
    /// What a metric is, and whether its metadata says so (not its name alone).
    fn kind(&self, name: &str) -> Option<(MetricKind, bool)> {
        if let Some(kind) = (self.known.kind)(name).filter(|kind| *kind != MetricKind::Unknown) {
            return Some((kind, true));
        }
        for suffix in SUFFIXES {
            let Some(kind) = name.strip_suffix(suffix).and_then(|family| (self.known.kind)(family))
            else {
                continue;
            };
            match (kind, suffix) {
                (MetricKind::Histogram | MetricKind::Summary, "_bucket" | "_count" | "_sum")
                | (MetricKind::Counter, "_total") => return Some((MetricKind::Counter, true)),
                _ => {}
            }
        }
        let counter = name.ends_with("_total") || name.ends_with("_bucket");
        counter.then_some((MetricKind::Counter, false))
    }

    /// What stands in a call of a function of counters.
    pub(super) fn rates(&mut self, expr: &'e Expr, function: &str, name: Span, args: &'e [Expr]) {
        let counters = OF_COUNTERS.iter().find(|(other, _)| *other == function);
        let Some((_, instead)) = counters else { return };
        let Some(arg) = args.first().map(Expr::unwrapped) else { return };
        match &arg.kind {
            ExprKind::Matrix { selector, range_ms, range_expr } => {
                if let Some(metric) = name_of(selector)
                    && let Some((MetricKind::Gauge, true)) = self.kind(metric)
                {
                    let message = format!(
                        "`{function}` takes a falling value for a counter that started again, but `{metric}` is a gauge"
                    );
                    let fix = instead
                        .and_then(|other| Fix::replace(format!("use `{other}`"), name, other));
                    self.say(expr.span, Severity::Warning, "rate-of-gauge", message, fix);
                }
                if range_expr.is_none()
                    && function != "resets"
                    && let Some(metric) = name_of(selector)
                    && let Some(interval) = (self.known.interval_ms)(metric).filter(|ms| *ms > 0)
                {
                    self.short_range(arg.span, function, *range_ms, interval);
                }
            }
            ExprKind::Subquery { expr: inner, .. } => match &inner.unwrapped().kind {
                ExprKind::Aggregate(aggregate) => {
                    let op = aggregate.op.as_str();
                    let message = format!(
                        "`{function}` of `{op}` cannot see when one of the counters starts again: take the `{function}` first, then the `{op}`"
                    );
                    self.say(expr.span, Severity::Warning, "rate-of-aggregate", message, None);
                }
                ExprKind::Call { function: inner, .. }
                    if OF_COUNTERS.iter().any(|(other, _)| *other == inner.name) =>
                {
                    let message = format!(
                        "`{function}` of `{}`: the inner result is a gauge, which may fall",
                        inner.name
                    );
                    self.say(expr.span, Severity::Warning, "rate-of-rate", message, None);
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// `interval` is the time between two samples, in milliseconds.
    fn short_range(&mut self, span: Span, function: &str, range_ms: i64, interval: i64) {
        let wanted = interval.saturating_mul(SCRAPES_GOOD);
        let (severity, what) = if range_ms < interval.saturating_mul(SCRAPES_MIN) {
            (Severity::Error, "which holds fewer than the two samples that it needs")
        } else if range_ms < wanted {
            (Severity::Hint, "so that one missed scrape leaves a gap")
        } else {
            return;
        };
        let message = format!(
            "`{function}` over {} with a sample every {}, {what}: use {} or more",
            Millis(range_ms),
            Millis(interval),
            Millis(wanted)
        );
        self.say(span, severity, "range-too-short", message, None);
    }

    /// A counter whose value is used as it is.
    pub(super) fn counter(&mut self, expr: &'e Expr, selector: &'e Selector) {
        let Some(metric) = name_of(selector) else { return };
        let Some((MetricKind::Counter, sure)) = self.kind(metric) else { return };
        let (mut user, mut below) = (None, expr);
        for parent in self.parents.iter().rev() {
            match &parent.kind {
                ExprKind::Paren(_) | ExprKind::Plus(_) | ExprKind::Subquery { .. } => {}
                ExprKind::Call { function, .. } if PASSING.contains(&function.name) => {}
                ExprKind::Call { function, name_span, .. } => {
                    let name = function.name;
                    if INDIFFERENT.contains(&name)
                        || OF_COUNTERS.iter().any(|(other, _)| *other == name)
                        // Which says so itself.
                        || name.starts_with("histogram_")
                    {
                        return;
                    }
                    user = Some((name, *name_span));
                    break;
                }
                ExprKind::Aggregate(aggregate) => match aggregate.op {
                    AggregateOp::Count
                    | AggregateOp::Group
                    | AggregateOp::LimitK
                    | AggregateOp::LimitRatio
                    | AggregateOp::CountValues => return,
                    op => {
                        user = Some((op.as_str(), aggregate.op_span));
                        break;
                    }
                },
                ExprKind::Binary(binary) => match binary.op {
                    BinaryOp::Or => {}
                    // Whether there are series at all does not depend on their values.
                    BinaryOp::And | BinaryOp::Unless
                        if std::ptr::eq(below, &raw const binary.right) =>
                    {
                        return;
                    }
                    BinaryOp::And | BinaryOp::Unless => {}
                    op if op.is_comparison() => return,
                    BinaryOp::Sub if difference(binary).is_some() => return,
                    op => {
                        user = Some((op.as_str(), binary.op_span));
                        break;
                    }
                },
                _ => break,
            }
            below = parent;
        }
        self.raw(expr, metric, sure, user);
    }

    /// What a counter has grown by, reckoned by hand.
    pub(super) fn growth(&mut self, expr: &'e Expr, binary: &'e Binary) {
        let Some((selector, range_ms)) = difference(binary).filter(|_| binary.op == BinaryOp::Sub)
        else {
            return;
        };
        let Some(metric) = name_of(selector) else { return };
        let Some((MetricKind::Counter, sure)) = self.kind(metric) else { return };
        let severity = if sure { Severity::Warning } else { Severity::Hint };
        let message = format!(
            "the difference to a former value is wrong when `{metric}` has started again in between: `increase` is not"
        );
        let call = format!("increase({}[{}])", binary.left.unwrapped(), Millis(range_ms));
        let fix = Fix::replace("use `increase`".to_owned(), expr.span, call);
        self.say(expr.span, severity, "difference-of-counter", message, fix);
    }

    fn raw(&mut self, expr: &'e Expr, metric: &str, sure: bool, user: Option<(&str, Span)>) {
        let severity = match (sure, user) {
            (true, Some(_)) => Severity::Warning,
            _ => Severity::Hint,
        };
        let gauges = |name: &str| OF_GAUGES.iter().find(|(other, _)| *other == name);
        let (message, fix) = match user {
            Some((function, span)) if let Some((_, instead)) = gauges(function) => (
                format!("`{function}` is for gauges, and `{metric}` is a counter"),
                instead.and_then(|other| Fix::replace(format!("use `{other}`"), span, other)),
            ),
            _ => {
                let place = user.map_or_else(String::new, |(name, _)| format!(" in `{name}`"));
                (
                    format!(
                        "`{metric}` is a counter, whose value{place} says how long its process has run: take a `rate` or an `increase` first"
                    ),
                    rated(expr),
                )
            }
        };
        self.say(expr.span, severity, "counter-without-rate", message, fix);
    }
}

/// The earlier and the later side of `x - x offset 1h`: the selector, and the range between both.
fn difference(binary: &Binary) -> Option<(&Selector, i64)> {
    let (ExprKind::Selector(now), ExprKind::Selector(before)) =
        (&binary.left.unwrapped().kind, &binary.right.unwrapped().kind)
    else {
        return None;
    };
    let range_ms = before.shift.offset_ms;
    let same = now.name == before.name
        && now.matchers == before.matchers
        && now.shift == Shift::default()
        && before.shift.at.is_none()
        && now.offset_expr.is_none()
        && before.offset_expr.is_none();
    (same && range_ms > 0).then_some((now, range_ms))
}

/// `selector` as the argument of `rate`; a range cannot follow `offset`, `@` and their like.
pub(super) fn rated(expr: &Expr) -> Option<Fix> {
    let ExprKind::Selector(selector) = &expr.kind else { return None };
    let plain = selector.shift == Shift::default()
        && selector.offset_expr.is_none()
        && selector.extension.is_none();
    plain.then(|| Fix::around("use `rate` over 5m".to_owned(), expr.span, "rate(", "[5m])"))?
}
