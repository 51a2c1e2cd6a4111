//! What a parser finds, one at a time, mostly as places in the body.

use std::{borrow::Cow, ops::Range, sync::Arc};

use model::{Exemplar, Histogram, Labels, MetricKind};

use crate::number;

/// One entry of a body; it borrows from the body and from its parser.
#[derive(Clone, Debug)]
pub enum Entry<'p> {
    /// What a family says of itself, with escapes resolved.
    Help {
        family: Cow<'p, str>,
        text: Cow<'p, str>,
    },
    Type {
        family: Cow<'p, str>,
        kind: MetricKind,
    },
    /// An empty `unit` says that there is none.
    Unit {
        family: Cow<'p, str>,
        unit: Cow<'p, str>,
    },
    Comment(&'p [u8]),
    Series(SeriesEntry<'p>),
    Histogram(HistogramEntry<'p>),
}

/// A sample that is a float.
#[derive(Clone, Debug)]
pub struct SeriesEntry<'p> {
    /// The bytes that name the series. The same bytes name the same series in every body of one target with the same options, so
    /// that they can be the key of a cache of what [`SeriesEntry::labels`] led to.
    pub raw: &'p [u8],
    pub value: f64,
    /// Unix milliseconds, when the target said them.
    pub at_ms: Option<i64>,
    /// Unix milliseconds at which counting began, when the target said them and [`crate::Options::starts`] asks for them.
    pub start_ms: Option<i64>,
    pub(crate) labels: RawLabels<'p>,
    pub(crate) exemplars: Exemplars<'p>,
}

/// A sample that is a native histogram.
#[derive(Clone, Debug)]
pub struct HistogramEntry<'p> {
    /// As [`SeriesEntry::raw`].
    pub raw: &'p [u8],
    pub histogram: Arc<Histogram>,
    pub at_ms: Option<i64>,
    pub start_ms: Option<i64>,
    pub(crate) labels: RawLabels<'p>,
    pub(crate) exemplars: Exemplars<'p>,
}

/// An exemplar as it was exposed.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedExemplar {
    pub labels: Labels,
    pub value: f64,
    /// Unix milliseconds, when the target said them.
    pub at_ms: Option<i64>,
}

impl OwnedExemplar {
    /// The exemplar with the time of its sample where it has none.
    pub fn at(self, sample_ms: i64) -> Exemplar {
        Exemplar { labels: self.labels, value: self.value, at_ms: self.at_ms.unwrap_or(sample_ms) }
    }
}

/// Labels where they are.
#[derive(Clone, Debug)]
pub(crate) enum RawLabels<'p> {
    /// In a line of text.
    Text {
        body: &'p [u8],
        name: Range<usize>,
        spans: &'p [LabelSpan],
        /// Which label's value is a float that is written in one way: `le` or `quantile`.
        float: Option<&'static str>,
        more: MoreLabels<'p>,
    },
    /// In `name\xfflabel\xffvalue…`.
    Separated {
        raw: &'p [u8],
    },
    Ready(&'p Labels),
}

/// `__type__` and `__unit__`, where [`crate::Options::type_and_unit_labels`] asks for them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MoreLabels<'p> {
    pub(crate) kind: Option<MetricKind>,
    pub(crate) unit: Option<&'p str>,
}

/// The places of a label's name and value in the body, without quotes.
#[derive(Clone, Debug)]
pub(crate) struct LabelSpan {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Exemplars<'p> {
    None,
    Text { body: &'p [u8], spans: &'p [LabelSpan], value: f64, at_ms: Option<i64> },
    Ready(&'p [OwnedExemplar]),
}

impl SeriesEntry<'_> {
    /// Calls `visit` with each name and value, the metric's name first, then in the body's order; empty values among them.
    pub fn visit_labels(&self, visit: impl FnMut(&str, &str)) {
        self.labels.visit(visit);
    }

    /// Sorted, without empty values; of two labels with one name the last wins.
    pub fn labels(&self) -> Labels {
        self.labels.collect()
    }

    /// A name that two of the labels have; Prometheus refuses such a series.
    pub fn duplicate_label(&self) -> Option<String> {
        self.labels.duplicate()
    }

    pub fn exemplar(&self) -> Option<OwnedExemplar> {
        self.exemplars.collect().into_iter().next()
    }
}

impl HistogramEntry<'_> {
    /// As [`SeriesEntry::visit_labels`].
    pub fn visit_labels(&self, visit: impl FnMut(&str, &str)) {
        self.labels.visit(visit);
    }

    /// As [`SeriesEntry::labels`].
    pub fn labels(&self) -> Labels {
        self.labels.collect()
    }

    /// As [`SeriesEntry::duplicate_label`].
    pub fn duplicate_label(&self) -> Option<String> {
        self.labels.duplicate()
    }

    pub fn exemplars(&self) -> Vec<OwnedExemplar> {
        self.exemplars.collect()
    }
}

