//! Attribute values, written and read.

use model::{Attributes, Value};
use wal::codec::{DecodeError, Reader, put_bytes, put_int, put_len, put_uint};

use super::{read::Strings, write::Dictionary};

/// A value nested deeper is written as its text.
const DEPTH_MAX: usize = 64;
/// A longer text is unlikely to come twice in one request.
const SHARED_BYTES_MAX: usize = 64;

const EMPTY: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const DOUBLE: u8 = 4;
const SHARED: u8 = 5;
const TEXT: u8 = 6;
const BYTES: u8 = 7;
const ARRAY: u8 = 8;
const MAP: u8 = 9;

pub(super) fn put_attributes<'a>(
    out: &mut Vec<u8>,
    strings: &mut Dictionary<'a>,
    attributes: &'a [(Box<str>, Value)],
) {
    put_map(out, strings, attributes, 0);
}

pub(super) fn put_value<'a>(out: &mut Vec<u8>, strings: &mut Dictionary<'a>, value: &'a Value) {
    put_nested(out, strings, value, 0);
}

fn put_map<'a>(
    out: &mut Vec<u8>,
    strings: &mut Dictionary<'a>,
    attributes: &'a [(Box<str>, Value)],
    depth: usize,
) {
    put_len(out, attributes.len());
    for (key, value) in attributes {
        put_uint(out, strings.number(key));
        put_nested(out, strings, value, depth + 1);
    }
}

fn put_nested<'a>(out: &mut Vec<u8>, strings: &mut Dictionary<'a>, value: &'a Value, depth: usize) {
    match value {
        Value::Array(_) | Value::Map(_) if depth >= DEPTH_MAX => {
            out.push(TEXT);
            put_bytes(out, value.to_string().as_bytes());
        }
        Value::Empty => out.push(EMPTY),
        Value::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
        Value::Int(value) => {
            out.push(INT);
            put_int(out, *value);
        }
        Value::Double(value) => {
            out.push(DOUBLE);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Value::String(text) if text.len() <= SHARED_BYTES_MAX => {
            out.push(SHARED);
            put_uint(out, strings.number(text));
        }
        Value::String(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Bytes(bytes) => {
            out.push(BYTES);
            put_bytes(out, bytes);
        }
        Value::Array(values) => {
            out.push(ARRAY);
            put_len(out, values.len());
            for value in values {
                put_nested(out, strings, value, depth + 1);
            }
        }
        Value::Map(attributes) => {
            out.push(MAP);
            put_map(out, strings, attributes, depth);
        }
    }
}

pub(super) fn attributes(
    reader: &mut Reader<'_>,
    strings: &Strings<'_>,
) -> Result<Attributes, DecodeError> {
    map(reader, strings, 0)
}

pub(super) fn value(reader: &mut Reader<'_>, strings: &Strings<'_>) -> Result<Value, DecodeError> {
    nested(reader, strings, 0)
}

fn map(
    reader: &mut Reader<'_>,
    strings: &Strings<'_>,
    depth: usize,
) -> Result<Attributes, DecodeError> {
    (0..reader.len("attributes")?)
        .map(|_| Ok((strings.get(reader)?.into(), nested(reader, strings, depth + 1)?)))
        .collect()
}

fn nested(
    reader: &mut Reader<'_>,
    strings: &Strings<'_>,
    depth: usize,
) -> Result<Value, DecodeError> {
    Ok(match reader.byte("value")? {
        EMPTY => Value::Empty,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT => Value::Int(reader.int("integer")?),
        DOUBLE => Value::Double(f64::from_bits(u64::from_le_bytes(reader.array("double")?))),
        SHARED => Value::string(strings.get(reader)?),
        TEXT => Value::string(reader.str("text")?),
        BYTES => Value::Bytes(reader.bytes("bytes")?.into()),
        // One more than is written: a map in an attribute counts from the attribute.
        ARRAY | MAP if depth > DEPTH_MAX => return Err(reader.error("nested value")),
        ARRAY => Value::Array(
            (0..reader.len("array")?)
                .map(|_| nested(reader, strings, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        MAP => Value::Map(map(reader, strings, depth)?),
        _ => return Err(reader.error("value")),
    })
}
