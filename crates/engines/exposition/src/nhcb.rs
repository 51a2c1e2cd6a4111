//! Classic histograms become native ones with custom buckets, as Prometheus' `convert_classic_histograms_to_nhcb` does it.
//!
//! The lines of one classic histogram are gathered while they have the same labels but `le`; then the native one follows them.
//! A classic histogram that is also exposed as an exponential one stays as it is.

use std::sync::Arc;

use model::{BucketSpan, Histogram, Labels, MetricKind};
use twox_hash::XxHash3_64;

use crate::{
    ContentKind, Entry, HistogramEntry, OwnedExemplar, ParseError, SeriesEntry,
    entry::{Exemplars, RawLabels, SEPARATOR},
    number,
    parser::Inner,
};

/// As many empty buckets in a row stay within a span.
const EMPTY_BUCKETS_MAX: u32 = 2;

/// What is to be given out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    End,
    /// The entry of the parser within.
    Inner,
    /// [`Converter::entry`]
    Converted,
}

/// Stands between a parser and its reader.
#[derive(Debug)]
pub(crate) struct Converter {
    kind: ContentKind,
    keep_classic: bool,
    gathered: Option<Gathered>,
    ready: Option<Ready>,
    /// The parser's entry has not been given out yet.
    waiting: bool,
    ended: bool,
    /// The key of the last exponential histogram.
    exponential: Option<u64>,
}

/// A classic histogram whose lines come in.
#[derive(Debug)]
struct Gathered {
    key: u64,
    labels: Labels,
    classic: Classic,
    exemplars: Vec<OwnedExemplar>,
    at_ms: Option<i64>,
    start_ms: Option<i64>,
}

/// A converted histogram.
#[derive(Debug)]
struct Ready {
    raw: Vec<u8>,
    labels: Labels,
    histogram: Arc<Histogram>,
    exemplars: Vec<OwnedExemplar>,
    at_ms: Option<i64>,
    start_ms: Option<i64>,
}

/// The numbers of a classic histogram.
#[derive(Clone, Debug, Default, PartialEq)]
struct Classic {
    /// Bound and cumulated count, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    invalid: bool,
}

/// Which line of a classic histogram a series is.
#[derive(Clone, Copy, Debug)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

impl Converter {
    pub(crate) fn new(kind: ContentKind, keep_classic: bool) -> Self {
        Self {
            kind,
            keep_classic,
            gathered: None,
            ready: None,
            waiting: false,
            ended: false,
            exponential: None,
        }
    }

    /// Goes on to what is to be given out next.
    pub(crate) fn step(&mut self, inner: &mut Inner<'_>) -> Result<Step, ParseError> {
        loop {
            if self.ended {
                return Ok(Step::End);
            }
            if !std::mem::take(&mut self.waiting) && !inner.advance()? {
                self.ended = true;
                return Ok(if self.convert() { Step::Converted } else { Step::End });
            }
            let (kind, family) = inner.typed();
            let entry = inner.entry();
            let part = match &entry {
                Entry::Series(series) if kind == MetricKind::Histogram => part(series, family),
                _ => None,
            };
            let key = part.map(|(_, key)| key);
            if self.gathered.as_ref().is_some_and(|gathered| Some(gathered.key) != key)
                && self.convert()
            {
                self.waiting = true;
                return Ok(Step::Converted);
            }
            match entry {
                Entry::Series(series) => {
                    let Some((part, key)) = part.filter(|(_, key)| self.exponential != Some(*key))
                    else {
                        return Ok(Step::Inner);
                    };
                    self.gather(&series, part, key);
                    if self.keep_classic {
                        return Ok(Step::Inner);
                    }
                }
                Entry::Histogram(histogram) => {
                    self.exponential = Some(key_of(|visit| histogram.labels.visit(visit)));
                    return Ok(Step::Inner);
                }
                _ => return Ok(Step::Inner),
            }
        }
    }

    fn gather(&mut self, series: &SeriesEntry<'_>, part: Part, key: u64) {
        let gathered = self.gathered.get_or_insert_with(|| Gathered {
            key,
            labels: base_labels(series),
            classic: Classic::default(),
            exemplars: Vec::new(),
            at_ms: None,
            start_ms: series.start_ms,
        });
        gathered.at_ms = series.at_ms;
        gathered.start_ms = gathered.start_ms.or(series.start_ms);
        let protobuf = self.kind == ContentKind::Protobuf;
        let found = series.exemplars.collect().into_iter();
        // In the protobuf format, one without a time is none of a native histogram.
        gathered.exemplars.extend(found.filter(|one| !protobuf || one.at_ms.is_some()));
        let classic = &mut gathered.classic;
        match part {
            Part::Bucket(bound) => classic.bucket(bound, series.value),
            Part::Count => classic.count(series.value),
            Part::Sum => classic.sum = series.value,
        }
    }

