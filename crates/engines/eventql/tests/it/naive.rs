//! A second evaluator, from the tree as it was written and with no thought of speed: every value of a field is listed, and
//! each test is a closure over the rules.

use std::ops::Bound;

use eventql::{
    Field, Known,
    ast::{Comparison, Expr, ExprKind, Term, Test, Words},
    field::{Origin, Type},
    wildcard::{Piece, Wildcard},
};
use model::{LogRecord, Resource, Span, SpanKind, SpanStatus, Value};
use regex::Regex;

pub(crate) enum Event<'e> {
    Log(&'e LogRecord),
    Span(&'e Span),
}

type Pairs = [(Box<str>, Value)];

impl Event<'_> {
    fn resource(&self) -> &Resource {
        match self {
            Self::Log(log) => &log.resource,
            Self::Span(span) => &span.resource,
        }
    }

    fn attributes(&self) -> &Pairs {
        match self {
            Self::Log(log) => &log.attributes,
            Self::Span(span) => &span.attributes,
        }
    }

    /// All values of a field: none where it is missing. Ids, kinds and such are texts, times and numbers are integers.
    fn values(&self, field: &Field) -> Vec<Value> {
        match field {
            Field::Known(known) => self.known(*known).into_iter().flat_map(there).collect(),
            Field::Attribute { from, name } => {
                let own = || at(self.attributes(), name);
                let emitter = || at(&self.resource().attributes, name);
                let found = match from {
                    Origin::Any => own().or_else(emitter),
                    Origin::Record => own(),
                    Origin::Resource => emitter(),
                    Origin::Body => match self {
                        Self::Log(LogRecord { body: Value::Map(map), .. }) => at(map, name),
                        _ => None,
                    },
                };
                found.into_iter().flat_map(there).collect()
            }
        }
    }

    fn scope(&self) -> &model::Scope {
        match self {
            Self::Log(log) => &log.scope,
            Self::Span(span) => &span.scope,
        }
    }

    fn known(&self, known: Known) -> Vec<Value> {
        let text = |text: &str| if text.is_empty() { vec![] } else { vec![Value::string(text)] };
        let resource = self.resource();
        match (known, self) {
            (Known::Service, _) => text(&resource.service),
            (Known::Env, _) => text(&resource.environment),
            (Known::Version, _) => text(&resource.version),
            (Known::Instance, _) => text(&resource.instance),
            (Known::Scope, _) => text(&self.scope().name),
            (Known::ScopeVersion, _) => text(&self.scope().version),
            (Known::Time, Self::Log(log)) => vec![Value::Int(log.at.as_nanos())],
            (Known::Level | Known::SeverityNumber, Self::Log(log)) => {
                if log.severity == 0 {
                    vec![]
                } else {
                    vec![Value::Int(log.severity.into())]
                }
            }
            (Known::SeverityText, Self::Log(log)) => text(&log.severity_text),
            (Known::Body, Self::Log(log)) => {
                if there(log.body.clone()).is_empty() {
                    vec![]
                } else {
                    vec![Value::string(log.body.to_string())]
                }
            }
            (Known::Trace, Self::Log(log)) => {
                log.trace_id.iter().map(|id| Value::string(id.to_string())).collect()
            }
            (Known::Span, Self::Log(log)) => {
                log.span_id.iter().map(|id| Value::string(id.to_string())).collect()
            }
            (Known::Event, Self::Log(log)) => text(&log.event_name),
            (Known::HasError, Self::Log(log)) => {
                vec![Value::string((log.severity > 16).to_string())]
            }
            (Known::Name, Self::Span(span)) => text(&span.name),
            (Known::StatusMessage, Self::Span(span)) => text(&span.status_message),
            (Known::Event, Self::Span(span)) => {
                span.events.iter().flat_map(|event| text(&event.name)).collect()
            }
            (Known::Kind, Self::Span(span)) => text(match span.kind {
                SpanKind::Unspecified => "unspecified",
                SpanKind::Internal => "internal",
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                SpanKind::Producer => "producer",
                SpanKind::Consumer => "consumer",
            }),
            (Known::Status, Self::Span(span)) => text(match span.status {
                SpanStatus::Unset => "unset",
                SpanStatus::Ok => "ok",
                SpanStatus::Error => "error",
            }),
            (Known::Duration, Self::Span(span)) => {
                vec![Value::Int(span.end.as_nanos() - span.start.as_nanos())]
            }
            (Known::Start | Known::Time, Self::Span(span)) => {
                vec![Value::Int(span.start.as_nanos())]
            }
            (Known::Trace, Self::Span(span)) => text(&span.trace_id.to_string()),
            (Known::Span, Self::Span(span)) => text(&span.span_id.to_string()),
            (Known::Parent, Self::Span(span)) => {
                span.parent.iter().map(|id| Value::string(id.to_string())).collect()
            }
            (Known::HasError, Self::Span(span)) => {
                text(&(span.status == SpanStatus::Error).to_string())
            }
            (Known::Root, Self::Span(span)) => text(&span.parent.is_none().to_string()),
            _ => vec![],
        }
    }

    fn texts(&self) -> Vec<String> {
        match self {
            Self::Log(_) => self.known(Known::Body).iter().map(ToString::to_string).collect(),
            Self::Span(span) => {
                let mut texts = vec![span.name.to_string(), span.status_message.to_string()];
                let attributes = span
                    .attributes
                    .iter()
                    .chain(span.events.iter().flat_map(|event| &event.attributes));
                attributes.for_each(|(_, value)| strings(value, &mut texts));
                texts.extend(span.events.iter().map(|event| event.name.to_string()));
                texts
            }
        }
    }
}

