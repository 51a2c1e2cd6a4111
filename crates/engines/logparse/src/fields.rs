//! The fields of a record that names them itself: which of them is the time, the level, the message and the trace.
//!
//! Names come from the loggers that are about: OpenTelemetry, the Elastic common schema, Google Cloud, zap, zerolog, slog, logrus, pino, bunyan,
//! winston, log4j2, logback, Serilog, structlog, python-json-logger, GELF, journald.

use model::{Attributes, SpanId, Timestamp, TraceId, Value};

use crate::{Options, Parsed, attributes::remove, severity, time};

/// What a field may be. Of several fields for one thing the lowest rank wins; the others stay attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Time(u8),
    Level(u8),
    Message(u8),
    /// OpenTelemetry's severity number itself.
    Number,
    Trace,
    Span,
    /// W3C's `traceparent` header: both of them.
    Parent,
}

/// Takes time, level, message and trace out of `attributes`; the rest stay. The message is `line` when no field holds one.
pub(crate) fn lift(mut attributes: Attributes, line: &str, options: &Options) -> Parsed {
    let mut parsed = Parsed::new(Value::Empty);
    let mut best = Best::default();
    let mut gone = Vec::new();
    for (at, (key, value)) in attributes.iter_mut().enumerate() {
        match (value, role(key)) {
            (Value::Map(map), _) if matches!(key.as_ref(), "log" | "trace" | "span") => {
                gone.extend(nested(key, map, &mut parsed).then_some(at));
            }
            (value, Some(role)) => best.offer(role, at, value, options),
            (_, None) => {}
        }
    }
    gone.extend([best.time, best.level, best.message].into_iter().flatten().map(|(_, at)| at));
    gone.append(&mut best.others);
    if let Some((_, at)) = best.level {
        (parsed.severity, parsed.severity_text) = level(&attributes[at].1).unwrap_or_default();
    }
    parsed.severity = best.number.or(parsed.severity);
    parsed.at = best.at;
    // An id of zeros says that there is none (W3C Trace Context).
    parsed.trace_id = best.trace_id.or(parsed.trace_id).filter(|id| *id != TraceId::default());
    parsed.span_id = best.span_id.or(parsed.span_id).filter(|id| *id != SpanId::default());
    parsed.body = best.message.map_or_else(
        || Value::string(line),
        |(_, at)| match std::mem::replace(&mut attributes[at].1, Value::Empty) {
            // Docker keeps the line end in `log`.
            Value::String(text) if text.ends_with('\n') => {
                Value::string(text.trim_end_matches(['\r', '\n']))
            }
            other => other,
        },
    );
    remove(&mut attributes, gone);
    parsed.attributes = attributes;
    parsed
}

/// The fields that have a role: rank and place.
#[derive(Default)]
struct Best {
    time: Option<(u8, usize)>,
    at: Option<Timestamp>,
    level: Option<(u8, usize)>,
    message: Option<(u8, usize)>,
    /// The places of the fields that are ids or the severity's number: at most one of each.
    others: Vec<usize>,
    number: Option<u8>,
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
}

impl Best {
    /// Takes the field at `at` for its role when its value fits and no better one was seen.
    fn offer(&mut self, role: Role, at: usize, value: &Value, options: &Options) {
        let better =
            |rank: u8, best: Option<(u8, usize)>| best.is_none_or(|(other, _)| rank < other);
        match role {
            Role::Time(rank) if better(rank, self.time) => {
                if let Some(found) = moment(value, options) {
                    (self.time, self.at) = (Some((rank, at)), Some(found));
                }
            }
            Role::Level(rank) if better(rank, self.level) && is_level(rank, value) => {
                self.level = Some((rank, at));
            }
            Role::Message(rank) if better(rank, self.message) && is_message(rank, value) => {
                self.message = Some((rank, at));
            }
            Role::Number if self.number.is_none() => {
                self.number = severity_number(value);
                self.others.extend(self.number.map(|_| at));
            }
            Role::Trace if self.trace_id.is_none() => {
                self.trace_id = trace_id(value);
                self.others.extend(self.trace_id.map(|_| at));
            }
            Role::Span if self.span_id.is_none() => {
                self.span_id = span_id(value);
                self.others.extend(self.span_id.map(|_| at));
            }
            Role::Parent if self.trace_id.is_none() => {
                if let Some((trace, span)) = traceparent(value) {
                    self.others.push(at);
                    (self.trace_id, self.span_id) = (Some(trace), Some(span));
                }
            }
            _ => {}
        }
    }
}

