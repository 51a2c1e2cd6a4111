//! Values by the types of their fields.

use std::ops::Bound;

use model::{SpanId, SpanKind, SpanStatus, TraceId};

use crate::{
    ast::{Comparison, Term, Test, Words},
    field::{Known, Type},
    filter::{Condition, ValueTest},
    literal::{Number, UNITS, Unit, duration_nanos, quantity, time, units, unknown_unit},
    parse::Parsed,
    span::{Fix, Problem},
    wildcard::Piece,
};

/// `field:value` of a field whose type the record decides.
pub(super) fn is(text: &str) -> ValueTest {
    ValueTest::Is { text: text.into(), number: quantity(text).map(|(number, _)| number) }
}

pub(super) fn compared(comparison: Comparison, text: &str) -> ValueTest {
    let number = quantity(text).map(|(number, _)| number);
    if !comparison.is_order() {
        return is(text);
    }
    match number {
        Some(number) => {
            let (low, high) = ends(comparison, number);
            ValueTest::Numbers(low, high)
        }
        None => {
            let (low, high) = ends(comparison, text.into());
            ValueTest::Texts(low, high)
        }
    }
}

/// The ends of what an order allows.
fn ends<T>(comparison: Comparison, value: T) -> (Bound<T>, Bound<T>) {
    match comparison {
        Comparison::Less => (Bound::Unbounded, Bound::Excluded(value)),
        Comparison::LessEqual => (Bound::Unbounded, Bound::Included(value)),
        Comparison::Greater => (Bound::Excluded(value), Bound::Unbounded),
        Comparison::GreaterEqual => (Bound::Included(value), Bound::Unbounded),
        Comparison::Equal | Comparison::NotEqual => (Bound::Unbounded, Bound::Unbounded),
    }
}

/// Numbers when all ends read as numbers, texts when none does.
pub(super) fn range(
    low: &Bound<Box<str>>,
    high: &Bound<Box<str>>,
    span: crate::span::Span,
) -> Parsed<ValueTest> {
    match (numeric(low), numeric(high)) {
        (Some(low), Some(high)) => Ok(ValueTest::Numbers(low, high)),
        (None | Some(Bound::Unbounded), None) | (None, Some(Bound::Unbounded)) => {
            Ok(ValueTest::Texts(low.clone(), high.clone()))
        }
        (Some(_), None) | (None, Some(_)) => {
            Err(Problem::at(span, "one end of the range is a number and the other is a text"))
        }
    }
}

