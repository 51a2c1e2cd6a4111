//! Limits on single records: what is too long is cut with a mark that says how long it was, what is too many or too deep is dropped, and
//! all of it is counted.

use model::{Attributes, Value};

use crate::{Work, redact::DEPTH_MAX};

/// Attribute keys beyond this are no names; the attribute is dropped.
pub const KEY_BYTES_MAX: usize = 1 << 10;
/// Bytes of keys and values that one record may have beside a log's body: attributes beyond it are dropped, those of its events and
/// links included.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// What stands in the place of what is nested too deep.
pub const DEEP: &str = "…[nested too deep]";
/// How the mark of a cut text begins; its length in bytes follows.
const MARK: &str = "…[truncated from ";
const MARK_END: &str = " bytes]";

/// From here on is a record of its own.
pub fn begin(work: &mut Work<'_>) {
    work.record_bytes_left = RECORD_BYTES_MAX;
}

/// Keeps the first of each key, at most `limits.max_attributes`, each within `limits.max_attribute_value_bytes`; returns how many it
/// dropped.
pub fn attributes(attributes: &mut Attributes, work: &mut Work<'_>) -> u32 {
    let before = attributes.len();
    let max = work.limits.attributes_max;
    let mut kept: Attributes = Vec::with_capacity(before.min(max));
    for (key, mut value) in attributes.drain(..) {
        let unusable = key.is_empty() || key.len() > KEY_BYTES_MAX;
        if kept.len() >= max || unusable || kept.iter().any(|(name, _)| *name == key) {
            continue;
        }
        attribute_value(&mut value, work);
        let mut left = work.record_bytes_left;
        if take(key.len(), &mut left) && spend(&value, &mut left) {
            work.record_bytes_left = left;
            kept.push((key, value));
        }
    }
    let dropped = before - kept.len();
    work.tally.trim("attributes_dropped", dropped as u64);
    *attributes = kept;
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

fn attribute_value(value: &mut Value, work: &mut Work<'_>) {
    if fit(value, work.limits.attribute_value_bytes_max, work) {
        work.tally.trim("values_truncated", 1);
    }
}

/// A log's body within `limits.max_log_bytes`.
pub fn log_body(body: &mut Value, work: &mut Work<'_>) {
    if fit(body, work.limits.log_bytes_max, work) {
        work.tally.trim("logs_truncated", 1);
    }
}

/// A name or message within `limits.max_attribute_value_bytes`.
pub fn text(text: &mut Box<str>, work: &mut Work<'_>) {
    if let Some(cut) = cut(text, work.limits.attribute_value_bytes_max) {
        *text = cut;
        work.tally.trim("values_truncated", 1);
    }
}

/// Drops what is beyond `limits.max_attributes` from a span's events or links; returns how many.
pub fn list<T>(list: &mut Vec<T>, what: &'static str, work: &mut Work<'_>) -> u32 {
    let dropped = list.len().saturating_sub(work.limits.attributes_max);
    list.truncate(work.limits.attributes_max);
    work.tally.trim(what, dropped as u64);
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// Whether `value` had to be cut; what is nested becomes its text, so that the beginning stays readable.
fn fit(value: &mut Value, max: usize, work: &mut Work<'_>) -> bool {
    if let Value::Array(_) | Value::Map(_) = value {
        let mut deep = 0;
        flatten(value, 0, &mut deep);
        work.tally.trim("values_too_deep", deep);
    }
    if spend(value, &mut { max }) {
        return false;
    }
    *value = match value {
        Value::String(text) => cut(text, max).map_or(Value::Empty, Value::String),
        Value::Bytes(bytes) => {
            let mark = mark(bytes.len());
            let head = bytes.iter().copied().take(max.saturating_sub(mark.len()));
            Value::Bytes(head.chain(mark.bytes()).collect())
        }
        Value::Array(_) | Value::Map(_) => {
            let text = value.to_string();
            Value::String(cut(&text, max).unwrap_or_else(|| text.into()))
        }
        Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Empty => return false,
    };
    true
}

/// Replaces what is nested deeper than redaction looks.
fn flatten(value: &mut Value, depth: usize, deep: &mut u64) {
    match value {
        Value::Array(_) | Value::Map(_) if depth >= DEPTH_MAX => {
            dismantle(std::mem::replace(value, Value::string(DEEP)));
            *deep += 1;
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| flatten(value, depth + 1, deep));
        }
        Value::Map(attributes) => {
            attributes.iter_mut().for_each(|(_, value)| flatten(value, depth + 1, deep));
        }
        Value::String(_)
        | Value::Bytes(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Empty => {}
    }
}

/// Lets go of a value of any depth: what the compiler would write calls itself as deep as the value is.
fn dismantle(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(values) => rest.extend(values),
            Value::Map(attributes) => rest.extend(attributes.into_iter().map(|(_, value)| value)),
            Value::String(_)
            | Value::Bytes(_)
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Double(_)
            | Value::Empty => {}
        }
    }
}

/// The text cut at a character, with a mark that says how long it was; `None` when it fits.
fn cut(text: &str, max: usize) -> Option<Box<str>> {
    if text.len() <= max {
        return None;
    }
    let mark = mark(length_of(text));
    let mut end = max.saturating_sub(mark.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).expect("the end was moved to a character's boundary");
    Some(format!("{head}{mark}").into())
}

