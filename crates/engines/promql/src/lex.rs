//! Text to tokens, as Prometheus' lexer splits it.
//!
//! Grammar: <https://prometheus.io/docs/prometheus/latest/querying/basics/>. Which word is a keyword depends on where it
//! stands: inside braces none is, and inside brackets only those of durations are.

mod describe;
mod number;
mod scan;
mod string;
#[cfg(test)]
mod tests;

pub(crate) use number::{DurationProblem, duration_ms, number};
pub(crate) use string::unquote;

use crate::{
    ast::{AggregateOp, BinaryOp},
    span::{ParseError, Span},
};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word without colons that is no keyword where it stands.
    Identifier,
    /// A word with colons.
    MetricIdentifier,
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
    /// `=`
    Equal,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotEqualRegex,
    /// `+`, `and`, … (`!=` of a matcher, too).
    Op(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
    End,
    /// The text cannot be split here; what follows is not looked at.
    Error,
}

/// A word with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Offset,
    Smoothed,
    Anchored,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MinOf,
    MaxOf,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// All tokens of a text; the last is [`Kind::End`] or [`Kind::Error`].
pub(crate) struct Tokens {
    pub(crate) list: Vec<Token>,
    /// Why the last token is [`Kind::Error`].
    pub(crate) error: String,
}

/// The longest expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 128 << 10;

impl Keyword {
    pub(crate) const ALL: [(&'static str, Self); 19] = [
        ("offset", Self::Offset),
        ("smoothed", Self::Smoothed),
        ("anchored", Self::Anchored),
        ("by", Self::By),
        ("without", Self::Without),
        ("on", Self::On),
        ("ignoring", Self::Ignoring),
        ("group_left", Self::GroupLeft),
        ("group_right", Self::GroupRight),
        ("fill", Self::Fill),
        ("fill_left", Self::FillLeft),
        ("fill_right", Self::FillRight),
        ("bool", Self::Bool),
        ("start", Self::Start),
        ("end", Self::End),
        ("step", Self::Step),
        ("range", Self::Range),
        ("min_of", Self::MinOf),
        ("max_of", Self::MaxOf),
    ];

    fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, keyword)| keyword)
    }

    /// Begins a duration expression.
    pub(crate) const fn is_duration(self) -> bool {
        matches!(self, Self::Step | Self::Range | Self::MinOf | Self::MaxOf)
    }

    /// Names a function where a parenthesis follows.
    pub(crate) const fn is_function(self) -> bool {
        matches!(
            self,
            Self::Start | Self::End | Self::Step | Self::Range | Self::MinOf | Self::MaxOf
        )
    }
}

/// All tokens of `text`.
///
/// # Errors
/// When it is longer than [`EXPRESSION_BYTES_MAX`].
pub(crate) fn tokens(text: &str) -> Result<Tokens, ParseError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let message = format!(
            "the expression has {} bytes; at most {EXPRESSION_BYTES_MAX} are read",
            text.len()
        );
        return Err(ParseError::new(" ", Span::default(), message));
    }
    let mut scanner = scan::Scanner::new(text);
    let mut list = Vec::new();
    loop {
        match scanner.next() {
            Ok(token) => {
                list.push(token);
                if token.kind == Kind::End {
                    return Ok(Tokens { list, error: String::new() });
                }
            }
            Err(error) => {
                let span = Span::new(scanner.start(), text.len());
                list.push(Token { kind: Kind::Error, span });
                return Ok(Tokens { list, error });
            }
        }
    }
}
