//! Spans as rows.

use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch, StructArray};
use model::{
    Dropped, Span, SpanKind, SpanStatus, Timestamp,
    span::{SpanEvent, SpanLink},
};

use super::{
    attributes::{Common, Told},
    hex,
    read::{Attached, Emitters, ReadError, Rows},
    write::{Counts, Lists, Longs, Maps, Texts, Times},
};
use crate::schema::{Promoted, Signal, event_struct, link_struct};

pub(super) fn write<'r>(
    spans: impl IntoIterator<Item = &'r Span>,
    promoted: &Promoted,
) -> RecordBatch {
    let (mut start, mut duration) = (Times::default(), Longs::default());
    let [mut trace, mut id, mut parent, mut state] = [(); 4].map(|()| Texts::default());
    let [mut name, mut kind, mut status, mut message] = [(); 4].map(|()| Texts::default());
    let [mut flags, mut events_dropped, mut links_dropped] = [(); 3].map(|()| Counts::default());
    let (mut events, mut links) = (Events::default(), Links::default());
    let mut common = Common::new(promoted);
    let mut text = String::new();
    for span in spans {
        start.push(span.start);
        duration.push(span.end.as_nanos().wrapping_sub(span.start.as_nanos()));
        hex(&span.trace_id.0, &mut text);
        trace.push(&text);
        hex(&span.span_id.0, &mut text);
        id.push(&text);
        text.clear();
        if let Some(parent) = &span.parent {
            hex(&parent.0, &mut text);
        }
        parent.push_some(&text);
        state.push_some(&span.trace_state);
        flags.push(span.flags);
        name.push(&span.name);
        kind.push(kind_name(span.kind));
        status.push(status_name(span.status));
        message.push_some(&span.status_message);
        events_dropped.push(span.dropped.events);
        links_dropped.push(span.dropped.links);
        common.push(&Told::from(span));
        events.push(&span.events);
        links.push(&span.links, &mut text);
    }
    let first = vec![
        start.finish(),
        duration.finish(),
        trace.finish(),
        id.finish(),
        parent.finish(),
        state.finish(),
        flags.finish(),
        name.finish(),
        kind.finish(),
        status.finish(),
        message.finish(),
    ];
    let last =
        vec![events_dropped.finish(), links_dropped.finish(), events.finish(), links.finish()];
    common.finish(first, last, Signal::Spans)
}

/// As the tables write it; OpenTelemetry's names without their prefix.
pub(crate) const fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    }
}

pub(crate) const fn status_name(status: SpanStatus) -> &'static str {
    match status {
        SpanStatus::Unset => "Unset",
        SpanStatus::Ok => "Ok",
        SpanStatus::Error => "Error",
    }
}

#[derive(Default)]
struct Events {
    rows: Lists,
    at: Times,
    name: Texts,
    attributes: Maps,
    dropped: Counts,
    count: usize,
}

impl Events {
    fn push(&mut self, events: &[SpanEvent]) {
        for event in events {
            self.at.push(event.at);
            self.name.push(&event.name);
            for (key, value) in &event.attributes {
                self.attributes.push(key, value);
            }
            self.attributes.close_row();
            self.dropped.push(event.dropped_attributes);
        }
        self.count += events.len();
        self.rows.close_row(self.count);
    }

    fn finish(self) -> datafusion::arrow::array::ArrayRef {
        let [texts, others] = self.attributes.finish();
        let columns =
            vec![self.at.finish(), self.name.finish(), texts, others, self.dropped.finish()];
        self.rows.finish(event_struct(), columns)
    }
}

#[derive(Default)]
struct Links {
    rows: Lists,
    trace: Texts,
    span: Texts,
    state: Texts,
    flags: Counts,
    attributes: Maps,
    dropped: Counts,
    count: usize,
}

impl Links {
    fn push(&mut self, links: &[SpanLink], text: &mut String) {
        for link in links {
            hex(&link.trace_id.0, text);
            self.trace.push(text);
            hex(&link.span_id.0, text);
            self.span.push(text);
            self.state.push_some(&link.trace_state);
            self.flags.push(link.flags);
            for (key, value) in &link.attributes {
                self.attributes.push(key, value);
            }
            self.attributes.close_row();
            self.dropped.push(link.dropped_attributes);
        }
        self.count += links.len();
        self.rows.close_row(self.count);
    }

    fn finish(self) -> datafusion::arrow::array::ArrayRef {
        let [texts, others] = self.attributes.finish();
        let columns = vec![
            self.trace.finish(),
            self.span.finish(),
            self.state.finish(),
            self.flags.finish(),
            texts,
            others,
            self.dropped.finish(),
        ];
        self.rows.finish(link_struct(), columns)
    }
}