fn mark(length: usize) -> String {
    format!("{MARK}{length}{MARK_END}")
}

/// The bytes of a text, before it was cut where it has been cut before.
fn length_of(text: &str) -> usize {
    let said = text.strip_suffix(MARK_END).and_then(|head| head.rsplit_once(MARK));
    let said = said.and_then(|(_, length)| length.parse().ok());
    said.filter(|said| *said > text.len()).unwrap_or(text.len())
}

/// Takes the bytes of a value from `left`; false where there is too little.
fn spend(value: &Value, left: &mut usize) -> bool {
    match value {
        Value::String(text) => take(text.len(), left),
        Value::Bytes(bytes) => take(bytes.len(), left),
        Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Empty => take(1, left),
        Value::Array(values) => values.iter().all(|value| take(1, left) && spend(value, left)),
        Value::Map(attributes) => {
            attributes.iter().all(|(key, value)| take(key.len(), left) && spend(value, left))
        }
    }
}

fn take(cost: usize, left: &mut usize) -> bool {
    left.checked_sub(cost).is_some_and(|rest| {
        *left = rest;
        true
    })
}

#[cfg(test)]
mod tests {
    use model::{Limits, Timestamp};

    use super::*;
    use crate::Redactor;

    fn with_work<T>(run: impl FnOnce(&mut Work<'_>) -> T) -> (T, String) {
        let limits =
            Limits { attributes_max: 2, attribute_value_bytes_max: 40, ..Limits::default() };
        let redactor = Redactor::new();
        let mut work = Work::new(&limits, &redactor, Timestamp::EPOCH);
        let out = run(&mut work);
        (out, format!("{:?}", work.tally.trimmed))
    }

    #[test]
    fn drops_and_counts_attributes_beyond_the_limit() {
        let (kept, trimmed) = with_work(|work| {
            let mut list: Attributes =
                ["a", "a", "", "b", "c"].map(|key| (key.into(), Value::Int(1))).into();
            attributes(&mut list, work);
            list.iter().map(|(key, _)| key.to_string()).collect::<String>()
        });
        assert_eq!((kept.as_str(), trimmed.as_str()), ("ab", r#"{"attributes_dropped": 3}"#));
    }

    fn cut_value(mut value: Value) -> (String, String) {
        with_work(|work| {
            attribute_value(&mut value, work);
            value.to_string()
        })
    }

    #[test]
    fn cuts_at_a_character_and_says_how_long_it_was() {
        assert_eq!(cut_value(Value::string("short")).0, "short");
        let (text, trimmed) = cut_value(Value::string("é".repeat(40)));
        assert_eq!(
            (text.as_str(), trimmed.as_str()),
            ("éééééé…[truncated from 80 bytes]", r#"{"values_truncated": 1}"#)
        );
        let nested =
            Value::Array(vec![Value::string("x".repeat(30)), Value::string("y".repeat(20))]);
        assert_eq!(cut_value(nested).0, r#"["xxxxxxxxxx…[truncated from 57 bytes]"#);
        let twice = format!("{}…[truncated from 1048576 bytes]", "x".repeat(16 << 10));
        assert_eq!(cut_value(Value::string(twice)).0, "xxxxxxx…[truncated from 1048576 bytes]");
        let forged = format!("{}…[truncated from 1 bytes]", "x".repeat(64));
        assert_eq!(cut_value(Value::string(forged)).0, "xxxxxxxxxxxx…[truncated from 91 bytes]");
    }

    #[test]
    fn what_is_too_deep_goes() {
        let nest = |depth| (0..depth).fold(Value::Int(1), |inner, _| Value::Array(vec![inner]));
        let (kept, trimmed) = cut_value(nest(DEPTH_MAX));
        assert_eq!((kept.matches('[').count(), trimmed.as_str()), (DEPTH_MAX, "{}"));
        let mut value = nest(DEPTH_MAX + 1);
        flatten(&mut value, 0, &mut 0);
        assert!(value.to_string().contains(DEEP));
        // Of a depth that no stack has room for.
        let (_, trimmed) = cut_value(nest(200_000));
        assert!(trimmed.contains(r#""values_too_deep": 1"#), "{trimmed}");
    }

    #[test]
    fn a_record_has_a_size() {
        let limits = Limits { attributes_max: 1000, ..Limits::default() };
        let redactor = Redactor::new();
        let mut work = Work::new(&limits, &redactor, Timestamp::EPOCH);
        begin(&mut work);
        let value = || Value::string("x".repeat(16 << 10));
        let mut list: Attributes =
            (0..100).map(|at| (format!("k{at:03}").into(), value())).collect();
        assert_eq!(
            attributes(&mut list, &mut work),
            100 - 63,
            "63 values of 16 KiB and their keys"
        );
        let mut more: Attributes = vec![("small".into(), Value::Int(1)), ("large".into(), value())];
        assert_eq!(
            (attributes(&mut more, &mut work), more.len()),
            (1, 1),
            "what is small has room"
        );
        begin(&mut work);
        let mut more: Attributes = vec![("large".into(), value())];
        assert_eq!(attributes(&mut more, &mut work), 0);
    }
}
