//! Quantiles of classic histograms need their buckets apart, and as rates.

use super::{Fix, Linter, Severity, name_of};
use crate::ast::{Aggregate, Expr, ExprKind, Grouping, Selector};

/// The label of a classic histogram's buckets.
const BOUND: &str = "le";

impl<'e> Linter<'e> {
    pub(super) fn histogram(&mut self, function: &str, args: &'e [Expr]) {
        let (quantile, vector) = match (function, args) {
            ("histogram_quantile", [quantile, vector]) => (Some(quantile), vector),
            ("histogram_fraction", [_, _, vector]) | ("histogram_quantiles", [vector, ..]) => {
                (None, vector)
            }
            _ => return,
        };
        if let Some(quantile) = quantile {
            self.quantile(quantile);
        }
        self.buckets(function, vector, false);
    }

    fn quantile(&mut self, expr: &'e Expr) {
        let ExprKind::Number { value, .. } = expr.unwrapped().kind else { return };
        if (0.0..=1.0).contains(&value) {
            return;
        }
        let message = format!("a quantile lies between 0 and 1, and {value} does not");
        let fix = (value > 1.0 && value <= 100.0).then(|| {
            let share = crate::print::Number(value / 100.0).to_string();
            Fix::replace(format!("use {share}"), expr.span, share)
        });
        self.say(expr.span, Severity::Error, "quantile-out-of-range", message, fix.flatten());
    }

    /// Follows the buckets down to their selector; `rated` once a rate was taken.
    fn buckets(&mut self, function: &str, expr: &'e Expr, rated: bool) {
        match &expr.kind {
            ExprKind::Paren(inner) => self.buckets(function, inner, rated),
            ExprKind::Aggregate(aggregate) => {
                if bucket(&aggregate.expr).is_some() && drops_bound(aggregate) {
                    self.dropped_bound(function, expr, aggregate);
                }
                self.buckets(function, &aggregate.expr, rated);
            }
            ExprKind::Call { args, .. } => {
                if let Some(arg) = args.iter().find(|arg| bucket(arg).is_some()) {
                    self.buckets(function, arg, true);
                }
            }
            ExprKind::Selector(selector) if is_bucket(selector) && !rated => {
                let message = format!(
                    "`{function}` over buckets without a `rate` looks at everything since their process started"
                );
                let fix = super::counters::rated(expr);
                self.say(expr.span, Severity::Warning, "quantile-without-rate", message, fix);
            }
            _ => {}
        }
    }

    fn dropped_bound(&mut self, function: &str, expr: &'e Expr, aggregate: &'e Aggregate) {
        let message = format!(
            "`{function}` needs the label `{BOUND}` of the buckets, which `{}` drops",
            aggregate.op.as_str()
        );
        let mut kept = aggregate.clone();
        match &mut kept.grouping {
            Some(grouping) if grouping.without => grouping.labels.retain(|label| **label != *BOUND),
            Some(grouping) => grouping.labels.insert(0, BOUND.into()),
            None => kept.grouping = Some(Grouping { without: false, labels: vec![BOUND.into()] }),
        }
        let kept = Expr { span: expr.span, kind: ExprKind::Aggregate(Box::new(kept)) };
        let fix = Fix::replace(format!("keep `{BOUND}`"), expr.span, kept.to_string());
        self.say(expr.span, Severity::Error, "missing-le", message, fix);
    }
}

fn drops_bound(aggregate: &Aggregate) -> bool {
    let named = |grouping: &Grouping| grouping.labels.iter().any(|label| **label == *BOUND);
    match &aggregate.grouping {
        None => true,
        Some(grouping) => named(grouping) == grouping.without,
    }
}

/// The selector of buckets under functions and aggregations, where there is one.
fn bucket(expr: &Expr) -> Option<&Selector> {
    match &expr.kind {
        ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
            is_bucket(selector).then_some(selector)
        }
        ExprKind::Paren(inner) | ExprKind::Subquery { expr: inner, .. } => bucket(inner),
        ExprKind::Aggregate(aggregate) => bucket(&aggregate.expr),
        ExprKind::Call { args, .. } => args.iter().find_map(bucket),
        _ => None,
    }
}

fn is_bucket(selector: &Selector) -> bool {
    name_of(selector).is_some_and(|name| name.ends_with("_bucket"))
}
