//! OpenMetrics text with timestamps, as `promtool tsdb create-blocks-from openmetrics` takes it.
//!
//! Times are seconds with a point and up to three decimals. Names that are no identifiers are quoted within the braces.
//! Native histograms are written as the draft of OpenMetrics 2.0 has them: `{count:2,sum:3,schema:0,…}` in the place of the
//! value, each bucket's count absolute. The text cannot say which NaN a value is, so staleness markers are left out (and
//! counted), and when counting began is left out too.

mod histogram;
mod line;
mod read;

use std::io::{self, Write};

use model::{Labels, Metadata, MetricKind, Points, Quoted};

pub use read::{TimeUnit, read};

/// Writes series of one family after the other.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    head: String,
    text: String,
    /// Staleness markers that were left out.
    pub stale: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        Self { out, head: String::new(), text: String::new(), stale: 0 }
    }

    /// Writes what a family says of itself; its series follow.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn family(&mut self, metadata: &Metadata) -> io::Result<()> {
        let family = family_name(metadata);
        self.text.clear();
        put_comment(&mut self.text, "TYPE", family, metadata.kind.as_str());
        // OpenMetrics has a unit at the end of the name. OpenTelemetry's units are written otherwise, and readers refuse them.
        let has_unit = family.strip_suffix(&*metadata.unit).is_some_and(|name| name.ends_with('_'));
        if !metadata.unit.is_empty() && has_unit {
            put_comment(&mut self.text, "UNIT", family, &metadata.unit);
        }
        if !metadata.help.is_empty() {
            let help =
                metadata.help.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
            put_comment(&mut self.text, "HELP", family, &help);
        }
        self.out.write_all(self.text.as_bytes())
    }

    /// Writes samples of one series, in order of time within each kind.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn points(&mut self, labels: &Labels, points: &Points) -> io::Result<()> {
        self.head.clear();
        put_series(&mut self.head, labels);
        for sample in points.samples() {
            if sample.is_stale() {
                self.stale += 1;
                continue;
            }
            self.text.clear();
            self.text.push_str(&self.head);
            put_value(&mut self.text, sample.value);
            self.put_line(sample.at_ms)?;
        }
        for sample in &points.histograms {
            if sample.histogram.is_stale() {
                self.stale += 1;
                continue;
            }
            self.text.clear();
            self.text.push_str(&self.head);
            histogram::put(&mut self.text, &sample.histogram);
            self.put_line(sample.at_ms)?;
        }
        Ok(())
    }

    fn put_line(&mut self, at_ms: i64) -> io::Result<()> {
        self.text.push(' ');
        put_seconds(&mut self.text, at_ms);
        self.text.push('\n');
        self.out.write_all(self.text.as_bytes())
    }

    /// Ends the text.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"# EOF\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The name that stands in comments: a counter's samples end in `_total`, its family does not.
fn family_name(metadata: &Metadata) -> &str {
    match metadata.kind {
        MetricKind::Counter => metadata.family.strip_suffix("_total").unwrap_or(&metadata.family),
        MetricKind::Info => metadata.family.strip_suffix("_info").unwrap_or(&metadata.family),
        MetricKind::Gauge
        | MetricKind::Histogram
        | MetricKind::GaugeHistogram
        | MetricKind::Summary
        | MetricKind::StateSet
        | MetricKind::Unknown => &metadata.family,
    }
}

fn put_comment(text: &mut String, what: &str, family: &str, rest: &str) {
    text.push_str("# ");
    text.push_str(what);
    text.push(' ');
    if is_identifier(family, true) {
        text.push_str(family);
    } else {
        put_quoted(text, family);
    }
    text.push(' ');
    text.push_str(rest);
    text.push('\n');
}

/// The series with a blank after it.
fn put_series(text: &mut String, labels: &Labels) {
    let name = labels.metric_name().unwrap_or_default();
    let mut first = true;
    let mut separate =
        |text: &mut String| text.push(if std::mem::take(&mut first) { '{' } else { ',' });
    if is_identifier(name, true) {
        text.push_str(name);
    } else if !name.is_empty() {
        separate(text);
        put_quoted(text, name);
    }
    for (label, value) in labels.iter().filter(|(label, _)| *label != Labels::METRIC_NAME) {
        separate(text);
        if is_identifier(label, false) {
            text.push_str(label);
        } else {
            put_quoted(text, label);
        }
        text.push('=');
        put_quoted(text, value);
    }
    text.push_str(match (first, name.is_empty()) {
        (true, true) => "{} ",
        (true, false) => " ",
        (false, _) => "} ",
    });
}

fn put_quoted(text: &mut String, value: &str) {
    text.push('"');
    for each in value.chars() {
        match each {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Whether a name may stand without quotes; a metric's may have colons.
fn is_identifier(name: &str, colons: bool) -> bool {
    let begins =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || colons && c == ':');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || colons && c == ':')
}

/// The shortest text that reads as the same number.
fn put_value(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        text.push_str(&format!("{value:?}"));
        if text.ends_with(".0") {
            text.truncate(text.len() - 2);
        }
    }
}

fn put_seconds(text: &mut String, at_ms: i64) {
    let (seconds, rest) = (at_ms.unsigned_abs() / 1000, at_ms.unsigned_abs() % 1000);
    let sign = if at_ms < 0 { "-" } else { "" };
    text.push_str(sign);
    text.push_str(&seconds.to_string());
    if rest > 0 {
        text.push_str(&format!(".{rest:03}"));
        while text.ends_with('0') {
            text.pop();
        }
    }
}

/// How a fault names a series.
fn shown(series: &str) -> String {
    let short: String = series.chars().take(200).collect();
    Quoted(&short).to_string()
}

#[cfg(test)]
mod tests;
