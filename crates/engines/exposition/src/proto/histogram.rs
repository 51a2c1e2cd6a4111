//! `io.prometheus.client.Histogram`: classic buckets, native ones, or both.

use model::{BucketSpan, Histogram, ResetHint};

use super::{exemplar, time_ms};
use crate::{
    OwnedExemplar,
    nhcb::compact,
    wire::{Reader, WireError, zigzag},
};

/// Buckets of one native histogram, so that a few bytes of spans do not become gigabytes.
const BUCKETS_MAX: u64 = 1 << 20;

/// The message as it is; a reader is used again for many.
#[derive(Debug, Default)]
pub(super) struct RawHistogram {
    count: u64,
    count_float: f64,
    pub(super) sum: f64,
    pub(super) buckets: Vec<Bucket>,
    schema: i32,
    zero_threshold: f64,
    zero_count: u64,
    zero_count_float: f64,
    positive: Side,
    negative: Side,
    exemplars: Vec<OwnedExemplar>,
}

/// A classic bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    bound: f64,
    count: u64,
    count_float: f64,
    exemplar: Option<OwnedExemplar>,
}

/// Buckets of one sign.
#[derive(Debug, Default)]
struct Side {
    spans: Vec<BucketSpan>,
    /// Each as the difference to the one before.
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl RawHistogram {
    pub(super) fn clear(&mut self) {
        (self.count, self.count_float, self.sum, self.schema) = (0, 0.0, 0.0, 0);
        (self.zero_threshold, self.zero_count, self.zero_count_float) = (0.0, 0, 0.0);
        self.buckets.clear();
        self.exemplars.clear();
        for side in [&mut self.positive, &mut self.negative] {
            side.spans.clear();
            side.deltas.clear();
            side.counts.clear();
        }
    }

    /// Returns when counting began, in Unix milliseconds.
    pub(super) fn read(&mut self, mut message: Reader<'_>) -> Result<Option<i64>, WireError> {
        let mut start_ms = None;
        while let Some(field) = message.next()? {
            match field.number {
                1 => self.count = field.uint("sample_count")?,
                2 => self.sum = field.double("sample_sum")?,
                3 => self.buckets.push(bucket(field.message("bucket")?)?),
                4 => self.count_float = field.double("sample_count_float")?,
                5 => self.schema = field.sint32("schema")?,
                6 => self.zero_threshold = field.double("zero_threshold")?,
                7 => self.zero_count = field.uint("zero_count")?,
                8 => self.zero_count_float = field.double("zero_count_float")?,
                9 => self.negative.spans.push(span(field.message("negative_span")?)?),
                10 => {
                    let deltas = &mut self.negative.deltas;
                    field.uints("negative_delta", |raw| deltas.push(zigzag(raw)))?;
                }
                11 => {
                    let counts = &mut self.negative.counts;
                    field.doubles("negative_count", |count| counts.push(count))?;
                }
                12 => self.positive.spans.push(span(field.message("positive_span")?)?),
                13 => {
                    let deltas = &mut self.positive.deltas;
                    field.uints("positive_delta", |raw| deltas.push(zigzag(raw)))?;
                }
                14 => {
                    let counts = &mut self.positive.counts;
                    field.doubles("positive_count", |count| counts.push(count))?;
                }
                15 => start_ms = Some(time_ms(field.message("start_timestamp")?)?),
                16 => self.exemplars.push(exemplar(field.message("exemplar")?)?),
                _ => {}
            }
        }
        Ok(start_ms)
    }

    /// Whether it has what only native histograms have; a library adds an empty span where there is nothing else.
    pub(super) fn is_native(&self) -> bool {
        !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
            || self.zero_threshold > 0.0
            || self.zero_count > 0
            || self.zero_count_float > 0.0
    }

    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    pub(super) fn count(&self) -> f64 {
        if self.count_float == 0.0 { self.count as f64 } else { self.count_float }
    }

    /// Bound, cumulated count and exemplar of a classic bucket; the last one is that of all observations, be it exposed or not.
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    pub(super) fn bucket(&self, at: usize) -> Option<(f64, f64, Option<OwnedExemplar>)> {
        let infinite = |bucket: &Bucket| bucket.bound == f64::INFINITY;
        if at > 0 && self.buckets.get(at - 1).is_some_and(infinite) {
            return None;
        }
        match self.buckets.get(at) {
            Some(bucket) => {
                let float = bucket.count_float;
                let count = if float == 0.0 { bucket.count as f64 } else { float };
                Some((bucket.bound, count, bucket.exemplar.clone()))
            }
            None if at == self.buckets.len() => Some((f64::INFINITY, self.count(), None)),
            None => None,
        }
    }

    /// Those with a time: of the histogram itself, or else of its classic buckets.
    pub(super) fn native_exemplars(&self) -> Vec<OwnedExemplar> {
        let timed = |one: &&OwnedExemplar| one.at_ms.is_some();
        if self.exemplars.is_empty() {
            let all = self.buckets.iter().filter_map(|bucket| bucket.exemplar.as_ref());
            return all.filter(timed).cloned().collect();
        }
        self.exemplars.iter().filter(timed).cloned().collect()
    }

    /// # Errors
    /// What is wrong, after the histogram's name.
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    pub(super) fn native(&self, gauge: bool) -> Result<Histogram, String> {
        let float = self.count_float > 0.0 || self.zero_count_float > 0.0;
        let (positive_spans, positive) = self.positive.buckets(float, "positive")?;
        let (negative_spans, negative) = self.negative.buckets(float, "negative")?;
        let (count, zero_count) = if float {
            (self.count_float, self.zero_count_float)
        } else {
            (self.count as f64, self.zero_count as f64)
        };
        Ok(Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count,
            count,
            sum: self.sum,
            positive_spans,
            negative_spans,
            positive,
            negative,
            custom_values: Vec::new(),
            reset_hint: if gauge { ResetHint::Gauge } else { ResetHint::Unknown },
        })
    }
}

