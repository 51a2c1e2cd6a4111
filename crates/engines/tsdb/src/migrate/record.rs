//! How version 0.1 wrote an append to the write-ahead log, and how metadata are written still.
//!
//! `kind u8 | time of receipt | strings | series: labels by string number, samples | metadata`. A record refers to no other,
//! so that a damaged one takes nothing with it.

#[cfg(test)]
use std::collections::HashMap;
use std::sync::Arc;

use model::{Labels, Metadata, MetricKind, Sample, Series, Timestamp};
use wal::codec::{DecodeError, Reader, put_bytes};
#[cfg(test)]
use wal::codec::{put_int, put_len, put_uint};

const KIND: u8 = 1;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) received_at: Timestamp,
    pub(crate) series: Vec<Series>,
    pub(crate) metadata: Vec<Metadata>,
}

#[cfg(test)]
#[derive(Default)]
struct Strings<'a> {
    numbers: HashMap<&'a str, u64>,
    strings: Vec<&'a str>,
}

#[cfg(test)]
impl<'a> Strings<'a> {
    fn number(&mut self, text: &'a str) -> u64 {
        let next = u64::try_from(self.strings.len()).expect("a length in memory fits 64 bits");
        *self.numbers.entry(text).or_insert_with(|| {
            self.strings.push(text);
            next
        })
    }
}

#[cfg(test)]
pub(crate) fn encode(received_at: Timestamp, series: &[Series], metadata: &[&Metadata]) -> Vec<u8> {
    let mut strings = Strings::default();
    let mut body = Vec::new();
    put_len(&mut body, series.len());
    for series in series {
        put_len(&mut body, series.labels.len());
        for (name, value) in series.labels.iter() {
            put_uint(&mut body, strings.number(name));
            put_uint(&mut body, strings.number(value));
        }
        put_samples(&mut body, received_at, &series.samples);
    }
    put_len(&mut body, metadata.len());
    for metadata in metadata {
        put_metadata(&mut body, metadata);
    }
    let mut out = vec![KIND];
    put_int(&mut out, received_at.as_nanos());
    put_len(&mut out, strings.strings.len());
    for text in strings.strings {
        put_bytes(&mut out, text.as_bytes());
    }
    out.extend_from_slice(&body);
    out
}

#[cfg(test)]
/// Times are differences, wrapped so that any go: from the receipt, then from the sample before.
fn put_samples(out: &mut Vec<u8>, received_at: Timestamp, samples: &[Sample]) {
    put_len(out, samples.len());
    let mut last = received_at.as_millis();
    for sample in samples {
        put_int(out, sample.at_ms.wrapping_sub(last));
        out.extend_from_slice(&sample.value.to_bits().to_le_bytes());
        last = sample.at_ms;
    }
}

pub(crate) fn decode(payload: &[u8]) -> Result<Record, DecodeError> {
    let reader = &mut Reader::new(payload);
    if reader.byte("kind")? != KIND {
        return Err(reader.error("kind"));
    }
    let received_at = Timestamp::from_nanos(reader.int("time of receipt")?);
    let strings: Vec<Arc<str>> = (0..reader.len("strings")?)
        .map(|_| reader.str("string").map(Arc::from))
        .collect::<Result<_, _>>()?;
    let series = (0..reader.len("series")?)
        .map(|_| {
            let labels = labels(reader, &strings)?;
            Ok(Series { labels, samples: samples(reader, received_at)? })
        })
        .collect::<Result<_, _>>()?;
    let metadata =
        (0..reader.len("metadata")?).map(|_| read_metadata(reader)).collect::<Result<_, _>>()?;
    if !reader.is_empty() {
        return Err(reader.error("the end"));
    }
    Ok(Record { received_at, series, metadata })
}

fn labels(reader: &mut Reader<'_>, strings: &[Arc<str>]) -> Result<Labels, DecodeError> {
    let string = |reader: &mut Reader<'_>| {
        let number = usize::try_from(reader.uint("string number")?).unwrap_or(usize::MAX);
        strings.get(number).map(Arc::clone).ok_or(reader.error("string number"))
    };
    let pairs: Vec<_> = (0..reader.len("labels")?)
        .map(|_| Ok((string(reader)?, string(reader)?)))
        .collect::<Result<_, _>>()?;
    Ok(Labels::from_pairs(pairs))
}

fn samples(reader: &mut Reader<'_>, received_at: Timestamp) -> Result<Vec<Sample>, DecodeError> {
    let mut last = received_at.as_millis();
    (0..reader.len("samples")?)
        .map(|_| {
            last = last.wrapping_add(reader.int("time")?);
            let value = f64::from_bits(u64::from_le_bytes(reader.array("value")?));
            Ok(Sample { at_ms: last, value })
        })
        .collect()
}

pub(crate) fn put_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    put_bytes(out, metadata.family.as_bytes());
    out.push(match metadata.kind {
        MetricKind::Unknown => 0,
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
        MetricKind::Histogram => 3,
        MetricKind::Summary => 4,
        MetricKind::GaugeHistogram => 5,
        MetricKind::Info => 6,
        MetricKind::StateSet => 7,
    });
    put_bytes(out, metadata.help.as_bytes());
    put_bytes(out, metadata.unit.as_bytes());
}

pub(crate) fn read_metadata(reader: &mut Reader<'_>) -> Result<Metadata, DecodeError> {
    let family = reader.str("family")?.into();
    let kind = match reader.byte("metric kind")? {
        0 => MetricKind::Unknown,
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::Summary,
        5 => MetricKind::GaugeHistogram,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => return Err(reader.error("metric kind")),
    };
    Ok(Metadata {
        family,
        kind,
        help: reader.str("help")?.into(),
        unit: reader.str("unit")?.into(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Record> {
        let sample = (any::<i64>(), -1e9..1e9).prop_map(|(at_ms, value)| Sample { at_ms, value });
        let labels = prop::collection::vec(("[a-c]", "[a-c]{1,2}"), 0..4);
        let series = (labels, prop::collection::vec(sample, 0..5))
            .prop_map(|(pairs, samples)| Series { labels: Labels::from_pairs(pairs), samples });
        let kinds = prop::sample::select(vec![
            MetricKind::Counter,
            MetricKind::Gauge,
            MetricKind::Histogram,
            MetricKind::Summary,
            MetricKind::Unknown,
        ]);
        let metadata = ("[a-c]", kinds, ".{0,9}").prop_map(|(family, kind, help)| Metadata {
            family: family.into(),
            kind,
            unit: help.as_str().into(),
            help: help.into(),
        });
        let lists = (prop::collection::vec(series, 0..5), prop::collection::vec(metadata, 0..3));
        (any::<i64>(), lists).prop_map(|(received, (series, metadata))| Record {
            received_at: Timestamp::from_nanos(received),
            series,
            metadata,
        })
    }

    fn encoded(record: &Record) -> Vec<u8> {
        encode(record.received_at, &record.series, &record.metadata.iter().collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn round_trips(record in records()) {
            prop_assert_eq!(decode(&encoded(&record)), Ok(record));
        }

        #[test]
        fn rubbish_never_panics(
            record in records(),
            rubbish in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        ) {
            let mut bytes = encoded(&record);
            for (at, byte) in rubbish {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            drop(decode(&bytes));
        }
    }
}
