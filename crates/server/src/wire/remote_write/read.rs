//! A request of remote write, walked: floats by key, and the rest decoded.

use std::{collections::HashSet, mem::size_of};

use exposition::{
    remote_write::{
        ExemplarFault, ExemplarRef, HistogramRef, KeyHasher, LabelsFault, LabelsRef, MetadataRef,
        RawSample, Version, Visitor, v1, v2,
    },
    wire::WireError,
};
use ingest::{RawBatch, RawLabel, RawNative, RawSeries};
use model::{KeyedSample, Metadata, MetricKind, Sample};

use super::labels::{LABEL_BYTES, Place, RequestLabels, pairs};
use crate::{Problem, body::BodyError, intake::RawKeyed};

/// How often the body's limit what is made of it may take in memory.
const TIMES_MAX: usize = 4;
/// The symbols of one request.
const SYMBOLS_MAX: usize = 1 << 20;
/// Bytes of one series' labels that are read at all.
const LABELS_BYTES_MAX: usize = 1 << 20;
/// Characters of a name in the text of a refusal.
const SHOWN_CHARS_MAX: usize = 200;
/// What a series with histograms, exemplars or a fault takes beside them.
const SERIES_BYTES: usize = 256;

/// Reads a request. Without a `version` it is of version 1.
///
/// # Errors
/// When it cannot be read, would take too much memory, or is of version 2 without saying so.
pub(crate) fn read(
    body: Vec<u8>,
    version: Option<Version>,
    hasher: &KeyHasher,
    bytes_max: usize,
) -> Result<RawKeyed, Problem> {
    let memory_max = bytes_max.saturating_mul(TIMES_MAX);
    let v2 = version == Some(Version::V2);
    let walked = if v2 {
        v2::Symbols::read(&body, hasher, SYMBOLS_MAX).and_then(|symbols| {
            let mut walk = Walk::new(hasher, body.len(), memory_max);
            v2::walk(&body, &symbols, &mut walk)?;
            Ok((walk.finish()?, Some(symbols)))
        })
    } else {
        let mut walk = Walk::new(hasher, body.len(), memory_max);
        v1::walk(&body, &mut walk).and_then(|()| Ok((walk.finish()?, None)))
    };
    let (found, symbols) = walked.map_err(|error| problem(&error, v2, memory_max))?;
    if version.is_none() && found.is_empty() && v1::looks_like_v2(&body) {
        return Err(Problem::unsupported(
            "the message is no `prometheus.WriteRequest`; version 2 needs the content type `application/x-protobuf;proto=io.prometheus.write.v2.Request`",
        ));
    }
    let Found { keys, samples, places, rest } = found;
    let labels = Box::new(RequestLabels { body, symbols, places });
    Ok(RawKeyed { keys, samples, labels, rest })
}

fn problem(error: &WireError, v2: bool, memory_max: usize) -> Problem {
    if matches!(error, WireError::TooMany { what: MEMORY, .. }) {
        return BodyError::Dense { max: memory_max }.into();
    }
    let message = if v2 { "io.prometheus.write.v2.Request" } else { "prometheus.WriteRequest" };
    Problem::malformed(format!("the body is not a `{message}`: {error}"))
}

/// Names the limit among [`WireError::TooMany`].
const MEMORY: &str = "memory of the request";

/// What a walk has found.
#[derive(Debug, Default)]
struct Found {
    keys: Vec<u128>,
    samples: Vec<KeyedSample>,
    places: Vec<Place>,
    rest: RawBatch,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.rest.series.is_empty() && self.rest.metadata.is_empty()
    }
}

/// Takes what a request has.
struct Walk<'a, 'h> {
    hasher: &'h KeyHasher,
    scratch: Vec<u8>,
    found: Found,
    /// The series at hand.
    labels: Option<LabelsRef<'a>>,
    /// Its place among the keys, once it has a float.
    keyed: Option<u32>,
    /// Its histograms and exemplars.
    other: RawSeries,
    /// Whether it has anything but labels and a description.
    has_data: bool,
    described: Option<MetadataRef<'a>>,
    /// What is wrong with its exemplars or its description; the latter refuses the series as a whole.
    fault: Option<(LabelsFault, bool)>,
    /// Families that were described in this request.
    families: HashSet<&'a str>,
    /// Bytes of memory that may still be taken.
    left: usize,
    memory_max: usize,
}

