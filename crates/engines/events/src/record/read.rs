//! Reads a record.

use std::sync::Arc;

use model::{
    Dropped, LogRecord, Resource, Scope, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId,
    span::{SpanEvent, SpanLink},
};
use twox_hash::xxhash3_128;
use wal::codec::{DecodeError, Reader};

use super::{
    Record, VERSION,
    value::{attributes, value},
};

/// What the fields of a record refer to by number, and the version that says which fields there are.
pub(super) struct Tables<'a> {
    version: u8,
    strings: Strings<'a>,
    base: Timestamp,
    resources: Vec<Arc<Resource>>,
    scopes: Vec<Arc<Scope>>,
}

/// The strings of a record, by number.
pub(super) struct Strings<'a>(Vec<&'a str>);

impl<'a> Strings<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        (0..reader.len("strings")?)
            .map(|_| reader.str("string"))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The string whose number is next.
    pub(super) fn get(&self, reader: &mut Reader<'_>) -> Result<&'a str, DecodeError> {
        let number = reader.uint("string number")?;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        self.0.get(number).copied().ok_or(reader.error("string number"))
    }

    fn get_box(&self, reader: &mut Reader<'_>) -> Result<Box<str>, DecodeError> {
        self.get(reader).map(Box::from)
    }
}

impl<'a> Tables<'a> {
    fn read(reader: &mut Reader<'a>, version: u8, base: Timestamp) -> Result<Self, DecodeError> {
        let strings = Strings::read(reader)?;
        let mut tables = Self { version, strings, base, resources: Vec::new(), scopes: Vec::new() };
        tables.resources = (0..reader.len("resources")?)
            .map(|_| tables.resource(reader).map(Arc::new))
            .collect::<Result<_, _>>()?;
        tables.scopes = if tables.is_first() {
            vec![Arc::default()]
        } else {
            (0..reader.len("scopes")?)
                .map(|_| tables.scope(reader).map(Arc::new))
                .collect::<Result<_, _>>()?
        };
        Ok(tables)
    }

    /// Whether the record is of version 1, which knew no scopes and nothing of what was dropped.
    fn is_first(&self) -> bool {
        self.version == 1
    }

    fn emitter(&self, reader: &mut Reader<'_>) -> Result<(Arc<Resource>, Arc<Scope>), DecodeError> {
        let resource = shared(&self.resources, reader, "resource number")?;
        let scope = if self.is_first() {
            Arc::clone(&self.scopes[0])
        } else {
            shared(&self.scopes, reader, "scope number")?
        };
        Ok((resource, scope))
    }

    /// A text that version 1 did not have.
    fn later_text(&self, reader: &mut Reader<'_>) -> Result<Box<str>, DecodeError> {
        if self.is_first() { Ok(Box::default()) } else { self.strings.get_box(reader) }
    }

    /// A number that version 1 did not have.
    fn later_number(&self, reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
        if self.is_first() {
            return Ok(0);
        }
        u32::try_from(reader.uint("number")?).map_err(|_| reader.error("number"))
    }

    fn resource(&self, reader: &mut Reader<'_>) -> Result<Resource, DecodeError> {
        let strings = &self.strings;
        Ok(Resource {
            service: strings.get_box(reader)?,
            version: strings.get_box(reader)?,
            environment: strings.get_box(reader)?,
            instance: strings.get_box(reader)?,
            schema_url: self.later_text(reader)?,
            dropped_attributes: self.later_number(reader)?,
            attributes: attributes(reader, strings)?,
        })
    }

    fn scope(&self, reader: &mut Reader<'_>) -> Result<Scope, DecodeError> {
        Ok(Scope {
            name: self.strings.get_box(reader)?,
            version: self.strings.get_box(reader)?,
            schema_url: self.strings.get_box(reader)?,
            dropped_attributes: self.later_number(reader)?,
            attributes: attributes(reader, &self.strings)?,
        })
    }

    fn span(&self, reader: &mut Reader<'_>) -> Result<Span, DecodeError> {
        let (resource, scope) = self.emitter(reader)?;
        let trace_id = TraceId(reader.array("trace id")?);
        let span_id = SpanId(reader.array("span id")?);
        let parent = optional(reader)?.map(SpanId);
        let trace_state = self.later_text(reader)?;
        let flags = self.later_number(reader)?;
        let dropped = Dropped {
            attributes: self.later_number(reader)?,
            events: self.later_number(reader)?,
            links: self.later_number(reader)?,
        };
        let kind = kind(reader)?;
        let status = status(reader)?;
        let name = self.strings.get_box(reader)?;
        let status_message = self.strings.get_box(reader)?;
        let start = time(reader, self.base)?;
        let end = time(reader, start)?;
        let attributes = attributes(reader, &self.strings)?;
        let events = (0..reader.len("events")?)
            .map(|_| self.event(reader, start))
            .collect::<Result<_, _>>()?;
        let links =
            (0..reader.len("links")?).map(|_| self.link(reader)).collect::<Result<_, _>>()?;
        Ok(Span {
            trace_id,
            span_id,
            parent,
            trace_state,
            flags,
            resource,
            scope,
            name,
            kind,
            start,
            end,
            status,
            status_message,
            attributes,
            events,
            links,
            dropped,
        })
    }

