//! Requests of remote write, written.

use std::collections::HashMap;

use model::{Exemplar, Histogram, HistogramSample, Labels, Metadata, ResetHint, Sample};

use super::number_of;
use crate::wire::{Writer, unzigzag};

/// Counts up to here are whole numbers without doubt.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Writes a `prometheus.WriteRequest`.
#[derive(Debug, Default)]
pub struct EncoderV1 {
    writer: Writer,
}

impl EncoderV1 {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series.
    pub fn series(
        &mut self,
        labels: &Labels,
        samples: &[Sample],
        histograms: &[HistogramSample],
        exemplars: &[Exemplar],
    ) {
        self.writer.message(1, |message| {
            series(message, labels, samples, histograms);
            for exemplar in exemplars {
                message.message(3, |message| {
                    pairs(message, 1, &exemplar.labels);
                    message.double(2, exemplar.value);
                    message.int(3, exemplar.at_ms);
                });
            }
        });
    }

    pub fn metadata(&mut self, metadata: &Metadata) {
        self.writer.message(3, |message| {
            message.uint(1, number_of(metadata.kind));
            message.text(2, &metadata.family);
            message.text(4, &metadata.help);
            message.text(5, &metadata.unit);
        });
    }

    /// How many bytes the request has so far.
    pub fn len(&self) -> usize {
        self.writer.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.writer.bytes.is_empty()
    }

    /// The request, not compressed.
    pub fn finish(self) -> Vec<u8> {
        self.writer.bytes
    }
}

/// Writes an `io.prometheus.write.v2.Request`.
#[derive(Debug, Default)]
pub struct EncoderV2 {
    series: Writer,
    symbols: HashMap<Box<str>, u64>,
    ordered: Writer,
}

impl EncoderV2 {
    pub fn new() -> Self {
        let mut encoder = Self::default();
        encoder.symbol("");
        encoder
    }

    fn symbol(&mut self, text: &str) -> u64 {
        if let Some(known) = self.symbols.get(text) {
            return *known;
        }
        let next = self.symbols.len() as u64;
        self.symbols.insert(text.into(), next);
        self.ordered.data(4, text.as_bytes());
        next
    }

    fn references(&mut self, labels: &Labels) -> Vec<u64> {
        labels.iter().flat_map(|(name, value)| [self.symbol(name), self.symbol(value)]).collect()
    }

    /// Adds a series with what is known of its family.
    pub fn series(
        &mut self,
        labels: &Labels,
        samples: &[Sample],
        histograms: &[HistogramSample],
        exemplars: &[Exemplar],
        metadata: Option<&Metadata>,
    ) {
        let references = self.references(labels);
        let exemplars: Vec<_> =
            exemplars.iter().map(|one| (self.references(&one.labels), one)).collect();
        let metadata = metadata.map(|about| {
            (number_of(about.kind), self.symbol(&about.help), self.symbol(&about.unit))
        });
        self.series.message(5, |series| {
            series.packed_uints(1, references);
            for sample in samples {
                series.message(2, |message| {
                    message.double(1, sample.value);
                    message.int(2, sample.at_ms);
                });
            }
            for sample in histograms {
                series.message(3, |message| histogram(message, sample));
            }
            for (references, exemplar) in exemplars {
                series.message(4, |message| {
                    message.packed_uints(1, references);
                    message.double(2, exemplar.value);
                    message.int(3, exemplar.at_ms);
                });
            }
            if let Some((kind, help, unit)) = metadata {
                series.message(5, |message| {
                    message.uint(1, kind);
                    message.uint(3, help);
                    message.uint(4, unit);
                });
            }
        });
    }

    /// How many bytes the request has so far.
    pub fn len(&self) -> usize {
        self.series.bytes.len() + self.ordered.bytes.len()
    }

    /// Whether no series was added.
    pub fn is_empty(&self) -> bool {
        self.series.bytes.is_empty()
    }

    /// The request, not compressed.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = self.ordered.bytes;
        bytes.extend_from_slice(&self.series.bytes);
        bytes
    }
}

/// A `prometheus.TimeSeries` without exemplars.
pub(super) fn series(
    writer: &mut Writer,
    labels: &Labels,
    samples: &[Sample],
    histograms: &[HistogramSample],
) {
    pairs(writer, 1, labels);
    for sample in samples {
        writer.message(2, |message| {
            message.double(1, sample.value);
            message.int(2, sample.at_ms);
        });
    }
    for sample in histograms {
        writer.message(4, |message| histogram(message, sample));
    }
}

pub(super) fn pairs(writer: &mut Writer, field: u32, labels: &Labels) {
    for (name, value) in labels.iter() {
        writer.message(field, |message| {
            message.text(1, name);
            message.text(2, value);
        });
    }
}

/// With whole counts as integers, as Prometheus sends what was counted.
fn histogram(writer: &mut Writer, sample: &HistogramSample) {
    let histogram = &*sample.histogram;
    let integer = is_whole(histogram);
    if integer {
        writer.uint_always(1, whole(histogram.count));
    } else {
        writer.double_always(2, histogram.count);
    }
    writer.double(3, histogram.sum);
    writer.sint(4, histogram.schema.into());
    writer.double(5, histogram.zero_threshold);
    if integer {
        writer.uint_always(6, whole(histogram.zero_count));
    } else {
        writer.double_always(7, histogram.zero_count);
    }
    spans(writer, 8, &histogram.negative_spans);
    counts(writer, 9, &histogram.negative, integer);
    spans(writer, 11, &histogram.positive_spans);
    counts(writer, 12, &histogram.positive, integer);
    writer.uint(
        14,
        match histogram.reset_hint {
            ResetHint::Unknown => 0,
            ResetHint::Reset => 1,
            ResetHint::NotReset => 2,
            ResetHint::Gauge => 3,
        },
    );
    writer.int(15, sample.at_ms);
    writer.packed_doubles(16, &histogram.custom_values);
}

fn spans(writer: &mut Writer, field: u32, spans: &[model::BucketSpan]) {
    for span in spans {
        writer.message(field, |message| {
            message.sint(1, span.offset.into());
            message.uint(2, span.length.into());
        });
    }
}

/// Differences in the field `field`, or floats in the one after it.
fn counts(writer: &mut Writer, field: u32, counts: &[f64], integer: bool) {
    if !integer {
        writer.packed_doubles(field + 1, counts);
        return;
    }
    let mut before = 0_i64;
    let deltas = counts.iter().map(|count| {
        let count = whole(*count).cast_signed();
        let delta = count - before;
        before = count;
        unzigzag(delta)
    });
    writer.packed_uints(field, deltas);
}

fn is_whole(histogram: &Histogram) -> bool {
    let buckets = histogram.positive.iter().chain(&histogram.negative);
    buckets
        .chain([&histogram.count, &histogram.zero_count])
        .all(|count| count.fract() == 0.0 && (0.0..=WHOLE_MAX).contains(count))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "asked for only of whole numbers from 0 to 2^53"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
