//! Durations that are computed: `[2 * step()]`, `offset (1h - 5m)`, and how they become milliseconds.

use std::borrow::Cow;

use super::{Binary, Expr, ExprKind, Selector, Shift};
use crate::span::Span;

/// A duration as an expression over numbers of seconds (the feature flag `promql-duration-expr`).
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    pub span: Span,
    pub kind: DurationKind,
}

/// What a duration expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationKind {
    Number {
        secs: f64,
        /// Written with a unit: `5m`.
        duration: bool,
    },
    /// `step()`: the query's step, 0 for an instant query.
    Step,
    /// `range()`: from the query's start to its end.
    Range,
    Negate(Box<DurationExpr>),
    Paren(Box<DurationExpr>),
    Binary {
        op: DurationOp,
        left: Box<DurationExpr>,
        right: Box<DurationExpr>,
    },
    /// `min_of(a, b)`
    Min(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`
    Max(Box<DurationExpr>, Box<DurationExpr>),
}

/// An operator between two durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

/// Why a duration has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DurationError {
    /// Of the part that is at fault.
    pub span: Span,
    /// As Prometheus words it.
    pub message: &'static str,
}

impl DurationOp {
    /// The operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }
}

impl DurationExpr {
    /// The value in milliseconds, cut towards zero.
    ///
    /// # Errors
    /// When it divides by zero, is no number, does not fit into 64 bits of nanoseconds, or is not more than 0 where
    /// `negative` is not allowed.
    pub fn to_ms(&self, step_ms: i64, range_ms: i64, negative: bool) -> Result<i64, DurationError> {
        let secs = self.secs(step_ms, range_ms)?;
        let fail = |message| Err(DurationError { span: self.span, message });
        if !secs.is_finite() {
            return fail("duration is NaN or infinite");
        }
        if secs <= 0.0 && !negative {
            return fail("duration must be greater than 0");
        }
        if secs.abs() * 1e9 >= 9_223_372_036_854_775_807.0 {
            return fail("duration is out of range");
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        Ok((secs * 1000.0) as i64)
    }

    #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
    fn secs(&self, step_ms: i64, range_ms: i64) -> Result<f64, DurationError> {
        let of = |expr: &Self| expr.secs(step_ms, range_ms);
        Ok(match &self.kind {
            DurationKind::Number { secs, .. } => *secs,
            DurationKind::Step => step_ms as f64 / 1000.0,
            DurationKind::Range => range_ms as f64 / 1000.0,
            DurationKind::Negate(inner) => -of(inner)?,
            DurationKind::Paren(inner) => of(inner)?,
            DurationKind::Min(left, right) => of(left)?.min(of(right)?),
            DurationKind::Max(left, right) => of(left)?.max(of(right)?),
            DurationKind::Binary { op, left, right } => {
                let (a, b) = (of(left)?, of(right)?);
                let by_zero = |message| Err(DurationError { span: self.span, message });
                match op {
                    DurationOp::Add => a + b,
                    DurationOp::Sub => a - b,
                    DurationOp::Mul => a * b,
                    DurationOp::Div if b == 0.0 => return by_zero("division by zero"),
                    DurationOp::Div => a / b,
                    DurationOp::Mod if b == 0.0 => return by_zero("modulo by zero"),
                    DurationOp::Mod => a % b,
                    DurationOp::Pow => a.powf(b),
                }
            }
        })
    }
}

impl Expr {
    /// The same expression with every computed duration as a constant, for a query of this step and of this length
    /// from start to end (both 0 for an instant query).
    ///
    /// # Errors
    /// As [`DurationExpr::to_ms`].
    pub fn resolve(&self, step_ms: i64, range_ms: i64) -> Result<Cow<'_, Self>, DurationError> {
        if !self.computes_durations() {
            return Ok(Cow::Borrowed(self));
        }
        let mut resolved = self.clone();
        Resolver { step_ms, range_ms }.expr(&mut resolved)?;
        Ok(Cow::Owned(resolved))
    }

    fn computes_durations(&self) -> bool {
        match &self.kind {
            ExprKind::Number { .. } | ExprKind::String(_) => false,
            ExprKind::Selector(selector) => selector.offset_expr.is_some(),
            ExprKind::Matrix { selector, range_expr, .. } => {
                range_expr.is_some() || selector.offset_expr.is_some()
            }
            ExprKind::Subquery { expr, range_expr, step_expr, offset_expr, .. } => {
                range_expr.is_some()
                    || step_expr.is_some()
                    || offset_expr.is_some()
                    || expr.computes_durations()
            }
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
                inner.computes_durations()
            }
            ExprKind::Binary(binary) => {
                binary.left.computes_durations() || binary.right.computes_durations()
            }
            ExprKind::Aggregate(aggregate) => {
                aggregate.expr.computes_durations()
                    || aggregate.param.as_ref().is_some_and(Self::computes_durations)
            }
            ExprKind::Call { args, .. } => args.iter().any(Self::computes_durations),
        }
    }
}

struct Resolver {
    step_ms: i64,
    range_ms: i64,
}

impl Resolver {
    fn expr(&self, expr: &mut Expr) -> Result<(), DurationError> {
        match &mut expr.kind {
            ExprKind::Number { .. } | ExprKind::String(_) => Ok(()),
            ExprKind::Selector(selector) => self.selector(selector),
            ExprKind::Matrix { selector, range_ms, range_expr } => {
                self.constant(range_expr, range_ms, false)?;
                self.selector(selector)
            }
            ExprKind::Subquery {
                expr,
                range_ms,
                range_expr,
                step_ms,
                step_expr,
                shift,
                offset_expr,
            } => {
                self.constant(offset_expr, &mut shift.offset_ms, true)?;
                if step_expr.is_some() {
                    let mut step = 0;
                    self.constant(step_expr, &mut step, false)?;
                    *step_ms = Some(step);
                }
                self.constant(range_expr, range_ms, false)?;
                self.expr(expr)
            }
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
                self.expr(inner)
            }
            ExprKind::Binary(binary) => {
                let Binary { left, right, .. } = &mut **binary;
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::Aggregate(aggregate) => {
                if let Some(param) = &mut aggregate.param {
                    self.expr(param)?;
                }
                self.expr(&mut aggregate.expr)
            }
            ExprKind::Call { args, .. } => args.iter_mut().try_for_each(|arg| self.expr(arg)),
        }
    }

    fn selector(&self, selector: &mut Selector) -> Result<(), DurationError> {
        let Selector { shift: Shift { offset_ms, .. }, offset_expr, .. } = selector;
        self.constant(offset_expr, offset_ms, true)
    }

    /// Computes `expr` into `ms` and takes it away.
    fn constant(
        &self,
        expr: &mut Option<Box<DurationExpr>>,
        ms: &mut i64,
        negative: bool,
    ) -> Result<(), DurationError> {
        if let Some(computed) = expr.take() {
            *ms = computed.to_ms(self.step_ms, self.range_ms, negative)?;
        }
        Ok(())
    }
}