/// The end as a number; `None` when it is a text.
fn numeric(end: &Bound<Box<str>>) -> Option<Bound<Number>> {
    let number = |text: &str| quantity(text).map(|(number, _)| number);
    Some(match end {
        Bound::Included(text) => Bound::Included(number(text)?),
        Bound::Excluded(text) => Bound::Excluded(number(text)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

/// A condition on a field whose type is known.
pub(super) fn typed(known: Known, term: &Term) -> Parsed<Condition> {
    let values = known.about().values;
    match values {
        Type::Duration | Type::Time | Type::Severity | Type::Integer => integers(known, term),
        Type::Text | Type::FullText => Err(unfit(known, term)),
        Type::Kind => Ok(Condition::Kind(one_of(known, term, &KINDS)?)),
        Type::Status => {
            let found = one_of(known, term, &STATUSES);
            found
                .map(Condition::Status)
                .map_err(|problem| if is_http(&term.test) { http_status(term) } else { problem })
        }
        Type::Bool => Ok(Condition::Bool(one_of(known, term, &BOOLS)?)),
        Type::TraceId | Type::SpanId => id(known, term),
    }
}

/// Whether a test asks for a number, as HTTP's statuses are.
fn is_http(test: &Test) -> bool {
    let number = |text: &str| text.starts_with(|char: char| char.is_ascii_digit());
    match test {
        Test::Is(Words::Plain(text))
        | Test::Compare(_, text)
        | Test::Matches(text)
        | Test::NotMatches(text) => number(text),
        Test::Is(Words::Like(wildcard)) => {
            wildcard.pieces().iter().any(|piece| matches!(piece, Piece::Text(text) if number(text)))
        }
        Test::Range(Bound::Included(text) | Bound::Excluded(text), _) => number(text),
        Test::Range(Bound::Unbounded, _) => true,
        Test::Exists | Test::Has(_) => false,
    }
}

fn http_status(term: &Term) -> Problem {
    let right = "http.response.status_code";
    Problem::at(term.value_span, "`status` is a span's `unset`, `ok` or `error`, not a number")
        .hint(format!("HTTP's is `{right}`; an attribute of this name is `attributes.status`"))
        .fix(Fix::replace(format!("write `{right}`"), term.field_span, right))
}

const KINDS: [(&str, SpanKind); 6] = [
    ("unspecified", SpanKind::Unspecified),
    ("internal", SpanKind::Internal),
    ("server", SpanKind::Server),
    ("client", SpanKind::Client),
    ("producer", SpanKind::Producer),
    ("consumer", SpanKind::Consumer),
];

const STATUSES: [(&str, SpanStatus); 3] =
    [("unset", SpanStatus::Unset), ("ok", SpanStatus::Ok), ("error", SpanStatus::Error)];

const BOOLS: [(&str, bool); 2] = [("true", true), ("false", false)];

/// OpenTelemetry's severities with the first of their four numbers; `warning` and such are what people write.
const SEVERITIES: [(&str, i64); 9] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("warn", 13),
    ("error", 17),
    ("fatal", 21),
    ("warning", 13),
    ("err", 17),
    ("critical", 21),
];

/// The one value that a test of equality names.
fn single(known: Known, term: &Term) -> Parsed<&str> {
    match &term.test {
        Test::Is(Words::Plain(text))
        | Test::Compare(Comparison::Equal | Comparison::NotEqual, text) => Ok(text),
        _ => Err(unfit(known, term)),
    }
}

fn one_of<T: Copy>(known: Known, term: &Term, values: &[(&str, T)]) -> Parsed<T> {
    let text = single(known, term)?;
    let found = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
        let message = format!("`{}` is one of {}, not `{text}`", known.name(), names.join(", "));
        Problem::at(term.value_span, message).nearest(text, values.iter().map(|(name, _)| *name))
    })
}

fn id(known: Known, term: &Term) -> Parsed<Condition> {
    let text = single(known, term)?;
    let found = if known.about().values == Type::TraceId {
        // Ids of 64 bits, as Zipkin and old Jaeger clients have them, are kept with leading zeros.
        let whole = if text.len() == 16 { format!("{text:0>32}") } else { text.to_owned() };
        whole.parse::<TraceId>().map(Condition::Trace)
    } else {
        text.parse::<SpanId>().map(Condition::Span)
    };
    found.map_err(|error| Problem::at(term.value_span, error.to_string()))
}

/// What a test of a duration, a time, a severity or a number allows.
fn integers(known: Known, term: &Term) -> Parsed<Condition> {
    // Wider than the values, so that the neighbours of the largest and smallest are there.
    let read = |text: &str| {
        integer(known, text, term).map(|(min, max)| (i128::from(min), i128::from(max)))
    };
    let (mut min, mut max) = (i128::from(i64::MIN), i128::from(i64::MAX));
    match &term.test {
        Test::Is(Words::Plain(text))
        | Test::Compare(Comparison::Equal | Comparison::NotEqual, text) => (min, max) = read(text)?,
        Test::Compare(Comparison::Less, text) => max = read(text)?.0 - 1,
        Test::Compare(Comparison::LessEqual, text) => max = read(text)?.1,
        Test::Compare(Comparison::Greater, text) => min = read(text)?.1 + 1,
        Test::Compare(Comparison::GreaterEqual, text) => min = read(text)?.0,
        Test::Range(low, high) => {
            match low {
                Bound::Included(text) => min = read(text)?.0,
                Bound::Excluded(text) => min = read(text)?.1 + 1,
                Bound::Unbounded => {}
            }
            match high {
                Bound::Included(text) => max = read(text)?.1,
                Bound::Excluded(text) => max = read(text)?.0 - 1,
                Bound::Unbounded => {}
            }
        }
        Test::Exists
        | Test::Has(_)
        | Test::Is(Words::Like(_))
        | Test::Matches(_)
        | Test::NotMatches(_) => {
            return Err(unfit(known, term));
        }
    }
    Ok(match (i64::try_from(min), i64::try_from(max)) {
        (Ok(min), Ok(max)) => Condition::Integer { min, max },
        // Above the largest or below the smallest there is nothing.
        _ => Condition::Integer { min: 1, max: 0 },
    })
}

/// The smallest and largest integer that a value stands for.
fn integer(known: Known, text: &str, term: &Term) -> Parsed<(i64, i64)> {
    let single = |value| (value, value);
    let problem = |message: String| Problem::at(term.value_span, message);
    match known.about().values {
        Type::Duration => {
            let nanos = duration_nanos(text).or(if text == "0" { Some(0) } else { None });
            nanos.map(single).ok_or_else(|| no_duration(text, term))
        }
        Type::Time => time(text).map(|time| single(time.as_nanos())).ok_or_else(|| {
            problem(format!("`{text}` is not a time"))
                .hint("write `2026-11-23`, `2026-11-23T03:00:00Z` or Unix seconds")
        }),
        Type::Severity => {
            let word = SEVERITIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
            let number = text.parse().ok().filter(|number| (1..=24).contains(number)).map(single);
            word.map(|(_, first)| (*first, first + 3)).or(number).ok_or_else(|| {
                let names = SEVERITIES.iter().take(6).map(|(name, _)| *name);
                let list = names.clone().collect::<Vec<_>>().join(", ");
                problem(format!("`{text}` is not a level"))
                    .hint(format!("levels are {list}, and numbers from 1 to 24"))
                    .nearest(text, names)
            })
        }
        _ => text
            .parse()
            .map(single)
            .map_err(|_| problem(format!("`{}` is a whole number, not `{text}`", known.name()))),
    }
}

fn no_duration(text: &str, term: &Term) -> Problem {
    let problem = Problem::at(term.value_span, format!("`{text}` is not a duration"));
    if matches!(quantity(text), Some((_, Unit::None))) {
        return problem.hint(format!("give a unit, such as `{text}ms`"));
    }
    match unknown_unit(text) {
        Some(unit) => {
            let problem = problem.hint(format!("units of durations are {}", durations()));
            match crate::span::nearest(unit, units()) {
                Some(near) => {
                    let amount = text.strip_suffix(unit).unwrap_or("");
                    let right = format!("{amount}{near}");
                    problem.hint(format!("did you mean `{right}`?")).fix(Fix::replace(
                        format!("write `{right}`"),
                        term.value_span,
                        right,
                    ))
                }
                None => problem,
            }
        }
        None => problem.hint("write `300ms`, `1.5s` or `1h30m`"),
    }
}

fn durations() -> &'static str {
    UNITS.split_once(", B").map_or(UNITS, |(durations, _)| durations)
}

