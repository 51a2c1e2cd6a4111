//! How values stand in a fact's payload: JSON, each type's form written down once, here and in the files beside.
//!
//! Field names on disk are those that the macros list. A field that a later version adds is optional (`Option`), so that
//! every payload ever written stays readable.

use std::time::Duration;

use model::{Actor, ActorKind, Id, IdKind, Timestamp};
use serde_json::{Map, Value};

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    #[error("field `{field}` is missing")]
    Missing { field: &'static str },
    #[error("`{found}` is not {expected}")]
    Unexpected { found: String, expected: &'static str },
    #[error("field `{field}`: {inner}")]
    Inside { field: &'static str, inner: Box<DiskError> },
}

/// A value with a form on disk.
pub(crate) trait Disk: Sized {
    fn to_json(&self) -> Value;

    /// # Errors
    /// When the payload is of another form.
    fn from_json(json: &Value) -> Result<Self, DiskError>;

    /// What an absent field means; only an `Option` has an answer.
    fn absent() -> Option<Self> {
        None
    }
}

pub(crate) fn unexpected(found: &Value, expected: &'static str) -> DiskError {
    let mut found = found.to_string();
    found.truncate(found.floor_char_boundary(80));
    DiskError::Unexpected { found, expected }
}

pub(crate) fn object(json: &Value) -> Result<&Map<String, Value>, DiskError> {
    json.as_object().ok_or_else(|| unexpected(json, "an object"))
}

pub(crate) fn field<T: Disk>(
    object: &Map<String, Value>,
    name: &'static str,
) -> Result<T, DiskError> {
    match object.get(name) {
        Some(value) => T::from_json(value)
            .map_err(|inner| DiskError::Inside { field: name, inner: Box::new(inner) }),
        None => T::absent().ok_or(DiskError::Missing { field: name }),
    }
}

/// A struct as an object: its fields by name.
macro_rules! disk_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::record::disk::Disk for $type {
            fn to_json(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $(object.insert(stringify!($field).to_owned(), $crate::record::disk::Disk::to_json(&self.$field));)*
                serde_json::Value::Object(object)
            }

            fn from_json(json: &serde_json::Value) -> Result<Self, $crate::record::disk::DiskError> {
                let object = $crate::record::disk::object(json)?;
                Ok(Self { $($field: $crate::record::disk::field(object, stringify!($field))?),* })
            }
        }
    };
}

/// An enum without data as a word.
macro_rules! disk_words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $crate::record::disk::Disk for $type {
            fn to_json(&self) -> serde_json::Value {
                match self { $(Self::$variant => serde_json::Value::from($word)),* }
            }

            fn from_json(json: &serde_json::Value) -> Result<Self, $crate::record::disk::DiskError> {
                match json.as_str() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err($crate::record::disk::unexpected(json, concat!("one of", $(" `", $word, "`"),*))),
                }
            }
        }
    };
}

/// An enum of structs as an object with the variant's word under `is`.
macro_rules! disk_variants {
    ($type:ty { $($variant:ident = $word:literal { $($field:ident),* $(,)? }),* $(,)? }) => {
        impl $crate::record::disk::Disk for $type {
            fn to_json(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                match self {
                    $(Self::$variant { $($field),* } => {
                        object.insert("is".to_owned(), serde_json::Value::from($word));
                        $(object.insert(stringify!($field).to_owned(), $crate::record::disk::Disk::to_json($field));)*
                    })*
                }
                serde_json::Value::Object(object)
            }

            fn from_json(json: &serde_json::Value) -> Result<Self, $crate::record::disk::DiskError> {
                let object = $crate::record::disk::object(json)?;
                match object.get("is").and_then(serde_json::Value::as_str) {
                    $(Some($word) => Ok(Self::$variant {
                        $($field: $crate::record::disk::field(object, stringify!($field))?),*
                    }),)*
                    _ => Err($crate::record::disk::unexpected(json, concat!("one of", $(" `", $word, "`"),*))),
                }
            }
        }
    };
}

