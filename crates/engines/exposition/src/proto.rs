//! The protobuf format: `io.prometheus.client.MetricFamily` (client_model's metrics.proto), each after its length.

mod histogram;

use std::{borrow::Cow, sync::Arc};

use model::{Histogram, Labels, MetricKind};

use crate::{
    Entry, HistogramEntry, Options, OwnedExemplar, ParseError, SeriesEntry,
    entry::{Exemplars, RawLabels, SEPARATOR},
    number,
    quote::quoted,
    wire::{Reader, WireError},
};
use histogram::RawHistogram;

/// Reads a body of metric families.
#[derive(Debug)]
pub(crate) struct ProtoParser<'b> {
    body: Reader<'b>,
    options: Options,
    family: Family<'b>,
    /// The next of the family's metrics.
    next: usize,
    metric: Metric<'b>,
    stage: Stage,
    sample: Sample,
}

#[derive(Debug, Default)]
struct Family<'b> {
    name: &'b str,
    help: &'b str,
    unit: &'b str,
    kind: MetricKind,
    metrics: Vec<Reader<'b>>,
}

/// One metric, taken apart once.
#[derive(Debug, Default)]
struct Metric<'b> {
    labels: Vec<(&'b str, &'b str)>,
    at_ms: Option<i64>,
    start_ms: Option<i64>,
    value: f64,
    count: f64,
    sum: f64,
    /// Quantile and value.
    quantiles: Vec<(f64, f64)>,
    histogram: RawHistogram,
    exemplar: Option<OwnedExemplar>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Family,
    Unit,
    Type,
    Metric,
    /// The samples of the metric at hand, from this one on: count, sum, then buckets or quantiles.
    Parts(usize),
}

/// The entry at hand.
#[derive(Debug, Default)]
struct Sample {
    entry: EntryKind,
    raw: Vec<u8>,
    value: f64,
    histogram: Option<Arc<Histogram>>,
    exemplars: Vec<OwnedExemplar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum EntryKind {
    #[default]
    Help,
    Unit,
    Type,
    Series,
    Histogram,
}

impl<'b> ProtoParser<'b> {
    pub(crate) fn new(body: &'b [u8], options: Options) -> Self {
        Self {
            body: Reader::new(body, 0),
            options,
            family: Family::default(),
            next: 0,
            metric: Metric::default(),
            stage: Stage::Family,
            sample: Sample::default(),
        }
    }

    /// Goes to the next entry; `false` at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, ParseError> {
        loop {
            match self.stage {
                Stage::Family => {
                    if self.body.is_empty() {
                        return Ok(false);
                    }
                    self.read_family()?;
                    if !self.family.metrics.is_empty() {
                        let unit = !self.family.unit.is_empty();
                        self.stage = if unit { Stage::Unit } else { Stage::Type };
                        self.sample.entry = EntryKind::Help;
                        return Ok(true);
                    }
                }
                Stage::Unit => {
                    (self.stage, self.sample.entry) = (Stage::Type, EntryKind::Unit);
                    return Ok(true);
                }
                Stage::Type => {
                    (self.stage, self.sample.entry) = (Stage::Metric, EntryKind::Type);
                    return Ok(true);
                }
                Stage::Metric => {
                    let Some(metric) = self.family.metrics.get(self.next).copied() else {
                        self.stage = Stage::Family;
                        continue;
                    };
                    self.next += 1;
                    self.metric.read(metric, self.family.kind).map_err(protobuf)?;
                    if self.first_sample(metric.at())? {
                        return Ok(true);
                    }
                }
                Stage::Parts(at) => {
                    self.stage = Stage::Parts(at + 1);
                    if self.part(at) {
                        return Ok(true);
                    }
                    self.stage = Stage::Metric;
                }
            }
        }
    }

    fn read_family(&mut self) -> Result<(), ParseError> {
        let message = self.body.delimited().map_err(protobuf)?;
        let at = self.body.at() - message.len();
        self.family.read(Reader::new(message, at)).map_err(protobuf)?;
        self.next = 0;
        self.family.check(at)
    }

    /// A histogram, or the only sample of a simple metric; `false` when the metric consists of parts.
    fn first_sample(&mut self, at: usize) -> Result<bool, ParseError> {
        let gauge = self.family.kind == MetricKind::GaugeHistogram;
        match self.family.kind {
            MetricKind::Histogram | MetricKind::GaugeHistogram => {
                let native = self.metric.histogram.is_native() && self.options.native_histograms;
                if !native {
                    self.stage = Stage::Parts(0);
                    return Ok(false);
                }
                let histogram = self.metric.histogram.native(gauge).map_err(|what| {
                    let what = format!("histogram {} {what}", quoted(self.family.name.as_bytes()));
                    ParseError::Family { what, at }
                })?;
                // With this option, the classic form follows.
                let classic =
                    self.options.classic_histograms && !self.metric.histogram.buckets.is_empty();
                self.stage = if classic { Stage::Parts(0) } else { Stage::Metric };
                self.sample.histogram = Some(Arc::new(histogram));
                self.sample.exemplars = self.metric.histogram.native_exemplars();
                self.name("", None);
                self.sample.entry = EntryKind::Histogram;
                Ok(true)
            }
            MetricKind::Summary => {
                self.stage = Stage::Parts(0);
                Ok(false)
            }
            _ => {
                self.stage = Stage::Metric;
                let exemplar = self.metric.exemplar.take();
                self.float("", None, self.metric.value, exemplar);
                Ok(true)
            }
        }
    }

