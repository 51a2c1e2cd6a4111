//! Everything between lines and records, for one stream of lines: container lines are unwrapped, partial ones joined, then traces, then parsed.

use std::borrow::Cow;

use model::{Timestamp, Value};
use regex::Regex;

use crate::{Format, Joiner, Limits, Options, ParseError, Parsed, cri, parse, plain};

/// How lines become records.
#[derive(Clone, Debug, Default)]
pub enum Multiline {
    /// Every line is a record, but blank ones.
    Off,
    /// As [`Joiner::new`] has it.
    #[default]
    Auto,
    /// As [`Joiner::starting_with`] has it.
    Start(Regex),
}

/// A record and what came with its first line.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a, T> {
    pub tag: T,
    /// Its lines as they came, without what a container runtime wrote before them.
    pub text: Cow<'a, str>,
    /// What it says. When it is not of its format it is plain text.
    pub parsed: Parsed,
    /// Why it is not of its format.
    pub fault: Option<ParseError>,
    /// Whether it is the rest of the record before it, which had reached a limit.
    pub continues: bool,
}

/// Reads the lines of one stream. Feed it with [`Intake::push`], and [`Intake::flush`] it at the end or when no line came for a while.
#[derive(Debug)]
pub struct Intake<T> {
    format: Format,
    limits: Limits,
    /// The streams of a container are interleaved, and their lines belong to their own; anything else is the first.
    streams: [Stream<T>; 2],
}

#[derive(Debug)]
struct Stream<T> {
    partial: Option<(Origin<T>, String)>,
    joiner: Option<Joiner<Origin<T>>>,
}

/// Where a line came from.
#[derive(Debug)]
struct Origin<T> {
    tag: T,
    container: Option<(Timestamp, &'static str)>,
}

impl<T> Intake<T> {
    /// With [`Format::Auto`] and [`Format::Cri`] container lines are unwrapped, and what is in them is read as [`Format::Auto`] has it.
    pub fn new(format: Format, multiline: &Multiline, limits: Limits) -> Self {
        let stream = || Stream {
            partial: None,
            joiner: match multiline {
                Multiline::Off => None,
                Multiline::Auto => Some(Joiner::new(limits)),
                Multiline::Start(start) => Some(Joiner::starting_with(start.clone(), limits)),
            },
        };
        Self { format, limits, streams: [stream(), stream()] }
    }

    /// Takes a line without its end, and gives the records that it completes to `emit`.
    pub fn push(
        &mut self,
        tag: T,
        line: &str,
        options: &Options,
        emit: &mut impl FnMut(Record<'_, T>),
    ) {
        let wrapped = match self.format {
            Format::Cri => cri::read(line).map(Some),
            Format::Auto if cri::looks_like(line) => cri::read(line).map(Some),
            _ => Ok(None),
        };
        let (origin, stream, text, partial) = match wrapped {
            Ok(Some(line)) => {
                let container = Some((line.at, line.stream()));
                (Origin { tag, container }, usize::from(line.stderr), line.text, line.partial)
            }
            Ok(None) => (Origin { tag, container: None }, 0, line, false),
            Err(fault) => {
                let parsed = plain::parse(line, options);
                let text = line.into();
                return emit(Record { tag, text, parsed, fault: Some(fault), continues: false });
            }
        };
        let pending = &mut self.streams[stream].partial;
        let (origin, text) = match pending.take_if(|_| origin.container.is_some()) {
            Some((first, mut start)) => {
                start.push_str(text);
                (first, Cow::Owned(start))
            }
            None => (origin, Cow::Borrowed(text)),
        };
        if partial && text.len() < self.limits.bytes_max {
            *pending = Some((origin, text.into_owned()));
        } else {
            self.complete(stream, origin, text, options, emit);
        }
    }

    /// Gives what is still open.
    pub fn flush(&mut self, options: &Options, emit: &mut impl FnMut(Record<'_, T>)) {
        for stream in 0..self.streams.len() {
            if let Some((origin, text)) = self.streams[stream].partial.take() {
                self.complete(stream, origin, text.into(), options, emit);
            }
            let open = self.streams[stream].joiner.as_mut().and_then(Joiner::flush);
            if let Some(joined) = open {
                emit(self.record(joined.tag, joined.text.into(), joined.continues, options));
            }
        }
    }

    /// Takes a line that is whole.
    fn complete(
        &mut self,
        stream: usize,
        origin: Origin<T>,
        line: Cow<'_, str>,
        options: &Options,
        emit: &mut impl FnMut(Record<'_, T>),
    ) {
        match &mut self.streams[stream].joiner {
            None if line.trim_ascii().is_empty() => {}
            None => emit(self.record(origin, line, false, options)),
            Some(joiner) => {
                if let Some(joined) = joiner.push(origin, &line) {
                    emit(self.record(joined.tag, joined.text.into(), joined.continues, options));
                }
            }
        }
    }

    fn record<'a>(
        &self,
        origin: Origin<T>,
        text: Cow<'a, str>,
        continues: bool,
        options: &Options,
    ) -> Record<'a, T> {
        let format = if self.format == Format::Cri { Format::Auto } else { self.format };
        let (mut parsed, fault) = match parse_lines(format, &text, options) {
            Ok(parsed) => (parsed, None),
            Err(fault) => (plain::parse(&text, options), Some(fault)),
        };
        if let Some((at, stream)) = origin.container {
            // The runtime's clock has its zone; an application's often lacks it.
            parsed.at = Some(at);
            parsed.attributes.retain(|(key, _)| key.as_ref() != "log.iostream");
            parsed.put_text("log.iostream", stream);
        }
        Record { tag: origin.tag, text, parsed, fault, continues }
    }
}

/// Reads a record whose first line may be all that has its format, as when a trace follows a line of JSON.
fn parse_lines(format: Format, text: &str, options: &Options) -> Result<Parsed, ParseError> {
    let whole = parse(format, text, options);
    let (Err(_), Some((first, rest))) = (&whole, text.split_once('\n')) else { return whole };
    let mut parsed = parse(format, first, options)?;
    parsed.body = match parsed.body {
        Value::String(message) => Value::string([&message, "\n", rest].concat()),
        _ => Value::string(text),
    };
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(format: Format, multiline: &Multiline, lines: &[&str]) -> Vec<String> {
        let options = Options::new("2026-11-26T00:00:00Z".parse().unwrap());
        let mut intake = Intake::new(format, multiline, Limits { lines_max: 10, bytes_max: 100 });
        let mut records = Vec::new();
        let mut emit = |record: Record<'_, usize>| {
            let at = record.parsed.at.map_or("-".to_owned(), |at| at.to_string());
            let fault = record.fault.map_or("", |fault| fault.what);
            let attributes = Value::Map(record.parsed.attributes);
            records.push(format!(
                "{} {at} {:?} {attributes} {fault}",
                record.tag,
                record.parsed.body.to_string()
            ));
        };
        for (at, line) in lines.iter().enumerate() {
            intake.push(at, line, &options, &mut emit);
        }
        intake.flush(&options, &mut emit);
        intake.flush(&options, &mut emit);
        records
    }

