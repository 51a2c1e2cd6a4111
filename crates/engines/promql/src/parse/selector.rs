//! `name{label="value", …}`.

use model::{MatchOp, Matcher};

use super::{Parser, Tall};
use crate::{
    ast::{BinaryOp, ExprKind, Selector},
    lex::Kind,
    span::{ParseError, Span},
};

const NAME: &str = "__name__";
const WHERE: &str = "label matching";

impl Parser<'_> {
    /// The name, if there is one, is taken already.
    pub(super) fn selector(&mut self, name: Option<&str>, start: Span) -> Result<Tall, ParseError> {
        let mut selector = Selector { name: name.map(Into::into), ..Selector::default() };
        selector.span = start;
        if self.take(Kind::LeftBrace).is_some() {
            while self.take(Kind::RightBrace).is_none() {
                self.matcher(&mut selector)?;
                let next = self.peek().kind;
                if next != Kind::RightBrace && self.take(Kind::Comma).is_none() {
                    return Err(self.unexpected(WHERE, "\",\" or \"}\""));
                }
            }
            selector.span = self.since(start);
        }
        if let Some(name) = name {
            selector.matchers.push(Matcher::equal(NAME, name));
            selector.matcher_spans.push(start);
        }
        Ok(Tall::leaf(selector.span, ExprKind::Selector(selector)))
    }

    /// `label op "value"`, or a quoted name: `{"http.requests", env="prod"}`.
    fn matcher(&mut self, selector: &mut Selector) -> Result<(), ParseError> {
        let token = self.peek();
        let label: Box<str> = match token.kind {
            Kind::Identifier => self.text_of(token).into(),
            Kind::String => self.unquote(token)?.into(),
            _ => return Err(self.unexpected(WHERE, "identifier or \"}\"")),
        };
        self.advance();
        let op = match self.peek().kind {
            Kind::Equal => MatchOp::Equal,
            Kind::Op(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::EqualRegex => MatchOp::Regex,
            Kind::NotEqualRegex => MatchOp::NotRegex,
            _ if token.kind == Kind::String => {
                selector.matchers.push(Matcher::equal(NAME, label));
                selector.matcher_spans.push(token.span);
                return Ok(());
            }
            _ => return Err(self.unexpected(WHERE, "label matching operator")),
        };
        self.advance();
        let value = self.peek();
        if value.kind != Kind::String {
            return Err(self.unexpected(WHERE, "string"));
        }
        let text = self.unquote(value)?;
        self.advance();
        let span = token.span.to(value.span);
        let matcher = Matcher::new(label, op, text.clone()).map_err(|error| {
            let message = match std::error::Error::source(&error) {
                Some(source) => pattern_problem(&text, &source.to_string()),
                None => error.to_string(),
            };
            self.error(span, message)
        })?;
        selector.matchers.push(matcher);
        selector.matcher_spans.push(span);
        Ok(())
    }
}

/// Why `pattern` is no regular expression, in the words that Prometheus has from Go where there are such.
fn pattern_problem(pattern: &str, source: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("unclosed group", "missing closing )"),
        ("unopened group", "unexpected )"),
        ("unclosed character class", "missing closing ]"),
        ("repetition operator missing expression", "missing argument to repetition operator"),
        ("invalid character class range", "invalid character class range"),
        ("incomplete escape sequence", "trailing backslash at end of expression"),
        ("unrecognized escape sequence", "invalid escape sequence"),
        ("invalid repetition count range", "invalid repeat count"),
        ("exceeds size limit", "expression too large"),
    ];
    let known = WORDS.into_iter().find(|(theirs, _)| source.contains(theirs));
    let reason = known.map_or("invalid regular expression", |(_, word)| word);
    format!("error parsing regexp: {reason}: `^(?s:{pattern})$`")
}