/// The scalars in a value; a map is one that no test but existence takes.
fn there(value: Value) -> Vec<Value> {
    match value {
        Value::Empty => vec![],
        Value::Array(items) => items.into_iter().flat_map(there).collect(),
        Value::Map(map) => {
            let any = map.iter().any(|(_, value)| !there(value.clone()).is_empty());
            if any { vec![Value::Map(vec![])] } else { vec![] }
        }
        scalar => vec![scalar],
    }
}

fn at(pairs: &Pairs, name: &str) -> Option<Value> {
    let of = |name: &str| {
        pairs.iter().find(|(other, _)| &**other == name).map(|(_, value)| value.clone())
    };
    if let Some(value) = of(name).filter(|value| !there(value.clone()).is_empty()) {
        return Some(value);
    }
    let parts: Vec<&str> = name.split('.').collect();
    (1..parts.len()).find_map(|split| match of(&parts[..split].join(".")) {
        Some(Value::Map(map)) => at(&map, &parts[split..].join(".")),
        _ => None,
    })
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.to_string()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Map(map) => map.iter().for_each(|(_, value)| strings(value, into)),
        _ => {}
    }
}

pub(crate) fn holds(expr: &Expr, event: &Event<'_>) -> bool {
    match &expr.kind {
        ExprKind::All => true,
        ExprKind::And(parts) => !parts.iter().any(|part| !holds(part, event)),
        ExprKind::Or(parts) => parts.iter().any(|part| holds(part, event)),
        ExprKind::Not(inner) => !holds(inner, event),
        ExprKind::Text(words) => event.texts().iter().any(|text| in_a_row(words, text)),
        ExprKind::Term(term) => {
            let mut values = event.values(&term.field).into_iter();
            match &term.test {
                Test::NotMatches(_) | Test::Compare(Comparison::NotEqual, _) => {
                    !values.any(|value| passes(term, &value))
                }
                _ => values.any(|value| passes(term, &value)),
            }
        }
    }
}

fn cut(text: &str) -> Vec<String> {
    let word = Regex::new(r"[\p{Alphabetic}\p{N}_]+").unwrap();
    word.find_iter(text).map(|word| word.as_str().to_lowercase()).collect()
}

fn in_a_row(words: &Words, text: &str) -> bool {
    let have = cut(text);
    let (wanted, open) = match words {
        Words::Plain(text) => (cut(text), false),
        Words::Like(wildcard) => match wildcard.prefix() {
            Some(prefix)
                if cut(prefix).last().is_some_and(|last| prefix.to_lowercase().ends_with(last)) =>
            {
                (cut(prefix), true)
            }
            _ => {
                let wildcard = whole(&like(wildcard).to_lowercase());
                return have.iter().any(|word| wildcard.is_match(word));
            }
        },
    };
    (0..=have.len().saturating_sub(wanted.len())).any(|start| {
        have.len() >= wanted.len()
            && wanted.iter().enumerate().all(|(at, word)| {
                let other = &have[start + at];
                if open && at + 1 == wanted.len() { other.starts_with(word) } else { other == word }
            })
    })
}

fn like(wildcard: &Wildcard) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => regex::escape(text),
        Piece::One => ".".to_owned(),
        Piece::Many => ".*".to_owned(),
    };
    wildcard.pieces().iter().map(piece).collect()
}

fn whole(regex: &str) -> Regex {
    Regex::new(&format!(r"\A(?s:{regex})\z")).unwrap()
}

