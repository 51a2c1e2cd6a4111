//! What a filter reads of a log record or a span.

use std::borrow::Cow;

use model::{
    LogRecord, Resource, Scope, Span, SpanId, SpanKind, SpanStatus, TraceId, Value,
    value::attribute,
};

use crate::field::{Known, Origin};

/// A record as a filter sees it.
///
/// A visitor gets each value of a field until it returns true, which is then the answer; a field without a visit is missing.
pub trait Record {
    /// The values of a well-known field.
    fn known(&self, field: Known, see: &mut dyn FnMut(Datum<'_>) -> bool) -> bool;

    /// The record's own attributes.
    fn attributes(&self) -> &[(Box<str>, Value)];

    /// Who emitted it.
    fn resource(&self) -> &Resource;

    /// The library that emitted it.
    fn scope(&self) -> &Scope;

    /// A log's body.
    fn body(&self) -> Option<&Value>;

    /// The texts that are searched by full text.
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool;

    /// The attribute of this name, where it is there.
    fn attribute(&self, from: Origin, name: &str) -> Option<&Value> {
        let own = || lookup(self.attributes(), name);
        let emitter = || lookup(&self.resource().attributes, name);
        match from {
            Origin::Any => own().or_else(emitter),
            Origin::Record => own(),
            Origin::Resource => emitter(),
            Origin::Body => match self.body() {
                Some(Value::Map(map)) => lookup(map, name),
                _ => None,
            },
        }
    }
}

/// A value of a well-known field.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum<'a> {
    Value(&'a Value),
    Text(Cow<'a, str>),
    Integer(i64),
    Bool(bool),
    Kind(SpanKind),
    Status(SpanStatus),
    Trace(TraceId),
    Span(SpanId),
}

/// Whether there is a value: `Empty` is none, nor is an array or a map without one.
pub fn exists(value: &Value) -> bool {
    match value {
        Value::Empty => false,
        Value::Array(items) => items.iter().any(exists),
        Value::Map(map) => map.iter().any(|(_, value)| exists(value)),
        Value::String(_) | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Bytes(_) => {
            true
        }
    }
}

/// The value of this whole name; else, from the shortest name before a `.` on, what is in a map of that name.
pub fn lookup<'v>(attributes: &'v [(Box<str>, Value)], name: &str) -> Option<&'v Value> {
    if let Some(value) = attribute(attributes, name).filter(|value| exists(value)) {
        return Some(value);
    }
    name.match_indices('.').find_map(|(at, _)| match attribute(attributes, name.get(..at)?) {
        Some(Value::Map(map)) => lookup(map, name.get(at + 1..)?),
        _ => None,
    })
}

/// The text of a body: a string as it stands, anything else as JSON.
pub fn body_text(body: &Value) -> Cow<'_, str> {
    match body {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Each string in a value, those in arrays and maps included.
fn strings(value: &Value, see: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().any(|item| strings(item, see)),
        Value::Map(map) => map.iter().any(|(_, value)| strings(value, see)),
        Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Bytes(_) | Value::Empty => false,
    }
}

/// The first number of the level `error`.
const ERROR: u8 = 17;

/// What logs and spans have in the same places.
fn common(
    record: &(impl Record + ?Sized),
    field: Known,
    see: &mut dyn FnMut(Datum<'_>) -> bool,
) -> bool {
    let resource = record.resource();
    let mut text = |text: &str| !text.is_empty() && see(Datum::Text(text.into()));
    match field {
        Known::Service => text(&resource.service),
        Known::Env => text(&resource.environment),
        Known::Version => text(&resource.version),
        Known::Instance => text(&resource.instance),
        Known::Scope => text(&record.scope().name),
        Known::ScopeVersion => text(&record.scope().version),
        _ => false,
    }
}

impl Record for LogRecord {
    fn known(&self, field: Known, see: &mut dyn FnMut(Datum<'_>) -> bool) -> bool {
        let severity = || Some(i64::from(self.severity)).filter(|severity| *severity > 0);
        match field {
            Known::Time => see(Datum::Integer(self.at.as_nanos())),
            Known::Level | Known::SeverityNumber => {
                severity().is_some_and(|number| see(Datum::Integer(number)))
            }
            Known::SeverityText => {
                !self.severity_text.is_empty()
                    && see(Datum::Text(Cow::Borrowed(&self.severity_text)))
            }
            Known::Body => self.body().is_some_and(|body| see(Datum::Text(body_text(body)))),
            Known::Trace => self.trace_id.is_some_and(|id| see(Datum::Trace(id))),
            Known::Span => self.span_id.is_some_and(|id| see(Datum::Span(id))),
            Known::Event => {
                !self.event_name.is_empty() && see(Datum::Text(Cow::Borrowed(&self.event_name)))
            }
            Known::HasError => see(Datum::Bool(self.severity >= ERROR)),
            other => common(self, other, see),
        }
    }

    fn attributes(&self) -> &[(Box<str>, Value)] {
        &self.attributes
    }

    fn resource(&self) -> &Resource {
        &self.resource
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn body(&self) -> Option<&Value> {
        Some(&self.body).filter(|body| exists(body))
    }

    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        self.body().is_some_and(|body| see(&body_text(body)))
    }
}

impl Record for Span {
    fn known(&self, field: Known, see: &mut dyn FnMut(Datum<'_>) -> bool) -> bool {
        let mut text = |text: &str| !text.is_empty() && see(Datum::Text(text.into()));
        match field {
            Known::Name => text(&self.name),
            Known::StatusMessage => text(&self.status_message),
            Known::Event => self.events.iter().any(|event| text(&event.name)),
            Known::Kind => see(Datum::Kind(self.kind)),
            Known::Status => see(Datum::Status(self.status)),
            Known::Duration => {
                see(Datum::Integer(i64::try_from(self.duration().as_nanos()).unwrap_or(i64::MAX)))
            }
            Known::Start | Known::Time => see(Datum::Integer(self.start.as_nanos())),
            Known::Trace => see(Datum::Trace(self.trace_id)),
            Known::Span => see(Datum::Span(self.span_id)),
            Known::Parent => self.parent.is_some_and(|id| see(Datum::Span(id))),
            Known::HasError => see(Datum::Bool(self.status == SpanStatus::Error)),
            Known::Root => see(Datum::Bool(self.parent.is_none())),
            other => common(self, other, see),
        }
    }

    fn attributes(&self) -> &[(Box<str>, Value)] {
        &self.attributes
    }

    fn resource(&self) -> &Resource {
        &self.resource
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn body(&self) -> Option<&Value> {
        None
    }

    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let of_events = self.events.iter().flat_map(|event| &event.attributes);
        see(&self.name)
            || see(&self.status_message)
            || self.events.iter().any(|event| see(&event.name))
            || self.attributes.iter().chain(of_events).any(|(_, value)| strings(value, see))
    }
}