    /// Whether what was gathered has become a histogram.
    fn convert(&mut self) -> bool {
        let Some(gathered) = self.gathered.take() else {
            return false;
        };
        let Some(histogram) = gathered.classic.convert() else {
            return false;
        };
        self.ready = Some(Ready {
            raw: raw(&gathered.labels, self.kind),
            labels: gathered.labels,
            histogram: Arc::new(histogram),
            exemplars: gathered.exemplars,
            at_ms: gathered.at_ms,
            start_ms: gathered.start_ms,
        });
        true
    }

    /// The histogram that [`Step::Converted`] is about.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        self.ready.as_ref().map(|ready| {
            Entry::Histogram(HistogramEntry {
                raw: &ready.raw,
                histogram: Arc::clone(&ready.histogram),
                at_ms: ready.at_ms,
                start_ms: ready.start_ms,
                labels: RawLabels::Ready(&ready.labels),
                exemplars: Exemplars::Ready(&ready.exemplars),
            })
        })
    }
}

/// What `series` is of the classic histogram `family`, and the key of the histogram.
fn part(series: &SeriesEntry<'_>, family: &[u8]) -> Option<(Part, u64)> {
    let mut bound = None;
    let mut suffix = None;
    let key = key_of(|visit| {
        series.labels.visit(|name, value| {
            if name == Labels::METRIC_NAME {
                let rest = value.as_bytes().strip_prefix(family).unwrap_or_default();
                suffix = match rest {
                    b"_bucket" => Some("_bucket"),
                    b"_count" => Some("_count"),
                    b"_sum" => Some("_sum"),
                    _ => None,
                };
                visit(name, value.strip_suffix(suffix.unwrap_or_default()).unwrap_or(value));
            } else if name == "le" {
                bound = number::parse_float(value.as_bytes()).ok().filter(|le| !le.is_nan());
            } else {
                visit(name, value);
            }
        });
    });
    let part = match suffix? {
        "_bucket" => Part::Bucket(bound?),
        "_count" => Part::Count,
        _ => Part::Sum,
    };
    Some((part, key))
}

/// The same for the same labels in any order.
fn key_of(labels: impl FnOnce(&mut dyn FnMut(&str, &str))) -> u64 {
    let mut sum = 0_u64;
    let mut pair = Vec::new();
    labels(&mut |name, value| {
        pair.clear();
        pair.extend_from_slice(name.as_bytes());
        pair.push(SEPARATOR);
        pair.extend_from_slice(value.as_bytes());
        sum = sum.wrapping_add(XxHash3_64::oneshot(&pair));
    });
    sum
}

/// Without `le` and without the suffix of the name.
fn base_labels(series: &SeriesEntry<'_>) -> Labels {
    let mut pairs: Vec<(String, String)> = Vec::new();
    series.labels.visit(|name, value| {
        if name == "le" {
            return;
        }
        let mut value = value;
        if name == Labels::METRIC_NAME {
            let stem = |suffix| value.strip_suffix(suffix);
            value = stem("_bucket").or(stem("_count")).or(stem("_sum")).unwrap_or(value);
        }
        pairs.push((name.to_owned(), value.to_owned()));
    });
    Labels::from_pairs(pairs)
}

fn raw(labels: &Labels, kind: ContentKind) -> Vec<u8> {
    if kind != ContentKind::Protobuf {
        return labels.to_string().replace(", ", ",").into_bytes();
    }
    let mut raw = labels.metric_name().unwrap_or_default().as_bytes().to_vec();
    for (name, value) in labels.iter().filter(|(name, _)| *name != Labels::METRIC_NAME) {
        raw.push(SEPARATOR);
        raw.extend_from_slice(name.as_bytes());
        raw.push(SEPARATOR);
        raw.extend_from_slice(value.as_bytes());
    }
    raw
}

