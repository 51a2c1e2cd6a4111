//! `by`, `without`, `bool`, `on`, `ignoring`, `group_left`, `group_right`, `fill`.

use super::Parser;
use crate::{
    ast::{BinaryOp, Fill, Group, Grouping, Matching, Side},
    lex::{self, Keyword, Kind, Token},
    quote::{Quoted, is_utf8},
    span::ParseError,
};

impl Parser<'_> {
    /// `by (…)` or `without (…)`, where one follows.
    pub(super) fn grouping(&mut self) -> Result<Option<Grouping>, ParseError> {
        let without = if self.take_keyword(Keyword::By).is_some() {
            false
        } else if self.take_keyword(Keyword::Without).is_some() {
            true
        } else {
            return Ok(None);
        };
        Ok(Some(Grouping { without, labels: self.label_list()? }))
    }

    /// What may stand between a binary operator and its right side.
    pub(super) fn binary_modifiers(&mut self) -> Result<(bool, Option<Matching>), ParseError> {
        let bool = self.take_keyword(Keyword::Bool).is_some();
        let mut matching = None;
        let on = self.take_keyword(Keyword::On).is_some();
        if on || self.take_keyword(Keyword::Ignoring).is_some() {
            let labels = self.label_list()?;
            let group = self.group()?;
            matching = Some(Matching { on, labels, group, ..Matching::default() });
        }
        let fill = self.fill()?;
        if fill.is_any() {
            matching.get_or_insert_default().fill = fill;
        }
        Ok((bool, matching))
    }

    fn group(&mut self) -> Result<Option<Group>, ParseError> {
        let side = if self.take_keyword(Keyword::GroupLeft).is_some() {
            Side::Left
        } else if self.take_keyword(Keyword::GroupRight).is_some() {
            Side::Right
        } else {
            return Ok(None);
        };
        let named = self.peek().kind == Kind::LeftParen;
        let include = if named { self.label_list()? } else { Vec::new() };
        Ok(Some(Group { side, include }))
    }

    /// `fill (x)`, or `fill_left (x)` and `fill_right (x)` in either order.
    fn fill(&mut self) -> Result<Fill, ParseError> {
        let mut fill = Fill::default();
        if self.take_keyword(Keyword::Fill).is_some() {
            let value = Some(self.fill_value()?);
            return Ok(Fill { left: value, right: value });
        }
        loop {
            if fill.left.is_none() && self.take_keyword(Keyword::FillLeft).is_some() {
                fill.left = Some(self.fill_value()?);
            } else if fill.right.is_none() && self.take_keyword(Keyword::FillRight).is_some() {
                fill.right = Some(self.fill_value()?);
            } else {
                return Ok(fill);
            }
        }
    }

    fn fill_value(&mut self) -> Result<f64, ParseError> {
        self.take(Kind::LeftParen).ok_or_else(|| self.unexpected_here())?;
        let sign = self.sign();
        let token = self.peek();
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected_here());
        }
        self.advance();
        let value = sign.unwrap_or(1.0) * self.value_of(token)?;
        self.take(Kind::RightParen).ok_or_else(|| self.unexpected_here())?;
        Ok(value)
    }

    /// Takes a sign where one follows: 1 or -1.
    pub(super) fn sign(&mut self) -> Option<f64> {
        if self.take(Kind::Op(BinaryOp::Sub)).is_some() {
            Some(-1.0)
        } else {
            self.take(Kind::Op(BinaryOp::Add)).map(|_| 1.0)
        }
    }

    /// `(a, b, "c d")`; a comma may stand before the end.
    fn label_list(&mut self) -> Result<Vec<Box<str>>, ParseError> {
        const WHERE: &str = "grouping opts";
        self.take(Kind::LeftParen).ok_or_else(|| self.unexpected(WHERE, "\"(\""))?;
        let mut labels = Vec::new();
        while self.take(Kind::RightParen).is_none() {
            labels.push(self.grouping_label()?);
            let next = self.peek().kind;
            if next != Kind::RightParen && self.take(Kind::Comma).is_none() {
                return Err(self.unexpected(WHERE, "\",\" or \")\""));
            }
        }
        Ok(labels)
    }

    fn grouping_label(&mut self) -> Result<Box<str>, ParseError> {
        let token = self.peek();
        let label = match token.kind {
            Kind::Identifier
            | Kind::MetricIdentifier
            | Kind::Aggregate(_)
            | Kind::Op(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::Atan2) => {
                self.text_of(token).into()
            }
            Kind::Keyword(keyword) if keyword != Keyword::Without => self.text_of(token).into(),
            Kind::String => self.unquote(token)?.into_boxed_str(),
            _ => return Err(self.unexpected("grouping opts", "label")),
        };
        if label.is_empty() || !is_utf8(&label) {
            let message = format!("invalid label name for grouping: {}", Quoted(&label));
            return Err(self.error(token.span, message));
        }
        self.advance();
        Ok(label)
    }

    pub(super) fn unquote(&self, token: Token) -> Result<String, ParseError> {
        lex::unquote(self.text_of(token)).map_err(|message| self.error(token.span, message))
    }
}
