//! What may follow a value: `[5m]`, `[1h:5m]`, `offset 5m`, `@ 1234`, `anchored`, `smoothed`.

use super::{Parser, Tall, duration::Length};
use crate::{
    ast::{At, DurationExpr, Expr, ExprKind, Extension, Shift},
    lex::{Keyword, Kind},
    span::{ParseError, Span},
};

/// The parts of a node that `offset` and `@` change.
struct Shifted<'e> {
    shift: &'e mut Shift,
    offset_expr: &'e mut Option<Box<DurationExpr>>,
    /// The ends that move with what is read: of the node and, without a range, of its selector.
    ends: [Option<&'e mut usize>; 2],
}

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut tall: Tall) -> Result<Tall, ParseError> {
        loop {
            let expr = &mut tall.expr;
            match self.peek().kind {
                Kind::LeftBracket => tall = self.range(tall)?,
                Kind::At => self.at(expr)?,
                Kind::Keyword(Keyword::Offset) => self.offset(expr)?,
                Kind::Keyword(Keyword::Anchored) => self.extend(expr, Extension::Anchored)?,
                Kind::Keyword(Keyword::Smoothed) => self.extend(expr, Extension::Smoothed)?,
                _ => return Ok(tall),
            }
        }
    }

    /// `[range]` or `[range:step]`.
    fn range(&mut self, tall: Tall) -> Result<Tall, ParseError> {
        let open = self.advance();
        let range = self.bracketed("subquery or range selector", "")?;
        if self.take(Kind::Colon).is_some() {
            return self.subquery(tall, range);
        }
        let Some(close) = self.take(Kind::RightBracket) else {
            return Err(self.unexpected("subquery or range", "\":\" or \"]\""));
        };
        let brackets = open.span.to(close.span);
        let Tall { expr, height } = tall;
        let ExprKind::Selector(selector) = expr.kind else {
            return Err(self.error(brackets, "ranges only allowed for vector selectors"));
        };
        if selector.shift.offset_ms != 0 || selector.offset_expr.is_some() {
            return Err(self.error(brackets, "no offset modifiers allowed before range"));
        }
        if selector.shift.at.is_some() {
            return Err(self.error(brackets, "no @ modifiers allowed before range"));
        }
        let (range_ms, range_expr) = range.parts();
        let span = expr.span.to(close.span);
        let kind = ExprKind::Matrix { selector, range_ms, range_expr };
        Ok(Tall { expr: Expr { span, kind }, height })
    }

    /// What follows the colon; the range and the colon are taken already.
    fn subquery(&mut self, tall: Tall, range: Length) -> Result<Tall, ParseError> {
        const WHERE: &str = "subquery selector";
        let (range_ms, range_expr) = range.parts();
        let (mut step_ms, mut step_expr) = (None, None);
        if self.peek().kind != Kind::RightBracket {
            let (ms, expr) = self.bracketed(WHERE, ", or \"]\"")?.parts();
            (step_ms, step_expr) = (Some(ms), expr);
        }
        let Some(close) = self.take(Kind::RightBracket) else {
            return Err(self.unexpected(WHERE, "\"]\""));
        };
        let height = self.height(tall.height, close.span)?;
        let span = tall.expr.span.to(close.span);
        let kind = ExprKind::Subquery {
            expr: Box::new(tall.expr),
            range_ms,
            range_expr,
            step_ms,
            step_expr,
            shift: Shift::default(),
            offset_expr: None,
        };
        Ok(Tall { expr: Expr { span, kind }, height })
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<(), ParseError> {
        self.advance();
        let length = self.offset_duration()?;
        let span = expr.span;
        let Some(shifted) = shifted(expr) else {
            return Err(self.not_a_selector(span, "offset"));
        };
        if shifted.shift.offset_ms != 0 || shifted.offset_expr.is_some() {
            return Err(self.error(span, "offset may not be set multiple times"));
        }
        (shifted.shift.offset_ms, *shifted.offset_expr) = length.parts();
        let end = self.last().span.end;
        shifted.ends.into_iter().flatten().for_each(|place| *place = end);
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<(), ParseError> {
        self.advance();
        let span = expr.span;
        let at = self.timestamp(span)?;
        let Some(shifted) = shifted(expr) else { return Err(self.not_a_selector(span, "@")) };
        if shifted.shift.at.replace(at).is_some() {
            return Err(self.error(span, "@ <timestamp> may not be set multiple times"));
        }
        let end = self.last().span.end;
        shifted.ends.into_iter().flatten().for_each(|place| *place = end);
        Ok(())
    }

    /// `start()`, `end()` or Unix seconds; `span` is of what they apply to.
    fn timestamp(&mut self, span: Span) -> Result<At, ParseError> {
        for (word, at) in [(Keyword::Start, At::Start), (Keyword::End, At::End)] {
            if self.take_keyword(word).is_some() {
                let closed = self.take(Kind::LeftParen).and_then(|_| self.take(Kind::RightParen));
                return closed.map(|_| at).ok_or_else(|| self.unexpected("@", "timestamp"));
            }
        }
        let sign = self.sign().unwrap_or(1.0);
        let token = self.peek();
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected("@", "timestamp"));
        }
        self.advance();
        let seconds = sign * self.value_of(token)?;
        if !seconds.is_finite() || seconds.abs() >= 9_223_372_036_854_775_808.0 {
            let shown = match seconds {
                _ if seconds.is_nan() => "NaN".to_owned(),
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                _ => format!("{seconds:.6}"),
            };
            let message = format!("timestamp out of bounds for @ modifier: {shown}");
            return Err(self.error(span, message));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
        Ok(At::Time((seconds * 1000.0).round() as i64))
    }

    /// `anchored` and `smoothed`, which move no end, as in Prometheus.
    fn extend(&mut self, expr: &mut Expr, extension: Extension) -> Result<(), ParseError> {
        let word = extension.as_str();
        self.advance();
        let fail = |parser: &Self, what: String| Err(parser.action_error(expr.span, what));
        if !self.features.extended_ranges {
            return fail(self, format!("{word} modifier is experimental and not enabled"));
        }
        let selector = match &mut expr.kind {
            ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => selector,
            ExprKind::Subquery { .. } => {
                return fail(self, format!("{word} modifier is not supported for subqueries"));
            }
            _ => return fail(self, format!("{word} modifier not implemented")),
        };
        if selector.extension.is_some_and(|before| before != extension) {
            let message = "anchored and smoothed modifiers cannot be used together";
            return fail(self, message.to_owned());
        }
        selector.extension = Some(extension);
        Ok(())
    }

    fn not_a_selector(&self, span: Span, what: &str) -> ParseError {
        let message = format!(
            "{what} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
        );
        self.error(span, message)
    }
}

fn shifted(expr: &mut Expr) -> Option<Shifted<'_>> {
    let end = Some(&mut expr.span.end);
    Some(match &mut expr.kind {
        ExprKind::Selector(selector) => Shifted {
            shift: &mut selector.shift,
            offset_expr: &mut selector.offset_expr,
            ends: [end, Some(&mut selector.span.end)],
        },
        ExprKind::Matrix { selector, .. } => Shifted {
            shift: &mut selector.shift,
            offset_expr: &mut selector.offset_expr,
            ends: [end, None],
        },
        ExprKind::Subquery { shift, offset_expr, .. } => {
            Shifted { shift, offset_expr, ends: [end, None] }
        }
        _ => return None,
    })
}
