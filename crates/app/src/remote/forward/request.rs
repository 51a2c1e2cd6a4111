//! The messages of remote write, version 1 and 2.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use model::{BucketSpan, Histogram, HistogramSample, Labels, Metadata, MetricKind, ResetHint, Sample};

use super::{proto::Message, record::Record};

/// Counts up to here are whole in a float.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A series' part of a request.
#[derive(Debug, Default)]
struct Part<'a> {
    samples: Vec<Sample>,
    histograms: Vec<&'a HistogramSample>,
    exemplars: Vec<&'a model::Exemplar>,
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
fn parts(record: &Record) -> BTreeMap<&Labels, Part<'_>> {
    let mut parts: BTreeMap<&Labels, Part<'_>> = BTreeMap::new();
    for series in &record.series {
        parts.entry(&series.labels).or_default().samples.extend(&series.samples);
    }
    for series in &record.histograms {
        parts.entry(&series.labels).or_default().histograms.extend(&series.samples);
    }
    for series in &record.exemplars {
        parts.entry(&series.labels).or_default().exemplars.extend(&series.exemplars);
    }
    parts
}

fn body(message: Message, record: &Record) -> Body {
    let floats = record.series.iter().flat_map(|one| &one.samples).map(|sample| sample.at_ms);
    let histograms = record.histograms.iter().flat_map(|one| &one.samples).map(|one| one.at_ms);
    let exemplars: usize = record.exemplars.iter().map(|one| one.exemplars.len()).sum();
    Body {
        bytes: message.into_bytes(),
        samples: record.samples(),
        exemplars: exemplars as u64,
        newest_ms: floats.chain(histograms).max().unwrap_or(i64::MIN),
    }
}

/// `prometheus.WriteRequest`
pub(super) fn v1(record: &Record, metadata: &[Metadata]) -> Body {
    let mut request = Message::default();
    for (labels, part) in parts(record) {
        request.message(1, |series| {
            pairs(series, 1, labels);
            for sample in &part.samples {
                series.message(2, |message| {
                    message.double(1, sample.value);
                    message.int(2, sample.at_ms);
                });
            }
            for exemplar in &part.exemplars {
                series.message(3, |message| {
                    pairs(message, 1, &exemplar.labels);
                    message.double(2, exemplar.value);
                    message.int(3, exemplar.at_ms);
                });
            }
            for sample in &part.histograms {
                series.message(4, |message| histogram(message, sample));
            }
        });
    }
    for one in metadata {
        request.message(3, |message| {
            message.uint(1, kind(one.kind));
            message.text(2, &one.family);
            message.text(4, &one.help);
            message.text(5, &one.unit);
        });
    }
    body(request, record)
}

fn pairs(message: &mut Message, field: u32, labels: &Labels) {
    for (name, value) in labels.iter() {
        message.message(field, |pair| {
            pair.text(1, name);
            pair.text(2, value);
        });
    }
}

/// `io.prometheus.write.v2.Request`
pub(super) fn v2(record: &Record, families: &Families) -> Body {
    let mut symbols = Symbols::default();
    let mut all = Vec::new();
    for (labels, part) in parts(record) {
        let mut series = Message::default();
        series.packed_uints(1, symbols.pairs(labels));
        for sample in &part.samples {
            series.message(2, |message| {
                message.double(1, sample.value);
                message.int(2, sample.at_ms);
            });
        }
        for sample in &part.histograms {
            series.message(3, |message| histogram(message, sample));
        }
        for exemplar in &part.exemplars {
            series.message(4, |message| {
                message.packed_uints(1, symbols.pairs(&exemplar.labels));
                message.double(2, exemplar.value);
                message.int(3, exemplar.at_ms);
            });
        }
        if let Some(found) = labels.metric_name().and_then(|name| family(families, name)) {
            series.message(5, |message| {
                message.uint(1, kind(found.kind));
                message.uint(3, symbols.number(&found.help));
                message.uint(4, symbols.number(&found.unit));
            });
        }
        all.push(series.into_bytes());
    }
    let mut request = Message::default();
    for symbol in &symbols.all {
        request.bytes(4, symbol.as_bytes());
    }
    for series in all {
        request.bytes(5, &series);
    }
    body(request, record)
}

