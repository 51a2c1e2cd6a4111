//! What could stand at the cursor, for editors; the names and values themselves come from who knows the data.

use crate::{
    field::Field,
    parse::{self, QUERY_BYTES_MAX},
    print,
    span::Span,
};

/// A place for a completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// What an accepted completion replaces: from where the piece began to its end behind the cursor.
    pub span: Span,
    pub kind: Kind,
    /// What was written before the cursor, without its quote and escapes.
    pub prefix: String,
    /// The quote that the piece began with: [`quoted`] writes a value for it.
    pub quote: Option<char>,
    /// Words of the language that could stand here as well.
    pub keywords: &'static [&'static str],
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A field's name, or a word to search for.
    Field,
    /// A value of the field.
    Value(Field),
    /// One of [`STAGES`] or [`AGGREGATES`].
    Stage,
    /// One of [`AGGREGATES`].
    Aggregate,
    /// One of these columns.
    Column(Vec<String>),
    /// Only one of the keywords.
    Keyword,
}

/// A word of the language and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub name: &'static str,
    /// How it is used.
    pub usage: &'static str,
    /// Lowercase, without a period.
    pub help: &'static str,
}

const fn word(name: &'static str, usage: &'static str, help: &'static str) -> Word {
    Word { name, usage, help }
}

/// The stages that do not aggregate, apart from `top`.
#[rustfmt::skip]
pub const STAGES: [Word; 6] = [
    word("top", "top 10 by field", "the most frequent values of a field, with their counts"),
    word("where", "where count > 5", "keeps groups by their results"),
    word("sort", "sort -count, name", "orders; a `-` has the largest first"),
    word("limit", "limit 50", "keeps so many"),
    word("fields", "fields time, body", "shows only these fields or columns"),
    word("patterns", "patterns", "groups log bodies by what does not vary in them"),
];

/// The functions over groups of records.
#[rustfmt::skip]
pub const AGGREGATES: [Word; 11] = [
    word("count", "count", "how many records; `count(field)`: how many have the field"),
    word("uniq", "uniq(field)", "how many different values"),
    word("rate", "rate", "records per second"),
    word("sum", "sum(field)", "the sum of numbers"),
    word("avg", "avg(field)", "the mean of numbers"),
    word("min", "min(field)", "the smallest"),
    word("max", "max(field)", "the largest"),
    word("p50", "p50(field)", "the median; `p99.9` and any other percentile as well"),
    word("p95", "p95(field)", "the 95th percentile"),
    word("p99", "p99(field)", "the 99th percentile"),
    word("quantile", "quantile(0.95, field)", "a quantile between 0 and 1"),
];

/// What the grammar allows at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    /// A term of a filter.
    Term,
    Field,
    Value(Field),
    Stage,
    Aggregate,
    Column(Vec<String>),
    Keyword(&'static [&'static str]),
}

/// Where something new may begin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) start: usize,
    pub(crate) expected: Expected,
}

/// What could stand at `cursor`, a byte offset into `text`; `None` where nothing of ours can.
pub fn complete(text: &str, cursor: usize) -> Option<Completion> {
    let before = text.get(..cursor).filter(|_| text.len() <= QUERY_BYTES_MAX)?;
    let Slot { start, expected } = parse::slot(before)?;
    let (kind, keywords): (_, &[_]) = match expected {
        Expected::Term => (Kind::Field, &["AND", "OR", "NOT"]),
        Expected::Field => (Kind::Field, &[]),
        Expected::Value(field) => (Kind::Value(field), &[]),
        Expected::Stage => (Kind::Stage, &[]),
        Expected::Aggregate => (Kind::Aggregate, &[]),
        Expected::Column(columns) => (Kind::Column(columns), &[]),
        Expected::Keyword(words) => (Kind::Keyword, words),
    };
    let piece = before.get(start..)?;
    let quote = piece.chars().next().filter(|char| matches!(char, '"' | '\''));
    let after = text.get(cursor..).unwrap_or("");
    let (prefix, length) = match quote {
        Some(quote) => (unquoted(piece, quote)?, rest_of_quoted(after, quote)),
        None => {
            let length = after.find(|char| ends(char, &kind)).unwrap_or(after.len());
            let in_range = matches!(kind, Kind::Value(_)) && piece.starts_with(['[', '{', '/']);
            if piece.contains(|char| ends(char, &kind)) || in_range {
                return None;
            }
            (piece.replace('\\', ""), length)
        }
    };
    Some(Completion { span: Span::new(start, cursor + length), kind, prefix, quote, keywords })
}

/// What ends a piece that is not quoted.
fn ends(char: char, kind: &Kind) -> bool {
    let always = char.is_whitespace() || "()|\",".contains(char);
    match kind {
        Kind::Value(_) => always || "]}".contains(char),
        _ => always || ":~=<>!".contains(char),
    }
}

/// The text of an unfinished quoted piece; `None` when its quote is closed.
fn unquoted(piece: &str, quote: char) -> Option<String> {
    let mut text = String::new();
    let mut chars = piece.chars().skip(1);
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.extend(chars.next()),
            _ if char == quote => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

/// The bytes up to and with the closing quote; none when there is no such quote in the line.
fn rest_of_quoted(after: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in after.char_indices() {
        match char {
            '\n' => return 0,
            _ if char == quote && !escaped => return at + char.len_utf8(),
            _ => escaped = char == '\\' && !escaped,
        }
    }
    0
}

/// A value as it is written into a query: with `quote` where one was begun, otherwise with quotes only if it needs them.
pub fn quoted(value: &str, quote: Option<char>) -> String {
    let double = || model::Quoted(value).to_string();
    match quote {
        None => {
            let mut written = String::new();
            let fits = print::literal(value, &mut written).is_ok();
            if fits { written } else { double() }
        }
        Some('\'') => {
            let double = double();
            let inner = double.get(1..double.len() - 1).unwrap_or("");
            format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
        }
        Some(_) => double(),
    }
}
