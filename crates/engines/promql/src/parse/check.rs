//! Types, and what else a tree must satisfy, in the order in which Prometheus looks at it.

use super::Parser;
use crate::{
    ast::{Binary, Expr, ExprKind, Function, Matching, Selector, Type},
    quote::Quoted,
    span::{ParseError, Span},
};

type Checked = Result<(), ParseError>;

impl Parser<'_> {
    pub(super) fn check(&self, expr: &mut Expr) -> Checked {
        match &mut expr.kind {
            ExprKind::Number { .. } | ExprKind::String(_) => Ok(()),
            ExprKind::Selector(selector) => {
                self.names(selector, expr.span)?;
                self.selective(selector, expr.span)
            }
            ExprKind::Matrix { selector, .. } => {
                self.names(selector, selector.span)?;
                self.selective(selector, selector.span)
            }
            ExprKind::Subquery { expr: inner, .. } => {
                self.check(inner)?;
                let short = match inner.value_type() {
                    Type::Vector => return Ok(()),
                    Type::Scalar => "scalar",
                    Type::String => "string",
                    Type::Matrix => "matrix",
                };
                let message =
                    format!("subquery is only allowed on instant vector, got {short} instead");
                Err(self.error(expr.span, message))
            }
            ExprKind::Paren(inner) => self.check(inner),
            ExprKind::Negate(inner) | ExprKind::Plus(inner) => {
                self.check(inner)?;
                let found = inner.value_type();
                if matches!(found, Type::Scalar | Type::Vector) {
                    return Ok(());
                }
                let message = format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                    Quoted(found.as_str())
                );
                Err(self.error(expr.span, message))
            }
            ExprKind::Binary(binary) => {
                self.check(&mut binary.left)?;
                self.check(&mut binary.right)?;
                self.binary(binary, expr.span)
            }
            ExprKind::Aggregate(aggregate) => {
                self.check(&mut aggregate.expr)?;
                self.typed(&aggregate.expr, Type::Vector, "aggregation expression")?;
                if let (Some(param), Some(wanted)) = (&mut aggregate.param, aggregate.op.param()) {
                    self.check(param)?;
                    self.typed(param, wanted, "aggregation parameter")?;
                }
                Ok(())
            }
            ExprKind::Call { function, args, .. } => self.call_types(function, args, expr.span),
        }
    }

    /// Checks what a binary operator may stand between.
    fn binary(&self, binary: &mut Binary, span: Span) -> Checked {
        let (left, right) = (binary.left.value_type(), binary.right.value_type());
        let op = binary.op;
        let scalars = left == Type::Scalar && right == Type::Scalar;
        let at_operator = |message: &str| Err(self.error(self.operator_span(binary), message));
        if binary.bool && !op.is_comparison() {
            return at_operator("bool modifier can only be used on comparison operators");
        }
        if op.is_comparison() && !binary.bool && scalars {
            return at_operator("comparisons between scalars must use BOOL modifier");
        }
        if let Some(Matching { on: true, labels, group: Some(group), .. }) = &binary.matching
            && let Some(both) = labels.iter().find(|label| group.include.contains(label))
        {
            return at_operator(&format!(
                "label {} must not occur in ON and GROUP clause at once",
                Quoted(both)
            ));
        }
        for (operand, found) in [(&binary.left, left), (&binary.right, right)] {
            if !matches!(found, Type::Scalar | Type::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(operand.span, message));
            }
        }
        let fail = |message: String| Err(self.error(span, message));
        if left != Type::Vector || right != Type::Vector {
            if let Some(matching) = binary.matching.take() {
                if !matching.labels.is_empty() {
                    return fail("vector matching only allowed between instant vectors".to_owned());
                }
                if matching.fill.is_any() {
                    return fail(
                        "filling in missing series only allowed between instant vectors".to_owned(),
                    );
                }
            }
            if op.is_set() {
                return fail(format!(
                    "set operator {} not allowed in binary scalar expression",
                    Quoted(op.as_str())
                ));
            }
        } else if op.is_set()
            && let Some(matching) = &binary.matching
        {
            if matching.group.is_some() {
                return fail(format!("no grouping allowed for {} operation", Quoted(op.as_str())));
            }
            if matching.fill.is_any() {
                return fail("filling in missing series not allowed for set operators".to_owned());
            }
        }
        Ok(())
    }

    /// From the left side to the right one, without blanks: as Prometheus counts it, its end is one short.
    fn operator_span(&self, binary: &Binary) -> Span {
        let bytes = self.text.as_bytes();
        let blank = |at: usize| matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r'));
        let mut start = binary.left.span.end;
        while blank(start) {
            start += 1;
        }
        let mut end = binary.right.span.start.saturating_sub(1);
        while end > start && blank(end) {
            end -= 1;
        }
        Span::new(start, end)
    }

    fn call_types(&self, function: &Function, args: &mut [Expr], span: Span) -> Checked {
        let most = function.args.len();
        let name = Quoted(function.name);
        let found = args.len();
        let count = |expected: String| {
            let message = format!("expected {expected} argument(s) in call to {name}, got {found}");
            Err(self.error(span, message))
        };
        if function.variadic == 0 {
            if found != most {
                return count(most.to_string());
            }
        } else {
            let least = most.saturating_sub(1);
            let more = usize::try_from(function.variadic).ok();
            if found < least {
                return count(format!("at least {least}"));
            }
            if let Some(more) = more
                && found > least + more
            {
                return count(format!("at most {}", least + more));
            }
        }
        let mut labels_only = None;
        if function.name == "info"
            && let Some(labels) = args.get(1)
        {
            self.label_selectors(labels, span)?;
            labels_only = Some(1);
        }
        for (at, arg) in args.iter_mut().enumerate() {
            let Some(wanted) = function.args.get(at).or(function.args.last()) else { continue };
            // `info` takes label matchers that may all be empty.
            if labels_only != Some(at) {
                self.check(arg)?;
            }
            self.typed(arg, *wanted, &format!("call to function {name}"))?;
        }
        Ok(())
    }

    /// The second argument of `info` is a selector without a name.
    fn label_selectors(&self, arg: &Expr, call: Span) -> Checked {
        let found = arg.value_type();
        if found != Type::Vector {
            let message = format!(
                "expected type {} in call to function \"info\", got {}",
                Type::Vector.as_str(),
                found.as_str()
            );
            return Err(self.error(call, message));
        }
        match &arg.kind {
            ExprKind::Selector(selector) if selector.name.is_none() => Ok(()),
            ExprKind::Selector(_) => {
                let message = "expected label selectors only, got vector selector instead";
                Err(self.error(arg.span, message))
            }
            _ => Err(self.error(arg.span, "expected label selectors only")),
        }
    }

    /// The name before the braces is the only one.
    fn names(&self, selector: &Selector, span: Span) -> Checked {
        let Some(name) = &selector.name else { return Ok(()) };
        let mut others = selector.matchers.iter().rev().skip(1).rev();
        match others.find(|matcher| matcher.name() == "__name__") {
            Some(other) => {
                let message = format!(
                    "metric name must not be set twice: {} or {}",
                    Quoted(name),
                    Quoted(other.value())
                );
                Err(self.error(span, message))
            }
            None => Ok(()),
        }
    }

    /// A selector without a name selects less than everything.
    fn selective(&self, selector: &Selector, span: Span) -> Checked {
        if selector.name.is_some() || selector.matchers.iter().any(|matcher| !matcher.matches("")) {
            return Ok(());
        }
        Err(self.error(span, "vector selector must contain at least one non-empty matcher"))
    }

    fn typed(&self, expr: &Expr, wanted: Type, context: &str) -> Checked {
        let found = expr.value_type();
        if found == wanted {
            return Ok(());
        }
        let message =
            format!("expected type {} in {context}, got {}", wanted.as_str(), found.as_str());
        Err(self.error(expr.span, message))
    }
}
