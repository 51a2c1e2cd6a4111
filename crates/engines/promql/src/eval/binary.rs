//! Operators between two values.

mod element;
mod join;
mod set;

pub(super) use self::element::{Element, Operand, apply, compare, compute};
use super::{Computed, Context, EvalError, pipeline::Stage};
use crate::{
    ast::{Binary, BinaryOp},
    span::Span,
};

impl<'s> Context<'s> {
    pub(super) fn binary(
        &mut self,
        binary: &Binary,
        span: Span,
    ) -> Result<Computed<'s>, EvalError> {
        let left = self.evaluate(&binary.left)?;
        let right = self.evaluate(&binary.right)?;
        let op = binary.op;
        let stage =
            |scalar, swapped| Stage::Scalar { op, scalar, swapped, bool: binary.bool, span };
        match (left, right) {
            (Computed::Scalar(mut left), Computed::Scalar(right)) => {
                for (left, right) in left.iter_mut().zip(&right) {
                    *left = if op.is_comparison() {
                        f64::from(u8::from(compare(op, *left, *right)))
                    } else {
                        compute(op, *left, *right)
                    };
                }
                Ok(Computed::Scalar(left))
            }
            (Computed::Vector(items), Computed::Scalar(scalar)) => {
                self.mapped(items, &[stage(scalar, false)], span)
            }
            (Computed::Scalar(scalar), Computed::Vector(items)) => {
                self.mapped(items, &[stage(scalar, true)], span)
            }
            (Computed::Vector(left), Computed::Vector(right)) => {
                let held = left.bytes().saturating_add(right.bytes());
                self.budget.hold(held)?;
                let items = match op {
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                        self.set_operation(binary, left, right, span)
                    }
                    _ => self.join(binary, left, right, span),
                };
                items.map(Computed::Vector)
            }
            _ => Err(EvalError::invalid(
                span,
                "binary expression must contain only scalar and instant vector types",
            )),
        }
    }
}
