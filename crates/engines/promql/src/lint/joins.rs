//! Labels on both sides of an operator: sides that cannot match, and labels that are not there to match on.

use std::collections::BTreeSet;

use super::{Linter, Severity};
use crate::ast::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, Matching, Type};

impl<'e> Linter<'e> {
    pub(super) fn join(&mut self, expr: &'e Expr, binary: &'e Binary) {
        if let Some(Matching { on: true, labels, .. }) = &binary.matching {
            for side in [&binary.left, &binary.right] {
                let Some(there) = labels_of(side) else { continue };
                for label in labels.iter().filter(|label| !there.contains(&***label)) {
                    let message = format!(
                        "the label `{label}` of `on` is never there on this side, which keeps {}",
                        list(&there)
                    );
                    self.say(side.span, Severity::Warning, "on-missing-label", message, None);
                }
            }
            return;
        }
        let ignored: &[Box<str>] =
            binary.matching.as_ref().map_or(&[], |matching| &matching.labels);
        let filled = binary.matching.as_ref().is_some_and(|matching| matching.fill.is_any());
        let (Some(left), Some(right)) = (labels_of(&binary.left), labels_of(&binary.right)) else {
            return;
        };
        let kept = |labels: &BTreeSet<&'e str>| -> BTreeSet<&'e str> {
            labels.iter().copied().filter(|label| !ignored.iter().any(|i| **i == **label)).collect()
        };
        // `or` and `unless` say something where nothing matches.
        let needs = binary.op == BinaryOp::And || !binary.op.is_set();
        if needs && !filled && kept(&left) != kept(&right) {
            let message = format!(
                "the left side has {} and the right side {}: no series of theirs match without `on` or `ignoring`",
                list(&left),
                list(&right)
            );
            self.say(expr.span, Severity::Warning, "never-matches", message, None);
        }
    }
}

/// The labels that a vector has, where its expression alone tells.
fn labels_of(expr: &Expr) -> Option<BTreeSet<&str>> {
    if !matches!(expr.value_type(), Type::Vector | Type::Matrix) {
        return None;
    }
    match &expr.kind {
        ExprKind::Paren(inner) | ExprKind::Negate(inner) | ExprKind::Plus(inner) => {
            labels_of(inner)
        }
        ExprKind::Aggregate(aggregate) => {
            match (&aggregate.grouping, aggregate.op.keeps_labels()) {
                (_, true) => labels_of(&aggregate.expr),
                (_, false) if aggregate.op == AggregateOp::CountValues => None,
                (None, _) => Some(BTreeSet::new()),
                (Some(grouping), _) if !grouping.without => {
                    Some(grouping.labels.iter().map(|label| &**label).collect())
                }
                _ => None,
            }
        }
        ExprKind::Call { function, args, .. } => match function.name {
            "vector" => Some(BTreeSet::new()),
            "label_replace"
            | "label_join"
            | "info"
            | "absent"
            | "absent_over_time"
            | "histogram_quantile"
            | "histogram_quantiles"
            | "histogram_fraction" => None,
            _ => {
                let vectors = args
                    .iter()
                    .filter(|arg| matches!(arg.value_type(), Type::Vector | Type::Matrix));
                match vectors.collect::<Vec<_>>()[..] {
                    [vector] => labels_of(vector),
                    _ => None,
                }
            }
        },
        ExprKind::Subquery { expr, .. } => labels_of(expr),
        ExprKind::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
            (Type::Vector, Type::Scalar) => labels_of(&binary.left),
            (Type::Scalar, Type::Vector) => labels_of(&binary.right),
            _ => None,
        },
        ExprKind::Number { .. }
        | ExprKind::String(_)
        | ExprKind::Selector(_)
        | ExprKind::Matrix { .. } => None,
    }
}

fn list(labels: &BTreeSet<&str>) -> String {
    if labels.is_empty() {
        return "no labels".to_owned();
    }
    let quoted: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
    quoted.join(", ")
}
