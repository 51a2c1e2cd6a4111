//! Fields whose JSON may be written in several ways.

use std::{fmt, marker::PhantomData, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};

/// `null` is the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Nullable<T>(pub(super) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| Self(value.unwrap_or_default()))
    }
}

/// An integer, written as a number or a string.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Int<T>(pub(super) T);

struct IntVisitor<T>(PhantomData<T>);

impl<T: TryFrom<i64> + TryFrom<u64> + FromStr> Visitor<'_> for IntVisitor<T> {
    type Value = Int<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer in range, or a string that holds one")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Int<T>, E> {
        T::try_from(value)
            .map(Int)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Int<T>, E> {
        T::try_from(value).map(Int).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Int<T>, E> {
        text.parse().map(Int).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Int<T>, E> {
        self.visit_u64(0)
    }
}

impl<'de, T: TryFrom<i64> + TryFrom<u64> + FromStr> Deserialize<'de> for Int<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor(PhantomData))
    }
}

/// A float, written as a number or a string.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Float(pub(super) f64);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, `\"NaN\"`, `\"Infinity\"` or `\"-Infinity\"`")]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            Written::Text(text) => match text.as_str() {
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                "NaN" => Ok(Self(f64::NAN)),
                other => {
                    other.parse().ok().filter(|value: &f64| value.is_finite()).map(Self).ok_or_else(
                        || de::Error::invalid_value(Unexpected::Str(other), &"a number"),
                    )
                }
            },
        }
    }
}

/// An enumeration, written as its number or its name; a name that is not known is the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Enum(Option<Written>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "an enumeration's number or name")]
enum Written {
    Number(i32),
    Name(String),
}

impl<'de> Deserialize<'de> for Enum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

impl Enum {
    pub(super) fn number<T: Into<i32>>(self, by_name: impl Fn(&str) -> Option<T>) -> i32 {
        match self.0 {
            None => 0,
            Some(Written::Number(number)) => number,
            Some(Written::Name(name)) => {
                name.parse().unwrap_or_else(|_| by_name(&name).map_or(0, Into::into))
            }
        }
    }
}

/// Bytes in base 64.
#[derive(Clone, Debug, Default)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| de::Error::custom("bytes are not in base 64");
        BASE64_STANDARD.decode(&text).map(Self).map_err(wrong)
    }
}

/// A trace or span id in hex; empty when absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Hex(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        let digits = text.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |pair: &[u8]| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        };
        digits
            .chunks(2)
            .map(byte)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| de::Error::custom("an id is not in hex"))
    }
}
