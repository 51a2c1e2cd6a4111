//! Values: numbers, strings, parentheses, selectors, aggregations, function calls.

use model::{MatchOp, Matcher};

use super::Parser;
use crate::{
    ast::{Aggregate, AggregateOp, Expr, ExprKind, Function, Selector, Type},
    functions,
    lex::{self, Kind, Token},
    span::{ParseError, Span},
};

/// Words that cannot name a metric where a value is expected.
const RESERVED: [&str; 11] = [
    "and",
    "or",
    "unless",
    "atan2",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek();
        match token.kind {
            Kind::Number | Kind::Duration => self.number(token),
            Kind::String => {
                let text = self.unquote(token)?;
                self.advance();
                Ok(Expr { span: token.span, kind: ExprKind::String(text) })
            }
            Kind::LeftParen => {
                self.advance();
                let inner = self.expression(0)?;
                let close = self.expect(Kind::RightParen, "\")\"")?;
                Ok(Expr { span: token.span.to(close.span), kind: ExprKind::Paren(Box::new(inner)) })
            }
            Kind::LeftBrace => self.selector(None, token.span),
            Kind::Word => self.word(token),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// A duration is a number of seconds, too.
    fn number(&mut self, token: Token) -> Result<Expr, ParseError> {
        let text = self.text_of(token);
        #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
        let value =
            lex::number(text).or_else(|| lex::duration_ms(text).map(|ms| ms as f64 / 1000.0));
        let value = value.ok_or_else(|| self.unexpected("a number"))?;
        self.advance();
        let duration = token.kind == Kind::Duration;
        Ok(Expr { span: token.span, kind: ExprKind::Number { value, duration } })
    }

    fn word(&mut self, token: Token) -> Result<Expr, ParseError> {
        let text = self.text_of(token);
        let next = self.peek_after();
        let grouping_next = next.kind == Kind::Word
            && ["by", "without"].iter().any(|word| self.text_of(next).eq_ignore_ascii_case(word));
        if let Some(op) = AggregateOp::parse(text)
            && (next.kind == Kind::LeftParen || grouping_next)
        {
            self.advance();
            return self.aggregate(op, token.span);
        }
        if next.kind == Kind::LeftParen {
            let function = functions::find(text).ok_or_else(|| {
                self.error(token.span, format!("unknown function with name {text:?}"))
            })?;
            self.advance();
            return self.call(function, token.span);
        }
        if lex::number(text).is_some() {
            return self.number(token);
        }
        if RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Err(self.unexpected("a value"));
        }
        self.advance();
        self.selector(Some(text), token.span)
    }

    fn selector(&mut self, name: Option<&str>, start: Span) -> Result<Expr, ParseError> {
        let mut selector =
            Selector { span: start, name: name.map(Into::into), ..Selector::default() };
        let mut span = start;
        if self.peek().kind == Kind::LeftBrace {
            self.advance();
            while self.peek().kind != Kind::RightBrace {
                self.matcher(&mut selector)?;
                if self.peek().kind == Kind::Comma {
                    self.advance();
                } else if self.peek().kind != Kind::RightBrace {
                    return Err(self.unexpected("\",\" or \"}\" in label matching"));
                }
            }
            span = start.to(self.advance().span);
        }
        if let Some(name) = &selector.name {
            selector.matchers.insert(0, Matcher::equal("__name__", name.clone()));
            selector.matcher_spans.insert(0, start);
        }
        if selector.matchers.iter().all(|matcher| matcher.matches("")) {
            let message = "vector selector must contain at least one non-empty matcher";
            return Err(self.error(span, message));
        }
        selector.span = span;
        Ok(Expr { span, kind: ExprKind::Selector(selector) })
    }

    /// `label op "value"`, or a quoted name: `{"http.requests", env="prod"}`.
    fn matcher(&mut self, selector: &mut Selector) -> Result<(), ParseError> {
        let token = self.peek();
        let label: Box<str> = match token.kind {
            Kind::Word if !self.text_of(token).contains(':') => self.text_of(token).into(),
            Kind::String => self.unquote(token)?.into(),
            _ => return Err(self.unexpected("a label name or \"}\" in label matching")),
        };
        self.advance();
        if token.kind == Kind::String && self.peek().kind != Kind::Operator {
            if selector.name.replace(label).is_some() {
                return Err(self.error(token.span, "metric name must not be set twice"));
            }
            return Ok(());
        }
        let op = match (self.peek().kind, self.text_of(self.peek())) {
            (Kind::Operator, "=") => MatchOp::Equal,
            (Kind::Operator, "!=") => MatchOp::NotEqual,
            (Kind::Operator, "=~") => MatchOp::Regex,
            (Kind::Operator, "!~") => MatchOp::NotRegex,
            _ => {
                return Err(
                    self.unexpected("one of \"=\", \"!=\", \"=~\", \"!~\" in label matching")
                );
            }
        };
        self.advance();
        let token = self.expect(Kind::String, "a quoted value in label matching")?;
        if &*label == "__name__" && selector.name.is_some() {
            return Err(self.error(token.span, "metric name must not be set twice"));
        }
        let matcher = Matcher::new(label, op, self.unquote(token)?)
            .map_err(|error| self.error(token.span, error.to_string()))?;
        selector.matchers.push(matcher);
        selector.matcher_spans.push(token.span);
        Ok(())
    }

    /// The grouping may stand before or after the arguments.
    fn aggregate(&mut self, op: AggregateOp, name: Span) -> Result<Expr, ParseError> {
        let before = self.grouping()?;
        let (mut args, mut span) = self.arguments(name)?;
        let after = if before.is_none() { self.grouping()? } else { None };
        if after.is_some() {
            span.end = self.tokens[self.at - 1].span.end;
        }
        let wanted = 1 + usize::from(op.param().is_some());
        if args.len() != wanted {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {}",
                args.len()
            );
            return Err(self.error(span, message));
        }
        let (Some(expr), param) = (args.pop(), args.pop()) else {
            return Err(self.unexpected("an argument"));
        };
        self.typed(&expr, Type::Vector, "aggregation expression")?;
        if let (Some(param), Some(wanted)) = (&param, op.param()) {
            self.typed(param, wanted, "aggregation parameter")?;
        }
        let grouping = before.or(after);
        Ok(Expr {
            span,
            kind: ExprKind::Aggregate(Box::new(Aggregate {
                op,
                op_span: name,
                param,
                expr,
                grouping,
            })),
        })
    }

    fn call(&mut self, function: &'static Function, name: Span) -> Result<Expr, ParseError> {
        let (args, span) = self.arguments(name)?;
        let most = function.args.len();
        let least = most - usize::from(function.variadic != 0);
        let repeats = function.variadic < 0;
        if args.len() < least || (args.len() > most && !repeats) {
            let expected = if least == most && !repeats {
                most.to_string()
            } else {
                format!("at least {least}")
            };
            let message = format!(
                "expected {expected} argument(s) in call to {:?}, got {}",
                function.name,
                args.len()
            );
            return Err(self.error(span, message));
        }
        for (at, arg) in args.iter().enumerate() {
            if let Some(wanted) = function.args.get(at).or(function.args.last()) {
                self.typed(arg, *wanted, &format!("call to function {:?}", function.name))?;
            }
        }
        Ok(Expr { span, kind: ExprKind::Call { function, name_span: name, args } })
    }

    fn arguments(&mut self, start: Span) -> Result<(Vec<Expr>, Span), ParseError> {
        self.expect(Kind::LeftParen, "\"(\"")?;
        let mut args = Vec::new();
        while self.peek().kind != Kind::RightParen {
            args.push(self.expression(0)?);
            if self.peek().kind == Kind::Comma {
                self.advance();
                if self.peek().kind == Kind::RightParen {
                    return Err(self.error(
                        self.peek().span,
                        "trailing commas not allowed in function call args",
                    ));
                }
            } else if self.peek().kind != Kind::RightParen {
                return Err(self.unexpected("\",\" or \")\""));
            }
        }
        Ok((args, start.to(self.advance().span)))
    }

    fn typed(&self, expr: &Expr, wanted: Type, context: &str) -> Result<(), ParseError> {
        let found = expr.value_type();
        if found == wanted {
            return Ok(());
        }
        let message =
            format!("expected type {} in {context}, got {}", wanted.as_str(), found.as_str());
        Err(self.error(expr.span, message))
    }
}
