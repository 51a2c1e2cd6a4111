//! The messages of remote write, version 1 and 2.

use std::collections::BTreeMap;

use exposition::remote_write::{EncoderV1, EncoderV2};
use model::{Exemplar, HistogramSample, Labels, Metadata, Sample};

use super::record::Record;

/// A series' part of a request.
#[derive(Debug, Default)]
struct Part {
    samples: Vec<Sample>,
    histograms: Vec<HistogramSample>,
    exemplars: Vec<Exemplar>,
}

/// A request before it is compressed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) samples: u64,
    pub(super) exemplars: u64,
    /// Unix milliseconds of its newest sample.
    pub(super) newest_ms: i64,
}

/// What families say of themselves, for version 2, which says it with each series.
pub(super) type Families = BTreeMap<Box<str>, Metadata>;

/// The samples of `record`, series by series and in order of time, in requests of at most `samples_max` samples.
pub(super) fn chunks(record: &Record, samples_max: usize) -> Vec<Record> {
    let mut chunks = vec![Record::default()];
    let mut room = samples_max.max(1);
    // Of one series the samples of an earlier record go before those of a later one.
    for series in &record.series {
        let mut rest = &*series.samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(room));
            let part = model::Series { labels: series.labels.clone(), samples: now.to_vec() };
            last(&mut chunks).series.push(part);
            room = next(&mut chunks, room - now.len(), samples_max);
            rest = later;
        }
    }
    for series in &record.histograms {
        let mut rest = &*series.samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(room));
            let part =
                model::HistogramSeries { labels: series.labels.clone(), samples: now.to_vec() };
            last(&mut chunks).histograms.push(part);
            room = next(&mut chunks, room - now.len(), samples_max);
            rest = later;
        }
    }
    last(&mut chunks).exemplars.extend(record.exemplars.iter().cloned());
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

fn last(chunks: &mut [Record]) -> &mut Record {
    chunks.last_mut().expect("there is one from the start")
}

/// Begins another chunk when this one has no room; gives the room there is.
fn next(chunks: &mut Vec<Record>, room: usize, samples_max: usize) -> usize {
    if room > 0 {
        return room;
    }
    chunks.push(Record::default());
    samples_max.max(1)
}

/// Each series once, in the order of their labels.
fn parts(record: &Record) -> BTreeMap<&Labels, Part> {
    let mut parts: BTreeMap<&Labels, Part> = BTreeMap::new();
    for series in &record.series {
        parts.entry(&series.labels).or_default().samples.extend(&series.samples);
    }
    for series in &record.histograms {
        parts.entry(&series.labels).or_default().histograms.extend(series.samples.iter().cloned());
    }
    for series in &record.exemplars {
        parts.entry(&series.labels).or_default().exemplars.extend(series.exemplars.iter().cloned());
    }
    parts
}

fn body(bytes: Vec<u8>, record: &Record) -> Body {
    let floats = record.series.iter().flat_map(|one| &one.samples).map(|sample| sample.at_ms);
    let histograms = record.histograms.iter().flat_map(|one| &one.samples).map(|one| one.at_ms);
    let exemplars: usize = record.exemplars.iter().map(|one| one.exemplars.len()).sum();
    Body {
        bytes,
        samples: record.samples(),
        exemplars: exemplars as u64,
        newest_ms: floats.chain(histograms).max().unwrap_or(i64::MIN),
    }
}

/// `prometheus.WriteRequest`
pub(super) fn v1(record: &Record, metadata: &[Metadata]) -> Body {
    let mut request = EncoderV1::new();
    for (labels, part) in parts(record) {
        request.series(labels, &part.samples, &part.histograms, &part.exemplars);
    }
    metadata.iter().for_each(|one| request.metadata(one));
    body(request.finish(), record)
}

/// `io.prometheus.write.v2.Request`
pub(super) fn v2(record: &Record, families: &Families) -> Body {
    let mut request = EncoderV2::new();
    for (labels, part) in parts(record) {
        let about = labels.metric_name().and_then(|name| family(families, name));
        request.series(labels, &part.samples, &part.histograms, &part.exemplars, about);
    }
    body(request.finish(), record)
}

/// The family that a series of this name belongs to.
fn family<'f>(families: &'f Families, name: &str) -> Option<&'f Metadata> {
    const SUFFIXES: [&str; 5] = ["_bucket", "_sum", "_count", "_total", "_created"];
    families
        .get(name)
        .or_else(|| SUFFIXES.iter().find_map(|suffix| families.get(name.strip_suffix(suffix)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let series = |name: &str, times: &[i64]| model::Series {
            labels: Labels::from_pairs([("__name__", name)]),
            samples: times.iter().map(|at_ms| Sample { at_ms: *at_ms, value: 1.0 }).collect(),
        };
        Record { series: vec![series("a", &[1, 2, 3]), series("b", &[4])], ..Record::default() }
    }

    #[test]
    fn requests_hold_no_more_samples_than_allowed_and_all_of_them() {
        for max in 1..6 {
            let chunks = chunks(&record(), max);
            let counts: Vec<u64> = chunks.iter().map(Record::samples).collect();
            assert!(counts.iter().all(|count| *count <= max as u64 && *count > 0), "{counts:?}");
            assert_eq!(counts.iter().sum::<u64>(), 4);
        }
    }

    #[test]
    fn version_1_is_as_the_protocol_has_it() {
        let record = Record { series: record().series.split_off(1), ..Record::default() };
        let body = v1(&record, &[]);
        let label =
            [0x0a, 13, 0x0a, 8, b'_', b'_', b'n', b'a', b'm', b'e', b'_', b'_', 0x12, 1, b'b'];
        let sample = [0x12, 11, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 4];
        let expected = [&[0x0a, 28][..], &label, &sample].concat();
        assert_eq!(body.bytes, expected);
        assert_eq!((body.samples, body.newest_ms), (1, 4));
    }

    #[test]
    fn version_2_has_each_text_once() {
        let body = v2(&record(), &Families::new());
        let symbols = |text: &str| {
            let needle = [&[0x22, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
            body.bytes.windows(needle.len()).filter(|part| *part == needle).count()
        };
        assert_eq!([symbols("__name__"), symbols("a"), symbols("b")], [1, 1, 1]);
        assert!(body.bytes.starts_with(&[0x22, 0]));
    }
}