impl Side {
    /// Without empty buckets.
    #[expect(clippy::cast_precision_loss, reason = "samples are floats, as Prometheus has them")]
    fn buckets(&self, float: bool, side: &str) -> Result<(Vec<BucketSpan>, Vec<f64>), String> {
        let have = if float { self.counts.len() } else { self.deltas.len() } as u64;
        let named: u64 = self.spans.iter().map(|span| u64::from(span.length)).sum();
        if named != have || named > BUCKETS_MAX {
            return Err(format!("has {side} spans for {named} buckets and {have} counts"));
        }
        if self.spans.iter().skip(1).any(|span| span.offset < 0) {
            return Err(format!("has a {side} span with a negative offset"));
        }
        let mut at = 0_i64;
        let mut indexes = Vec::new();
        for span in &self.spans {
            at += i64::from(span.offset);
            indexes.extend(at..at + i64::from(span.length));
            at += i64::from(span.length);
        }
        if float {
            return Ok(compact(indexes.into_iter().zip(self.counts.iter().copied()), 0));
        }
        let mut count = 0_i64;
        let counts = self.deltas.iter().map(|delta| {
            count = count.saturating_add(*delta);
            count as f64
        });
        Ok(compact(indexes.into_iter().zip(counts), 0))
    }
}

fn bucket(mut message: Reader<'_>) -> Result<Bucket, WireError> {
    let mut bucket = Bucket::default();
    while let Some(field) = message.next()? {
        match field.number {
            1 => bucket.count = field.uint("cumulative_count")?,
            2 => bucket.bound = field.double("upper_bound")?,
            3 => bucket.exemplar = Some(exemplar(field.message("bucket exemplar")?)?),
            4 => bucket.count_float = field.double("cumulative_count_float")?,
            _ => {}
        }
    }
    Ok(bucket)
}

fn span(mut message: Reader<'_>) -> Result<BucketSpan, WireError> {
    let mut span = BucketSpan::default();
    while let Some(field) = message.next()? {
        match field.number {
            1 => span.offset = field.sint32("offset")?,
            2 => span.length = field.uint32("length")?,
            _ => {}
        }
    }
    Ok(span)
}
