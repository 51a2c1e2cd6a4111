//! Attribute values, as OpenTelemetry has them.

use std::fmt;

/// A value of an attribute or a log's body (OpenTelemetry's `AnyValue`).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    String(Box<str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Box<[u8]>),
    Array(Vec<Value>),
    Map(Attributes),
    #[default]
    Empty,
}

/// Attributes in the order in which they came; keys are unique.
pub type Attributes = Vec<(Box<str>, Value)>;

impl Value {
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::String(text.into())
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Bytes(_)
            | Self::Array(_)
            | Self::Map(_)
            | Self::Empty => None,
        }
    }
}

/// The first value of `key`.
pub fn attribute<'a>(attributes: &'a [(Box<str>, Value)], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|(name, _)| name.as_ref() == key).map(|(_, value)| value)
}

impl fmt::Display for Value {
    /// A plain text for people and for labels: strings bare, the rest as JSON would have it, bytes in hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Array(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    nested(value, f)?;
                }
                f.write_str("]")
            }
            Self::Map(attributes) => {
                f.write_str("{")?;
                for (at, (key, value)) in attributes.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{key:?}:")?;
                    nested(value, f)?;
                }
                f.write_str("}")
            }
            Self::Empty => Ok(()),
        }
    }
}

fn nested(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(text) => write!(f, "{text:?}"),
        Value::Empty => f.write_str("null"),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Array(_)
        | Value::Map(_) => fmt::Display::fmt(value, f),
    }
}
