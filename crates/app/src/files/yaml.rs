//! YAML 1.2 as a tree that knows where each node stands.
//!
//! Multi-document; anchors, aliases and `<<` merge keys are expanded within a budget; duplicate keys are reported. What a plain
//! scalar means (core schema) is decided by its reader, so that `name: 123` can be told from `name: "123"`.
//!
//! **Invariant:** depth, nodes and bytes of a file's tree are bounded, aliases included.

mod build;
mod scalar;

use std::sync::Arc;

use super::problem::{Code, Position, Report};

pub use saphyr_parser::ScalarStyle;
pub use scalar::Scalar;

/// The most bytes of one file.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// The deepest that mappings and sequences may be nested.
pub const DEPTH_MAX: usize = 64;
/// The most nodes of one file, with its aliases expanded.
pub const NODES_MAX: usize = 100_000;
/// The most bytes of scalars that aliases may add.
pub const EXPANDED_BYTES_MAX: usize = 4 << 20;

/// A value and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The text as written, escapes resolved; `style` is what tells `1` from `"1"`.
    Scalar {
        text: Arc<str>,
        style: ScalarStyle,
    },
    Sequence(Vec<Node>),
    /// In the order of the file; keys are scalars and unique.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// What a scalar means in the core schema.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.value {
            Value::Scalar { text, style } => Some(Scalar::resolve(text, *style)),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// The value of `key` in a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
            }
            Value::Scalar { .. } | Value::Sequence(_) => None,
        }
    }

    /// How many nodes this is.
    pub fn count(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::Sequence(items) => items.iter().map(Self::count).sum(),
            Value::Mapping(entries) => {
                entries.iter().map(|(key, value)| key.count() + value.count()).sum()
            }
        }
    }

    /// What this is, for an error: `a mapping`, `the number 3`.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Mapping(_) => "a mapping".into(),
            Value::Sequence(_) => "a list".into(),
            Value::Scalar { text, style } => Scalar::resolve(text, *style).describe(),
        }
    }
}

/// The documents of a file; what cannot be read is told to `report`, and the documents before it are returned.
pub fn parse(bytes: &[u8], report: &Report) -> Vec<Node> {
    let Some(text) = text_of(bytes, report) else { return Vec::new() };
    if let Some(at) = first_control_character(text) {
        let hint = "write it as an escape in a double-quoted scalar";
        report.error(at, Code::SYNTAX, "a control character is not allowed in YAML", hint);
        return Vec::new();
    }
    build::documents(text, report)
}

/// The file as text without its byte order mark, if it is small enough and UTF-8.
pub fn text_of<'b>(bytes: &'b [u8], report: &Report) -> Option<&'b str> {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes", bytes.len());
        let hint = format!("at most {FILE_BYTES_MAX} are allowed");
        report.error(Position::default(), Code::TOO_LARGE, message, hint);
        return None;
    }
    match str::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or(&[]));
            report.error(
                end_of(&before),
                Code::NOT_TEXT,
                "the file is not UTF-8",
                "save it as UTF-8",
            );
            None
        }
    }
}

/// The position behind `text`.
pub fn end_of(text: &str) -> Position {
    let line = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Position { line: narrow(line), column: narrow(column) }
}

/// A line or column number; a file's size keeps it far below the limit.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn first_control_character(text: &str) -> Option<Position> {
    let refused = |c: char| {
        (c < ' ' && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{7f}' | '\u{fffe}' | '\u{ffff}')
    };
    text.find(refused).and_then(|at| text.get(..at)).map(end_of)
}

#[cfg(test)]
mod tests;