impl<'a, 'h> Walk<'a, 'h> {
    fn new(hasher: &'h KeyHasher, bytes: usize, memory_max: usize) -> Self {
        Self {
            hasher,
            scratch: Vec::new(),
            found: Found::default(),
            labels: None,
            keyed: None,
            other: RawSeries::default(),
            has_data: false,
            described: None,
            fault: None,
            families: HashSet::new(),
            left: memory_max.saturating_sub(bytes),
            memory_max,
        }
    }

    #[inline]
    fn spend(&mut self, bytes: usize, at: usize) -> Result<(), WireError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let max = self.memory_max as u64;
                Err(WireError::TooMany { what: MEMORY, found: max + 1, max, at })
            }
        }
    }

    fn finish(mut self) -> Result<Found, WireError> {
        self.end_series()?;
        Ok(self.found)
    }

    /// The labels of a series that is not named by a key.
    fn pairs(&mut self, labels: &LabelsRef<'a>) -> Result<Vec<RawLabel>, String> {
        let pairs = pairs(labels, self.left.min(LABELS_BYTES_MAX));
        let bytes = |(name, value): &RawLabel| name.len() + value.len() + LABEL_BYTES;
        let taken: usize = pairs.iter().flatten().map(bytes).sum();
        self.left = self.left.saturating_sub(taken);
        pairs
    }

    /// Puts away what the series at hand has beside floats.
    fn end_series(&mut self) -> Result<(), WireError> {
        let Some(labels) = self.labels.take() else {
            return Ok(());
        };
        if let Some((fault, whole)) = self.fault.take() {
            let mut series = RawSeries {
                labels: Err(format!("{fault} (of the series {})", shown(&labels))),
                ..RawSeries::default()
            };
            if whole {
                series.samples = self.take_floats();
                series.histograms = std::mem::take(&mut self.other.histograms);
            }
            self.found.rest.series.push(series);
        } else if !self.has_data && self.described.is_none() {
            // Nothing but labels, which may be wrong all the same.
            let series = RawSeries { labels: self.pairs(&labels), ..RawSeries::default() };
            self.found.rest.series.push(series);
        }
        let other = std::mem::take(&mut self.other);
        let dropped = other.exemplars_dropped > 0;
        if dropped || !other.histograms.is_empty() || !other.exemplars.is_empty() {
            let keyed = self.keyed.is_some();
            let labels = self.pairs(&labels);
            self.found.rest.series.push(RawSeries { labels, keyed, ..other });
        }
        match self.described.take() {
            Some(about) => self.describe(&labels, &about),
            None => Ok(()),
        }
    }

    /// Takes the floats of the series at hand back.
    fn take_floats(&mut self) -> Vec<Sample> {
        let Some(series) = self.keyed.take() else {
            return Vec::new();
        };
        self.found.keys.pop();
        self.found.places.pop();
        let own = |sample: &KeyedSample| sample.series != series;
        let first = self.found.samples.iter().rposition(own).map_or(0, |last| last + 1);
        let floats = self.found.samples.drain(first..);
        floats.map(|KeyedSample { at_ms, value, .. }| Sample { at_ms, value }).collect()
    }

    /// Version 2: what is said of a series holds for its family.
    fn describe(
        &mut self,
        labels: &LabelsRef<'a>,
        about: &MetadataRef<'a>,
    ) -> Result<(), WireError> {
        let Some(name) = labels.metric_name() else {
            if !self.has_data {
                let series = RawSeries { labels: self.pairs(labels), ..RawSeries::default() };
                self.found.rest.series.push(series);
            }
            return Ok(());
        };
        let family = family_of(name, about.kind);
        let said = about.kind != MetricKind::Unknown || !about.help.is_empty();
        if (said || !about.unit.is_empty()) && self.families.insert(family) {
            self.add_metadata(family, about, labels.range().start)?;
        }
        Ok(())
    }

    fn add_metadata(
        &mut self,
        family: &str,
        about: &MetadataRef<'a>,
        at: usize,
    ) -> Result<(), WireError> {
        let texts = family.len() + about.help.len() + about.unit.len();
        self.spend(size_of::<Metadata>() + texts, at)?;
        self.found.rest.metadata.push(Metadata {
            family: family.into(),
            kind: about.kind,
            help: about.help.into(),
            unit: about.unit.into(),
        });
        Ok(())
    }
}

