//! An operator between two numbers, two histograms, or one of each.

use std::sync::Arc;

use model::{Histogram, ResetHint};

use crate::{
    ast::BinaryOp,
    eval::notes::{Join, Kind},
    histogram::{add, compact, divide, same, scale, subtract, trim},
};

/// What stands on one side of an operator.
#[derive(Clone, Copy)]
pub(crate) enum Operand<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

/// What an operator gives.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    Float(f64),
    Histogram(Arc<Histogram>),
    /// A comparison: whether the vector's element stays.
    Filter {
        keep: bool,
    },
}

impl Element {
    pub(crate) const fn keep(&self) -> bool {
        !matches!(self, Self::Filter { keep: false })
    }
}

/// Compares two numbers.
#[inline]
pub(crate) fn compare(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        BinaryOp::GreaterEqual => left >= right,
        _ => false,
    }
}

/// Computes with two numbers.
#[inline]
pub(crate) fn compute(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        _ => f64::NAN,
    }
}

/// Applies an operator; `None` where it has no meaning for its operands, which is told to `say`.
pub(crate) fn apply(
    op: BinaryOp,
    left: Operand<'_>,
    right: Operand<'_>,
    say: &mut dyn FnMut(Kind),
) -> Option<Element> {
    use Operand::{Float, Histogram as Native};
    let trims = matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
    match (left, right) {
        (Float(left), Float(right)) if !trims => Some(if op.is_comparison() {
            Element::Filter { keep: compare(op, left, right) }
        } else {
            Element::Float(compute(op, left, right))
        }),
        (Float(factor), Native(histogram)) if op == BinaryOp::Mul => {
            Some(changed(histogram, |one| scale(one, factor)))
        }
        (Native(histogram), Float(value))
            if trims || matches!(op, BinaryOp::Mul | BinaryOp::Div) =>
        {
            Some(changed(histogram, |one| match op {
                BinaryOp::Mul => scale(one, value),
                BinaryOp::Div => divide(one, value),
                _ => trim(one, value, op == BinaryOp::TrimUpper),
            }))
        }
        (Native(left), Native(right)) if matches!(op, BinaryOp::Add | BinaryOp::Sub) => {
            joined(op, left, right, say)
        }
        (Native(left), Native(right)) if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) => {
            Some(Element::Filter { keep: same(left, right) == (op == BinaryOp::Equal) })
        }
        (left, right) => {
            let word = |operand: &Operand<'_>| match operand {
                Float(_) => "float",
                Native(_) => "histogram",
            };
            say(Kind::IncompatibleTypes(word(&left), op.as_str(), word(&right)));
            None
        }
    }
}

fn changed(histogram: &Histogram, change: impl FnOnce(&mut Histogram)) -> Element {
    let mut out = histogram.clone();
    change(&mut out);
    compact(&mut out);
    Element::Histogram(Arc::new(out))
}

fn joined(
    op: BinaryOp,
    left: &Histogram,
    right: &Histogram,
    say: &mut dyn FnMut(Kind),
) -> Option<Element> {
    let mut out = left.clone();
    let (outcome, join) = if op == BinaryOp::Add {
        (add(&mut out, right), Join::Addition)
    } else {
        let outcome = subtract(&mut out, right);
        out.reset_hint = ResetHint::Gauge;
        (outcome, Join::Subtraction)
    };
    let Ok(outcome) = outcome else {
        say(Kind::IncompatibleLayout(op.as_str()));
        return None;
    };
    if outcome.collision {
        say(Kind::ResetCollision(join));
    }
    if outcome.reconciled {
        say(Kind::MismatchedBuckets(join));
    }
    compact(&mut out);
    Some(Element::Histogram(Arc::new(out)))
}
