//! Both text formats, written.

use std::fmt::Write;

use model::{Exemplar, Histogram, Labels, MetricKind};

use super::{Escaping, FamilyHead, escaped, is_legacy};
use crate::number;

/// Writes lines.
#[derive(Debug)]
pub(super) struct TextWriter {
    open_metrics: bool,
    escaping: Escaping,
    body: String,
}

impl TextWriter {
    pub(super) fn new(open_metrics: bool, escaping: Escaping) -> Self {
        Self { open_metrics, escaping, body: String::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    pub(super) fn family(&mut self, head: &FamilyHead<'_>) {
        let (kind, name) = self.kind_of(head);
        let kind = match (kind, self.open_metrics) {
            (MetricKind::Unknown, false) => "untyped",
            (MetricKind::Info | MetricKind::StateSet, false) => "gauge",
            (MetricKind::GaugeHistogram, false) => "histogram",
            (kind, _) => kind.as_str(),
        };
        if !head.help.is_empty() {
            self.comment("HELP", name);
            let quotes = self.open_metrics;
            push_escaped(head.help, quotes, &mut self.body);
            self.body.push('\n');
        }
        self.comment("TYPE", name);
        self.body.push_str(kind);
        self.body.push('\n');
        let unit = name.strip_suffix(head.unit).is_some_and(|stem| stem.ends_with('_'));
        if self.open_metrics && !head.unit.is_empty() && unit {
            self.comment("UNIT", name);
            self.body.push_str(head.unit);
            self.body.push('\n');
        }
    }

    /// OpenMetrics keeps `_total` out of a counter's name, and knows no counter without it.
    fn kind_of<'a>(&self, head: &FamilyHead<'a>) -> (MetricKind, &'a str) {
        if !(self.open_metrics && head.kind == MetricKind::Counter) {
            return (head.kind, head.name);
        }
        match head.name.strip_suffix("_total") {
            Some(stem) => (MetricKind::Counter, stem),
            None => (MetricKind::Unknown, head.name),
        }
    }

    fn comment(&mut self, word: &str, name: &str) {
        self.body.push_str("# ");
        self.body.push_str(word);
        self.body.push(' ');
        let name = escaped(name, true, self.escaping);
        self.push_name(&name, true);
        self.body.push(' ');
    }

    fn push_name(&mut self, name: &str, colons: bool) {
        if is_legacy(name, colons) {
            self.body.push_str(name);
        } else {
            self.body.push('"');
            push_escaped(name, true, &mut self.body);
            self.body.push('"');
        }
    }

    pub(super) fn float(
        &mut self,
        labels: &Labels,
        value: f64,
        at_ms: Option<i64>,
        exemplar: Option<&Exemplar>,
    ) {
        self.line("", labels, None, value, at_ms);
        if let Some(exemplar) = exemplar.filter(|_| self.open_metrics) {
            self.body.push_str(" # {");
            let mut pairs: Vec<_> = exemplar.labels.iter().collect();
            pairs.sort_unstable();
            self.pairs(pairs.into_iter());
            self.body.push_str("} ");
            self.number(exemplar.value);
            self.time(Some(exemplar.at_ms));
        }
        self.body.push('\n');
    }

    pub(super) fn histogram(&mut self, labels: &Labels, histogram: &Histogram, at_ms: Option<i64>) {
        for (bound, cumulated) in classic_buckets(histogram) {
            let mut text = String::new();
            number::push_open_metrics(bound, &mut text);
            self.line("_bucket", labels, Some(("le", &text)), cumulated, at_ms);
            self.body.push('\n');
        }
        for (suffix, value) in [("_sum", histogram.sum), ("_count", histogram.count)] {
            self.line(suffix, labels, None, value, at_ms);
            self.body.push('\n');
        }
    }

    /// A line without its end.
    fn line(
        &mut self,
        suffix: &str,
        labels: &Labels,
        extra: Option<(&str, &str)>,
        value: f64,
        at_ms: Option<i64>,
    ) {
        let name = format!("{}{suffix}", labels.metric_name().unwrap_or_default());
        let name = escaped(&name, true, self.escaping);
        let bare = is_legacy(&name, true);
        if bare {
            self.body.push_str(&name);
        }
        let pairs = labels.iter().filter(|(name, _)| *name != Labels::METRIC_NAME).chain(extra);
        let any = labels.iter().any(|(name, _)| name != Labels::METRIC_NAME) || extra.is_some();
        if any || !bare {
            self.body.push('{');
            if !bare {
                self.push_name(&name, true);
                self.body.push_str(if any { "," } else { "" });
            }
            self.pairs(pairs);
            self.body.push('}');
        }
        self.body.push(' ');
        self.number(value);
        self.time(at_ms);
    }

    fn pairs<'l>(&mut self, pairs: impl Iterator<Item = (&'l str, &'l str)>) {
        for (at, (name, value)) in pairs.enumerate() {
            if at > 0 {
                self.body.push(',');
            }
            let name = escaped(name, false, self.escaping);
            self.push_name(&name, false);
            self.body.push_str("=\"");
            push_escaped(value, true, &mut self.body);
            self.body.push('"');
        }
    }

    fn number(&mut self, value: f64) {
        if self.open_metrics {
            number::push_open_metrics(value, &mut self.body);
        } else {
            number::push_general(value, &mut self.body);
        }
    }

    fn time(&mut self, at_ms: Option<i64>) {
        let Some(at_ms) = at_ms else {
            return;
        };
        // No writer into a `String` fails.
        if self.open_metrics {
            let (sign, size) = (if at_ms < 0 { "-" } else { "" }, at_ms.unsigned_abs());
            write!(self.body, " {sign}{}.{:03}", size / 1000, size % 1000).unwrap_or_default();
        } else {
            write!(self.body, " {at_ms}").unwrap_or_default();
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.open_metrics {
            self.body.push_str("# EOF\n");
        }
        self.body.into_bytes()
    }
}

/// Bound and cumulated count of the buckets that text has a bound for; `+Inf` last.
fn classic_buckets(histogram: &Histogram) -> Vec<(f64, f64)> {
    let mut buckets = Vec::new();
    if histogram.is_custom() {
        let mut counts = vec![0.0; histogram.custom_values.len()];
        let mut index = 0_i64;
        let mut given = histogram.positive.iter();
        for span in &histogram.positive_spans {
            index += i64::from(span.offset);
            for count in given.by_ref().take(usize::try_from(span.length).unwrap_or_default()) {
                let place = usize::try_from(index).ok().and_then(|at| counts.get_mut(at));
                if let Some(place) = place {
                    *place = *count;
                }
                index += 1;
            }
        }
        let mut cumulated = 0.0;
        for (bound, count) in histogram.custom_values.iter().zip(counts) {
            cumulated += count;
            buckets.push((*bound, cumulated));
        }
    }
    buckets.push((f64::INFINITY, histogram.count));
    buckets
}

fn push_escaped(text: &str, quotes: bool, into: &mut String) {
    for char in text.chars() {
        match char {
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '"' if quotes => into.push_str("\\\""),
            other => into.push(other),
        }
    }
}
