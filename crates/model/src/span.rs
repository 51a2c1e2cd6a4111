//! A span of a distributed trace (OpenTelemetry trace data model).

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use crate::{Attributes, Resource, Scope, Timestamp};

/// 16 bytes, printed as 32 hex digits (W3C Trace Context).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId(pub [u8; 16]);

/// 8 bytes, printed as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub [u8; 8]);

/// Why a text is not a trace or span id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {digits} hex digits")]
pub struct ParseHexError {
    text: String,
    digits: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SpanKind {
    /// The emitter did not say; counted as internal.
    #[default]
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SpanStatus {
    #[default]
    Unset,
    Ok,
    Error,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    /// W3C Trace Context's `tracestate`, as it came; empty when absent.
    pub trace_state: Box<str>,
    /// W3C trace flags in the low 8 bits; OpenTelemetry's `SpanFlags` above.
    pub flags: u32,
    pub resource: Arc<Resource>,
    pub scope: Arc<Scope>,
    /// The operation, such as `POST /checkout`.
    pub name: Box<str>,
    pub kind: SpanKind,
    pub start: Timestamp,
    pub end: Timestamp,
    pub status: SpanStatus,
    /// The status' description; empty when absent.
    pub status_message: Box<str>,
    pub attributes: Attributes,
    pub events: Vec<SpanEvent>,
    pub links: Vec<SpanLink>,
    /// What the emitter or a limit left out.
    pub dropped: Dropped,
}

/// How many parts of a span were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    pub attributes: u32,
    pub events: u32,
    pub links: u32,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct SpanEvent {
    pub at: Timestamp,
    pub name: Box<str>,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct SpanLink {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub trace_state: Box<str>,
    pub flags: u32,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

impl Span {
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }
}

macro_rules! hex_id {
    ($id:ident, $bytes:literal) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $id {
            type Err = ParseHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let error = || ParseHexError { text: text.to_owned(), digits: $bytes * 2 };
                let digits = text.as_bytes();
                if digits.len() != $bytes * 2 {
                    return Err(error());
                }
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let high = char::from(pair[0]).to_digit(16).ok_or_else(error)?;
                    let low = char::from(pair[1]).to_digit(16).ok_or_else(error)?;
                    *byte = u8::try_from(high * 16 + low).map_err(|_| error())?;
                }
                Ok(Self(bytes))
            }
        }
    };
}

hex_id!(TraceId, 16);
hex_id!(SpanId, 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_as_hex() {
        let text = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(text.parse::<TraceId>().unwrap().to_string(), text);
        for bad in ["", "4b", "4bf92f3577b34da6a3ce929d0e0e473g", "é".repeat(16).as_str()] {
            assert!(bad.parse::<TraceId>().is_err(), "{bad}");
        }
    }
}