/// The family that a series of this name belongs to.
fn family<'f>(families: &'f Families, name: &str) -> Option<&'f Metadata> {
    const SUFFIXES: [&str; 5] = ["_bucket", "_sum", "_count", "_total", "_created"];
    families.get(name).or_else(|| {
        SUFFIXES.iter().find_map(|suffix| families.get(name.strip_suffix(suffix)?))
    })
}

/// Texts with their numbers; number 0 is the empty text.
#[derive(Debug)]
struct Symbols {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u64>,
}

impl Default for Symbols {
    fn default() -> Self {
        let empty: Arc<str> = "".into();
        Self { all: vec![Arc::clone(&empty)], numbers: HashMap::from([(empty, 0)]) }
    }
}

impl Symbols {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let (text, number) = (Arc::<str>::from(text), self.all.len() as u64);
        self.all.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    fn pairs(&mut self, labels: &Labels) -> Vec<u64> {
        labels.iter().flat_map(|(name, value)| [self.number(name), self.number(value)]).collect()
    }
}

/// The number of the kind in both versions.
fn kind(kind: MetricKind) -> u64 {
    match kind {
        MetricKind::Unknown => 0,
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
        MetricKind::Histogram => 3,
        MetricKind::GaugeHistogram => 4,
        MetricKind::Summary => 5,
        MetricKind::Info => 6,
        MetricKind::StateSet => 7,
    }
}

/// `Histogram` in both versions; with whole counts as one of integers.
fn histogram(message: &mut Message, sample: &HistogramSample) {
    let histogram = &*sample.histogram;
    let whole = is_whole(histogram);
    if whole {
        message.chosen_uint(1, to_whole(histogram.count).unsigned_abs());
    } else {
        message.double(2, histogram.count);
    }
    message.double(3, histogram.sum);
    message.sint(4, i64::from(histogram.schema));
    message.double(5, histogram.zero_threshold);
    if whole {
        message.chosen_uint(6, to_whole(histogram.zero_count).unsigned_abs());
    } else {
        message.double(7, histogram.zero_count);
    }
    spans(message, 8, &histogram.negative_spans);
    buckets(message, 9, &histogram.negative, whole);
    spans(message, 11, &histogram.positive_spans);
    buckets(message, 12, &histogram.positive, whole);
    let hint = match histogram.reset_hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    message.uint(14, hint);
    message.int(15, sample.at_ms);
    message.packed_doubles(16, &histogram.custom_values);
}

fn spans(message: &mut Message, field: u32, spans: &[BucketSpan]) {
    for span in spans {
        message.message(field, |message| {
            message.sint(1, i64::from(span.offset));
            message.uint(2, u64::from(span.length));
        });
    }
}

/// Differences in `field`, or counts in the field after it.
fn buckets(message: &mut Message, field: u32, counts: &[f64], whole: bool) {
    if !whole {
        return message.packed_doubles(field + 1, counts);
    }
    let mut before = 0;
    let deltas = counts.iter().map(|count| {
        let count = to_whole(*count);
        let delta = count - std::mem::replace(&mut before, count);
        wal::codec::zigzag(delta)
    });
    message.packed_uints(field, deltas);
}

fn is_whole(histogram: &Histogram) -> bool {
    let fits = |value: f64| (0.0..=WHOLE_MAX).contains(&value) && value.fract() == 0.0;
    let buckets = histogram.positive.iter().chain(&histogram.negative);
    buckets.chain([&histogram.count, &histogram.zero_count]).all(|value| fits(*value))
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
fn to_whole(value: f64) -> i64 {
    value as i64
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
        let label = [0x0a, 13, 0x0a, 8, b'_', b'_', b'n', b'a', b'm', b'e', b'_', b'_', 0x12, 1, b'b'];
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