    #[test]
    fn container_lines_are_unwrapped_joined_and_parsed() {
        let lines = [
            "2024-05-06T07:08:09.000000001Z stdout F {\"msg\":\"a\",\"n\":1,\"time\":1714979289}",
            "2024-05-06T07:08:09.000000002Z stderr F ERROR boom",
            "2024-05-06T07:08:09.000000003Z stdout P one ",
            "2024-05-06T07:08:09.000000004Z stderr F   at x",
            "2024-05-06T07:08:09.000000005Z stdout F line",
            "2024-05-06T07:08:09.000000006Z stdout P cut",
        ];
        assert_eq!(
            run(Format::Auto, &Multiline::Auto, &lines),
            [
                r#"0 2024-05-06T07:08:09.000000001Z "a" {"n":1,"log.iostream":"stdout"} "#,
                r#"2 2024-05-06T07:08:09.000000003Z "one line" {"log.iostream":"stdout"} "#,
                r#"5 2024-05-06T07:08:09.000000006Z "cut" {"log.iostream":"stdout"} "#,
                r#"1 2024-05-06T07:08:09.000000002Z "ERROR boom\n  at x" {"log.iostream":"stderr"} "#,
            ]
        );
        assert_eq!(
            run(Format::Cri, &Multiline::Off, &["what", lines[2], lines[4]]),
            [
                r#"0 - "what" {} expected a time"#,
                r#"1 2024-05-06T07:08:09.000000003Z "one line" {"log.iostream":"stdout"} "#,
            ]
        );
    }

    #[test]
    fn a_partial_line_has_an_end() {
        let part = format!("2024-05-06T07:08:09Z stdout P {}", "x".repeat(60));
        let records = run(Format::Auto, &Multiline::Off, &[&part, "", &part, " ", &part]);
        assert_eq!(records.len(), 2);
        assert!(records[0].contains(&"x".repeat(120)));
    }

    #[test]
    fn a_trace_below_json_goes_with_its_message() {
        let lines = [
            r#"{"msg":"failed","n":1}"#,
            "java.lang.Error: x",
            "\tat a.B",
            r#"{"msg":"next""#,
            "I0505 17:59:40.692994 1 k.go:7] x",
            "  y",
        ];
        assert_eq!(
            run(Format::Auto, &Multiline::Auto, &lines),
            [
                r#"0 - "failed\njava.lang.Error: x\n\tat a.B" {"n":1} "#,
                r#"3 - "{\"msg\":\"next\"" {} expected a comma or the end of the object"#,
                r#"4 2026-05-05T17:59:40.692994Z "x\n  y" {"thread.id":1,"code.file.path":"k.go","code.line.number":7} "#,
            ]
        );
    }
}
