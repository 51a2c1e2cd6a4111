//! Reads a record.

use std::sync::Arc;

use model::{
    LogRecord, Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId,
    span::{SpanEvent, SpanLink},
};
use wal::codec::{DecodeError, Reader};

use super::{
    Record, Summary,
    value::{attributes, value},
};

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

pub(super) fn body(summary: &Summary, mut reader: Reader<'_>) -> Result<Record, DecodeError> {
    let reader = &mut reader;
    let strings = Strings::read(reader)?;
    let resources: Vec<Arc<Resource>> = (0..reader.len("resources")?)
        .map(|_| resource(reader, &strings).map(Arc::new))
        .collect::<Result<_, _>>()?;
    let of = |reader: &mut Reader<'_>| {
        let number = usize::try_from(reader.uint("resource number")?).unwrap_or(usize::MAX);
        resources.get(number).map(Arc::clone).ok_or(reader.error("resource number"))
    };
    let base = summary.received_at;
    // The counts are the summary's; each item is checked against the input as it is read, so nothing is reserved.
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    for _ in 0..summary.spans {
        let resource = of(reader)?;
        spans.push(span(reader, &strings, base, resource)?);
    }
    for _ in 0..summary.logs {
        let resource = of(reader)?;
        logs.push(log(reader, &strings, base, resource)?);
    }
    if !reader.is_empty() {
        return Err(reader.error("the end"));
    }
    Ok(Record { received_at: base, spans, logs })
}

fn resource(reader: &mut Reader<'_>, strings: &Strings<'_>) -> Result<Resource, DecodeError> {
    Ok(Resource {
        service: strings.get_box(reader)?,
        version: strings.get_box(reader)?,
        environment: strings.get_box(reader)?,
        instance: strings.get_box(reader)?,
        attributes: attributes(reader, strings)?,
    })
}

fn time(reader: &mut Reader<'_>, base: Timestamp) -> Result<Timestamp, DecodeError> {
    Ok(Timestamp::from_nanos(base.as_nanos().wrapping_add(reader.int("time")?)))
}

fn span(
    reader: &mut Reader<'_>,
    strings: &Strings<'_>,
    base: Timestamp,
    resource: Arc<Resource>,
) -> Result<Span, DecodeError> {
    let trace_id = TraceId(reader.array("trace id")?);
    let span_id = SpanId(reader.array("span id")?);
    let parent = optional(reader)?.map(SpanId);
    let kind = kind(reader)?;
    let status = status(reader)?;
    let name = strings.get_box(reader)?;
    let status_message = strings.get_box(reader)?;
    let start = time(reader, base)?;
    let end = time(reader, start)?;
    let attributes = attributes(reader, strings)?;
    let events = (0..reader.len("events")?)
        .map(|_| event(reader, strings, start))
        .collect::<Result<_, _>>()?;
    let links =
        (0..reader.len("links")?).map(|_| link(reader, strings)).collect::<Result<_, _>>()?;
    Ok(Span {
        trace_id,
        span_id,
        parent,
        resource,
        name,
        kind,
        start,
        end,
        status,
        status_message,
        attributes,
        events,
        links,
    })
}

fn event(
    reader: &mut Reader<'_>,
    strings: &Strings<'_>,
    start: Timestamp,
) -> Result<SpanEvent, DecodeError> {
    Ok(SpanEvent {
        at: time(reader, start)?,
        name: strings.get_box(reader)?,
        attributes: attributes(reader, strings)?,
    })
}

fn link(reader: &mut Reader<'_>, strings: &Strings<'_>) -> Result<SpanLink, DecodeError> {
    Ok(SpanLink {
        trace_id: TraceId(reader.array("trace id")?),
        span_id: SpanId(reader.array("span id")?),
        attributes: attributes(reader, strings)?,
    })
}

fn log(
    reader: &mut Reader<'_>,
    strings: &Strings<'_>,
    base: Timestamp,
    resource: Arc<Resource>,
) -> Result<LogRecord, DecodeError> {
    Ok(LogRecord {
        resource,
        at: time(reader, base)?,
        severity: reader.byte("severity")?,
        severity_text: strings.get_box(reader)?,
        body: value(reader, strings)?,
        trace_id: optional(reader)?.map(TraceId),
        span_id: optional(reader)?.map(SpanId),
        attributes: attributes(reader, strings)?,
    })
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
