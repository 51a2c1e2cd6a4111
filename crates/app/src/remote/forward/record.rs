//! What was stored at one time, as a record of the queue: a count of samples, when it came, and the rest compressed.
//!
//! The layout is our own: strings with their lengths, whole numbers in 7-bit groups, floats as their bits.

use std::sync::Arc;

use model::{
    BucketSpan, Exemplar, Histogram, HistogramSample, HistogramSeries, Labels, Metadata,
    MetricKind, ResetHint, Sample, Series, SeriesExemplars, Timestamp,
};
use wal::codec::{DecodeError, Reader, put_bytes, put_int, put_len, put_uint};

const VERSION: u8 = 1;
/// A record larger than this, once it is decompressed, was not written by us.
const BYTES_MAX: usize = 256 << 20;

const KINDS: [MetricKind; 8] = [
    MetricKind::Unknown,
    MetricKind::Counter,
    MetricKind::Gauge,
    MetricKind::Histogram,
    MetricKind::GaugeHistogram,
    MetricKind::Summary,
    MetricKind::Info,
    MetricKind::StateSet,
];
const HINTS: [ResetHint; 4] =
    [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];

/// What a queue holds for one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) series: Vec<Series>,
    pub(super) histograms: Vec<HistogramSeries>,
    pub(super) exemplars: Vec<SeriesExemplars>,
    pub(super) metadata: Vec<Metadata>,
}

/// What stands before the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Samples and histograms.
    pub(super) samples: u64,
    pub(super) received_at: Timestamp,
}

impl Record {
    pub(super) fn is_empty(&self) -> bool {
        self.series.is_empty()
            && self.histograms.is_empty()
            && self.exemplars.is_empty()
            && self.metadata.is_empty()
    }

    /// Samples and histograms.
    pub(super) fn samples(&self) -> u64 {
        let floats: usize = self.series.iter().map(|one| one.samples.len()).sum();
        let histograms: usize = self.histograms.iter().map(|one| one.samples.len()).sum();
        (floats + histograms) as u64
    }

    pub(super) fn encode(&self, received_at: Timestamp) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_uint(&mut out, self.samples());
        put_int(&mut out, received_at.as_millis());
        let body = self.body();
        // What cannot be compressed is written as it is; its first byte says so.
        match snap::raw::Encoder::new().compress_vec(&body) {
            Ok(packed) => {
                out.push(1);
                out.extend_from_slice(&packed);
            }
            Err(_) => {
                out.push(0);
                out.extend_from_slice(&body);
            }
        }
        out
    }

    fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * self.series.len());
        put_len(&mut out, self.series.len());
        for series in &self.series {
            put_labels(&mut out, &series.labels);
            put_len(&mut out, series.samples.len());
            for sample in &series.samples {
                put_int(&mut out, sample.at_ms);
                put_float(&mut out, sample.value);
            }
        }
        put_len(&mut out, self.histograms.len());
        for series in &self.histograms {
            put_labels(&mut out, &series.labels);
            put_len(&mut out, series.samples.len());
            for sample in &series.samples {
                put_int(&mut out, sample.at_ms);
                put_histogram(&mut out, &sample.histogram);
            }
        }
        put_len(&mut out, self.exemplars.len());
        for series in &self.exemplars {
            put_labels(&mut out, &series.labels);
            put_len(&mut out, series.exemplars.len());
            for exemplar in &series.exemplars {
                put_labels(&mut out, &exemplar.labels);
                put_int(&mut out, exemplar.at_ms);
                put_float(&mut out, exemplar.value);
            }
        }
        put_len(&mut out, self.metadata.len());
        for metadata in &self.metadata {
            put_bytes(&mut out, metadata.family.as_bytes());
            let kind = KINDS.iter().position(|kind| *kind == metadata.kind).unwrap_or_default();
            put_len(&mut out, kind);
            put_bytes(&mut out, metadata.help.as_bytes());
            put_bytes(&mut out, metadata.unit.as_bytes());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<(Head, Self), DecodeError> {
        let mut reader = Reader::new(bytes);
        let head = head(&mut reader)?;
        let packed = reader.byte("form")? == 1;
        let rest = reader.rest();
        if !packed {
            return Ok((head, read(&mut Reader::new(rest))?));
        }
        let long = snap::raw::decompress_len(rest).map_err(|_| reader.error("length"))?;
        if long > BYTES_MAX {
            return Err(reader.error("length"));
        }
        let body = snap::raw::Decoder::new().decompress_vec(rest);
        let body = body.map_err(|_| reader.error("compressed samples"))?;
        Ok((head, read(&mut Reader::new(&body))?))
    }
}

fn head(reader: &mut Reader<'_>) -> Result<Head, DecodeError> {
    if reader.byte("version")? != VERSION {
        return Err(reader.error("version"));
    }
    let samples = reader.uint("count of samples")?;
    let received_at = Timestamp::from_millis(reader.int("time of arrival")?);
    Ok(Head { samples, received_at })
}

