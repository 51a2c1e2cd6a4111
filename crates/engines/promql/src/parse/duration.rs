//! Durations in brackets and after `offset`: numbers of seconds, `5m`, and expressions over both.

use super::Parser;
use crate::{
    ast::{BinaryOp, DurationExpr, DurationKind, DurationOp},
    lex::{Keyword, Kind, Token},
    span::ParseError,
};

/// The longest duration in seconds: what fits into 64 bits of nanoseconds.
const SECS_MAX: f64 = 9_223_372_036.854_776;

/// What a duration expression may begin with, as errors name it.
const BEGINNING: &str = "number, duration, step(), or range()";

/// A duration that is known, or has to be computed.
pub(super) enum Length {
    Ms(i64),
    Computed(Box<DurationExpr>),
}

impl Length {
    /// Milliseconds, 0 where they have to be computed, and what computes them.
    pub(super) fn parts(self) -> (i64, Option<Box<DurationExpr>>) {
        match self {
            Self::Ms(ms) => (ms, None),
            Self::Computed(expr) => (0, Some(expr)),
        }
    }
}

impl From<DurationExpr> for Length {
    fn from(expr: DurationExpr) -> Self {
        match expr.kind {
            #[expect(clippy::cast_possible_truncation, reason = "at most SECS_MAX")]
            DurationKind::Number { secs, .. } => Self::Ms((secs * 1e9).round() as i64 / 1_000_000),
            _ => Self::Computed(Box::new(expr)),
        }
    }
}