    /// The sample at the place `at` of a summary or classic histogram; `false` after the last.
    fn part(&mut self, at: usize) -> bool {
        let summary = self.family.kind == MetricKind::Summary;
        match at.checked_sub(2) {
            None if at == 0 => self.float("_count", None, self.metric.count, None),
            None => self.float("_sum", None, self.metric.sum, None),
            Some(at) if summary => {
                let Some((quantile, value)) = self.metric.quantiles.get(at).copied() else {
                    return false;
                };
                self.float("", Some(("quantile", quantile)), value, None);
            }
            Some(at) => {
                let Some((bound, count, exemplar)) = self.metric.histogram.bucket(at) else {
                    return false;
                };
                self.float("_bucket", Some(("le", bound)), count, exemplar);
            }
        }
        true
    }

    fn float(
        &mut self,
        suffix: &str,
        extra: Option<(&str, f64)>,
        value: f64,
        exemplar: Option<OwnedExemplar>,
    ) {
        self.name(suffix, extra);
        self.sample.entry = EntryKind::Series;
        self.sample.value = value;
        self.sample.exemplars.clear();
        self.sample.exemplars.extend(exemplar);
    }

    /// Writes the series' name and labels.
    fn name(&mut self, suffix: &str, extra: Option<(&str, f64)>) {
        let raw = &mut self.sample.raw;
        raw.clear();
        raw.extend_from_slice(self.family.name.as_bytes());
        raw.extend_from_slice(suffix.as_bytes());
        let mut pair = |name: &str, value: &str| {
            raw.push(SEPARATOR);
            raw.extend_from_slice(name.as_bytes());
            raw.push(SEPARATOR);
            raw.extend_from_slice(value.as_bytes());
        };
        let typed = self.options.type_and_unit_labels;
        if typed && self.family.kind != MetricKind::Unknown {
            pair("__type__", self.family.kind.as_str());
        }
        if typed && !self.family.unit.is_empty() {
            pair("__unit__", self.family.unit);
        }
        for (name, value) in &self.metric.labels {
            if !(typed && matches!(*name, "__type__" | "__unit__")) {
                pair(name, value);
            }
        }
        if let Some((name, value)) = extra {
            let mut text = String::new();
            number::push_open_metrics(value, &mut text);
            pair(name, &text);
        }
    }

    pub(crate) fn entry(&self) -> Entry<'_> {
        let family = Cow::Borrowed(self.family.name);
        let labels = RawLabels::Separated { raw: &self.sample.raw };
        let exemplars = Exemplars::Ready(&self.sample.exemplars);
        let start_ms = self.metric.start_ms.filter(|_| self.options.starts);
        match self.sample.entry {
            EntryKind::Help => Entry::Help { family, text: self.family.help.into() },
            EntryKind::Unit => Entry::Unit { family, unit: self.family.unit.into() },
            EntryKind::Type => Entry::Type { family, kind: self.family.kind },
            EntryKind::Series => Entry::Series(SeriesEntry {
                raw: &self.sample.raw,
                value: self.sample.value,
                at_ms: self.metric.at_ms,
                start_ms,
                labels,
                exemplars,
            }),
            EntryKind::Histogram => Entry::Histogram(HistogramEntry {
                raw: &self.sample.raw,
                histogram: self.sample.histogram.clone().unwrap_or_default(),
                at_ms: self.metric.at_ms,
                start_ms,
                labels,
                exemplars,
            }),
        }
    }

    pub(crate) fn typed(&self) -> (MetricKind, &[u8]) {
        (self.family.kind, self.family.name.as_bytes())
    }
}

fn protobuf(source: WireError) -> ParseError {
    ParseError::Protobuf { source }
}

impl<'b> Family<'b> {
    fn read(&mut self, mut message: Reader<'b>) -> Result<(), WireError> {
        self.metrics.clear();
        (self.name, self.help, self.unit) = ("", "", "");
        let mut kind = 0;
        while let Some(field) = message.next()? {
            match field.number {
                1 => self.name = field.text("name")?,
                2 => self.help = field.text("help")?,
                3 => kind = field.uint("type")?,
                4 => self.metrics.push(field.message("metric")?),
                5 => self.unit = field.text("unit")?,
                _ => {}
            }
        }
        self.kind = match kind {
            0 => MetricKind::Counter,
            1 => MetricKind::Gauge,
            2 => MetricKind::Summary,
            3 => MetricKind::Unknown,
            4 => MetricKind::Histogram,
            5 => MetricKind::GaugeHistogram,
            _ => return Err(WireError::Rule { what: "unknown metric type", at: message.at() }),
        };
        Ok(())
    }

