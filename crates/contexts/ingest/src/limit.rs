//! Limits on single records: what is too long is cut with a marker, what is too many is dropped, both counted.

use model::{Attributes, Value};

use crate::Work;

/// What a cut text ends with.
pub const MARKER: &str = "…[truncated]";
/// Attribute keys beyond this are no names; the attribute is dropped.
pub const KEY_BYTES_MAX: usize = 1 << 10;

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
        kept.push((key, value));
    }
    let dropped = before - kept.len();
    work.tally.trim("attributes_dropped", dropped as u64);
    *attributes = kept;
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

fn attribute_value(value: &mut Value, work: &mut Work<'_>) {
    if fit(value, work.limits.attribute_value_bytes_max) {
        work.tally.trim("values_truncated", 1);
    }
}

/// A log's body within `limits.max_log_bytes`.
pub fn log_body(body: &mut Value, work: &mut Work<'_>) {
    if fit(body, work.limits.log_bytes_max) {
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
fn fit(value: &mut Value, max: usize) -> bool {
    if !exceeds(value, max) {
        return false;
    }
    *value = match value {
        Value::String(text) => cut(text, max).map_or(Value::Empty, Value::String),
        Value::Bytes(bytes) => Value::Bytes(bytes.iter().copied().take(max).collect()),
        Value::Array(_) | Value::Map(_) => {
            let text = value.to_string();
            Value::String(cut(&text, max).unwrap_or_else(|| text.into()))
        }
        Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Empty => return false,
    };
    true
}

/// The text cut at a character, with the marker; `None` when it fits.
fn cut(text: &str, max: usize) -> Option<Box<str>> {
    if text.len() <= max {
        return None;
    }
    let mut end = max.saturating_sub(MARKER.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).expect("the end was moved to a character's boundary");
    Some(format!("{head}{MARKER}").into())
}

fn exceeds(value: &Value, max: usize) -> bool {
    fn spend(value: &Value, left: &mut usize) -> bool {
        let cost = match value {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Empty => 1,
            Value::Array(values) => {
                return values.iter().all(|value| take(1, left) && spend(value, left));
            }
            Value::Map(attributes) => {
                return attributes
                    .iter()
                    .all(|(key, value)| take(key.len(), left) && spend(value, left));
            }
        };
        take(cost, left)
    }
    fn take(cost: usize, left: &mut usize) -> bool {
        left.checked_sub(cost).is_some_and(|rest| {
            *left = rest;
            true
        })
    }
    let mut left = max;
    !spend(value, &mut left)
}

#[cfg(test)]
mod tests {
    use model::{Limits, Timestamp};

    use super::*;
    use crate::Redactor;

    fn with_work<T>(run: impl FnOnce(&mut Work<'_>) -> T) -> (T, String) {
        let limits =
            Limits { attributes_max: 2, attribute_value_bytes_max: 32, ..Limits::default() };
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

    #[test]
    fn cuts_at_a_character() {
        let check = |mut value: Value| {
            with_work(|work| {
                attribute_value(&mut value, work);
                value.to_string()
            })
        };
        assert_eq!(check(Value::string("short")).0, "short");
        let (text, trimmed) = check(Value::string("é".repeat(40)));
        assert_eq!(
            (text.as_str(), trimmed.as_str()),
            ("ééééééééé…[truncated]", r#"{"values_truncated": 1}"#)
        );
        let nested =
            Value::Array(vec![Value::string("x".repeat(20)), Value::string("y".repeat(20))]);
        assert_eq!(check(nested).0, r#"["xxxxxxxxxxxxxxxx…[truncated]"#);
    }
}
