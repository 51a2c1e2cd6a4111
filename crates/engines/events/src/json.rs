//! Attribute values as JSON that keeps their types.
//!
//! What JSON has is written as JSON has it; a double always has a point, an exponent or is one of the words below, so that it
//! is told from an integer. What JSON has not is an object with one telling key: `{"$bytes":"<base64>"}`,
//! `{"$double":"NaN"}`, and `{"$map":[["key",value],…]}` for a map whose keys repeat or begin with `$`.

use std::fmt::{self, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Attributes, Value};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A value nested deeper is written as its text; telling objects add levels, and parsers give up at 128.
const DEPTH_MAX: usize = 32;

/// Appends the value to `out`.
pub(crate) fn write(value: &Value, out: &mut String) {
    nested(value, out, 0);
}

fn nested(value: &Value, out: &mut String, depth: usize) {
    match value {
        Value::Empty => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => drop(write!(out, "{value}")),
        // Rust's `Debug` always writes a point or an exponent, and reads back the same.
        Value::Double(value) if value.is_finite() => drop(write!(out, "{value:?}")),
        Value::Double(value) => drop(write!(out, "{{\"$double\":\"{value}\"}}")),
        Value::String(text) => string(text, out),
        Value::Bytes(bytes) => {
            out.push_str("{\"$bytes\":\"");
            BASE64_STANDARD.encode_string(bytes, out);
            out.push_str("\"}");
        }
        Value::Array(_) | Value::Map(_) if depth >= DEPTH_MAX => string(&value.to_string(), out),
        Value::Array(values) => {
            out.push('[');
            separated(values, out, |value, out| nested(value, out, depth + 1));
            out.push(']');
        }
        Value::Map(pairs) if is_plain(pairs) => {
            out.push('{');
            separated(pairs, out, |(key, value), out| {
                string(key, out);
                out.push(':');
                nested(value, out, depth + 1);
            });
            out.push('}');
        }
        Value::Map(pairs) => {
            out.push_str("{\"$map\":[");
            separated(pairs, out, |(key, value), out| {
                out.push('[');
                string(key, out);
                out.push(',');
                nested(value, out, depth + 1);
                out.push(']');
            });
            out.push_str("]}");
        }
    }
}

fn separated<T>(items: &[T], out: &mut String, mut write: impl FnMut(&T, &mut String)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out);
    }
}

fn string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Whether a JSON object can hold it: no key twice, none that tells a type.
fn is_plain(pairs: &Attributes) -> bool {
    let unique = |at: usize, key: &str| pairs[..at].iter().all(|(before, _)| **before != *key);
    // Long maps are not searched for doubles in quadratic time.
    pairs.len() <= 64
        && pairs.iter().enumerate().all(|(at, (key, _))| !key.starts_with('$') && unique(at, key))
}

/// The value of a text that [`write`] wrote; any other JSON is read as what it seems, and what is no JSON as a string.
pub(crate) fn read(text: &str) -> Value {
    serde_json::from_str::<Read>(text).map_or_else(|_| Value::string(text), |read| read.0)
}

struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadVisitor).map(Self)
    }
}

/// Keeps the order of a map's keys, which a JSON document in memory does not.
struct ReadVisitor;

impl<'de> Visitor<'de> for ReadVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Empty)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "we write no integer that is too large")]
        let double = value as f64;
        Ok(i64::try_from(value).map_or(Value::Double(double), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Double(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Read(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut pairs = Attributes::new();
        while let Some((key, Read(value))) = entries.next_entry::<String, Read>()? {
            pairs.push((key.into(), value));
        }
        Ok(told(&pairs).unwrap_or(Value::Map(pairs)))
    }
}

/// The value of an object that tells a type.
fn told(pairs: &Attributes) -> Option<Value> {
    let [(key, value)] = &pairs[..] else { return None };
    match (&**key, value) {
        ("$bytes", Value::String(text)) => {
            BASE64_STANDARD.decode(&**text).ok().map(|bytes| Value::Bytes(bytes.into()))
        }
        ("$double", Value::String(text)) => text.parse().ok().map(Value::Double),
        ("$map", Value::Array(pairs)) => {
            let pair = |pair: &Value| match pair {
                Value::Array(pair) => match &pair[..] {
                    [Value::String(key), value] => Some((key.clone(), value.clone())),
                    _ => None,
                },
                _ => None,
            };
            pairs.iter().map(pair).collect::<Option<_>>().map(Value::Map)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(value: &Value) -> Value {
        let mut text = String::new();
        write(value, &mut text);
        read(&text)
    }

    #[test]
    fn keeps_what_json_does_not_have() {
        let pairs = |pairs: &[(&str, Value)]| {
            Value::Map(pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
        };
        for value in [
            Value::Double(3.0),
            Value::Double(-0.0),
            Value::Double(1e300),
            Value::Double(f64::MIN_POSITIVE / 3.0),
            Value::Double(f64::INFINITY),
            Value::Int(i64::MIN),
            Value::Bytes([0, 255].into()),
            Value::Empty,
            pairs(&[("a", Value::Int(1)), ("a", Value::Int(2))]),
            pairs(&[("$bytes", Value::string("AA=="))]),
            pairs(&[("z", Value::Int(1)), ("b", Value::Array(vec![Value::Empty]))]),
        ] {
            assert_eq!(round_trip(&value), value);
        }
        let Value::Double(nan) = round_trip(&Value::Double(f64::NAN)) else { unreachable!() };
        assert!(nan.is_nan());
    }

    proptest! {
        #[test]
        fn every_double_comes_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(round_trip(&Value::Double(value)), Value::Double(value));
        }

        #[test]
        fn any_text_is_read_as_something(text: String) {
            read(&text);
        }
    }
}