/// The longest name that has a role is shorter.
const NAME_MAX: usize = 32;

/// What `key` is for, whatever its case, dots, dashes and underscores.
fn role(key: &str) -> Option<Role> {
    match key {
        "@t" => return Some(Role::Time(4)),
        "@l" => return Some(Role::Level(4)),
        "@m" => return Some(Role::Message(2)),
        "@mt" => return Some(Role::Message(3)),
        "logging.googleapis.com/trace" => return Some(Role::Trace),
        "logging.googleapis.com/spanId" => return Some(Role::Span),
        _ => {}
    }
    let mut name = [0; NAME_MAX];
    let mut length = 0;
    for byte in key.bytes().filter(|byte| !matches!(byte, b'_' | b'.' | b'-' | b'@')) {
        *name.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    Some(match name.get(..length)? {
        b"timestamp" => Role::Time(0),
        b"time" => Role::Time(1),
        b"ts" => Role::Time(2),
        b"datetime" | b"eventtime" | b"asctime" | b"instant" | b"timemillis" | b"timeunixnano"
        | b"realtimetimestamp" => Role::Time(3),
        b"level" => Role::Level(0),
        b"severity" => Role::Level(1),
        b"lvl" | b"loglevel" | b"levelname" | b"severitytext" => Role::Level(2),
        b"priority" => Role::Level(5),
        b"message" => Role::Message(0),
        b"msg" => Role::Message(1),
        b"log" | b"shortmessage" | b"textpayload" => Role::Message(4),
        b"body" => Role::Message(5),
        b"event" => Role::Message(6),
        b"severitynumber" => Role::Number,
        b"traceid" => Role::Trace,
        b"spanid" => Role::Span,
        b"traceparent" => Role::Parent,
        _ => return None,
    })
}

/// The Elastic common schema nests: `{"log": {"level": …}, "trace": {"id": …}, "span": {"id": …}}`. Whether nothing is left.
fn nested(key: &str, map: &mut Attributes, parsed: &mut Parsed) -> bool {
    let name = if key == "log" { "level" } else { "id" };
    let Some(at) = map.iter().position(|(inner, _)| inner.as_ref() == name) else { return false };
    let inner = &map[at].1;
    let lifted = match key {
        "log" => level(inner).map(|found| (parsed.severity, parsed.severity_text) = found),
        "trace" => trace_id(inner).map(|id| parsed.trace_id = Some(id)),
        _ => span_id(inner).map(|id| parsed.span_id = Some(id)),
    };
    if lifted.is_some() {
        map.remove(at);
    }
    map.is_empty()
}

fn moment(value: &Value, options: &Options) -> Option<Timestamp> {
    match value {
        Value::String(text) => time::whole(text.trim_ascii(), options),
        Value::Int(number) => time::epoch(*number),
        Value::Double(number) => time::epoch_double(*number),
        // MongoDB's {"$date": "…"}, log4j's {"epochSecond": …, "nanoOfSecond": …}, Google's {"seconds": …, "nanos": …}.
        Value::Map(map) => match map.as_slice() {
            [(key, inner @ (Value::String(_) | Value::Int(_)))] if key.as_ref() == "$date" => {
                moment(inner, options)
            }
            [(first, Value::Int(seconds)), (_, Value::Int(nanos @ 0..1_000_000_000))]
                if matches!(first.as_ref(), "epochSecond" | "seconds") =>
            {
                let seconds = seconds.checked_mul(1_000_000_000)?;
                seconds.checked_add(*nanos).map(Timestamp::from_nanos)
            }
            _ => None,
        },
        Value::Bool(_) | Value::Bytes(_) | Value::Array(_) | Value::Empty => None,
    }
}

/// A word that is longer is a text rather than a level.
const LEVEL_BYTES_MAX: usize = 32;

/// A severity with its word; the number is `None` for a word that nobody knows.
fn level(value: &Value) -> Option<(Option<u8>, Box<str>)> {
    match value {
        Value::Int(number) => {
            severity::from_number(*number).map(|(severity, word)| (Some(severity), word.into()))
        }
        Value::String(text) => match text.parse() {
            Ok(number) => level(&Value::Int(number)),
            Err(_) => {
                let fits = !text.is_empty() && text.len() <= LEVEL_BYTES_MAX;
                fits.then(|| (severity::from_word(text.trim_ascii()), text.clone()))
            }
        },
        Value::Bool(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Array(_)
        | Value::Map(_)
        | Value::Empty => None,
    }
}

/// `priority` means other things elsewhere: it is a level only when its value is one that is known.
fn is_level(rank: u8, value: &Value) -> bool {
    level(value).is_some_and(|(severity, _)| severity.is_some() || rank < 5)
}

fn severity_number(value: &Value) -> Option<u8> {
    match value {
        Value::Int(number @ 1..=24) => u8::try_from(*number).ok(),
        _ => None,
    }
}

/// Names that mean other things elsewhere are messages only when they hold text.
fn is_message(rank: u8, value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Empty => false,
        _ => rank < 4,
    }
}

/// 32 hex digits, with the dashes of a UUID or without; 16 are the low half (B3); Google writes `projects/…/traces/` before it.
fn trace_id(value: &Value) -> Option<TraceId> {
    let text = value.as_str()?;
    let text = text.rsplit('/').next().unwrap_or(text);
    match text.len() {
        32 => text.parse().ok(),
        36 => text.replace('-', "").parse().ok(),
        16 => {
            let SpanId(low) = text.parse().ok()?;
            let mut bytes = [0; 16];
            bytes.split_at_mut(8).1.copy_from_slice(&low);
            Some(TraceId(bytes))
        }
        _ => None,
    }
}

fn span_id(value: &Value) -> Option<SpanId> {
    value.as_str()?.parse().ok()
}

/// `version-trace-span-flags` (w3.org/TR/trace-context, section 3.2); ids of zeros are invalid.
fn traceparent(value: &Value) -> Option<(TraceId, SpanId)> {
    let mut parts = value.as_str()?.split('-').skip(1);
    let trace: TraceId = parts.next()?.parse().ok()?;
    let span: SpanId = parts.next()?.parse().ok()?;
    (trace != TraceId::default() && span != SpanId::default()).then_some((trace, span))
}

#[cfg(test)]
mod tests {
    use crate::{Format, Options, parse};
    use model::{Timestamp, Value, value::attribute};

    fn json(line: &str) -> crate::Parsed {
        parse(Format::Json, line, &Options::new(Timestamp::from_secs(1_800_000_000))).unwrap()
    }

    #[test]
    fn loggers_names_are_known() {
        let lines = [
            r#"{"time":"2024-05-06T07:08:09Z","level":"INFO","msg":"up"}"#,
            r#"{"@timestamp":"2024-05-06T07:08:09Z","log.level":"info","message":"up"}"#,
            r#"{"@timestamp":"2024-05-06T07:08:09Z","log":{"level":"info"},"message":"up"}"#,
            r#"{"level":30,"time":1714979289000,"msg":"up"}"#,
            r#"{"ts":1714979289.0,"lvl":"Info","msg":"up"}"#,
            r#"{"@t":"2024-05-06T07:08:09Z","@l":"Information","@m":"up"}"#,
            r#"{"timestamp":"2024-05-06T07:08:09Z","severity":"INFO","log":"up\n"}"#,
            r#"{"timestamp":1714979289,"level":6,"short_message":"up"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1714979289000000","PRIORITY":"6","MESSAGE":"up"}"#,
            r#"{"timestamp":"2024-05-06T07:08:09","level":"info","event":"up"}"#,
            r#"{"instant":{"epochSecond":1714979289,"nanoOfSecond":0},"level":"INFO","message":"up"}"#,
            r#"{"timestamp":{"seconds":1714979289,"nanos":0},"severity":"INFO","message":"up"}"#,
            r#"{"time":{"$date":"2024-05-06T09:08:09+02:00[Europe/Paris]"},"severity":"info","msg":"up"}"#,
        ];
        for line in lines {
            let parsed = json(line);
            assert_eq!(parsed.at, Some(Timestamp::from_secs(1_714_979_289)), "{line}");
            assert_eq!(parsed.severity, Some(9), "{line}");
            assert_eq!(parsed.body, Value::string("up"), "{line}");
            assert_eq!(parsed.attributes, [], "{line}");
        }
    }

    #[test]
    fn traces_are_known_by_many_names() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let lines = [
            format!(r#"{{"trace_id":"{trace}","span_id":"{span}"}}"#),
            format!(r#"{{"traceId":"{trace}","spanId":"{span}"}}"#),
            format!(r#"{{"trace.id":"{trace}","span.id":"{span}"}}"#),
            format!(r#"{{"trace":{{"id":"{trace}"}},"span":{{"id":"{span}"}}}}"#),
            format!(r#"{{"TraceID":"4bf92f35-77b3-4da6-a3ce-929d0e0e4736","SpanID":"{span}"}}"#),
            format!(r#"{{"traceparent":"00-{trace}-{span}-01"}}"#),
            format!(
                r#"{{"logging.googleapis.com/trace":"projects/p/traces/{trace}","logging.googleapis.com/spanId":"{span}"}}"#
            ),
        ];
        for line in &lines {
            let parsed = json(line);
            assert_eq!(parsed.trace_id.unwrap().to_string(), trace, "{line}");
            assert_eq!(parsed.span_id.unwrap().to_string(), span, "{line}");
            assert_eq!(parsed.attributes, [], "{line}");
            assert_eq!(
                parsed.body,
                Value::string(line.as_str()),
                "a record without a message is its own"
            );
        }
        let short = json(r#"{"trace_id":"a3ce929d0e0e4736"}"#).trace_id.unwrap();
        assert_eq!(short.to_string(), "0000000000000000a3ce929d0e0e4736");
        let none = json(r#"{"trace_id":"00000000000000000000000000000000","span_id":"zz"}"#);
        assert_eq!((none.trace_id, none.span_id), (None, None));
        assert_eq!(none.attributes, [("span_id".into(), Value::string("zz"))]);
    }

    #[test]
    fn what_does_not_fit_its_name_stays_an_attribute() {
        let parsed = json(
            r#"{"time":"soon","ts":5,"priority":"high","level":true,"msg":null,"event":{"id":7}}"#,
        );
        assert_eq!((parsed.at, parsed.severity), (None, None));
        assert_eq!(parsed.attributes.len(), 6);
        let both = json(
            r#"{"log":"second","message":"first","severity":"warn","level":"error","severity_number":18}"#,
        );
        assert_eq!(both.body, Value::string("first"));
        assert_eq!((both.severity, both.severity_text.as_ref()), (Some(18), "error"));
        assert_eq!(attribute(&both.attributes, "log"), Some(&Value::string("second")));
        assert_eq!(attribute(&both.attributes, "severity"), Some(&Value::string("warn")));
        let unknown = json(r#"{"level":"castle"}"#);
        assert_eq!((unknown.severity, unknown.severity_text.as_ref()), (None, "castle"));
    }
}
