//! Values: numbers, strings, parentheses, aggregations, function calls.

use super::{Parser, Tall};
use crate::{
    ast::{Aggregate, AggregateOp, BinaryOp, Expr, ExprKind},
    functions,
    lex::{self, DurationProblem, Keyword, Kind, Token},
    quote::Quoted,
    span::{ParseError, Span},
};

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Tall, ParseError> {
        let token = self.peek();
        let called = self.peek_after().kind == Kind::LeftParen;
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.advance();
                let value = self.value_of(token)?;
                let duration = token.kind == Kind::Duration;
                Ok(Tall::leaf(token.span, ExprKind::Number { value, duration }))
            }
            Kind::String => {
                let text = self.unquote(token)?;
                self.advance();
                Ok(Tall::leaf(token.span, ExprKind::String(text)))
            }
            Kind::LeftParen => self.paren(),
            Kind::LeftBrace => self.selector(None, token.span),
            Kind::Aggregate(op) => {
                let grouped =
                    matches!(self.peek_after().kind, Kind::Keyword(Keyword::By | Keyword::Without));
                if called || grouped { self.aggregate(op) } else { self.named() }
            }
            Kind::Identifier if called => self.call(),
            Kind::Keyword(keyword) if called && keyword.is_function() => self.call(),
            kind if names_a_metric(kind) => self.named(),
            _ => Err(self.unexpected_here()),
        }
    }

    /// A selector that begins with its metric's name.
    fn named(&mut self) -> Result<Tall, ParseError> {
        let token = self.advance();
        self.selector(Some(self.text_of(token)), token.span)
    }

    fn paren(&mut self) -> Result<Tall, ParseError> {
        let open = self.advance();
        let inner = self.expression(0)?;
        let close = self.take(Kind::RightParen).ok_or_else(|| self.unexpected_here())?;
        let height = self.height(inner.height, open.span)?;
        let kind = ExprKind::Paren(Box::new(inner.expr));
        Ok(Tall { expr: Expr { span: open.span.to(close.span), kind }, height })
    }

    /// The value of a number, or of a duration in seconds; the token is taken already.
    pub(super) fn value_of(&self, token: Token) -> Result<f64, ParseError> {
        let text = self.text_of(token);
        if token.kind == Kind::Number {
            return lex::number(text).map_err(|problem| {
                let message = format!(
                    "error parsing number: strconv.ParseFloat: parsing {}: {problem}",
                    Quoted(text)
                );
                self.error(token.span, message)
            });
        }
        #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
        lex::duration_ms(text).map(|ms| ms as f64 / 1000.0).map_err(|problem| {
            let message = match problem {
                DurationProblem::Form => format!("not a valid duration string: {}", Quoted(text)),
                DurationProblem::Unit(unit) => {
                    format!("unknown unit {} in duration {}", Quoted(&unit), Quoted(text))
                }
                DurationProblem::Range => "duration out of range".to_owned(),
            };
            self.error(token.span, message)
        })
    }

    /// The grouping may stand before or after the arguments.
    fn aggregate(&mut self, op: AggregateOp) -> Result<Tall, ParseError> {
        let name = self.advance().span;
        self.aggregates += 1;
        let before = self.grouping()?;
        let (mut args, height) = self.arguments()?;
        self.aggregates -= 1;
        let grouping = if before.is_none() { self.grouping()? } else { before };
        let span = name.to(self.last().span);
        let fail = |message: String| Err(self.error(span, message));
        if args.is_empty() {
            return fail("no arguments for aggregate expression provided".to_owned());
        }
        if op.is_experimental() && !self.features.experimental {
            return fail(format!(
                "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                op.as_str()
            ));
        }
        let wanted = 1 + usize::from(op.param().is_some());
        if args.len() != wanted {
            return fail(format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {}",
                args.len()
            ));
        }
        let (Some(expr), param) = (args.pop(), args.pop()) else {
            return Err(self.unexpected_here());
        };
        let aggregate = Aggregate { op, op_span: name, param, expr, grouping };
        let kind = ExprKind::Aggregate(Box::new(aggregate));
        Ok(Tall { expr: Expr { span, kind }, height: self.height(height, name)? })
    }

    fn call(&mut self) -> Result<Tall, ParseError> {
        let token = self.advance();
        let (args, height) = self.arguments()?;
        let name = self.text_of(token);
        let function = functions::find(name).ok_or_else(|| {
            self.error(token.span, format!("unknown function with name {}", Quoted(name)))
        })?;
        if function.experimental && !self.features.experimental {
            let message = format!("function {} is not enabled", Quoted(name));
            return Err(self.error(token.span, message));
        }
        let span = token.span.to(self.last().span);
        let kind = ExprKind::Call { function, name_span: token.span, args };
        Ok(Tall { expr: Expr { span, kind }, height: self.height(height, token.span)? })
    }

    /// `(a, b)`; with the height of the highest.
    fn arguments(&mut self) -> Result<(Vec<Expr>, usize), ParseError> {
        self.take(Kind::LeftParen).ok_or_else(|| self.unexpected_here())?;
        let (mut args, mut height) = (Vec::new(), 0);
        if self.take(Kind::RightParen).is_some() {
            return Ok((args, height));
        }
        loop {
            let arg = self.expression(0)?;
            height = height.max(arg.height);
            args.push(arg.expr);
            if self.take(Kind::RightParen).is_some() {
                return Ok((args, height));
            }
            let Some(comma) = self.take(Kind::Comma) else { return Err(self.unexpected_here()) };
            if !self.expression_follows() {
                let message = "trailing commas not allowed in function call args";
                return Err(self.action_error(comma.span, message));
            }
        }
    }

    fn expression_follows(&self) -> bool {
        match self.peek().kind {
            Kind::Number
            | Kind::Duration
            | Kind::String
            | Kind::LeftParen
            | Kind::LeftBrace
            | Kind::Aggregate(_)
            | Kind::Op(BinaryOp::Add | BinaryOp::Sub) => true,
            kind => names_a_metric(kind),
        }
    }

    /// What came last, as the end of a node that began at `start`.
    pub(super) fn since(&self, start: Span) -> Span {
        start.to(self.last().span)
    }
}

/// Whether a metric may have this word for a name where a value is expected.
fn names_a_metric(kind: Kind) -> bool {
    match kind {
        Kind::Identifier
        | Kind::MetricIdentifier
        | Kind::Aggregate(_)
        | Kind::Op(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless) => true,
        Kind::Keyword(keyword) => {
            keyword.is_function()
                || matches!(
                    keyword,
                    Keyword::Offset
                        | Keyword::By
                        | Keyword::Without
                        | Keyword::Anchored
                        | Keyword::Smoothed
                )
        }
        _ => false,
    }
}
