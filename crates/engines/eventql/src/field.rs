//! The names of fields: the well-known ones with their other names, and attributes with where they are from.

use std::fmt;

use model::Quoted;

/// What a term of a filter, a grouping or a column is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Known(Known),
    Attribute { from: Origin, name: Box<str> },
}

/// Where an attribute is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The record's own attributes, and its resource's where the record has none of the name.
    Any,
    /// `attributes.NAME`: the record's own.
    Record,
    /// `resource.NAME`: the emitter's.
    Resource,
    /// `body.NAME`: a log's body, where that is a map.
    Body,
}

/// A field that every record of a signal has a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Known {
    Service,
    Env,
    Version,
    Instance,
    Name,
    Kind,
    Status,
    StatusMessage,
    Duration,
    Start,
    Time,
    Level,
    SeverityNumber,
    SeverityText,
    Body,
    Trace,
    Span,
    Parent,
    Scope,
    ScopeVersion,
    Event,
    HasError,
    Root,
}

/// What the values of a well-known field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    /// A text that is searched by its words.
    FullText,
    /// Nanoseconds.
    Duration,
    /// Nanoseconds since 1970.
    Time,
    /// OpenTelemetry's severity numbers, and the words for their ranges.
    Severity,
    Integer,
    Kind,
    Status,
    TraceId,
    SpanId,
    Bool,
}

/// Which records have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Logs,
    Spans,
}

/// What is to be said about a well-known field.
#[derive(Debug)]
pub struct About {
    pub field: Known,
    /// The canonical name first.
    pub names: &'static [&'static str],
    pub values: Type,
    /// `None` when both have it.
    pub only: Option<Signal>,
    /// One sentence, without a period.
    pub help: &'static str,
}

const fn about(
    field: Known,
    values: Type,
    only: Option<Signal>,
    names: &'static [&'static str],
    help: &'static str,
) -> About {
    About { field, names, values, only, help }
}

const LOGS: Option<Signal> = Some(Signal::Logs);
const SPANS: Option<Signal> = Some(Signal::Spans);

/// All well-known fields, in the order of [`Known`].
#[rustfmt::skip]
pub const KNOWN: [About; 23] = [
    about(Known::Service, Type::Text, None, &["service", "service.name"], "the service that emitted it"),
    about(Known::Env, Type::Text, None, &["env", "environment", "deployment.environment.name", "deployment.environment"], "the environment of the service"),
    about(Known::Version, Type::Text, None, &["version", "service.version"], "the version of the service"),
    about(Known::Instance, Type::Text, None, &["instance", "service.instance.id"], "the instance of the service, or its pod or host"),
    about(Known::Name, Type::Text, SPANS, &["name", "operation"], "the operation, such as `POST /checkout`"),
    about(Known::Kind, Type::Kind, SPANS, &["kind"], "`internal`, `server`, `client`, `producer` or `consumer`"),
    about(Known::Status, Type::Status, SPANS, &["status"], "`unset`, `ok` or `error`"),
    about(Known::StatusMessage, Type::Text, SPANS, &["status_message"], "what the status says beside its code"),
    about(Known::Duration, Type::Duration, SPANS, &["duration"], "from start to end"),
    about(Known::Start, Type::Time, SPANS, &["start"], "when the span started"),
    about(Known::Time, Type::Time, None, &["time", "timestamp"], "when the log was written or the span started"),
    about(Known::Level, Type::Severity, LOGS, &["level", "severity"], "`trace`, `debug`, `info`, `warn`, `error` or `fatal`"),
    about(Known::SeverityNumber, Type::Integer, LOGS, &["severity_number"], "OpenTelemetry's number of the severity, 1 to 24"),
    about(Known::SeverityText, Type::Text, LOGS, &["severity_text"], "the emitter's own word for the severity"),
    about(Known::Body, Type::FullText, LOGS, &["body", "message"], "the text of the log, searched by words"),
    about(Known::Trace, Type::TraceId, None, &["trace", "trace_id"], "the trace, 32 hex digits"),
    about(Known::Span, Type::SpanId, None, &["span", "span_id"], "the span, 16 hex digits"),
    about(Known::Parent, Type::SpanId, SPANS, &["parent", "parent_span_id"], "the span that called this one"),
    about(Known::Scope, Type::Text, None, &["scope", "scope.name", "otel.scope.name"], "the library that emitted it"),
    about(Known::ScopeVersion, Type::Text, None, &["scope.version", "otel.scope.version"], "the version of that library"),
    about(Known::Event, Type::Text, None, &["event", "event_name", "event.name"], "the names of a span's events; the name of a log that is an event"),
    about(Known::HasError, Type::Bool, None, &["has_error"], "a span of status `error`; a log of level `error` or worse"),
    about(Known::Root, Type::Bool, SPANS, &["root"], "the span that started its trace"),
];