    fn event(&self, reader: &mut Reader<'_>, start: Timestamp) -> Result<SpanEvent, DecodeError> {
        Ok(SpanEvent {
            at: time(reader, start)?,
            name: self.strings.get_box(reader)?,
            dropped_attributes: self.later_number(reader)?,
            attributes: attributes(reader, &self.strings)?,
        })
    }

    fn link(&self, reader: &mut Reader<'_>) -> Result<SpanLink, DecodeError> {
        Ok(SpanLink {
            trace_id: TraceId(reader.array("trace id")?),
            span_id: SpanId(reader.array("span id")?),
            trace_state: self.later_text(reader)?,
            flags: self.later_number(reader)?,
            dropped_attributes: self.later_number(reader)?,
            attributes: attributes(reader, &self.strings)?,
        })
    }

    fn log(&self, reader: &mut Reader<'_>) -> Result<LogRecord, DecodeError> {
        let (resource, scope) = self.emitter(reader)?;
        let at = time(reader, self.base)?;
        let times = if self.is_first() { 1 } else { reader.byte("times")? };
        let observed_at = if times & 2 == 0 { None } else { Some(time(reader, self.base)?) };
        Ok(LogRecord {
            resource,
            scope,
            at,
            timed: times & 1 == 1,
            observed_at,
            severity: reader.byte("severity")?,
            severity_text: self.strings.get_box(reader)?,
            body: value(reader, &self.strings)?,
            event_name: self.later_text(reader)?,
            flags: self.later_number(reader)?,
            dropped_attributes: self.later_number(reader)?,
            trace_id: optional(reader)?.map(TraceId),
            span_id: optional(reader)?.map(SpanId),
            attributes: attributes(reader, &self.strings)?,
        })
    }
}

/// Reads a whole record.
pub(crate) fn decode(payload: &[u8]) -> Result<Record, DecodeError> {
    let reader = &mut Reader::new(payload);
    let version = reader.byte("version")?;
    let head = match version {
        1 => Head::first(&mut Reader::new(reader.bytes("summary")?))?,
        VERSION => Head::read(reader)?,
        _ => return Err(reader.error("version")),
    };
    let tables = Tables::read(reader, version, head.base)?;
    // Each item is checked against the input as it is read, so nothing is reserved for what the counts say.
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    for _ in 0..head.spans {
        spans.push(tables.span(reader)?);
    }
    for _ in 0..head.logs {
        logs.push(tables.log(reader)?);
    }
    if !reader.is_empty() {
        return Err(reader.error("the end"));
    }
    Ok(Record { received_at: head.received_at, spans, logs })
}

/// When a record came, without reading the rest of it.
pub(crate) fn received_at(payload: &[u8]) -> Option<Timestamp> {
    let reader = &mut Reader::new(payload);
    let head = match reader.byte("version").ok()? {
        1 => Head::first(&mut Reader::new(reader.bytes("summary").ok()?)),
        VERSION => Head::read(reader),
        _ => return None,
    };
    head.ok().map(|head| head.received_at)
}

/// A hash of all of a record but when it came; `None` for a record of another version.
pub(crate) fn identity(payload: &[u8]) -> Option<u128> {
    let reader = &mut Reader::new(payload);
    if reader.byte("version").ok()? != VERSION {
        return None;
    }
    reader.int("time").ok()?;
    Some(xxhash3_128::Hasher::oneshot(reader.rest()))
}

struct Head {
    received_at: Timestamp,
    /// What the times are differences from.
    base: Timestamp,
    spans: u64,
    logs: u64,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut time = || reader.int("time").map(Timestamp::from_nanos);
        let (received_at, base) = (time()?, time()?);
        Ok(Self { received_at, base, spans: reader.uint("spans")?, logs: reader.uint("logs")? })
    }

    /// Of version 1.
    fn first(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let received_at = Timestamp::from_nanos(reader.int("time")?);
        let (spans, logs) = (reader.uint("spans")?, reader.uint("logs")?);
        Ok(Self { received_at, base: received_at, spans, logs })
    }
}

fn shared<T>(
    values: &[Arc<T>],
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<Arc<T>, DecodeError> {
    let number = usize::try_from(reader.uint(what)?).unwrap_or(usize::MAX);
    values.get(number).map(Arc::clone).ok_or(reader.error(what))
}

fn time(reader: &mut Reader<'_>, base: Timestamp) -> Result<Timestamp, DecodeError> {
    Ok(Timestamp::from_nanos(base.as_nanos().wrapping_add(reader.int("time")?)))
}

fn optional<const N: usize>(reader: &mut Reader<'_>) -> Result<Option<[u8; N]>, DecodeError> {
    match reader.byte("presence")? {
        0 => Ok(None),
        1 => reader.array("id").map(Some),
        _ => Err(reader.error("presence")),
    }
}

fn kind(reader: &mut Reader<'_>) -> Result<SpanKind, DecodeError> {
    Ok(match reader.byte("span kind")? {
        0 => SpanKind::Internal,
        1 => SpanKind::Server,
        2 => SpanKind::Client,
        3 => SpanKind::Producer,
        4 => SpanKind::Consumer,
        5 => SpanKind::Unspecified,
        _ => return Err(reader.error("span kind")),
    })
}

fn status(reader: &mut Reader<'_>) -> Result<SpanStatus, DecodeError> {
    Ok(match reader.byte("span status")? {
        0 => SpanStatus::Unset,
        1 => SpanStatus::Ok,
        2 => SpanStatus::Error,
        _ => return Err(reader.error("span status")),
    })
}
