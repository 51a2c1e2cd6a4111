//! What follows a series in its line: value, time, exemplar.

use super::{
    At, TextParser,
    lex::{Dialect, Token},
};
use crate::{
    ParseError,
    entry::lossy,
    number::{self, NumberError},
    quote::quoted,
};

impl TextParser<'_> {
    /// What follows a series: value, time, exemplar.
    #[inline]
    pub(super) fn sample(&mut self, token: Token) -> Result<(), ParseError> {
        if self.name.is_none() {
            let context = self.context(self.lexer.at);
            return Err(ParseError::NoName { context, at: self.line });
        }
        (self.at, self.at_ms, self.exemplar, self.start_ms) = (At::Series, None, None, None);
        self.value = self.float(token, "metric")?;
        match self.dialect {
            Dialect::Prometheus => self.prometheus_time(),
            Dialect::OpenMetrics => self.open_metrics_time(),
        }
    }

    /// The float of a value, after what `after` names.
    #[inline]
    fn float(&self, token: Token, after: &str) -> Result<f64, ParseError> {
        if token != Token::Value {
            return Err(self.unexpected(&format!("expected value after {after}"), token));
        }
        self.number()
    }

    /// The number of the token at hand.
    #[inline]
    fn number(&self) -> Result<f64, ParseError> {
        let bytes = self.lexer.token_bytes();
        let text = match self.dialect {
            Dialect::Prometheus => bytes,
            Dialect::OpenMetrics => bytes.get(1..).unwrap_or_default(),
        };
        number::parse_float(text).map_err(|reason| {
            let (context, at) = (self.context(self.lexer.at), self.lexer.start);
            match reason {
                NumberError::Character => ParseError::Character { context, at },
                _ => ParseError::Number { text: quoted(text), reason, context, at },
            }
        })
    }

    #[inline]
    fn prometheus_time(&mut self) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            Token::Timestamp => {
                let text = lossy(self.lexer.token_bytes());
                self.at_ms = Some(text.parse().map_err(|_| ParseError::Integer {
                    text: quoted(text.as_bytes()),
                    reason: NumberError::Range,
                    context: self.context(self.lexer.at),
                    at: self.lexer.start,
                })?);
                match self.lexer.next() {
                    Token::Linebreak => Ok(()),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            token => Err(self.unexpected("expected timestamp or new record", token)),
        }
    }

    fn open_metrics_time(&mut self) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            Token::Eof => Err(ParseError::NoEof { at: self.lexer.at }),
            Token::Comment => self.read_exemplar(),
            Token::Timestamp => {
                self.at_ms = Some(self.seconds("timestamp")?);
                match self.lexer.next() {
                    Token::Linebreak => Ok(()),
                    Token::Comment => self.read_exemplar(),
                    Token::Eof => Err(ParseError::NoEof { at: self.lexer.at }),
                    token => Err(self.unexpected("expected next entry after timestamp", token)),
                }
            }
            token => Err(self.unexpected("expected timestamp or # symbol", token)),
        }
    }

    /// Milliseconds of the seconds at hand.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time beyond all calendars ends at the bounds"
    )]
    fn seconds(&self, what: &'static str) -> Result<i64, ParseError> {
        let seconds = self.number()?;
        if seconds.is_finite() {
            return Ok((seconds * 1000.0) as i64);
        }
        let value = if seconds.is_nan() {
            "NaN"
        } else if seconds > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        Err(ParseError::Timestamp { what, value, at: self.lexer.start })
    }

    /// After ` # {`.
    fn read_exemplar(&mut self) -> Result<(), ParseError> {
        self.exemplar_labels.clear();
        self.label_list(true)?;
        let token = self.lexer.next();
        let value = self.float(token, "exemplar labels")?;
        let mut at_ms = None;
        match self.lexer.next() {
            Token::Linebreak => {}
            Token::Eof => return Err(ParseError::NoEof { at: self.lexer.at }),
            Token::Timestamp => {
                at_ms = Some(self.seconds("exemplar timestamp")?);
                match self.lexer.next() {
                    Token::Linebreak => {}
                    Token::Eof => return Err(ParseError::NoEof { at: self.lexer.at }),
                    token => {
                        let expected = "expected next entry after exemplar timestamp";
                        return Err(self.unexpected(expected, token));
                    }
                }
            }
            token => return Err(self.unexpected("expected timestamp or comment", token)),
        }
        self.exemplar = Some((value, at_ms));
        Ok(())
    }
}
