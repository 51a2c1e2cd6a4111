//! Bodies of metrics, written: Prometheus' text format, OpenMetrics, and protobuf.

mod proto;
mod text;

use std::borrow::Cow;

use model::{Exemplar, Histogram, Labels, MetricKind};

use crate::ContentKind;

/// What a family says of itself before its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FamilyHead<'a> {
    /// For OpenMetrics, a counter's name loses its `_total` here.
    pub name: &'a str,
    pub kind: MetricKind,
    /// Empty: there is none.
    pub help: &'a str,
    /// Empty: there is none.
    pub unit: &'a str,
}

/// How names that the old formats do not know are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Escaping {
    /// Other characters become `_` (`escaping=underscores`).
    #[default]
    Underscores,
    /// As they are, in quotes (`escaping=allow-utf-8`).
    Utf8,
}

impl Escaping {
    /// What an `Accept` header asks for.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("escaping=allow-utf-8") { Self::Utf8 } else { Self::Underscores }
    }
}

/// Writes a body in one format.
#[derive(Debug)]
pub struct Writer {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Text(text::TextWriter),
    Protobuf(proto::ProtoWriter),
}

impl Writer {
    pub fn new(kind: ContentKind, escaping: Escaping) -> Self {
        let form = match kind {
            ContentKind::Text => Form::Text(text::TextWriter::new(false, escaping)),
            ContentKind::OpenMetrics => Form::Text(text::TextWriter::new(true, escaping)),
            ContentKind::Protobuf => Form::Protobuf(proto::ProtoWriter::new(escaping)),
        };
        Self { form }
    }

    /// Begins a family; the samples that follow are of it.
    pub fn family(&mut self, head: &FamilyHead<'_>) {
        match &mut self.form {
            Form::Text(writer) => writer.family(head),
            Form::Protobuf(writer) => writer.family(head),
        }
    }

    /// Adds a float. The time is in Unix milliseconds.
    ///
    /// In protobuf, whose classic histograms and summaries are no lines, a float of such a family becomes an untyped one.
    pub fn float(
        &mut self,
        labels: &Labels,
        value: f64,
        at_ms: Option<i64>,
        exemplar: Option<&Exemplar>,
    ) {
        match &mut self.form {
            Form::Text(writer) => writer.float(labels, value, at_ms, exemplar),
            Form::Protobuf(writer) => writer.float(labels, value, at_ms, exemplar),
        }
    }

    /// Adds a native histogram. In text, which has none, it becomes its classic form: the buckets that have bounds in text (custom
    /// ones and `+Inf`), the sum and the count.
    pub fn histogram(&mut self, labels: &Labels, histogram: &Histogram, at_ms: Option<i64>) {
        match &mut self.form {
            Form::Text(writer) => writer.histogram(labels, histogram, at_ms),
            Form::Protobuf(writer) => writer.histogram(labels, histogram, at_ms),
        }
    }

    /// How many bytes were written so far, for a limit.
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Text(writer) => writer.len(),
            Form::Protobuf(writer) => writer.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body.
    pub fn finish(self) -> Vec<u8> {
        match self.form {
            Form::Text(writer) => writer.finish(),
            Form::Protobuf(writer) => writer.finish(),
        }
    }
}

/// Whether a name needs no quotes; colons are for metrics.
fn is_legacy(name: &str, colons: bool) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(allowed)
}

/// The name as `escaping` has it.
fn escaped(name: &str, colons: bool, escaping: Escaping) -> Cow<'_, str> {
    if escaping == Escaping::Utf8 || is_legacy(name, colons) {
        return Cow::Borrowed(name);
    }
    let mut text = String::with_capacity(name.len());
    for (at, char) in name.chars().enumerate() {
        let letter = char.is_ascii_alphabetic() || char == '_' || (colons && char == ':');
        text.push(if letter || (at > 0 && char.is_ascii_digit()) { char } else { '_' });
    }
    Cow::Owned(text)
}
