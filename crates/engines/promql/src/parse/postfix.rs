//! What may follow a value: `[5m]`, `[1h:5m]`, `offset 5m`, `@ 1234`.

use super::Parser;
use crate::{
    ast::{At, Expr, ExprKind, Shift, Type},
    lex::{self, Kind},
    span::ParseError,
};

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr, ParseError> {
        loop {
            let token = self.peek();
            if token.kind == Kind::LeftBracket {
                expr = self.range(expr)?;
            } else if token.kind == Kind::At {
                self.advance();
                let at = self.at()?;
                self.shift(&mut expr, |shift| shift.at.replace(at).is_none(), "@ <timestamp>")?;
            } else if self.take_word("offset").is_some() {
                let offset_ms = self.signed_duration()?;
                let first =
                    |shift: &mut Shift| std::mem::replace(&mut shift.offset_ms, offset_ms) == 0;
                self.shift(&mut expr, first, "offset")?;
            } else {
                return Ok(expr);
            }
            expr.span.end = self.tokens[self.at - 1].span.end;
        }
    }

    /// `[range]` or `[range:step]`.
    fn range(&mut self, expr: Expr) -> Result<Expr, ParseError> {
        let open = self.advance();
        let range_ms = self.duration("duration")?;
        if range_ms == 0 {
            return Err(self.error(open.span, "duration must be greater than 0"));
        }
        let subquery = self.peek().kind == Kind::Colon;
        let mut step_ms = None;
        if subquery {
            self.advance();
            if self.peek().kind != Kind::RightBracket {
                step_ms = Some(self.duration("subquery step")?);
            }
        }
        let close = self.expect(Kind::RightBracket, "\"]\"")?;
        let span = expr.span.to(close.span);
        if subquery {
            if expr.value_type() != Type::Vector {
                let message = format!(
                    "subquery is only allowed on instant vector, got {} instead",
                    expr.value_type().as_str()
                );
                return Err(self.error(expr.span, message));
            }
            let kind = ExprKind::Subquery {
                expr: Box::new(expr),
                range_ms,
                range_expr: None,
                step_ms,
                step_expr: None,
                shift: Shift::default(),
                offset_expr: None,
            };
            return Ok(Expr { span, kind });
        }
        match expr.kind {
            ExprKind::Selector(selector) if selector.shift == Shift::default() => {
                Ok(Expr { span, kind: ExprKind::Matrix { selector, range_ms, range_expr: None } })
            }
            ExprKind::Selector(_) => {
                Err(self.error(open.span, "no offset or @ modifiers allowed before range"))
            }
            _ => Err(self.error(open.span, "ranges only allowed for vector selectors")),
        }
    }

    fn shift(
        &self,
        expr: &mut Expr,
        set: impl FnOnce(&mut Shift) -> bool,
        what: &str,
    ) -> Result<(), ParseError> {
        let span = expr.span;
        let shift = match &mut expr.kind {
            ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => &mut selector.shift,
            ExprKind::Subquery { shift, .. } => shift,
            _ => {
                let message = format!(
                    "{what} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                );
                return Err(self.error(span, message));
            }
        };
        if set(shift) {
            Ok(())
        } else {
            Err(self.error(span, format!("{what} may not be set multiple times")))
        }
    }

    fn at(&mut self) -> Result<At, ParseError> {
        for (word, at) in [("start", At::Start), ("end", At::End)] {
            if self.take_word(word).is_some() {
                self.expect(Kind::LeftParen, "\"(\"")?;
                self.expect(Kind::RightParen, "\")\"")?;
                return Ok(at);
            }
        }
        let span = self.peek().span;
        let seconds = self.signed_number()?;
        let millis = (seconds * 1000.0).round();
        // Floats of this size are exact and fit.
        if !millis.is_finite() || millis.abs() >= 9.0e18 {
            return Err(self.error(span, "timestamp out of bounds for @ modifier"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        Ok(At::Time(millis as i64))
    }

    fn signed_number(&mut self) -> Result<f64, ParseError> {
        let sign = self.sign();
        let token = self.peek();
        match lex::number(self.text_of(token)) {
            Some(value) if matches!(token.kind, Kind::Number | Kind::Word) => {
                self.advance();
                Ok(sign * value)
            }
            _ => Err(self.unexpected("timestamp")),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the sign is 1 or -1")]
    fn signed_duration(&mut self) -> Result<i64, ParseError> {
        let sign = self.sign() as i64;
        Ok(sign * self.duration("duration in offset")?)
    }

    fn sign(&mut self) -> f64 {
        let token = self.peek();
        match (token.kind, self.text_of(token)) {
            (Kind::Operator, "-") => {
                self.advance();
                -1.0
            }
            (Kind::Operator, "+") => {
                self.advance();
                1.0
            }
            _ => 1.0,
        }
    }

    /// A duration, or a plain number of seconds; in milliseconds.
    fn duration(&mut self, what: &str) -> Result<i64, ParseError> {
        let token = self.peek();
        let text = self.text_of(token);
        let ms = match token.kind {
            Kind::Duration => lex::duration_ms(text),
            #[expect(clippy::cast_possible_truncation, reason = "bounded by the filter")]
            Kind::Number => lex::number(text)
                .map(|secs| secs * 1000.0)
                .filter(|ms| *ms < 9.0e12)
                .map(|ms| ms as i64),
            _ => None,
        };
        match ms {
            Some(ms) => {
                self.advance();
                Ok(ms)
            }
            None => Err(self.unexpected(what)),
        }
    }
}
