//! Text to tokens. PromQL's words are not reserved: whether `sum` is an aggregation is for the parser to see.

mod number;
mod string;

pub(crate) use number::{duration_ms, number};
pub(crate) use string::unquote;

use crate::span::{ParseError, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word: a metric name, a label, a function, a keyword. May hold colons.
    Word,
    Number,
    Duration,
    String,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    /// `+ - * / % ^ == != < <= > >= =~ !~ =`
    Operator,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// The longest expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 128 << 10;

/// All tokens of `text`; the last is [`Kind::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let message = format!(
            "the expression has {} bytes; at most {EXPRESSION_BYTES_MAX} are read",
            text.len()
        );
        return Err(ParseError::new("", Span::default(), message));
    }
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, brackets: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        tokens.push(token);
        if token.kind == Kind::End {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Depth of `[`: inside, a colon separates a range from a step and is no part of a word.
    brackets: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Token, ParseError> {
        self.skip_blanks();
        let start = self.at;
        let Some(&first) = self.bytes.get(start) else { return Ok(self.token(Kind::End, start)) };
        let kind = match first {
            b'(' => self.take(1, Kind::LeftParen),
            b')' => self.take(1, Kind::RightParen),
            b'{' => self.take(1, Kind::LeftBrace),
            b'}' => self.take(1, Kind::RightBrace),
            b'[' => {
                self.brackets += 1;
                self.take(1, Kind::LeftBracket)
            }
            b']' => {
                self.brackets = self.brackets.saturating_sub(1);
                self.take(1, Kind::RightBracket)
            }
            b',' => self.take(1, Kind::Comma),
            b'@' => self.take(1, Kind::At),
            b':' if self.brackets > 0 => self.take(1, Kind::Colon),
            b'"' | b'\'' | b'`' => self.string(first)?,
            b'0'..=b'9' | b'.' => self.number()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => self.word(),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'=' | b'!' | b'<' | b'>' => {
                self.operator()?
            }
            _ => {
                let bad =
                    self.text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or('?');
                let span = Span::new(start, start + bad.len_utf8());
                return Err(ParseError::new(
                    self.text,
                    span,
                    format!("unexpected character: {bad:?}"),
                ));
            }
        };
        Ok(self.token(kind, start))
    }

    fn token(&self, kind: Kind, start: usize) -> Token {
        Token { kind, span: Span::new(start, self.at) }
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            if byte.is_ascii_whitespace() {
                self.at += 1;
            } else if *byte == b'#' {
                while self.bytes.get(self.at).is_some_and(|byte| *byte != b'\n') {
                    self.at += 1;
                }
            } else {
                break;
            }
        }
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| accept(*byte)) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> Kind {
        let colons = self.brackets == 0;
        self.take_while(|byte| {
            byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':')
        });
        Kind::Word
    }

    fn operator(&mut self) -> Result<Kind, ParseError> {
        let rest = &self.bytes[self.at..];
        let two = rest.get(..2).unwrap_or(&[]);
        if matches!(two, b"==" | b"!=" | b"<=" | b">=" | b"=~" | b"!~") {
            return Ok(self.take(2, Kind::Operator));
        }
        if rest.first() == Some(&b'!') {
            let span = Span::new(self.at, self.at + 1);
            return Err(ParseError::new(self.text, span, "unexpected `!`; write `!=` or `!~`"));
        }
        Ok(self.take(1, Kind::Operator))
    }

    /// The quotes and what is between them; escapes are read by [`unquote`].
    fn string(&mut self, quote: u8) -> Result<Kind, ParseError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                Some(byte) if *byte == quote => return Ok(self.take(1, Kind::String)),
                Some(b'\\') if quote != b'`' => self.at = (self.at + 2).min(self.bytes.len()),
                Some(b'\n') if quote != b'`' => break,
                Some(_) => self.at += 1,
                None => break,
            }
        }
        Err(ParseError::new(self.text, Span::new(start, self.at), "unterminated quoted string"))
    }

    /// A number or a duration: `1.5`, `.5e-3`, `0x1f`, `5m30s`; `Inf` and `NaN` are words.
    fn number(&mut self) -> Result<Kind, ParseError> {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_');
        // A sign belongs to the number only after the `e` of a decimal exponent.
        let text = self.text.get(start..self.at).unwrap_or("");
        let hex = text.starts_with("0x") || text.starts_with("0X");
        if !hex
            && text.ends_with(['e', 'E'])
            && matches!(self.bytes.get(self.at), Some(b'+' | b'-'))
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        if number(text).is_some() {
            Ok(Kind::Number)
        } else if duration_ms(text).is_some() {
            Ok(Kind::Duration)
        } else {
            let message = format!("bad number or duration syntax: {text:?}");
            Err(ParseError::new(self.text, Span::new(start, self.at), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Kind]) {
        let mut kinds: Vec<_> = tokens(text).unwrap().into_iter().map(|token| token.kind).collect();
        assert_eq!(kinds.pop(), Some(Kind::End));
        assert_eq!(kinds, expected, "{text}");
    }

    #[test]
    fn splits_into_tokens() {
        use Kind::{
            At, Colon, Comma, Duration, LeftBrace, LeftBracket, LeftParen, Number, Operator,
            RightBrace, RightBracket, RightParen, String, Word,
        };
        check(
            "a:b{c=\"d\"}[5m:1m]",
            &[
                Word,
                LeftBrace,
                Word,
                Operator,
                String,
                RightBrace,
                LeftBracket,
                Duration,
                Colon,
                Duration,
                RightBracket,
            ],
        );
        check("sum(x) @ 1.5e+3 # the end", &[Word, LeftParen, Word, RightParen, At, Number]);
        check("1 +-0x1f, .5", &[Number, Operator, Operator, Number, Comma, Number]);
        check("a !~ 'b' != c", &[Word, Operator, String, Operator, Word]);
        check("", &[]);
    }

    #[test]
    fn refuses_with_the_place() {
        let error = |text| tokens(text).unwrap_err().to_string();
        assert_eq!(error("a + ?"), "1:5: parse error: unexpected character: '?'");
        assert_eq!(error("a\n  'b"), "2:3: parse error: unterminated quoted string");
        assert_eq!(error("5mm"), "1:1: parse error: bad number or duration syntax: \"5mm\"");
        assert_eq!(error("a ! b"), "1:3: parse error: unexpected `!`; write `!=` or `!~`");
    }
}
