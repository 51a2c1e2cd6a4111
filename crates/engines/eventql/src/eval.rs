//! Whether a record passes a filter, by the rules that the crate's documentation states.

use std::{
    cmp::Ordering,
    ops::{Bound, RangeBounds},
};

use model::Value;

use crate::{
    field::Field,
    filter::{Condition, Filter, ValueTest},
    literal::Number,
    record::{Datum, Record, exists},
    token::Phrase,
};

/// Whether `record` passes `filter`.
pub fn matches(filter: &Filter, record: &(impl Record + ?Sized)) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| matches(part, record)),
        Filter::Or(parts) => parts.iter().any(|part| matches(part, record)),
        Filter::Not(inner) => !matches(inner, record),
        Filter::Text(phrase) => record.texts(&mut |text| phrase.matches(text)),
        Filter::Field(Field::Known(known), condition) => {
            record.known(*known, &mut |datum| condition.matches(&datum))
        }
        Filter::Field(Field::Attribute { from, name }, condition) => record
            .attribute(*from, name)
            .is_some_and(|value| condition.matches(&Datum::Value(value))),
    }
}

impl Condition {
    /// Whether a value of a field that is there passes.
    pub fn matches(&self, datum: &Datum<'_>) -> bool {
        match (self, datum) {
            (Self::Exists, Datum::Value(value)) => exists(value),
            (Self::Exists, _) => true,
            (Self::Value(test), Datum::Value(value)) => test.matches(value),
            (Self::Value(test), Datum::Text(text)) => test.matches_text(text),
            (Self::Words(phrase), Datum::Text(text)) => phrase.matches(text),
            (Self::Words(phrase), Datum::Value(value)) => has_words(phrase, value),
            (Self::Integer { min, max }, Datum::Integer(value)) => (min..=max).contains(&value),
            (Self::Bool(is), Datum::Bool(value)) => is == value,
            (Self::Kind(is), Datum::Kind(value)) => is == value,
            (Self::Status(is), Datum::Status(value)) => is == value,
            (Self::Trace(is), Datum::Trace(value)) => is == value,
            (Self::Span(is), Datum::Span(value)) => is == value,
            _ => false,
        }
    }
}

fn has_words(phrase: &Phrase, value: &Value) -> bool {
    match value {
        Value::String(text) => phrase.matches(text),
        Value::Array(items) => items.iter().any(|item| has_words(phrase, item)),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Map(_)
        | Value::Empty => false,
    }
}

impl ValueTest {
    /// Whether a value passes: an array when one of its items does, a map or nothing never.
    pub fn matches(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.matches_text(text),
            Value::Int(int) => self.matches_number(Number::Int(*int)),
            Value::Double(double) => self.matches_number(Number::Double(*double)),
            Value::Bool(_) | Value::Bytes(_) => self.matches_scalar(&value.to_string()),
            Value::Array(items) => items.iter().any(|item| self.matches(item)),
            Value::Map(_) | Value::Empty => false,
        }
    }

    /// Whether a string passes.
    pub fn matches_text(&self, text: &str) -> bool {
        match self {
            Self::Numbers(low, high) => {
                Number::parse(text).is_some_and(|number| between(number, *low, *high))
            }
            Self::Texts(low, high) => {
                let low = low.as_ref().map(|end| &**end);
                let high = high.as_ref().map(|end| &**end);
                RangeBounds::<str>::contains(&(low, high), text)
            }
            Self::Is { .. } | Self::Like(_) | Self::Matches(_) => self.matches_scalar(text),
        }
    }

    /// What is the same for all values that have a text.
    fn matches_scalar(&self, text: &str) -> bool {
        match self {
            Self::Is { text: is, .. } => **is == *text,
            Self::Like(wildcard) => wildcard.matches(text),
            Self::Matches(pattern) => pattern.matches(text),
            Self::Numbers(..) | Self::Texts(..) => false,
        }
    }

    fn matches_number(&self, number: Number) -> bool {
        match self {
            Self::Is { number: is, .. } => {
                is.is_some_and(|is| number.compare(is) == Some(Ordering::Equal))
            }
            Self::Numbers(low, high) => between(number, *low, *high),
            // Only a whole number has a text.
            Self::Like(_) | Self::Matches(_) => {
                matches!(number, Number::Int(_)) && self.matches_scalar(&number.to_string())
            }
            Self::Texts(..) => false,
        }
    }
}

/// Whether a number lies between two ends; a NaN lies nowhere.
fn between(number: Number, low: Bound<Number>, high: Bound<Number>) -> bool {
    use Ordering::{Equal, Greater, Less};
    let low = match low {
        Bound::Unbounded => true,
        Bound::Included(end) => matches!(number.compare(end), Some(Greater | Equal)),
        Bound::Excluded(end) => number.compare(end) == Some(Greater),
    };
    let high = match high {
        Bound::Unbounded => true,
        Bound::Included(end) => matches!(number.compare(end), Some(Less | Equal)),
        Bound::Excluded(end) => number.compare(end) == Some(Less),
    };
    low && high
}
