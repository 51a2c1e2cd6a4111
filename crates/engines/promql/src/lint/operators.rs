//! Comparisons that filter where a truth is meant, values that are never met, and names of the past.

use super::{Fix, Linter, Severity};
use crate::{
    ast::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, Type},
    span::Span,
};

impl<'e> Linter<'e> {
    pub(super) fn binary(&mut self, expr: &'e Expr, binary: &'e Binary) {
        if binary.op.is_comparison() {
            self.never(expr, binary);
            if !binary.bool {
                self.filter(expr, binary);
            }
        }
        self.mixed(binary);
    }

    /// A comparison without `bool` whose value is reckoned with.
    fn filter(&mut self, expr: &'e Expr, binary: &'e Binary) {
        if expr.value_type() != Type::Vector {
            return;
        }
        let outer = self
            .parents
            .iter()
            .rev()
            .find(|parent| !matches!(parent.kind, ExprKind::Paren(_)))
            .map(|parent| &parent.kind);
        let user = match outer {
            Some(ExprKind::Binary(outer)) if !outer.op.is_set() && !outer.op.is_comparison() => {
                outer.op.as_str()
            }
            Some(ExprKind::Aggregate(outer))
                if matches!(outer.op, AggregateOp::Sum | AggregateOp::Avg)
                    && std::ptr::eq(outer.expr.unwrapped(), expr) =>
            {
                outer.op.as_str()
            }
            _ => return,
        };
        let message = format!(
            "without `bool`, a comparison keeps the values that pass, and `{user}` reckons with those and not with 0 and 1"
        );
        let start = binary.op_span.end;
        let end = if binary.matching.is_some() { start } else { binary.right.span.start };
        let fix = Fix::replace("compare to 0 or 1".to_owned(), Span::new(start, end), " bool ");
        self.say(expr.span, Severity::Hint, "comparison-without-bool", message, fix);
    }

    /// A comparison that has the same outcome for every value.
    fn never(&mut self, expr: &'e Expr, binary: &'e Binary) {
        let number = |side: &Expr| match side.unwrapped().kind {
            ExprKind::Number { value, .. } => Some(value),
            _ => None,
        };
        let (Some(bound), op) = (match (number(&binary.left), number(&binary.right)) {
            (None, Some(right)) => (Some(right), binary.op),
            (Some(left), None) => (Some(left), flipped(binary.op)),
            _ => (None, binary.op),
        }) else {
            return;
        };
        let side = if number(&binary.right).is_some() { &binary.left } else { &binary.right };
        if bound.is_nan() {
            let outcome = if op == BinaryOp::NotEqual { "everything" } else { "nothing" };
            let message = format!(
                "`{}` with NaN is true of {outcome}: compare a value with itself to find NaN",
                op.as_str()
            );
            self.say(expr.span, Severity::Error, "comparison-with-nan", message, None);
            return;
        }
        let never = match op {
            BinaryOp::Less => bound <= 0.0,
            BinaryOp::LessEqual | BinaryOp::Equal => bound < 0.0,
            _ => false,
        };
        if never && let Some(what) = never_negative(side) {
            let message = format!("`{what}` is never less than 0, so that this is never true");
            self.say(expr.span, Severity::Warning, "never-true", message, None);
        }
    }

    /// `a and b or c` and the like.
    fn mixed(&mut self, binary: &'e Binary) {
        if binary.op != BinaryOp::Or {
            return;
        }
        for side in [&binary.left, &binary.right] {
            if let ExprKind::Binary(inner) = &side.kind
                && matches!(inner.op, BinaryOp::And | BinaryOp::Unless)
            {
                let message = format!(
                    "`{}` binds more tightly than `or`: parentheses say so",
                    inner.op.as_str()
                );
                let fix = Fix::around("add parentheses".to_owned(), side.span, "(", ")");
                self.say(side.span, Severity::Hint, "mixed-set-operators", message, fix);
            }
        }
    }

    pub(super) fn call(&mut self, function: &str, name: Span, args: &'e [Expr]) {
        match (function, args) {
            ("holt_winters", _) => {
                let message =
                    "Prometheus 3 calls `holt_winters` `double_exponential_smoothing`".to_owned();
                let new = "double_exponential_smoothing";
                let fix = Fix::replace(format!("use `{new}`"), name, new);
                self.say(name, Severity::Hint, "deprecated-name", message, fix);
            }
            ("absent", [arg]) => self.absent(arg),
            _ => {}
        }
    }

    fn absent(&mut self, arg: &'e Expr) {
        let inner = arg.unwrapped();
        match &inner.kind {
            ExprKind::Aggregate(aggregate) => {
                let message = format!(
                    "`absent` takes its labels from a selector's matchers, which `{}` hides",
                    aggregate.op.as_str()
                );
                let fix = matches!(aggregate.expr.kind, ExprKind::Selector(_)).then(|| {
                    let text = aggregate.expr.to_string();
                    Fix::replace("use the selector itself".to_owned(), arg.span, text)
                });
                self.say(arg.span, Severity::Hint, "absent-of-aggregate", message, fix.flatten());
            }
            ExprKind::Binary(binary) if binary.op.is_comparison() && !binary.bool => {
                let message =
                    "`absent` of a comparison also fires where the series is there and does not pass"
                        .to_owned();
                self.say(arg.span, Severity::Warning, "absent-of-comparison", message, None);
            }
            _ => {}
        }
    }
}

const fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

/// What makes an expression's value 0 or more.
fn never_negative(expr: &Expr) -> Option<&'static str> {
    match &expr.unwrapped().kind {
        ExprKind::Call { function, .. } => {
            let names =
                ["abs", "changes", "count_over_time", "increase", "irate", "rate", "resets"];
            names.contains(&function.name).then_some(function.name)
        }
        ExprKind::Aggregate(aggregate) => match aggregate.op {
            AggregateOp::Count => Some("count"),
            AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Min | AggregateOp::Max => {
                never_negative(&aggregate.expr)
            }
            _ => None,
        },
        _ => None,
    }
}