/// A series of a classic histogram or summary is named by its family and a suffix.
fn family_of(name: &str, kind: MetricKind) -> &str {
    let suffixes: &[&str] = match kind {
        MetricKind::Histogram | MetricKind::GaugeHistogram => {
            &["_bucket", "_sum", "_count", "_gsum", "_gcount"]
        }
        MetricKind::Summary => &["_sum", "_count"],
        MetricKind::Counter
        | MetricKind::Gauge
        | MetricKind::Info
        | MetricKind::StateSet
        | MetricKind::Unknown => &[],
    };
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// The series' name, cut: a reference of a few bytes may lead to a long one.
fn shown(labels: &LabelsRef<'_>) -> String {
    let Some(name) = labels.metric_name() else {
        return "without a name".to_owned();
    };
    let cut: String = name.chars().take(SHOWN_CHARS_MAX).collect();
    format!("`{cut}`")
}

impl<'a> Visitor<'a> for Walk<'a, '_> {
    #[inline]
    fn series(&mut self, labels: LabelsRef<'a>) -> Result<(), WireError> {
        self.end_series()?;
        self.labels = Some(labels);
        self.keyed = None;
        self.has_data = false;
        // Even an empty series leaves something behind.
        self.spend(size_of::<RawSeries>(), labels.range().start)
    }

    #[inline]
    fn sample(&mut self, sample: RawSample) -> Result<(), WireError> {
        self.has_data = true;
        let Some(labels) = self.labels else {
            return Ok(());
        };
        let series = match self.keyed {
            Some(series) => series,
            None => {
                let range = labels.range();
                let at = range.start;
                self.spend(size_of::<u128>() + size_of::<Place>(), at)?;
                let too_large = WireError::Rule { what: "the request is larger than 4 GiB", at };
                let series = u32::try_from(self.found.keys.len()).map_err(|_| too_large)?;
                let place = |at: usize| u32::try_from(at).map_err(|_| too_large);
                // 0 says that there is no key.
                let key = labels.key(self.hasher, &mut self.scratch).unwrap_or_default();
                self.found.keys.push(key);
                self.found.places.push(Place {
                    start: place(range.start)?,
                    end: place(range.end)?,
                    scattered: labels.is_scattered(),
                });
                self.keyed = Some(series);
                series
            }
        };
        self.spend(size_of::<KeyedSample>(), labels.range().start)?;
        let RawSample { at_ms, value, .. } = sample;
        self.found.samples.push(KeyedSample { series, at_ms, value });
        Ok(())
    }

    fn histogram(&mut self, histogram: HistogramRef<'a>) -> Result<(), WireError> {
        self.has_data = true;
        // A packed count of one byte becomes a float of eight.
        self.spend(SERIES_BYTES + LABEL_BYTES + 16 * histogram.len(), histogram.at())?;
        let native = match histogram.decode() {
            Ok(decoded) => {
                RawNative { at_ms: decoded.at_ms, histogram: Ok(decoded.histogram.into()) }
            }
            Err(fault) => {
                RawNative { at_ms: histogram.at_ms()?, histogram: Err(fault.to_string()) }
            }
        };
        self.other.histograms.push(native);
        Ok(())
    }

    fn exemplar(&mut self, exemplar: ExemplarRef<'a>) -> Result<(), WireError> {
        self.has_data = true;
        // Each byte of references may name a label.
        self.spend(SERIES_BYTES + LABEL_BYTES * exemplar.labels_max(), exemplar.at())?;
        match exemplar.decode() {
            Ok(exemplar) => self.other.exemplars.push(exemplar),
            Err(ExemplarFault::TooLong { .. }) => self.other.exemplars_dropped += 1,
            Err(ExemplarFault::Labels(fault)) => self.fault = Some((fault, false)),
        }
        Ok(())
    }

    fn metadata(
        &mut self,
        metadata: Result<MetadataRef<'a>, LabelsFault>,
    ) -> Result<(), WireError> {
        match metadata {
            Ok(about) if self.labels.is_some() && about.family.is_empty() => {
                self.described = Some(about);
            }
            Ok(about) => {
                self.add_metadata(about.family, &about, 0)?;
            }
            Err(fault) => self.fault = Some((fault, true)),
        }
        Ok(())
    }
}