fn read(reader: &mut Reader<'_>) -> Result<Record, DecodeError> {
    let mut record = Record::default();
    for _ in 0..reader.len("count of series")? {
        let labels = labels(reader)?;
        let samples = (0..reader.len("count of samples")?)
            .map(|_| Ok(Sample { at_ms: reader.int("time")?, value: float(reader)? }))
            .collect::<Result<_, DecodeError>>()?;
        record.series.push(Series { labels, samples });
    }
    for _ in 0..reader.len("count of series")? {
        let labels = labels(reader)?;
        let samples = (0..reader.len("count of histograms")?)
            .map(|_| {
                let at_ms = reader.int("time")?;
                Ok(HistogramSample { at_ms, histogram: Arc::new(histogram(reader)?) })
            })
            .collect::<Result<_, DecodeError>>()?;
        record.histograms.push(HistogramSeries { labels, samples });
    }
    for _ in 0..reader.len("count of series")? {
        let of = labels(reader)?;
        let exemplars = (0..reader.len("count of exemplars")?)
            .map(|_| {
                let labels = labels(reader)?;
                let at_ms = reader.int("time")?;
                Ok(Exemplar { labels, at_ms, value: float(reader)? })
            })
            .collect::<Result<_, DecodeError>>()?;
        record.exemplars.push(SeriesExemplars { labels: of, exemplars });
    }
    for _ in 0..reader.len("count of families")? {
        record.metadata.push(Metadata {
            family: reader.str("family")?.into(),
            kind: choice(reader, &KINDS, "kind")?,
            help: reader.str("help")?.into(),
            unit: reader.str("unit")?.into(),
        });
    }
    Ok(record)
}

fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_len(out, labels.len());
    for (name, value) in labels.iter() {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}

fn labels(reader: &mut Reader<'_>) -> Result<Labels, DecodeError> {
    let pairs = (0..reader.len("count of labels")?)
        .map(|_| Ok((reader.str("label")?, reader.str("label")?)))
        .collect::<Result<Vec<_>, DecodeError>>()?;
    Ok(Labels::from_pairs(pairs))
}

fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn float(reader: &mut Reader<'_>) -> Result<f64, DecodeError> {
    Ok(f64::from_bits(u64::from_le_bytes(reader.array("number")?)))
}

fn choice<T: Copy>(
    reader: &mut Reader<'_>,
    of: &[T],
    what: &'static str,
) -> Result<T, DecodeError> {
    let at = usize::try_from(reader.uint(what)?).ok();
    at.and_then(|at| of.get(at).copied()).ok_or(reader.error(what))
}

fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    put_int(out, i64::from(histogram.schema));
    for value in [histogram.zero_threshold, histogram.zero_count, histogram.count, histogram.sum] {
        put_float(out, value);
    }
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        put_len(out, spans.len());
        for span in spans {
            put_int(out, i64::from(span.offset));
            put_uint(out, u64::from(span.length));
        }
    }
    for counts in [&histogram.positive, &histogram.negative, &histogram.custom_values] {
        put_len(out, counts.len());
        counts.iter().for_each(|count| put_float(out, *count));
    }
    let hint = HINTS.iter().position(|hint| *hint == histogram.reset_hint).unwrap_or_default();
    put_len(out, hint);
}

fn histogram(reader: &mut Reader<'_>) -> Result<Histogram, DecodeError> {
    let schema = whole(reader, "schema")?;
    let (zero_threshold, zero_count) = (float(reader)?, float(reader)?);
    let (count, sum) = (float(reader)?, float(reader)?);
    Ok(Histogram {
        schema,
        zero_threshold,
        zero_count,
        count,
        sum,
        positive_spans: spans(reader)?,
        negative_spans: spans(reader)?,
        positive: floats(reader)?,
        negative: floats(reader)?,
        custom_values: floats(reader)?,
        reset_hint: choice(reader, &HINTS, "reset hint")?,
    })
}

fn spans(reader: &mut Reader<'_>) -> Result<Vec<BucketSpan>, DecodeError> {
    (0..reader.len("count of spans")?)
        .map(|_| {
            let offset = whole(reader, "offset")?;
            let length =
                u32::try_from(reader.uint("length")?).map_err(|_| reader.error("length"))?;
            Ok(BucketSpan { offset, length })
        })
        .collect()
}

fn floats(reader: &mut Reader<'_>) -> Result<Vec<f64>, DecodeError> {
    (0..reader.len("count of buckets")?).map(|_| float(reader)).collect()
}

fn whole(reader: &mut Reader<'_>, what: &'static str) -> Result<i32, DecodeError> {
    i32::try_from(reader.int(what)?).map_err(|_| reader.error(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back() {
        let labels = Labels::from_pairs([("__name__", "a"), ("é", "ü")]);
        let histogram = Histogram {
            schema: -3,
            count: 3.5,
            sum: -1.0,
            zero_threshold: 1e-9,
            positive_spans: vec![BucketSpan { offset: -4, length: 2 }],
            positive: vec![1.0, 2.0],
            custom_values: vec![0.5],
            reset_hint: ResetHint::Gauge,
            ..Histogram::default()
        };
        let record = Record {
            series: vec![Series {
                labels: labels.clone(),
                samples: vec![Sample { at_ms: -5, value: 1.5 }, Sample { at_ms: 9, value: 0.1 }],
            }],
            histograms: vec![HistogramSeries {
                labels: labels.clone(),
                samples: vec![HistogramSample { at_ms: 1, histogram: Arc::new(histogram) }],
            }],
            exemplars: vec![SeriesExemplars {
                labels: labels.clone(),
                exemplars: vec![Exemplar { labels, value: 2.0, at_ms: 3 }],
            }],
            metadata: vec![Metadata {
                family: "a".into(),
                kind: MetricKind::Summary,
                help: "h".into(),
                unit: "s".into(),
            }],
        };
        let bytes = record.encode(Timestamp::from_millis(77));
        let (head, read) = Record::decode(&bytes).unwrap();
        assert_eq!(head, Head { samples: 3, received_at: Timestamp::from_millis(77) });
        assert_eq!(read, record);
        for len in 0..bytes.len() {
            // A cut record is refused or shorter; never a panic.
            drop(Record::decode(&bytes[..len]));
        }
    }
}