/// The test is none for this type.
fn unfit(known: Known, term: &Term) -> Problem {
    let name = known.name();
    let (values, hint) = match known.about().values {
        Type::Text | Type::FullText => ("texts", String::new()),
        Type::Duration => ("durations", format!("write `{name}>300ms` or `{name}:[1s TO 5s]`")),
        Type::Time => ("times", format!("write `{name}>=2026-11-23T03:00:00Z`")),
        Type::Severity => ("levels", format!("write `{name}:error` or `{name}>=warn`")),
        Type::Integer => ("numbers", format!("write `{name}>=13`")),
        Type::Kind => ("words", format!("write `{name}:(server OR consumer)`")),
        Type::Status => ("words", format!("write `{name}:error`")),
        Type::TraceId | Type::SpanId => ("ids", format!("write all digits, or `{name}:*`")),
        Type::Bool => ("`true` or `false`", format!("write `{name}:true`")),
    };
    let what = match &term.test {
        Test::Is(Words::Like(_)) => "a wildcard",
        Test::Has(_) => "a search for words",
        Test::Matches(_) | Test::NotMatches(_) => "a regular expression",
        _ => "an order",
    };
    Problem::at(term.value_span, format!("{what} does not fit `{name}`, whose values are {values}"))
        .hint(hint)
}
