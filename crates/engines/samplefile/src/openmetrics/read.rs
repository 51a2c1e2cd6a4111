//! Reading the text line by line.

use std::{collections::HashMap, io::BufRead, ops::ControlFlow, sync::Arc};

use model::{HistogramSample, Labels, Metadata, MetricKind, Points};

use super::{
    line::{self, Line, Value},
    shown,
};
use crate::{HELD_SAMPLES_MAX, Read, ReadError, Sink};

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: usize = 4 << 20;
/// The most families whose metadata is held until it is complete.
const FAMILIES_MAX: usize = 100_000;

/// What times are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// As OpenMetrics has it; the text must end in `# EOF`.
    Seconds,
    /// As Prometheus' own text format has it; the text just ends.
    Milliseconds,
}

/// Reads all samples of a text and gives them to `sink`, those of one series together as far as they fit; those before a fault,
/// too.
///
/// # Errors
/// When the text cannot be read, a line is malformed or has no time, or the end is missing.
pub fn read(input: impl BufRead, unit: TimeUnit, sink: &mut dyn Sink) -> Result<Read, ReadError> {
    let mut reader = Reader {
        unit,
        sink,
        held: Held::default(),
        heads: Heads::default(),
        read: Read::default(),
    };
    let ended = reader.lines(input);
    if !reader.read.stopped {
        reader.give();
    }
    if !ended? && unit == TimeUnit::Seconds {
        return Err(ReadError::NoEnd);
    }
    Ok(reader.read)
}

struct Reader<'a> {
    unit: TimeUnit,
    sink: &'a mut dyn Sink,
    held: Held,
    heads: Heads,
    read: Read,
}

/// Samples that are not given yet, series in the order in which they came.
#[derive(Default)]
struct Held {
    series: Vec<(Labels, Points)>,
    known: HashMap<Box<str>, usize>,
    samples: usize,
}

/// What families say of themselves, until their first sample.
#[derive(Default)]
struct Heads {
    all: Vec<Metadata>,
    known: HashMap<Box<str>, usize>,
}

impl Reader<'_> {
    /// Whether the end was marked.
    fn lines(&mut self, mut input: impl BufRead) -> Result<bool, ReadError> {
        let (mut bytes, mut number) = (Vec::new(), 0);
        loop {
            bytes.clear();
            number += 1;
            let limit = LINE_BYTES_MAX as u64 + 1;
            let mut limited = std::io::Read::take(&mut input, limit);
            if limited.read_until(b'\n', &mut bytes).map_err(ReadError::Io)? == 0 {
                return Ok(false);
            }
            let wrong = |what: String| ReadError::Line { line: number, what };
            if bytes.len() > LINE_BYTES_MAX {
                return Err(wrong(format!("is longer than {LINE_BYTES_MAX} bytes")));
            }
            let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
            let text = text.trim_matches(['\n', '\r', ' ', '\t']);
            if text == "# EOF" {
                return Ok(true);
            }
            match text.strip_prefix('#') {
                Some(comment) => self.heads.note(comment),
                None if text.is_empty() => {}
                None => self.sample(text).map_err(wrong)?,
            }
            if self.read.stopped {
                return Ok(true);
            }
        }
    }

    fn sample(&mut self, text: &str) -> Result<(), String> {
        let Line { series, value, time } = line::take_apart(text)?;
        let time = time.ok_or_else(|| format!("the sample of {} has no time", shown(series)))?;
        let at_ms = match self.unit {
            TimeUnit::Seconds => line::seconds(time)?,
            TimeUnit::Milliseconds => time.parse().map_err(|_| format!("`{time}` is no time"))?,
        };
        let at = match self.held.known.get(series) {
            Some(at) => *at,
            None => self.held.enter(series)?,
        };
        let points = &mut self.held.series[at].1;
        match value {
            Value::Float(value) => points.push(at_ms, value),
            Value::Histogram(histogram) => {
                points.histograms.push(HistogramSample { at_ms, histogram: Arc::new(*histogram) });
            }
        }
        self.held.samples += 1;
        self.read.samples += 1;
        if self.held.samples >= HELD_SAMPLES_MAX {
            self.give();
        }
        Ok(())
    }

    fn give(&mut self) {
        let held = std::mem::take(&mut self.held);
        let heads = std::mem::take(&mut self.heads);
        let mut flow = heads.all.iter().try_for_each(|head| self.sink.metadata(head));
        for (labels, points) in &held.series {
            if flow.is_break() {
                break;
            }
            flow = self.sink.points(labels, points);
        }
        self.read.stopped |= flow == ControlFlow::Break(());
    }
}

impl Held {
    fn enter(&mut self, series: &str) -> Result<usize, String> {
        let labels = line::labels(series)?;
        self.series.push((labels, Points::default()));
        self.known.insert(series.into(), self.series.len() - 1);
        Ok(self.series.len() - 1)
    }
}

impl Heads {
    /// Comments that are no metadata are passed over.
    fn note(&mut self, comment: &str) {
        let mut words = comment.trim_start().splitn(3, ' ');
        let (Some(what), Some(family)) = (words.next(), words.next()) else { return };
        let rest = words.next().unwrap_or_default();
        if !matches!(what, "TYPE" | "HELP" | "UNIT") {
            return;
        }
        // A quoted family reads as a series of that name.
        let family = line::labels(family.trim_matches('"')).ok();
        let Some(family) = family.as_ref().and_then(Labels::metric_name) else { return };
        let at = match self.known.get(family) {
            Some(at) => *at,
            None if self.all.len() >= FAMILIES_MAX => return,
            None => {
                self.known.insert(family.into(), self.all.len());
                self.all.push(Metadata {
                    family: family.into(),
                    kind: MetricKind::Unknown,
                    help: "".into(),
                    unit: "".into(),
                });
                self.all.len() - 1
            }
        };
        let head = &mut self.all[at];
        match what {
            "TYPE" => head.kind = kind(rest.trim()),
            "HELP" => head.help = unescape(rest).into(),
            _ => head.unit = rest.trim().into(),
        }
    }
}

fn kind(text: &str) -> MetricKind {
    match text {
        "counter" => MetricKind::Counter,
        "gauge" => MetricKind::Gauge,
        "histogram" => MetricKind::Histogram,
        "gaugehistogram" => MetricKind::GaugeHistogram,
        "summary" => MetricKind::Summary,
        "info" => MetricKind::Info,
        "stateset" => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(each) = chars.next() {
        match (each, each == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other @ ('\\' | '"')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            (other, false) => out.push(other),
        }
    }
    out
}