fn passes(term: &Term, value: &Value) -> bool {
    let order = match &term.field {
        Field::Known(known) => known.about().values,
        Field::Attribute { .. } => Type::Text,
    };
    match &term.test {
        Test::Exists => true,
        Test::Is(words) if order == Type::FullText => in_a_row(words, &value.to_string()),
        Test::Has(words) => matches!(value, Value::String(text) if in_a_row(words, text)),
        Test::Is(Words::Plain(text))
        | Test::Compare(Comparison::Equal | Comparison::NotEqual, text) => {
            equal(order, text, value)
        }
        Test::Is(Words::Like(wildcard)) => {
            text_of(value).is_some_and(|text| whole(&like(wildcard)).is_match(&text))
        }
        Test::Matches(regex) | Test::NotMatches(regex) => {
            text_of(value).is_some_and(|text| whole(regex).is_match(&text))
        }
        Test::Compare(Comparison::Less, text) => below(order, value, text, false),
        Test::Compare(Comparison::LessEqual, text) => below(order, value, text, true),
        Test::Compare(Comparison::Greater, text) => above(order, value, text, false),
        Test::Compare(Comparison::GreaterEqual, text) => above(order, value, text, true),
        Test::Range(low, high) => {
            (match low {
                Bound::Included(text) => above(order, value, text, true),
                Bound::Excluded(text) => above(order, value, text, false),
                Bound::Unbounded => true,
            }) && (match high {
                Bound::Included(text) => below(order, value, text, true),
                Bound::Excluded(text) => below(order, value, text, false),
                Bound::Unbounded => true,
            })
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Double(_) | Value::Map(_) => None,
        other => Some(other.to_string()),
    }
}

/// The numbers that the vocabulary's literals stand for: the smallest and the largest.
fn number(order: Type, text: &str) -> Option<(f64, f64)> {
    let range = match (order, text.to_lowercase().as_str()) {
        (Type::Severity, "trace") => (1.0, 4.0),
        (Type::Severity, "info") => (9.0, 12.0),
        (Type::Severity, "warn") => (13.0, 16.0),
        (Type::Severity, "error") => (17.0, 20.0),
        (Type::Severity, "fatal") => (21.0, 24.0),
        (Type::Time, "2026-01-01" | "1767225600") => (1_767_225_600e9, 1_767_225_600e9),
        (Type::Time, _) => (1_767_225_601e9, 1_767_225_601e9),
        (_, "1ms") => (1e6, 1e6),
        (_, "300ms") => (3e8, 3e8),
        (_, "1.5s") => (1.5e9, 1.5e9),
        (_, "1m30s") => (9e10, 9e10),
        (_, "2000us") => (2e6, 2e6),
        (_, "5ns") => (5.0, 5.0),
        (_, "10kb") => (1e4, 1e4),
        (_, other) if other.starts_with(|char: char| char.is_ascii_digit() || char == '-') => {
            let number = other.parse().ok()?;
            (number, number)
        }
        _ => return None,
    };
    Some(range)
}

fn is_number(order: Type) -> bool {
    matches!(order, Type::Duration | Type::Time | Type::Severity | Type::Integer)
}

#[expect(clippy::cast_precision_loss, reason = "the vocabulary has small numbers")]
fn size(value: &Value, strings: bool) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Double(double) => Some(*double),
        Value::String(text) if strings && ["5", "5.0", "-1"].contains(&&**text) => {
            text.parse().ok()
        }
        _ => None,
    }
}

fn equal(order: Type, text: &str, value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::Double(_) => number(order, text)
            .zip(size(value, false))
            .is_some_and(|((low, high), value)| low <= value && value <= high),
        Value::Map(_) => false,
        other => match order {
            Type::Text | Type::FullText => other.to_string() == text,
            Type::TraceId => other.to_string() == format!("{text:0>32}"),
            _ => other.to_string() == text.to_lowercase(),
        },
    }
}

fn below(order: Type, value: &Value, text: &str, included: bool) -> bool {
    match (number(order, text), value) {
        (Some((low, high)), value) => size(value, !is_number(order))
            .is_some_and(|value| if included { value <= high } else { value < low }),
        (None, Value::String(value)) => {
            if included {
                **value <= *text
            } else {
                **value < *text
            }
        }
        _ => false,
    }
}

fn above(order: Type, value: &Value, text: &str, included: bool) -> bool {
    match (number(order, text), value) {
        (Some((low, high)), value) => size(value, !is_number(order))
            .is_some_and(|value| if included { value >= low } else { value > high }),
        (None, Value::String(value)) => {
            if included {
                **value >= *text
            } else {
                **value > *text
            }
        }
        _ => false,
    }
}
