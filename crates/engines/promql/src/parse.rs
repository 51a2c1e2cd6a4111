//! Tokens to a checked tree, by precedence climbing.
//!
//! Grammar: <https://prometheus.io/docs/prometheus/latest/querying/basics/> and `operators`. Types are checked here, so
//! that an evaluation never meets a range vector where it wants a number.

mod features;
mod modifier;
mod postfix;
mod primary;

pub use self::features::Features;
use crate::{
    ast::{Binary, BinaryOp, Expr, ExprKind, Type},
    lex::{self, Kind, Token},
    span::{ParseError, Span},
};

/// How deep expressions may nest.
const DEPTH_MAX: usize = 100;

/// Parses and checks an expression.
///
/// # Errors
/// With the place and what would be allowed there.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_with(text, &Features::NONE)
}

/// Parses and checks an expression that may use the experimental parts that `features` names.
///
/// # Errors
/// With the place and what would be allowed there.
pub fn parse_with(text: &str, _features: &Features) -> Result<Expr, ParseError> {
    let mut parser = Parser { text, tokens: lex::tokens(text)?, at: 0, depth: 0 };
    if parser.peek().kind == Kind::End {
        return Err(parser.error(parser.peek().span, "no expression found in input"));
    }
    let expr = parser.expression(0)?;
    let rest = parser.peek();
    if rest.kind == Kind::End { Ok(expr) } else { Err(parser.unexpected("end of input")) }
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// An expression whose operators all bind at least as tightly as `precedence`.
    fn expression(&mut self, precedence: u8) -> Result<Expr, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the expression nests deeper than {DEPTH_MAX}");
            return Err(self.error(self.peek().span, message));
        }
        let mut left = self.unary()?;
        while let Some(op) = self.binary_operator() {
            if op.precedence() < precedence {
                break;
            }
            let op_span = self.advance().span;
            let (bool, matching) = self.binary_modifiers(op)?;
            // `^` is right-associative: its right side may hold the same operator.
            let next = if op == BinaryOp::Pow { op.precedence() } else { op.precedence() + 1 };
            let right = self.expression(next)?;
            left = self.binary(Binary { op, op_span, left, right, bool, matching })?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn binary_operator(&self) -> Option<BinaryOp> {
        let token = self.peek();
        matches!(token.kind, Kind::Operator | Kind::Word)
            .then(|| BinaryOp::parse(self.text_of(token)))?
    }

    /// `-a ^ b` is `-(a ^ b)`, and `-a * b` is `(-a) * b`.
    fn unary(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek();
        let sign = self.text_of(token);
        if token.kind != Kind::Operator || !matches!(sign, "-" | "+") {
            let primary = self.primary()?;
            return self.postfix(primary);
        }
        self.advance();
        let inner = self.expression(BinaryOp::Pow.precedence())?;
        if !matches!(inner.value_type(), Type::Scalar | Type::Vector) {
            let message = format!(
                "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                inner.value_type().as_str()
            );
            return Err(self.error(inner.span, message));
        }
        let span = token.span.to(inner.span);
        let kind = match (sign, inner.kind) {
            ("-", ExprKind::Number { value, duration }) => {
                ExprKind::Number { value: -value, duration }
            }
            ("-", kind) => ExprKind::Negate(Box::new(Expr { span: inner.span, kind })),
            (_, kind @ ExprKind::Number { .. }) => kind,
            (_, kind) => ExprKind::Plus(Box::new(Expr { span: inner.span, kind })),
        };
        Ok(Expr { span, kind })
    }

    /// Checks what a binary operator may stand between.
    fn binary(&self, binary: Binary) -> Result<Expr, ParseError> {
        let (left, right) = (binary.left.value_type(), binary.right.value_type());
        for (operand, kind) in [(&binary.left, left), (&binary.right, right)] {
            if !matches!(kind, Type::Scalar | Type::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(operand.span, message));
            }
        }
        let op = binary.op;
        let scalars = left == Type::Scalar && right == Type::Scalar;
        let message = if op.is_set() && (left == Type::Scalar || right == Type::Scalar) {
            format!("set operator {:?} not allowed in binary scalar expression", op.as_str())
        } else if op.is_comparison() && scalars && !binary.bool {
            "comparisons between scalars must use BOOL modifier".to_owned()
        } else if binary.matching.is_some() && (left == Type::Scalar || right == Type::Scalar) {
            "vector matching only allowed between instant vectors".to_owned()
        } else {
            let span = binary.left.span.to(binary.right.span);
            return Ok(Expr { span, kind: ExprKind::Binary(Box::new(binary)) });
        };
        Err(self.error(binary.op_span, message))
    }

    fn peek(&self) -> Token {
        self.tokens[self.at]
    }

    fn peek_after(&self) -> Token {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    /// Takes the next token; the end stays where it is.
    fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.span.start..token.span.end).unwrap_or("")
    }

    fn expect(&mut self, kind: Kind, what: &str) -> Result<Token, ParseError> {
        if self.peek().kind == kind { Ok(self.advance()) } else { Err(self.unexpected(what)) }
    }

    /// Takes the next token when it is the word `word`, in any case.
    fn take_word(&mut self, word: &str) -> Option<Token> {
        let token = self.peek();
        (token.kind == Kind::Word && self.text_of(token).eq_ignore_ascii_case(word))
            .then(|| self.advance())
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        let token = self.peek();
        let message = if token.kind == Kind::End {
            format!("unexpected end of input, expected {expected}")
        } else {
            format!("unexpected {:?}, expected {expected}", self.text_of(token))
        };
        self.error(token.span, message)
    }

    fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.text, span, message)
    }
}
