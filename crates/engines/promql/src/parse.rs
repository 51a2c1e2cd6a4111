//! Tokens to a checked tree, by precedence climbing.
//!
//! Grammar: <https://prometheus.io/docs/prometheus/latest/querying/basics/> and `operators`; the words of errors and their
//! places are those of Prometheus, which clients show and compare. Types are checked here, so that an evaluation never
//! meets a range vector where it wants a number.

mod check;
mod duration;
mod features;
mod modifier;
mod postfix;
mod primary;
mod selector;
#[cfg(test)]
mod tests;

pub use self::features::Features;
use crate::{
    ast::{Binary, BinaryOp, Expr, ExprKind},
    lex::{self, Keyword, Kind, Token, Tokens},
    span::{ParseError, Span},
};

/// How deep parentheses, calls, signs and operators of higher precedence may nest.
const DEPTH_MAX: usize = 100;

/// How high the tree may be: a chain of operators nests to the left without end otherwise. All that walks a tree does so
/// by recursion, within the 2 MiB that a thread has.
pub const HEIGHT_MAX: usize = 300;

/// Parses and checks an expression without experimental parts.
///
/// # Errors
/// With the place and what would be allowed there.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_with(text, &Features::NONE)
}

/// Parses and checks an expression that may use the experimental parts that `features` names.
///
/// # Errors
/// With the place and what would be allowed there; of several, the first.
pub fn parse_with(text: &str, features: &Features) -> Result<Expr, ParseError> {
    let mut parser =
        Parser { text, tokens: lex::tokens(text)?, at: 0, depth: 0, aggregates: 0, features };
    if parser.peek().kind == Kind::End {
        return Err(parser.error(Span::default(), "no expression found in input"));
    }
    let mut expr = parser.expression(0)?.expr;
    if parser.peek().kind != Kind::End {
        return Err(parser.unexpected_here());
    }
    parser.check(&mut expr)?;
    Ok(expr)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Tokens,
    at: usize,
    depth: usize,
    /// How many aggregations are open: what an error names as its surroundings.
    aggregates: usize,
    features: &'a Features,
}

/// An expression and how high its tree is.
struct Tall {
    expr: Expr,
    height: usize,
}

impl Tall {
    fn leaf(span: Span, kind: ExprKind) -> Self {
        Self { expr: Expr { span, kind }, height: 1 }
    }
}

impl<'a> Parser<'a> {
    /// An expression whose operators all bind at least as tightly as `precedence`.
    fn expression(&mut self, precedence: u8) -> Result<Tall, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the expression nests deeper than {DEPTH_MAX}");
            return Err(self.error(self.peek().span, message));
        }
        let mut left = self.unary()?;
        while let Kind::Op(op) = self.peek().kind {
            if op.precedence() < precedence {
                break;
            }
            let op_span = self.advance().span;
            let (bool, matching) = self.binary_modifiers()?;
            // `^` is right-associative: its right side may hold the same operator.
            let next = if op == BinaryOp::Pow { op.precedence() } else { op.precedence() + 1 };
            let right = self.expression(next)?;
            let height = self.height(left.height.max(right.height), op_span)?;
            let span = left.expr.span.to(right.expr.span);
            let filled = matching.as_ref().is_some_and(|matching| matching.fill.is_any());
            if filled && !self.features.fill {
                let message = "binop fill modifiers are experimental and not enabled";
                return Err(self.action_error(span, message));
            }
            let (left_expr, right) = (left.expr, right.expr);
            let binary = Binary { op, op_span, left: left_expr, right, bool, matching };
            left = Tall { expr: Expr { span, kind: ExprKind::Binary(Box::new(binary)) }, height };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// `-a ^ b` is `-(a ^ b)`, and `-a * b` is `(-a) * b`.
    fn unary(&mut self) -> Result<Tall, ParseError> {
        let token = self.peek();
        let negate = match token.kind {
            Kind::Op(BinaryOp::Sub) => true,
            Kind::Op(BinaryOp::Add) => false,
            _ => {
                let primary = self.primary()?;
                return self.postfix(primary);
            }
        };
        self.advance();
        let inner = self.expression(BinaryOp::Pow.precedence())?;
        let span = token.span.to(inner.expr.span);
        if let ExprKind::Number { value, duration } = inner.expr.kind {
            let value = if negate { -value } else { value };
            return Ok(Tall::leaf(span, ExprKind::Number { value, duration }));
        }
        let height = self.height(inner.height, token.span)?;
        let inner = Box::new(inner.expr);
        let kind = if negate { ExprKind::Negate(inner) } else { ExprKind::Plus(inner) };
        Ok(Tall { expr: Expr { span, kind }, height })
    }

    /// The height of a node over one of this height.
    fn height(&self, below: usize, span: Span) -> Result<usize, ParseError> {
        if below < HEIGHT_MAX {
            return Ok(below + 1);
        }
        let message = format!("the expression chains more than {HEIGHT_MAX} operators");
        Err(self.error(span, message))
    }

    fn peek(&self) -> Token {
        self.tokens.list[self.at]
    }

    fn peek_after(&self) -> Token {
        self.tokens.list[(self.at + 1).min(self.tokens.list.len() - 1)]
    }

    /// The token that was taken last.
    fn last(&self) -> Token {
        self.tokens.list[self.at.saturating_sub(1)]
    }

    /// Takes the next token; the end stays where it is.
    fn advance(&mut self) -> Token {
        let token = self.peek();
        if !matches!(token.kind, Kind::End | Kind::Error) {
            self.at += 1;
        }
        token
    }

    fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.span.start..token.span.end).unwrap_or("")
    }

    fn take(&mut self, kind: Kind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.advance())
    }

    fn take_keyword(&mut self, keyword: Keyword) -> Option<Token> {
        self.take(Kind::Keyword(keyword))
    }

    /// The next token cannot stand where it does.
    fn unexpected_here(&self) -> ParseError {
        self.unexpected(if self.aggregates > 0 { "aggregation" } else { "" }, "")
    }

    fn unexpected(&self, context: &str, expected: &str) -> ParseError {
        let token = self.peek();
        if token.kind == Kind::Error {
            return self.error(token.span, self.tokens.error.clone());
        }
        let mut message = format!("unexpected {}", token.describe(self.text));
        if !context.is_empty() {
            message += &format!(" in {context}");
        }
        if !expected.is_empty() {
            message += &format!(", expected {expected}");
        }
        self.error(token.span, message)
    }

    /// An error of what was read up to the next token; a text that cannot be split there comes first.
    fn action_error(&self, span: Span, message: impl Into<String>) -> ParseError {
        let token = self.peek();
        if token.kind == Kind::Error {
            return self.error(token.span, self.tokens.error.clone());
        }
        self.error(span, message)
    }

    fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.text, span, message)
    }
}