/// A context's facts: each variant with its kind in the journal.
macro_rules! disk_facts {
    ($type:ty { $($kind:literal => $variant:ident { $($field:ident),* $(,)? }),* $(,)? }) => {
        impl $crate::record::DiskFact for $type {
            #[cfg(test)]
            const KINDS: &'static [&'static str] = &[$($kind),*];

            fn kind(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $kind),* }
            }

            fn payload(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                match self {
                    $(Self::$variant { $($field),* } => {
                        $(object.insert(stringify!($field).to_owned(), $crate::record::disk::Disk::to_json($field));)*
                    })*
                }
                serde_json::Value::Object(object)
            }

            fn read(kind: &str, payload: &serde_json::Value) -> Option<Result<Self, $crate::record::disk::DiskError>> {
                match kind {
                    $($kind => Some((|| {
                        let object = $crate::record::disk::object(payload)?;
                        Ok(Self::$variant { $($field: $crate::record::disk::field(object, stringify!($field))?),* })
                    })()),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {disk_facts, disk_struct, disk_variants, disk_words};

impl Disk for bool {
    fn to_json(&self) -> Value {
        Value::Bool(*self)
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_bool().ok_or_else(|| unexpected(json, "a boolean"))
    }
}

macro_rules! disk_integer {
    ($($type:ty)*) => {$(
        impl Disk for $type {
            fn to_json(&self) -> Value {
                Value::from(*self)
            }

            fn from_json(json: &Value) -> Result<Self, DiskError> {
                json.as_u64()
                    .and_then(|value| Self::try_from(value).ok())
                    .ok_or_else(|| unexpected(json, concat!("a whole number that fits ", stringify!($type))))
            }
        }
    )*};
}

disk_integer!(u8 u16 u32 u64 usize);

impl Disk for i64 {
    fn to_json(&self) -> Value {
        Value::from(*self)
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_i64().ok_or_else(|| unexpected(json, "a whole number"))
    }
}

impl Disk for f64 {
    /// JSON has no infinities: they stand as words.
    fn to_json(&self) -> Value {
        serde_json::Number::from_f64(*self)
            .map_or_else(|| Value::from(self.to_string()), Value::Number)
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_f64()
            .or_else(|| json.as_str().and_then(|text| text.parse().ok()))
            .ok_or_else(|| unexpected(json, "a number"))
    }
}

impl Disk for Box<str> {
    fn to_json(&self) -> Value {
        Value::from(&**self)
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_str().map(Into::into).ok_or_else(|| unexpected(json, "a text"))
    }
}

impl Disk for String {
    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_str().map(Into::into).ok_or_else(|| unexpected(json, "a text"))
    }
}

impl<T: Disk> Disk for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        if json.is_null() { Ok(None) } else { T::from_json(json).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Disk> Disk for Vec<T> {
    fn to_json(&self) -> Value {
        self.iter().map(T::to_json).collect()
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_array()
            .ok_or_else(|| unexpected(json, "a list"))?
            .iter()
            .map(T::from_json)
            .collect()
    }
}

impl<T: Disk> Disk for Box<[T]> {
    fn to_json(&self) -> Value {
        self.iter().map(T::to_json).collect()
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        Vec::from_json(json).map(Vec::into_boxed_slice)
    }
}

impl<T: Disk> Disk for Box<T> {
    fn to_json(&self) -> Value {
        T::to_json(self)
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        T::from_json(json).map(Box::new)
    }
}

/// A pair as a list of two.
impl<A: Disk, B: Disk> Disk for (A, B) {
    fn to_json(&self) -> Value {
        Value::Array(vec![self.0.to_json(), self.1.to_json()])
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        match json.as_array().map(Vec::as_slice) {
            Some([a, b]) => Ok((A::from_json(a)?, B::from_json(b)?)),
            _ => Err(unexpected(json, "a list of two")),
        }
    }
}

/// RFC 3339 with nanoseconds.
impl Disk for Timestamp {
    fn to_json(&self) -> Value {
        Value::from(self.to_string())
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| unexpected(json, "an RFC 3339 time"))
    }
}

/// Whole nanoseconds.
impl Disk for Duration {
    fn to_json(&self) -> Value {
        Value::from(u64::try_from(self.as_nanos()).unwrap_or(u64::MAX))
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_u64()
            .map(Self::from_nanos)
            .ok_or_else(|| unexpected(json, "a number of nanoseconds"))
    }
}

impl<K: IdKind> Disk for Id<K> {
    fn to_json(&self) -> Value {
        Value::from(self.to_string())
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        json.as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| unexpected(json, "an id of this kind"))
    }
}

disk_words!(ActorKind { Human = "human", Machine = "machine", System = "system" });
disk_struct!(Actor { kind, id, via });

/// A SHA-256 in hexadecimal.
impl Disk for [u8; 32] {
    fn to_json(&self) -> Value {
        Value::from(hex::encode(self))
    }

    fn from_json(json: &Value) -> Result<Self, DiskError> {
        let mut hash = [0; 32];
        let text = json.as_str().ok_or_else(|| unexpected(json, "64 hexadecimal digits"))?;
        hex::decode_to_slice(text, &mut hash)
            .map_err(|_| unexpected(json, "64 hexadecimal digits"))?;
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sample {
        name: Box<str>,
        ratio: f64,
        later: Option<u32>,
    }
    disk_struct!(Sample { name, ratio, later });

    #[test]
    fn a_field_added_later_may_be_absent() {
        let old: Value = serde_json::json!({"name": "a", "ratio": "inf"});
        let read = Sample::from_json(&old).unwrap();
        assert_eq!(read, Sample { name: "a".into(), ratio: f64::INFINITY, later: None });
        assert_eq!(Sample::from_json(&read.to_json()).unwrap(), read);
    }

    #[test]
    fn an_error_names_the_field() {
        let check = |json: Value, expected: &str| {
            assert_eq!(Sample::from_json(&json).unwrap_err().to_string(), expected);
        };
        check(serde_json::json!({"ratio": 1}), "field `name` is missing");
        check(serde_json::json!({"name": "a", "ratio": []}), "field `ratio`: `[]` is not a number");
        check(serde_json::json!(3), "`3` is not an object");
    }
}