    fn check(&self, at: usize) -> Result<(), ParseError> {
        if self.metrics.is_empty() {
            return Ok(());
        }
        if self.name.is_empty() {
            return Err(ParseError::Family { what: "invalid metric name: ".to_owned(), at });
        }
        let counter = self.kind == MetricKind::Counter;
        let stem = self.name.strip_suffix("_total").filter(|_| counter).unwrap_or(self.name);
        let before = stem.strip_suffix(self.unit);
        if !self.unit.is_empty() && !before.is_some_and(|stem| stem.ends_with('_')) {
            let (unit, name) = (quoted(self.unit.as_bytes()), quoted(self.name.as_bytes()));
            return Err(ParseError::Unit { unit, name, at });
        }
        Ok(())
    }
}

impl<'b> Metric<'b> {
    fn read(&mut self, mut message: Reader<'b>, kind: MetricKind) -> Result<(), WireError> {
        self.labels.clear();
        self.quantiles.clear();
        self.histogram.clear();
        (self.at_ms, self.start_ms, self.exemplar) = (None, None, None);
        (self.value, self.count, self.sum) = (0.0, 0.0, 0.0);
        while let Some(field) = message.next()? {
            match (field.number, kind) {
                (1, _) => self.labels.push(label(field.message("label")?)?),
                (2, MetricKind::Gauge) | (3, MetricKind::Counter) | (5, MetricKind::Unknown) => {
                    self.simple(field.message("value")?)?
                }
                (4, MetricKind::Summary) => self.summary(field.message("summary")?)?,
                (7, MetricKind::Histogram | MetricKind::GaugeHistogram) => {
                    self.start_ms = self.histogram.read(field.message("histogram")?)?;
                    (self.count, self.sum) = (self.histogram.count(), self.histogram.sum);
                }
                // 0 is what proto3 does not send.
                (6, _) => self.at_ms = Some(field.int("timestamp_ms")?).filter(|at| *at != 0),
                _ => {}
            }
        }
        Ok(())
    }

    /// A counter, gauge or untyped metric.
    fn simple(&mut self, mut message: Reader<'b>) -> Result<(), WireError> {
        while let Some(field) = message.next()? {
            match field.number {
                1 => self.value = field.double("value")?,
                2 => self.exemplar = Some(exemplar(field.message("exemplar")?)?),
                3 => self.start_ms = Some(time_ms(field.message("start_timestamp")?)?),
                _ => {}
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    fn summary(&mut self, mut message: Reader<'b>) -> Result<(), WireError> {
        while let Some(field) = message.next()? {
            match field.number {
                1 => self.count = field.uint("sample_count")? as f64,
                2 => self.sum = field.double("sample_sum")?,
                3 => {
                    let mut quantile = field.message("quantile")?;
                    let mut pair = (0.0, 0.0);
                    while let Some(field) = quantile.next()? {
                        match field.number {
                            1 => pair.0 = field.double("quantile")?,
                            2 => pair.1 = field.double("value")?,
                            _ => {}
                        }
                    }
                    self.quantiles.push(pair);
                }
                4 => self.start_ms = Some(time_ms(field.message("start_timestamp")?)?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn label<'b>(mut message: Reader<'b>) -> Result<(&'b str, &'b str), WireError> {
    let mut pair = ("", "");
    while let Some(field) = message.next()? {
        match field.number {
            1 => pair.0 = field.text("label name")?,
            2 => pair.1 = field.text("label value")?,
            _ => {}
        }
    }
    Ok(pair)
}

fn exemplar(mut message: Reader<'_>) -> Result<OwnedExemplar, WireError> {
    let mut labels = Vec::new();
    let (mut value, mut at_ms) = (0.0, None);
    while let Some(field) = message.next()? {
        match field.number {
            1 => labels.push(label(field.message("exemplar label")?)?),
            2 => value = field.double("exemplar value")?,
            3 => at_ms = Some(time_ms(field.message("exemplar timestamp")?)?),
            _ => {}
        }
    }
    Ok(OwnedExemplar { labels: Labels::from_pairs(labels), value, at_ms })
}

/// `google.protobuf.Timestamp` in milliseconds.
fn time_ms(mut message: Reader<'_>) -> Result<i64, WireError> {
    let (mut seconds, mut nanos) = (0_i64, 0_i64);
    while let Some(field) = message.next()? {
        match field.number {
            1 => seconds = field.int("seconds")?,
            2 => nanos = field.int("nanos")?,
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}