impl RawLabels<'_> {
    pub(crate) fn visit(&self, mut visit: impl FnMut(&str, &str)) {
        match self {
            Self::Text { body, name, spans, float, more } => {
                visit(Labels::METRIC_NAME, &unescaped(slice(body, name)));
                if let Some(kind) = more.kind {
                    visit("__type__", kind.as_str());
                }
                if let Some(unit) = more.unit {
                    visit("__unit__", unit);
                }
                for span in *spans {
                    let name = unescaped(slice(body, &span.name));
                    let value = unescaped(slice(body, &span.value));
                    let typed = more.kind.is_some() || more.unit.is_some();
                    if typed && matches!(name.as_ref(), "__type__" | "__unit__") {
                        continue;
                    }
                    match (*float == Some(name.as_ref())).then(|| canonical(&value)).flatten() {
                        Some(text) => visit(&name, &text),
                        None => visit(&name, &value),
                    }
                }
            }
            Self::Separated { raw } => {
                let mut parts = raw.split(|byte| *byte == SEPARATOR).map(lossy);
                visit(Labels::METRIC_NAME, &parts.next().unwrap_or_default());
                while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    visit(&name, &value);
                }
            }
            Self::Ready(labels) => labels.iter().for_each(|(name, value)| visit(name, value)),
        }
    }

    pub(crate) fn collect(&self) -> Labels {
        if let Self::Ready(labels) = self {
            return (*labels).clone();
        }
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        self.visit(|name, value| pairs.push((name.into(), value.into())));
        Labels::from_pairs(pairs)
    }

    fn duplicate(&self) -> Option<String> {
        let mut names: Vec<String> = Vec::new();
        self.visit(|name, _| names.push(name.to_owned()));
        names.sort_unstable();
        names.windows(2).find(|two| two[0] == two[1]).map(|two| two[0].clone())
    }
}

/// Between names and values of a series of the protobuf format; it is in no UTF-8.
pub(crate) const SEPARATOR: u8 = 0xff;

impl Exemplars<'_> {
    pub(crate) fn collect(&self) -> Vec<OwnedExemplar> {
        match self {
            Self::None => Vec::new(),
            Self::Text { body, spans, value, at_ms } => {
                let pairs = spans.iter().map(|span| {
                    (unescaped(slice(body, &span.name)), unescaped(slice(body, &span.value)))
                });
                let labels = Labels::from_pairs(pairs);
                vec![OwnedExemplar { labels, value: *value, at_ms: *at_ms }]
            }
            Self::Ready(all) => all.to_vec(),
        }
    }
}

pub(crate) fn slice<'b>(body: &'b [u8], range: &Range<usize>) -> &'b [u8] {
    body.get(range.clone()).unwrap_or_default()
}

pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A quoted text without its escapes: `\\`, `\"` and `\n`; other backslashes stay.
pub(crate) fn unescaped(bytes: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', bytes).is_none() { lossy(bytes) } else { unescape(bytes, true) }
}

/// As [`unescaped`]; without `quotes`, `\"` stays as it is.
pub(crate) fn unescape(bytes: &[u8], quotes: bool) -> Cow<'_, str> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        plain.extend_from_slice(before);
        let (byte, taken) = match escape.get(1) {
            Some(b'\\') => (b'\\', 2),
            Some(b'n') => (b'\n', 2),
            Some(b'"') if quotes => (b'"', 2),
            _ => (b'\\', 1),
        };
        plain.push(byte);
        rest = escape.get(taken..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    match String::from_utf8(plain) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// A bound or quantile as OpenMetrics writes it; `None` when it is no number.
pub(crate) fn canonical(value: &str) -> Option<String> {
    let value = number::parse_float(value.as_bytes()).ok()?;
    let mut text = String::new();
    number::push_open_metrics(value, &mut text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_and_unknown_ones_stay() {
        assert_eq!(unescaped(br#"a\"b\\c\nd\z\"#), "a\"b\\c\nd\\z\\");
        assert_eq!(unescape(br#"a\"b\\n"#, false), r#"a\"b\n"#);
        assert_eq!(unescaped(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn separated_labels_are_split() {
        let labels = RawLabels::Separated { raw: b"up\xffjob\xffa\xffempty\xff" };
        assert_eq!(labels.collect().to_string(), r#"up{job="a"}"#);
        assert_eq!(labels.duplicate(), None);
    }
}