impl Parser<'_> {
    /// A duration in brackets, which is more than 0 where it is known. `or` is what else could stand at its beginning.
    pub(super) fn bracketed(&mut self, context: &str, or: &str) -> Result<Length, ParseError> {
        let syntax = |parser: &Self| {
            if or.is_empty() {
                parser.unexpected(context, BEGINNING)
            } else {
                parser.unexpected(context, &format!("number, duration, step(), range(){or}"))
            }
        };
        let expr = self.duration_expr(0, &syntax)?;
        let (span, known) = (expr.span, matches!(expr.kind, DurationKind::Number { .. }));
        let length = Length::from(expr);
        // What is shorter than a millisecond would select nothing.
        if known && matches!(length, Length::Ms(..=0)) {
            return Err(self.action_error(span, "duration must be greater than 0"));
        }
        Ok(length)
    }

    /// The duration after `offset`: without parentheses, one value with a sign.
    pub(super) fn offset_duration(&mut self) -> Result<Length, ParseError> {
        let syntax = |parser: &Self| parser.unexpected("offset", BEGINNING);
        let Some(sign) =
            self.take(Kind::Op(BinaryOp::Add)).or_else(|| self.take(Kind::Op(BinaryOp::Sub)))
        else {
            let value = self.duration_value(&syntax)?;
            if !matches!(value.kind, DurationKind::Paren(_)) {
                return Ok(value.into());
            }
            // `offset (5m) - 3m` is one duration, in Prometheus' grammar, too.
            return Ok(self.duration_operators(value, 0, true, &syntax)?.into());
        };
        let value = match self.peek().kind {
            Kind::Op(BinaryOp::Add | BinaryOp::Sub) => self.signed(&syntax)?,
            _ => self.duration_value(&syntax)?,
        };
        let expr = self.with_sign(sign, value);
        Ok(expr.into())
    }

    fn duration_expr(
        &mut self,
        precedence: u8,
        syntax: &dyn Fn(&Self) -> ParseError,
    ) -> Result<DurationExpr, ParseError> {
        self.depth += 1;
        if self.depth > super::DEPTH_MAX {
            let message = format!("the expression nests deeper than {}", super::DEPTH_MAX);
            return Err(self.error(self.peek().span, message));
        }
        let left = match self.peek().kind {
            Kind::Op(BinaryOp::Add | BinaryOp::Sub) => self.signed(syntax)?,
            _ => self.duration_value(syntax)?,
        };
        let expr = self.duration_operators(left, precedence, false, syntax)?;
        self.depth -= 1;
        Ok(expr)
    }

    /// The operators that bind at least as tightly as `precedence`; where `certain` is set, only those that a duration
    /// follows for sure.
    fn duration_operators(
        &mut self,
        mut left: DurationExpr,
        precedence: u8,
        certain: bool,
        syntax: &dyn Fn(&Self) -> ParseError,
    ) -> Result<DurationExpr, ParseError> {
        let mut operators = 0;
        while let Kind::Op(binary) = self.peek().kind
            && let Some(op) = duration_op(binary)
            && binary.precedence() >= precedence
        {
            let next = self.peek_after().kind;
            let value = match next {
                Kind::Number | Kind::Duration | Kind::LeftParen => true,
                Kind::Keyword(keyword) => keyword.is_duration(),
                _ => false,
            };
            if certain && !value {
                break;
            }
            operators += 1;
            if operators > super::DEPTH_MAX {
                let message = format!("the duration has more than {} operators", super::DEPTH_MAX);
                return Err(self.error(self.peek().span, message));
            }
            let token = self.advance();
            let next = binary.precedence() + u8::from(binary != BinaryOp::Pow);
            let right = self.duration_expr(next, syntax)?;
            self.experimental(&left)?;
            if let DurationKind::Number { secs: 0.0, .. } = right.kind {
                match op {
                    DurationOp::Div => {
                        return Err(self.action_error(token.span, "division by zero"));
                    }
                    DurationOp::Mod => return Err(self.action_error(token.span, "modulo by zero")),
                    _ => {}
                }
            }
            let span = left.span.to(right.span);
            let (left_side, right) = (Box::new(left), Box::new(right));
            left = DurationExpr { span, kind: DurationKind::Binary { op, left: left_side, right } };
        }
        Ok(left)
    }

    /// A sign and what it applies to, which binds as tightly as `^`.
    fn signed(&mut self, syntax: &dyn Fn(&Self) -> ParseError) -> Result<DurationExpr, ParseError> {
        let token = self.advance();
        let inner = self.duration_expr(BinaryOp::Pow.precedence(), syntax)?;
        Ok(self.with_sign(token, inner))
    }

    /// A sign before a number is part of it.
    fn with_sign(&self, token: Token, mut inner: DurationExpr) -> DurationExpr {
        let negative = self.text_of(token) == "-";
        let span = token.span.to(inner.span);
        match &mut inner.kind {
            DurationKind::Number { secs, .. } => {
                *secs = if negative { -*secs } else { *secs };
                DurationExpr { span, ..inner }
            }
            _ if negative => DurationExpr { span, kind: DurationKind::Negate(Box::new(inner)) },
            _ => inner,
        }
    }

    fn duration_value(
        &mut self,
        syntax: &dyn Fn(&Self) -> ParseError,
    ) -> Result<DurationExpr, ParseError> {
        let token = self.peek();
        let kind = match token.kind {
            Kind::Number | Kind::Duration => {
                self.advance();
                let secs = self.value_of(token)?;
                if secs.is_nan() || secs.abs() > SECS_MAX {
                    return Err(self.error(token.span, "duration out of range"));
                }
                let duration = token.kind == Kind::Duration;
                let kind = DurationKind::Number { secs, duration };
                return Ok(DurationExpr { span: token.span, kind });
            }
            Kind::LeftParen => {
                self.advance();
                let inner = self.duration_expr(0, syntax)?;
                self.take(Kind::RightParen).ok_or_else(|| syntax(self))?;
                self.experimental(&inner)?;
                match inner.kind {
                    kind @ DurationKind::Paren(_) => kind,
                    _ => DurationKind::Paren(Box::new(inner)),
                }
            }
            Kind::Keyword(keyword @ (Keyword::Step | Keyword::Range)) => {
                self.advance();
                self.take(Kind::LeftParen).ok_or_else(|| syntax(self))?;
                self.take(Kind::RightParen).ok_or_else(|| syntax(self))?;
                if keyword == Keyword::Step { DurationKind::Step } else { DurationKind::Range }
            }
            Kind::Keyword(keyword @ (Keyword::MinOf | Keyword::MaxOf)) => {
                self.advance();
                self.take(Kind::LeftParen).ok_or_else(|| syntax(self))?;
                let left = Box::new(self.duration_expr(0, syntax)?);
                self.take(Kind::Comma).ok_or_else(|| syntax(self))?;
                let right = Box::new(self.duration_expr(0, syntax)?);
                self.take(Kind::RightParen).ok_or_else(|| syntax(self))?;
                if keyword == Keyword::MinOf {
                    DurationKind::Min(left, right)
                } else {
                    DurationKind::Max(left, right)
                }
            }
            _ => return Err(syntax(self)),
        };
        let expr = DurationExpr { span: self.since(token.span), kind };
        self.experimental(&expr)?;
        Ok(expr)
    }

    fn experimental(&self, expr: &DurationExpr) -> Result<(), ParseError> {
        if self.features.duration_expressions {
            return Ok(());
        }
        Err(self.error(expr.span, "experimental duration expression is not enabled"))
    }
}

const fn duration_op(op: BinaryOp) -> Option<DurationOp> {
    Some(match op {
        BinaryOp::Add => DurationOp::Add,
        BinaryOp::Sub => DurationOp::Sub,
        BinaryOp::Mul => DurationOp::Mul,
        BinaryOp::Div => DurationOp::Div,
        BinaryOp::Mod => DurationOp::Mod,
        BinaryOp::Pow => DurationOp::Pow,
        _ => return None,
    })
}