impl Classic {
    fn bucket(&mut self, bound: f64, count: f64) {
        if count.is_nan() || count < 0.0 {
            self.invalid = true;
            return;
        }
        match self.buckets.binary_search_by(|(other, _)| other.total_cmp(&bound)) {
            // The same bound twice is the same bucket.
            Ok(_) => {}
            Err(at) => {
                let below = at.checked_sub(1).and_then(|at| self.buckets.get(at));
                let above = self.buckets.get(at);
                if below.is_some_and(|(_, lower)| *lower > count)
                    || above.is_some_and(|(_, higher)| *higher < count)
                {
                    self.invalid = true;
                }
                self.buckets.insert(at, (bound, count));
            }
        }
    }

    fn count(&mut self, count: f64) {
        self.invalid |= count.is_nan() || count < 0.0;
        self.count = Some(count);
    }

    /// `None` when the numbers contradict each other.
    fn convert(mut self) -> Option<Histogram> {
        if self.invalid {
            return None;
        }
        let last = self.buckets.last().copied();
        let count = self.count.or(last.map(|(_, count)| count)).unwrap_or_default();
        match last {
            Some((bound, cumulated)) if bound == f64::INFINITY => {
                if cumulated.to_bits() != count.to_bits() {
                    return None;
                }
            }
            Some((_, cumulated)) if cumulated > count => return None,
            _ => self.buckets.push((f64::INFINITY, count)),
        }
        let mut before = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (at, (_, cumulated)) in self.buckets.iter().enumerate() {
            counts.push((i64::try_from(at).ok()?, cumulated - before));
            before = *cumulated;
        }
        let bounds = self.buckets.iter().map(|(bound, _)| *bound);
        let custom_values = bounds.filter(|bound| *bound != f64::INFINITY).collect();
        let (positive_spans, positive) = compact(counts, EMPTY_BUCKETS_MAX);
        let histogram = Histogram {
            schema: Histogram::CUSTOM,
            count,
            sum: self.sum,
            positive_spans,
            positive,
            custom_values,
            ..Histogram::default()
        };
        histogram.validate().is_ok().then_some(histogram)
    }
}

/// Spans and counts of buckets by their index, ascending; no more than `empty_max` empty buckets in a row stay.
pub(crate) fn compact(
    buckets: impl IntoIterator<Item = (i64, f64)>,
    empty_max: u32,
) -> (Vec<BucketSpan>, Vec<f64>) {
    let (mut spans, mut counts): (Vec<BucketSpan>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next = 0_i64;
    for (index, count) in buckets.into_iter().filter(|(_, count)| *count != 0.0) {
        let gap = index - next;
        match spans.last_mut() {
            Some(span) if gap <= i64::from(empty_max) => {
                let gap = u32::try_from(gap).unwrap_or_default();
                counts.extend((0..gap).map(|_| 0.0));
                span.length += gap + 1;
            }
            _ => {
                let offset = i32::try_from(gap).unwrap_or(i32::MAX);
                spans.push(BucketSpan { offset, length: 1 });
            }
        }
        counts.push(count);
        next = index + 1;
    }
    (spans, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contradicts_itself_is_not_converted() {
        let classic = |buckets: &[(f64, f64)], count| {
            let mut classic = Classic { count, ..Classic::default() };
            buckets.iter().for_each(|(bound, count)| classic.bucket(*bound, *count));
            classic.convert()
        };
        let inf = f64::INFINITY;
        assert!(classic(&[(1.0, 2.0), (inf, 3.0)], Some(3.0)).is_some());
        assert!(classic(&[(1.0, 2.0), (inf, 3.0)], Some(4.0)).is_none());
        assert!(classic(&[(1.0, 2.0), (2.0, 1.0)], None).is_none());
        assert!(classic(&[(1.0, f64::NAN)], None).is_none());
        let late = classic(&[(inf, 3.0), (1.0, 2.0)], None).unwrap();
        assert_eq!((late.custom_values, late.positive), (vec![1.0], vec![2.0, 1.0]));
    }

    #[test]
    fn empty_buckets_end_a_span_when_they_are_many() {
        let (spans, counts) = compact([(1, 1.0), (2, 0.0), (3, 2.0), (7, 1.0)], 2);
        assert_eq!(counts, [1.0, 0.0, 2.0, 1.0]);
        let spans: Vec<_> = spans.iter().map(|span| (span.offset, span.length)).collect();
        assert_eq!(spans, [(1, 3), (3, 1)]);
    }
}
