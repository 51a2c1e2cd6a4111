//! `by`, `without`, `bool`, `on`, `ignoring`, `group_left`, `group_right`.

use super::Parser;
use crate::{
    ast::{BinaryOp, Group, Grouping, Matching, Side},
    lex::{self, Kind},
    span::ParseError,
};

impl Parser<'_> {
    pub(super) fn grouping(&mut self) -> Result<Option<Grouping>, ParseError> {
        let without = if self.take_word("by").is_some() {
            false
        } else if self.take_word("without").is_some() {
            true
        } else {
            return Ok(None);
        };
        Ok(Some(Grouping { without, labels: self.label_list()? }))
    }

    pub(super) fn binary_modifiers(
        &mut self,
        op: BinaryOp,
    ) -> Result<(bool, Option<Matching>), ParseError> {
        let mut bool = false;
        if let Some(token) = self.take_word("bool") {
            if !op.is_comparison() {
                return Err(self
                    .error(token.span, "bool modifier can only be used on comparison operators"));
            }
            bool = true;
        }
        let on = if self.take_word("on").is_some() {
            true
        } else if self.take_word("ignoring").is_some() {
            false
        } else {
            return Ok((bool, None));
        };
        let labels = self.label_list()?;
        let group = self.group(op)?;
        if let (true, Some(group)) = (on, &group)
            && let Some(both) = group.include.iter().find(|label| labels.contains(label))
        {
            let message = format!("label {both:?} must not occur in ON and GROUP clause at once");
            return Err(self.error(self.peek().span, message));
        }
        Ok((bool, Some(Matching { on, labels, group, ..Matching::default() })))
    }

    fn group(&mut self, op: BinaryOp) -> Result<Option<Group>, ParseError> {
        let (side, token) = if let Some(token) = self.take_word("group_left") {
            (Side::Left, token)
        } else if let Some(token) = self.take_word("group_right") {
            (Side::Right, token)
        } else {
            return Ok(None);
        };
        if op.is_set() {
            let message = format!("no grouping allowed for {:?} operation", op.as_str());
            return Err(self.error(token.span, message));
        }
        let include =
            if self.peek().kind == Kind::LeftParen { self.label_list()? } else { Vec::new() };
        Ok(Some(Group { side, include }))
    }

    /// `(a, b, "c d")`; a comma may stand before the end.
    fn label_list(&mut self) -> Result<Vec<Box<str>>, ParseError> {
        self.expect(Kind::LeftParen, "\"(\" in grouping opts")?;
        let mut labels = Vec::new();
        while self.peek().kind != Kind::RightParen {
            let token = self.peek();
            labels.push(match token.kind {
                Kind::Word if !self.text_of(token).contains(':') => self.text_of(token).into(),
                Kind::String => self.unquote(token)?.into(),
                _ => return Err(self.unexpected("label in grouping opts")),
            });
            self.advance();
            if self.peek().kind == Kind::Comma {
                self.advance();
            } else if self.peek().kind != Kind::RightParen {
                return Err(self.unexpected("\",\" or \")\" in grouping opts"));
            }
        }
        self.advance();
        Ok(labels)
    }

    pub(super) fn unquote(&self, token: lex::Token) -> Result<String, ParseError> {
        lex::unquote(self.text_of(token)).map_err(|message| self.error(token.span, message))
    }
}
