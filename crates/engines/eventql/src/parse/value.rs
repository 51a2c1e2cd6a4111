//! Operators and the values behind them.

use std::ops::Bound;

use super::{
    Parsed, Parser,
    filter::{Subject, words},
    scan::{Word, ends_word},
};
use crate::{
    ast::{Comparison, Expr, Term, Test, Words},
    complete::Expected,
    field::Field,
    span::{Fix, Problem, Span},
    wildcard::Piece,
};

/// What stands between a name and a value.
enum Operator {
    Compare(Comparison),
    Matches,
    NotMatches,
}

/// The operators with a space allowed before them; the longest of those that begin alike first.
const OPERATORS: [(&str, Operator); 8] = [
    ("!=", Operator::Compare(Comparison::NotEqual)),
    ("!~", Operator::NotMatches),
    (">=", Operator::Compare(Comparison::GreaterEqual)),
    ("<=", Operator::Compare(Comparison::LessEqual)),
    ("=~", Operator::Matches),
    (">", Operator::Compare(Comparison::Greater)),
    ("<", Operator::Compare(Comparison::Less)),
    ("=", Operator::Compare(Comparison::Equal)),
];

impl Parser<'_> {
    /// Whether an operator follows a name: a `:` or `~` at once, any other after spaces as well.
    pub(super) fn at_operator(&self) -> bool {
        let rest = self.rest();
        rest.starts_with([':', '~'])
            || OPERATORS.iter().any(|(operator, _)| rest.trim_start().starts_with(operator))
    }

    /// A comparison, if one stands here.
    pub(super) fn comparison(&mut self) -> Option<Comparison> {
        let (text, comparison) = OPERATORS.iter().find_map(|(text, operator)| match operator {
            Operator::Compare(comparison) if self.rest().starts_with(text) => {
                Some((*text, *comparison))
            }
            Operator::Compare(_) | Operator::Matches | Operator::NotMatches => None,
        })?;
        self.eat(text);
        Some(comparison)
    }

    /// The rest of a term whose operator is not `:`.
    pub(super) fn compared(&mut self, field: Field, field_span: Span) -> Parsed<Expr> {
        self.skip_space();
        let regex = if self.eat("=~") {
            Some(Test::Matches as fn(Box<str>) -> Test)
        } else if self.eat("!~") {
            Some(Test::NotMatches as fn(Box<str>) -> Test)
        } else {
            None
        };
        let (test, value_span) = if let Some(test) = regex {
            self.begin_value(&field)?;
            let (pattern, span) = match self.peek() {
                Some('"' | '\'') => self.pattern()?,
                Some('/') if self.slashes().is_some() => self.pattern()?,
                _ => self.bare_pattern()?,
            };
            (test(pattern), span)
        } else {
            let comparison = self.comparison().unwrap_or(Comparison::Equal);
            self.refuse_double(comparison)?;
            self.begin_value(&field)?;
            let (text, span) = self.literal(|_| false)?;
            (Test::Compare(comparison, text), span)
        };
        self.finish(Term { field, field_span, test, value_span })
    }

    /// `==`, `>>` and such are not ours.
    fn refuse_double(&mut self, comparison: Comparison) -> Parsed<()> {
        if self.peek().is_some_and(|char| "=<>".contains(char)) {
            let start = self.at - comparison.as_str().len();
            self.bump();
            let span = self.span_from(start);
            let message = format!("unknown operator `{}`", span.of(self.text));
            let right = comparison.as_str();
            return Err(Problem::at(span, message)
                .hint("operators are `:`, `~`, `=`, `!=`, `>`, `>=`, `<`, `<=`, `=~`, `!~`")
                .fix(Fix::replace(format!("write `{right}`"), span, right)));
        }
        Ok(())
    }

    /// What stands behind `field:` or `field~`.
    pub(super) fn value(&mut self, subject: Subject) -> Parsed<Expr> {
        let Subject { field, span: field_span, words: has } = subject;
        self.begin_value(&field)?;
        let start = self.at;
        let is = if has { Test::Has } else { Test::Is };
        let test = match self.peek() {
            Some('"' | '\'') => is(Words::Plain(self.string()?.0)),
            Some('[' | '{') if !has => self.range(&field)?,
            Some('>' | '<') if !has => {
                let comparison = self.comparison().unwrap_or(Comparison::Equal);
                self.refuse_double(comparison)?;
                self.begin_value(&field)?;
                Test::Compare(comparison, self.literal(|_| false)?.0)
            }
            Some('/') if !has && self.slashes().is_some() => Test::Matches(self.slashed()),
            _ => match words(self.word(|_| false)?.pieces) {
                Some(words) => is(words),
                None => Test::Exists,
            },
        };
        let value_span = self.span_from(start);
        self.finish(Term { field, field_span, test, value_span })
    }

    /// Skips spaces up to a value, which has to come.
    fn begin_value(&mut self, field: &Field) -> Parsed<()> {
        let before = self.at;
        self.skip_space();
        self.expect_next(Expected::Value(field.clone()));
        if self.peek().is_none_or(|char| matches!(char, '(' | ')' | '|')) {
            let line = self.text.get(..before).unwrap_or("").trim_end();
            let after = line.rsplit(ends_word).next().unwrap_or("");
            let problem = Problem::at(self.here(), format!("expected a value after `{after}`"));
            return Err(match self.peek() {
                Some('(') => problem.hint("several values go with `:`, as in `field:(a OR b)`"),
                _ => problem
                    .hint(format!("`{field}:*` asks for any; text with a `:` goes in quotes")),
            });
        }
        Ok(())
    }

    /// A word or quoted text in which `*` and `?` stand for themselves.
    pub(super) fn literal(&mut self, stop: impl Fn(char) -> bool) -> Parsed<(Box<str>, Span)> {
        if matches!(self.peek(), Some('"' | '\'')) {
            return self.string();
        }
        let word = self.word(stop)?;
        let span = word.span;
        Ok((word.text(), span))
    }

    /// `[1 TO 5]`, `{* TO 5}`.
    fn range(&mut self, field: &Field) -> Parsed<Test> {
        let open = self.here();
        let low_included = self.bump() == Some('[');
        let low = self.end_of_range(field)?;
        self.skip_space();
        self.expect_after(Expected::Keyword(&["TO"]));
        if !self.eat_keyword("TO") {
            let what = if self.peek().is_none() { open } else { self.here() };
            return Err(Problem::at(what, "expected `TO` in the range that opens here").hint(
                "a range is `[1 TO 5]`, or `{1 TO 5}` without its ends; `*` leaves an end open",
            ));
        }
        let high = self.end_of_range(field)?;
        self.skip_space();
        let high_included = self.peek() == Some(']');
        if !matches!(self.bump(), Some(']' | '}')) {
            return Err(Problem::at(open, "the range that opens here is not closed")
                .hint("end it with `]`, or with `}` to leave its end out"));
        }
        self.ends_closed("the range")?;
        let bound = |end: Option<Box<str>>, included| match end {
            None => Bound::Unbounded,
            Some(end) if included => Bound::Included(end),
            Some(end) => Bound::Excluded(end),
        };
        Ok(match (bound(low, low_included), bound(high, high_included)) {
            (Bound::Unbounded, Bound::Unbounded) => Test::Exists,
            (low, high) => Test::Range(low, high),
        })
    }

    /// `None` for a `*`.
    fn end_of_range(&mut self, field: &Field) -> Parsed<Option<Box<str>>> {
        let closes = |char| matches!(char, ']' | '}');
        self.skip_space();
        self.expect_next(Expected::Value(field.clone()));
        if self.peek().is_none_or(|char| ends_word(char) && char != '"' || closes(char)) {
            return Err(Problem::at(self.here(), "expected an end of the range, or `*`"));
        }
        if matches!(self.peek(), Some('"' | '\'')) {
            return Ok(Some(self.string()?.0));
        }
        let Word { pieces, span } = self.word(closes)?;
        if pieces.iter().filter(|piece| **piece != Piece::Text("".into())).eq([&Piece::Many]) {
            return Ok(None);
        }
        Ok(Some(Word { pieces, span }.text()))
    }

    /// The length of `/regex/` that begins here: up to a `/` before a space, a `)`, a `|` or the end, without spaces.
    fn slashes(&self) -> Option<usize> {
        let rest = self.rest();
        let mut escaped = false;
        for (at, char) in rest.char_indices().skip(1) {
            let after = rest.get(at + 1..).and_then(|after| after.chars().next());
            match char {
                _ if char.is_whitespace() => return None,
                '/' if !escaped
                    && at > 1
                    && after
                        .is_none_or(|char| char.is_whitespace() || matches!(char, ')' | '|')) =>
                {
                    return Some(at + 1);
                }
                _ => escaped = char == '\\' && !escaped,
            }
        }
        None
    }

    /// The regular expression between the slashes that [`slashes`](Self::slashes) has found.
    fn slashed(&mut self) -> Box<str> {
        let length = self.slashes().unwrap_or(0);
        let inner = self.rest().get(1..length.saturating_sub(1)).unwrap_or("");
        self.at += length;
        let mut pattern = String::new();
        let mut chars = inner.chars();
        while let Some(char) = chars.next() {
            match (char, char == '\\') {
                (_, true) => match chars.next() {
                    Some(char) if matches!(char, '"' | '\'' | '/') => pattern.push(char),
                    escaped => pattern.extend(['\\'].into_iter().chain(escaped)),
                },
                (char, false) => pattern.push(char),
            }
        }
        pattern.into()
    }

    /// A regular expression without quotes, up to a space.
    fn bare_pattern(&mut self) -> Parsed<(Box<str>, Span)> {
        let start = self.at;
        let rest = self.rest();
        let length = rest.find(ends_word).unwrap_or(rest.len());
        let stops = rest.get(length..).and_then(|rest| rest.chars().next());
        let pattern = rest.get(..length).unwrap_or("");
        self.at += length;
        let span = self.span_from(start);
        if matches!(stops, Some('(' | '|' | '"')) || pattern.contains(['\\', '\'']) {
            return Err(Problem::at(span, "this regular expression needs quotes"));
        }
        Ok((pattern.into(), span))
    }
}