pub(super) fn read(batch: &RecordBatch, promoted: &Promoted) -> Result<Vec<Span>, ReadError> {
    let rows = Rows::of(batch);
    let (start, duration) = (rows.times("Timestamp")?, rows.longs("Duration")?);
    let (trace, id, parent) =
        (rows.texts("TraceId")?, rows.texts("SpanId")?, rows.texts("ParentSpanId")?);
    let (state, flags) = (rows.texts("TraceState")?, rows.counts("TraceFlags")?);
    let (name, kind) = (rows.texts("SpanName")?, rows.texts("SpanKind")?);
    let (status, message) = (rows.texts("StatusCode")?, rows.texts("StatusMessage")?);
    let events_dropped = rows.counts("DroppedEventsCount")?;
    let links_dropped = rows.counts("DroppedLinksCount")?;
    let dropped = rows.counts("DroppedAttributesCount")?;
    let (events, links) = (rows.lists("Events")?, rows.lists("Links")?);
    let mut emitters = Emitters::of(&rows, promoted)?;
    let own = Attached::of(&rows, Signal::Spans, promoted)?;
    (0..batch.num_rows())
        .map(|row| {
            let start_ns = start.value(row);
            let parent = parent.value(row);
            let parent = if parent.is_empty() {
                None
            } else {
                Some(parent.parse().map_err(|_| ReadError::column("ParentSpanId"))?)
            };
            let (resource, scope) = emitters.at(row)?;
            Ok(Span {
                trace_id: trace.parsed(row, "TraceId")?,
                span_id: id.parsed(row, "SpanId")?,
                parent,
                trace_state: state.value(row).into(),
                flags: flags.value(row),
                resource,
                scope,
                name: name.value(row).into(),
                kind: kind_of(kind.value(row))?,
                start: Timestamp::from_nanos(start_ns),
                end: Timestamp::from_nanos(start_ns.wrapping_add(duration.value(row))),
                status: status_of(status.value(row))?,
                status_message: message.value(row).into(),
                attributes: own.at(row)?,
                events: read_events(events.value(row).as_struct())?,
                links: read_links(links.value(row).as_struct())?,
                dropped: Dropped {
                    attributes: dropped.value(row),
                    events: events_dropped.value(row),
                    links: links_dropped.value(row),
                },
            })
        })
        .collect()
}

fn kind_of(name: &str) -> Result<SpanKind, ReadError> {
    Ok(match name {
        "Unspecified" => SpanKind::Unspecified,
        "Internal" => SpanKind::Internal,
        "Server" => SpanKind::Server,
        "Client" => SpanKind::Client,
        "Producer" => SpanKind::Producer,
        "Consumer" => SpanKind::Consumer,
        _ => return Err(ReadError::column("SpanKind")),
    })
}

fn status_of(name: &str) -> Result<SpanStatus, ReadError> {
    Ok(match name {
        "Unset" => SpanStatus::Unset,
        "Ok" => SpanStatus::Ok,
        "Error" => SpanStatus::Error,
        _ => return Err(ReadError::column("StatusCode")),
    })
}

fn read_events(items: &StructArray) -> Result<Vec<SpanEvent>, ReadError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Rows::of_struct(items);
    let (at, name) = (rows.times("Timestamp")?, rows.texts("Name")?);
    let (attributes, dropped) = (rows.maps("Attributes")?, rows.counts("DroppedAttributesCount")?);
    (0..items.len())
        .map(|row| {
            Ok(SpanEvent {
                at: Timestamp::from_nanos(at.value(row)),
                name: name.value(row).into(),
                attributes: attributes.at(row)?,
                dropped_attributes: dropped.value(row),
            })
        })
        .collect()
}

fn read_links(items: &StructArray) -> Result<Vec<SpanLink>, ReadError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Rows::of_struct(items);
    let (trace, span, state) =
        (rows.texts("TraceId")?, rows.texts("SpanId")?, rows.texts("TraceState")?);
    let (flags, attributes) = (rows.counts("TraceFlags")?, rows.maps("Attributes")?);
    let dropped = rows.counts("DroppedAttributesCount")?;
    (0..items.len())
        .map(|row| {
            Ok(SpanLink {
                trace_id: trace.parsed(row, "TraceId")?,
                span_id: span.parsed(row, "SpanId")?,
                trace_state: state.value(row).into(),
                flags: flags.value(row),
                attributes: attributes.at(row)?,
                dropped_attributes: dropped.value(row),
            })
        })
        .collect()
}