/// The prefixes that say where an attribute is from.
pub(crate) const PREFIXES: [(&str, Origin); 3] =
    [("attributes.", Origin::Record), ("resource.", Origin::Resource), ("body.", Origin::Body)];

/// What a name of the library's own attributes begins with: there they are kept among the record's.
const SCOPE: (&str, &str) = ("scope.", "otel.scope.");

/// What a resource has as fields of its own.
const RESOURCE: [Known; 4] = [Known::Service, Known::Env, Known::Version, Known::Instance];

impl Known {
    /// What is to be said about it.
    pub fn about(self) -> &'static About {
        &KNOWN[self as usize]
    }

    /// Its canonical name.
    pub fn name(self) -> &'static str {
        self.about().names[0]
    }

    fn named(name: &str) -> Option<Self> {
        let found = KNOWN.iter().find(|about| about.names.contains(&name));
        found.map(|about| about.field)
    }
}

impl Field {
    /// The field of this name; a part of it in double quotes is taken as it stands, and is an attribute's.
    pub fn named(name: &str) -> Self {
        if let Some(known) = Known::named(name) {
            return Self::Known(known);
        }
        for (prefix, from) in PREFIXES {
            if let Some(rest) = name.strip_prefix(prefix).filter(|rest| !rest.is_empty()) {
                let known = Known::named(rest).filter(|known| RESOURCE.contains(known));
                return match known {
                    Some(known) if from == Origin::Resource => Self::Known(known),
                    _ => Self::Attribute { from, name: rest.into() },
                };
            }
        }
        match name.strip_prefix(SCOPE.0).filter(|rest| !rest.is_empty()) {
            Some(rest) => {
                Self::Attribute { from: Origin::Record, name: format!("{}{rest}", SCOPE.1).into() }
            }
            None => Self::attribute(name),
        }
    }

    /// The attribute of this name, of the record or its resource.
    pub fn attribute(name: &str) -> Self {
        Self::Attribute { from: Origin::Any, name: name.into() }
    }

    /// What its values are; `None` for an attribute, whose type each record decides.
    pub fn values(&self) -> Option<Type> {
        match self {
            Self::Known(known) => Some(known.about().values),
            Self::Attribute { .. } => None,
        }
    }
}

/// Whether a name may begin with this character.
pub(crate) fn starts_name(char: char) -> bool {
    char.is_alphabetic() || matches!(char, '_' | '@')
}

/// Whether this character may stand in a name.
pub(crate) fn in_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '.' | '-' | '/' | '@' | '$')
}

/// Words of the stages that end a list of fields.
pub(crate) const RESERVED: [&str; 4] = ["by", "every", "as", "and"];

impl fmt::Display for Field {
    /// The canonical name, in quotes where it would read as something else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, name) = match self {
            Self::Known(known) => return f.write_str(known.name()),
            Self::Attribute { from, name } => (*from, name),
        };
        let prefix =
            PREFIXES.iter().find(|(_, other)| *other == from).map_or("", |(prefix, _)| prefix);
        f.write_str(prefix)?;
        let plain = name.starts_with(starts_name)
            && name.chars().all(in_name)
            && !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name))
            && !matches!(&**name, "AND" | "OR" | "NOT")
            && Self::named(&format!("{prefix}{name}")) == *self;
        if plain { f.write_str(name) } else { write!(f, "{}", Quoted(name)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_fields() {
        for (at, about) in KNOWN.iter().enumerate() {
            assert_eq!(about.field as usize, at, "{:?}", about.field);
            for name in about.names {
                assert_eq!(Field::named(name), Field::Known(about.field));
            }
        }
    }

    #[test]
    fn names_say_where_an_attribute_is_from() {
        let check = |name, shown: &str| assert_eq!(Field::named(name).to_string(), shown);
        check("environment", "env");
        check("http.route", "http.route");
        check("attributes.http.route", "attributes.http.route");
        check("attributes.status", "attributes.status");
        check("resource.k8s.pod.name", "resource.k8s.pod.name");
        check("resource.service.name", "service");
        check("resource.status", "resource.status");
        check("scope.name", "scope");
        check("scope.x", "attributes.otel.scope.x");
        check("resource.", "resource.");
        check("body.code", "body.code");
        assert_eq!(Field::attribute("status").to_string(), "\"status\"");
        assert_eq!(Field::attribute("a b").to_string(), "\"a b\"");
        assert_eq!(Field::attribute("resource.x").to_string(), "\"resource.x\"");
        assert_eq!(Field::attribute("by").to_string(), "\"by\"");
    }
}
