//! Calls out of a span: which are alike, and which failed.

use std::{borrow::Cow, collections::BTreeMap};

use model::{Span, SpanKind, SpanStatus, Value, value::attribute};

use crate::Trace;

/// Bytes of a statement that are compared.
const STATEMENT_BYTES_MAX: usize = 512;

/// Calls of one span that are alike, by start.
pub(super) struct Like {
    pub(super) parent: usize,
    pub(super) rows: Vec<usize>,
}

/// All groups of at least two like calls, by the row of the parent and then of the first call.
pub(super) struct Calls(pub(super) Vec<Like>);

/// What makes two calls alike: the name, the peer, and for a database the statement without its literals.
type Likeness<'a> = (&'a str, &'a str, bool, Cow<'a, str>);

impl Calls {
    pub(super) fn of(trace: &Trace) -> Self {
        let mut groups: BTreeMap<(usize, Likeness<'_>), Vec<usize>> = BTreeMap::new();
        for (row, span) in trace.spans().iter().enumerate() {
            if matches!(span.kind, SpanKind::Client | SpanKind::Producer)
                && let Some(parent) = caller(trace, row)
            {
                groups.entry((parent, likeness(span))).or_default().push(row);
            }
        }
        let alike = groups.into_iter().filter(|(_, rows)| rows.len() > 1);
        let mut groups: Vec<Like> = alike
            .map(|((parent, _), mut rows)| {
                rows.sort_by_key(|row| (trace.window(*row).0, *row));
                Like { parent, rows }
            })
            .collect();
        groups.sort_by_key(|like| (like.parent, like.rows[0]));
        Self(groups)
    }
}

/// The span that makes the call at `row`: its parent, but above internal spans that do nothing but this call.
fn caller(trace: &Trace, row: usize) -> Option<usize> {
    let mut below = row;
    let mut parent = trace.parent(row)?;
    while matches!(trace.spans()[parent].kind, SpanKind::Internal | SpanKind::Unspecified)
        && trace.descendants(parent) == trace.descendants(below) + 1
        && let Some(above) = trace.parent(parent)
    {
        (below, parent) = (parent, above);
    }
    Some(parent)
}

/// What exactly is called, where the span says: two attempts at one call do not differ in it.
pub(super) fn target(span: &Span) -> &str {
    const KEYS: [&str; 8] = [
        "url.full",
        "http.url",
        "url.path",
        "http.target",
        "rpc.method",
        "db.query.text",
        "db.statement",
        "messaging.destination.name",
    ];
    text(span, &KEYS)
}

fn text<'a>(span: &'a Span, keys: &[&str]) -> &'a str {
    keys.iter().find_map(|key| attribute(&span.attributes, key)?.as_str()).unwrap_or_default()
}

fn likeness(span: &Span) -> Likeness<'_> {
    let peer = text(span, &["peer.service", "server.address", "net.peer.name", "rpc.service"]);
    let statement = text(span, &["db.query.text", "db.statement"]);
    (&span.name, peer, span.kind == SpanKind::Client, without_literals(statement))
}

/// A statement with `?` for each number and each quoted text.
fn without_literals(statement: &str) -> Cow<'_, str> {
    if !statement.bytes().any(|byte| byte.is_ascii_digit() || byte == b'\'') {
        return Cow::Borrowed(statement);
    }
    let mut plain = String::new();
    let mut chars = statement.chars().peekable();
    let mut in_word = false;
    while let Some(char) = chars.next() {
        if plain.len() >= STATEMENT_BYTES_MAX {
            break;
        }
        if char == '\'' {
            // A quote within is doubled: it reads as two texts side by side.
            chars.by_ref().find(|inner| *inner == '\'');
            while chars.next_if_eq(&'\'').is_some() {
                chars.by_ref().find(|inner| *inner == '\'');
            }
            plain.push('?');
            in_word = false;
        } else if char.is_ascii_digit() && !in_word {
            while chars.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some() {}
            plain.push('?');
        } else {
            in_word = char.is_alphanumeric() || char == '_';
            plain.push(char);
        }
    }
    Cow::Owned(plain)
}

fn number(span: &Span, keys: &[&str]) -> Option<i64> {
    keys.iter().find_map(|key| match attribute(&span.attributes, key)? {
        Value::Int(number) => Some(*number),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// Whether a call failed: its status says so, or its HTTP status is 429 or 500 and above, or its gRPC status is not 0.
pub(super) fn failed(span: &Span) -> bool {
    let http = || number(span, &["http.response.status_code", "http.status_code"]);
    let grpc = || number(span, &["rpc.grpc.status_code"]);
    span.status == SpanStatus::Error
        || http().is_some_and(|status| status == 429 || status >= 500)
        || grpc().is_some_and(|status| status != 0)
}

/// Whether the instrumentation itself says that this is no first attempt.
pub(super) fn is_resent(span: &Span) -> bool {
    number(span, &["http.request.resend_count", "http.resend_count"]).is_some_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_alike_without_their_literals() {
        let check = |statement, expected| assert_eq!(without_literals(statement), expected);
        check("SELECT * FROM items", "SELECT * FROM items");
        check("SELECT * FROM items2 WHERE id = 17", "SELECT * FROM items2 WHERE id = ?");
        check("name = 'O''Hara' AND x = 1.5", "name = ? AND x = ?");
        check("name = 'unfinished 1", "name = ?");
        check("id IN (0x1f, 2)", "id IN (?, ?)");
    }
}
