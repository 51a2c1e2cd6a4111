//! An expression over several lines, as Prometheus formats it for `/api/v1/format_query`.

use super::{Aggregation, Brackets, Operator};
use crate::ast::{Expr, ExprKind};

/// What is longer than this, in bytes, is broken.
const LINE_MAX: usize = 100;
const INDENT: &str = "  ";

impl Expr {
    /// The expression with its long parts broken over indented lines.
    pub fn pretty(&self) -> String {
        self.lines(0)
    }

    fn lines(&self, level: usize) -> String {
        let indent = INDENT.repeat(level);
        let line = self.to_string();
        // Selectors and literals are never broken, signs stand before what they apply to.
        match &self.kind {
            ExprKind::Negate(inner) => return format!("{indent}-{}", inner.lines(level).trim()),
            ExprKind::Plus(inner) => return format!("{indent}+{}", inner.lines(level).trim()),
            ExprKind::Subquery { .. } if line.len() <= LINE_MAX => return line,
            _ if line.len() <= LINE_MAX => return indent + &line,
            _ => {}
        }
        match &self.kind {
            ExprKind::Subquery { expr, .. } => format!("{}{}", expr.lines(level), Brackets(self)),
            ExprKind::Paren(inner) => format!("{indent}(\n{}\n{indent})", inner.lines(level + 1)),
            ExprKind::Binary(binary) => format!(
                "{}\n{indent}{}\n{}",
                binary.left.lines(level + 1),
                Operator(binary),
                binary.right.lines(level + 1)
            ),
            ExprKind::Aggregate(aggregate) => {
                let param = aggregate.param.as_ref().map(|param| param.lines(level + 1) + ",\n");
                format!(
                    "{indent}{}(\n{}{}\n{indent})",
                    Aggregation(aggregate),
                    param.unwrap_or_default(),
                    aggregate.expr.lines(level + 1)
                )
            }
            ExprKind::Call { function, args, .. } => {
                let args: Vec<_> = args.iter().map(|arg| arg.lines(level + 1)).collect();
                format!("{indent}{}(\n{}\n{indent})", function.name, args.join(",\n"))
            }
            ExprKind::Number { .. }
            | ExprKind::String(_)
            | ExprKind::Selector(_)
            | ExprKind::Matrix { .. }
            | ExprKind::Negate(_)
            | ExprKind::Plus(_) => indent + &line,
        }
    }
}
