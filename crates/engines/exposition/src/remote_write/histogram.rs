//! Native histograms of remote write; both versions have the same message.

use model::{BucketSpan, Histogram, HistogramError, ResetHint};

use crate::wire::{Reader, WireError, zigzag};

/// Why a histogram cannot be one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistogramFault {
    #[error("{0}")]
    Wire(#[source] WireError),
    #[error("{0}")]
    Invalid(#[source] HistogramError),
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    )]
    Count { buckets: f64, count: f64 },
}

/// A histogram as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct HistogramRef<'a> {
    pub(super) message: Reader<'a>,
}

/// A histogram with its times.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DecodedHistogram {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Unix milliseconds at which counting began; 0 when that is not known.
    pub start_ms: i64,
    pub histogram: Histogram,
}

/// What takes a second look once all fields are known.
#[derive(Debug, Default)]
struct Parts {
    integer: bool,
    count_int: u64,
    count_float: f64,
    zero_int: u64,
    zero_float: f64,
    positive_deltas: Vec<i64>,
    negative_deltas: Vec<i64>,
}

impl HistogramRef<'_> {
    /// Where it is in the request.
    pub fn at(&self) -> usize {
        self.message.at()
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.message.end() - self.message.at()
    }

    pub fn is_empty(&self) -> bool {
        self.message.is_empty()
    }

    /// The time alone, in Unix milliseconds.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn at_ms(&self) -> Result<i64, WireError> {
        let mut message = self.message;
        let mut at_ms = 0;
        while let Some(field) = message.next()? {
            if field.number == 15 {
                at_ms = field.int("timestamp")?;
            }
        }
        Ok(at_ms)
    }

    /// Decodes and checks, as Prometheus does before it stores one.
    ///
    /// # Errors
    /// What cannot be read or contradicts itself.
    pub fn decode(&self) -> Result<DecodedHistogram, HistogramFault> {
        let mut decoded = DecodedHistogram::default();
        let mut parts = Parts::default();
        read(self.message, &mut decoded, &mut parts).map_err(HistogramFault::Wire)?;
        let histogram = &mut decoded.histogram;
        parts.fill(histogram);
        histogram.validate().map_err(HistogramFault::Invalid)?;
        let buckets: f64 = histogram.zero_count
            + histogram.positive.iter().sum::<f64>()
            + histogram.negative.iter().sum::<f64>();
        let count = histogram.count;
        if parts.integer && !histogram.sum.is_nan() && buckets.to_bits() != count.to_bits() {
            return Err(HistogramFault::Count { buckets, count });
        }
        Ok(decoded)
    }
}

fn read(
    mut message: Reader<'_>,
    decoded: &mut DecodedHistogram,
    parts: &mut Parts,
) -> Result<(), WireError> {
    let histogram = &mut decoded.histogram;
    while let Some(field) = message.next()? {
        match field.number {
            1 => (parts.count_int, parts.integer) = (field.uint("count_int")?, true),
            2 => (parts.count_float, parts.integer) = (field.double("count_float")?, false),
            3 => histogram.sum = field.double("sum")?,
            4 => histogram.schema = field.sint32("schema")?,
            5 => histogram.zero_threshold = field.double("zero_threshold")?,
            6 => parts.zero_int = field.uint("zero_count_int")?,
            7 => parts.zero_float = field.double("zero_count_float")?,
            8 => histogram.negative_spans.push(span(field.message("negative_spans")?)?),
            9 => {
                let deltas = &mut parts.negative_deltas;
                field.uints("negative_deltas", |raw| deltas.push(zigzag(raw)))?;
            }
            10 => {
                let counts = &mut histogram.negative;
                field.doubles("negative_counts", |count| counts.push(count))?;
            }
            11 => histogram.positive_spans.push(span(field.message("positive_spans")?)?),
            12 => {
                let deltas = &mut parts.positive_deltas;
                field.uints("positive_deltas", |raw| deltas.push(zigzag(raw)))?;
            }
            13 => {
                let counts = &mut histogram.positive;
                field.doubles("positive_counts", |count| counts.push(count))?;
            }
            14 => {
                histogram.reset_hint = match field.uint("reset_hint")? {
                    1 => ResetHint::Reset,
                    2 => ResetHint::NotReset,
                    3 => ResetHint::Gauge,
                    _ => ResetHint::Unknown,
                };
            }
            15 => decoded.at_ms = field.int("timestamp")?,
            16 => {
                let bounds = &mut histogram.custom_values;
                field.doubles("custom_values", |bound| bounds.push(bound))?;
            }
            17 => decoded.start_ms = field.int("start_timestamp")?,
            _ => {}
        }
    }
    Ok(())
}

impl Parts {
    #[expect(clippy::cast_precision_loss, reason = "counts are floats, as the model has them")]
    fn fill(&self, histogram: &mut Histogram) {
        if !self.integer {
            histogram.count = self.count_float;
            histogram.zero_count = self.zero_float;
            return;
        }
        histogram.count = self.count_int as f64;
        histogram.zero_count = self.zero_int as f64;
        histogram.positive = absolute(&self.positive_deltas);
        histogram.negative = absolute(&self.negative_deltas);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are floats, as the model has them")]
fn absolute(deltas: &[i64]) -> Vec<f64> {
    let mut count = 0_i64;
    let add = |delta: &i64| {
        count = count.saturating_add(*delta);
        count as f64
    };
    deltas.iter().map(add).collect()
}

fn span(mut message: Reader<'_>) -> Result<BucketSpan, WireError> {
    let mut span = BucketSpan::default();
    while let Some(field) = message.next()? {
        match field.number {
            1 => span.offset = field.sint32("span offset")?,
            2 => span.length = field.uint32("span length")?,
            _ => {}
        }
    }
    Ok(span)
}
