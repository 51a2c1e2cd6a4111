//! What a filter means: fewer forms than it can be written in, with values of the fields' types.

use std::{fmt, ops::Bound};

use model::{SpanId, SpanKind, SpanStatus, TraceId};
use regex::Regex;

use crate::{field::Field, literal::Number, token::Phrase, wildcard::Wildcard};

/// Which records pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All,
    /// At least two.
    And(Vec<Filter>),
    /// At least two.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// The words stand in one of the record's texts.
    Text(Phrase),
    /// The field is there and passes.
    Field(Field, Condition),
}

/// What a field's value has to be. No condition holds of a field that is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Any field.
    Exists,
    /// Attributes, fields of type `Text`, and the body for operators that do not search it by words.
    Value(ValueTest),
    /// The same fields: the words stand in a string.
    Words(Phrase),
    /// Durations, times, severities and integers, both ends included; nothing passes where `min` is above `max`.
    Integer {
        min: i64,
        max: i64,
    },
    Bool(bool),
    Kind(SpanKind),
    Status(SpanStatus),
    Trace(TraceId),
    Span(SpanId),
}

/// A test of a value whose type is known only from the record.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTest {
    /// A number equals the number; anything else the text.
    Is { text: Box<str>, number: Option<Number> },
    /// The whole text of a value.
    Like(Wildcard),
    /// The whole text of a value.
    Matches(Pattern),
    /// Numbers, and strings that read as one.
    Numbers(Bound<Number>, Bound<Number>),
    /// Strings, in the order of their bytes.
    Texts(Bound<Box<str>>, Bound<Box<str>>),
}

/// A regular expression that a whole text has to match; `.` matches a line's end, too.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

/// The most that a compiled regular expression may take, in bytes, and again while it runs.
const REGEX_BYTES_MAX: usize = 256 << 10;

impl Pattern {
    /// # Errors
    /// When it is no regular expression of the `regex` crate, or too large when compiled.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        let build = |text: &str| {
            regex::RegexBuilder::new(text)
                .size_limit(REGEX_BYTES_MAX)
                .dfa_size_limit(REGEX_BYTES_MAX)
                .nest_limit(50)
                .build()
        };
        // By itself first: `a)|(b` is none, though it is one between parentheses.
        build(text)?;
        Ok(Self { text: text.into(), regex: build(&anchored(text))? })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// With the anchors that make it match whole texts.
    pub fn anchored(&self) -> String {
        anchored(&self.text)
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn anchored(text: &str) -> String {
    format!("^(?s:{text})$")
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.text)
    }
}
