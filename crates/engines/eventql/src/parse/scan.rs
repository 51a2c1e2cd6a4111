//! Characters, words and quoted texts.

use super::{Parsed, Parser};
use crate::{
    span::{Problem, Span},
    wildcard::Piece,
};

/// A run of characters without spaces.
pub(super) struct Word {
    pub(super) pieces: Vec<Piece>,
    pub(super) span: Span,
}

impl Word {
    /// The text, in which `*` and `?` stand for themselves.
    pub(super) fn text(self) -> Box<str> {
        let mut text = String::new();
        for piece in self.pieces {
            match piece {
                Piece::Text(part) => text.push_str(&part),
                Piece::One => text.push('?'),
                Piece::Many => text.push('*'),
            }
        }
        text.into()
    }
}

/// Whether a word ends before this character, wherever it stands.
pub(super) fn ends_word(char: char) -> bool {
    char.is_whitespace() || matches!(char, '(' | ')' | '|' | '"')
}

impl<'t> Parser<'t> {
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character after the next.
    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// The next character's place; an empty one at the end.
    pub(super) fn here(&self) -> Span {
        Span::new(self.at, self.at + self.peek().map_or(0, char::len_utf8))
    }

    pub(super) fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    /// Whether this word stands here by itself.
    pub(super) fn at_keyword(&self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word).map(|rest| rest.chars().next());
        matches!(after, Some(next) if next.is_none_or(ends_word))
    }

    pub(super) fn eat_keyword(&mut self, word: &str) -> bool {
        let found = self.at_keyword(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// A word up to a space, a parenthesis, a quote, a `|` or what `stop` says; a backslash takes any character in.
    pub(super) fn word(&mut self, stop: impl Fn(char) -> bool) -> Parsed<Word> {
        let start = self.at;
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(char) = self.peek() {
            if ends_word(char) || stop(char) {
                break;
            }
            let escape = self.here();
            self.bump();
            let wild = match char {
                '*' => Piece::Many,
                '?' => Piece::One,
                '\\' => {
                    let problem = Problem::at(escape, "a backslash stands before nothing");
                    text.push(
                        self.bump().ok_or_else(|| problem.hint("write `\\\\` for a backslash"))?,
                    );
                    continue;
                }
                other => {
                    text.push(other);
                    continue;
                }
            };
            pieces.push(Piece::Text(std::mem::take(&mut text).into()));
            pieces.push(wild);
        }
        pieces.push(Piece::Text(text.into()));
        Ok(Word { pieces, span: self.span_from(start) })
    }

    /// A text in double or single quotes, in which a backslash escapes.
    pub(super) fn string(&mut self) -> Parsed<(Box<str>, Span)> {
        let start = self.at;
        let open = self.here();
        let quote = self.bump();
        let mut text = String::new();
        loop {
            let escape = self.at;
            match self.bump() {
                None => return Err(unclosed(open)),
                char if char == quote => break,
                Some('\\') => match self.bump() {
                    None => return Err(unclosed(open)),
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('u') => text.push(self.unicode(escape)?),
                    Some(char) if !char.is_alphanumeric() => text.push(char),
                    Some(char) => {
                        let message = format!("unknown escape `\\{char}`");
                        return Err(Problem::at(self.span_from(escape), message)
                            .hint("write `\\\\` for a backslash"));
                    }
                },
                Some(char) => text.push(char),
            }
        }
        self.ends_quoted()?;
        Ok((text.into(), self.span_from(start)))
    }

    /// The character of `\u00e9`, after the `u`.
    fn unicode(&mut self, escape: usize) -> Parsed<char> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let char = code.and_then(char::from_u32).ok_or_else(|| {
            let message = "`\\u` needs the four hex digits of a character";
            Problem::at(self.span_from(escape), message)
                .hint("write `\\\\u` for a backslash and a `u`")
        })?;
        self.at += 4;
        Ok(char)
    }

    /// A regular expression in quotes or slashes: only the quote or slash is escaped, all other backslashes are its own.
    pub(super) fn pattern(&mut self) -> Parsed<(Box<str>, Span)> {
        let start = self.at;
        let open = self.here();
        let quote = self.bump();
        let mut pattern = String::new();
        loop {
            match self.bump() {
                None => return Err(unclosed(open)),
                char if char == quote => break,
                Some('\\') => match self.bump() {
                    None => return Err(unclosed(open)),
                    Some(char) if matches!(char, '"' | '\'') || Some(char) == quote => {
                        pattern.push(char);
                    }
                    Some(char) => pattern.extend(['\\', char]),
                },
                Some(char) => pattern.push(char),
            }
        }
        self.ends_quoted()?;
        Ok((pattern.into(), self.span_from(start)))
    }

    /// What has an end of its own is not followed by more of a word.
    pub(super) fn ends_closed(&self, end: &str) -> Parsed<()> {
        match self.peek() {
            Some(char) if !char.is_whitespace() && !"()|]},:~=<>!\"".contains(char) => {
                Err(Problem::at(self.here(), format!("expected a space after {end}")))
            }
            _ => Ok(()),
        }
    }

    fn ends_quoted(&self) -> Parsed<()> {
        let hint = "inside quotes `*` and `?` stand for themselves, and `\\\"` is a quote";
        self.ends_closed("the closing quote").map_err(|problem| problem.hint(hint))
    }
}

fn unclosed(open: Span) -> Problem {
    Problem::at(open, "the quote that opens here is not closed")
        .hint("put the whole text in quotes if it has a quote in it")
}
