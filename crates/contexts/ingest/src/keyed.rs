//! The fast path of remote write: samples whose series are named by keys of their labels' bytes.
//!
//! A store that has seen a key before takes its samples without looking at labels; only for an unknown one it asks the
//! [`Resolver`], which reads, redacts and checks the labels just as [`crate::ingest`] does.

use std::sync::Arc;

use model::{Batch, KeyedSample, Labels, Limits, Sample, Timestamp};

use crate::{
    Counts, Findings, Ingested, RawLabel, Redactor, Refused, Work, refused::Tally, series,
};

/// Where the labels of a request's series are; it owns the request's bytes.
pub trait LabelSource: Send + Sync {
    /// The labels as they were sent, or why they cannot be read. No more than `bytes_max` bytes are copied: a request may name
    /// the same text again and again.
    ///
    /// # Errors
    /// In words, for the sender.
    fn labels(&self, series: u32, bytes_max: usize) -> Result<Vec<RawLabel>, String>;
}

/// Bytes of one series' labels that are read at all; the limits on them are far below.
const LABELS_BYTES_MAX: usize = 1 << 20;
/// How often the limit on bodies one request's labels may take while they are read.
const TIMES_MAX: usize = 16;

/// One request. The fields are apart so that a store can read keys and samples while it asks the resolver.
#[derive(Debug)]
pub struct KeyedBatch {
    pub received_at: Timestamp,
    /// A keyed 128-bit hash of each series' label bytes; 0 where there is none, and the labels have to be asked for.
    pub keys: Vec<u128>,
    /// In the request's order, so that those of one series stand together.
    pub samples: Vec<KeyedSample>,
    pub resolver: Resolver,
    /// What else the request brought, normalised: native histograms, exemplars, metadata.
    pub rest: Batch,
}

/// Reads labels, counts what it refuses.
pub struct Resolver {
    source: Box<dyn LabelSource>,
    /// How many samples each series has.
    samples: Vec<u32>,
    rules: Rules,
    received_at: Timestamp,
    tally: Tally,
    /// Bytes of labels that may still be read.
    left: usize,
}

/// By what labels are checked.
#[derive(Clone, Debug)]
pub struct Rules {
    pub limits: Arc<Limits>,
    pub redactor: Arc<Redactor>,
}

/// What the resolver has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    pub refused: Vec<Refused>,
    pub redacted: Counts,
    pub trimmed: Counts,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("series", &self.samples.len()).finish_non_exhaustive()
    }
}

impl KeyedBatch {
    /// `rest` is what the same request brought beside floats, as [`crate::ingest`] gave it back.
    ///
    /// Samples dated too far ahead are left to the store.
    pub fn new(
        received_at: Timestamp,
        keys: Vec<u128>,
        samples: Vec<KeyedSample>,
        source: Box<dyn LabelSource>,
        rules: Rules,
        rest: Ingested,
    ) -> Self {
        let mut counts = vec![0_u32; keys.len()];
        for sample in &samples {
            let place = usize::try_from(sample.series).ok();
            if let Some(count) = place.and_then(|at| counts.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
        let mut tally = Tally { redacted: rest.found, trimmed: rest.trimmed, ..Tally::default() };
        for refused in rest.refused {
            tally.refused.insert((refused.signal, refused.reason), refused);
        }
        let left = rules.limits.body_bytes_max.saturating_mul(TIMES_MAX);
        let resolver = Resolver { source, samples: counts, rules, received_at, tally, left };
        Self { received_at, keys, samples, resolver, rest: rest.batch }
    }

    /// The request as a store takes it that knows no keys.
    pub fn into_ingested(mut self) -> Ingested {
        let latest_ms = self.resolver.with_work(|work| work.latest.as_millis());
        let mut batch = self.rest;
        let mut place: Option<(u32, Option<usize>)> = None;
        for sample in &self.samples {
            let at = match place {
                Some((series, at)) if series == sample.series => at,
                _ => {
                    let at = self.resolver.resolve(sample.series).map(|labels| {
                        batch.series.push(model::Series { labels, samples: Vec::new() });
                        batch.series.len() - 1
                    });
                    place = Some((sample.series, at));
                    at
                }
            };
            let Some(series) = at.and_then(|at| batch.series.get_mut(at)) else {
                continue;
            };
            if sample.at_ms > latest_ms {
                self.resolver.with_work(|work| {
                    let at = Timestamp::from_millis(sample.at_ms);
                    work.is_future(crate::Signal::Samples, at, "a sample")
                });
                continue;
            }
            series.samples.push(Sample { at_ms: sample.at_ms, value: sample.value });
        }
        batch.series.retain(|series| !series.samples.is_empty());
        let (Resolved { refused, redacted, trimmed }, found) = self.resolver.finish_with_findings();
        Ingested { batch, leaders: Vec::new(), refused, redacted, found, trimmed }
    }
}

impl Resolver {
    /// The labels of the series at a place, redacted and within limits; `None` when its samples are refused, which is counted once
    /// for each call.
    pub fn resolve(&mut self, series: u32) -> Option<Labels> {
        let raw = self.source.labels(series, self.left.min(LABELS_BYTES_MAX));
        let bytes = raw.iter().flatten().map(|(name, value)| name.len() + value.len()).sum();
        self.left = self.left.saturating_sub(bytes);
        let place = usize::try_from(series).ok();
        let samples = place.and_then(|at| self.samples.get(at)).copied().unwrap_or_default();
        self.with_work(|work| series::resolved(raw, samples.into(), work))
    }

    /// How many samples were refused so far, before [`KeyedBatch::samples`] had them or of series that were asked for.
    pub fn refused(&self) -> u64 {
        self.tally.refused.values().map(|refused| refused.count).sum()
    }

    fn with_work<T>(&mut self, run: impl FnOnce(&mut Work<'_>) -> T) -> T {
        let rules = self.rules.clone();
        let mut work = Work::new(&rules.limits, &rules.redactor, self.received_at);
        work.tally = std::mem::take(&mut self.tally);
        let out = run(&mut work);
        self.tally = work.tally;
        out
    }

    /// What was counted, of the rest of the request too.
    pub fn finish(self) -> Resolved {
        self.finish_with_findings().0
    }

    /// The same, and what redaction found and where, in dry runs too.
    pub fn finish_with_findings(self) -> (Resolved, Findings) {
        let Tally { refused, redacted: found, trimmed } = self.tally;
        let refused = refused.into_values().collect();
        (Resolved { refused, redacted: found.hidden().clone(), trimmed }, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Source;

    impl LabelSource for Source {
        fn labels(&self, series: u32, _: usize) -> Result<Vec<RawLabel>, String> {
            match series {
                0 => Ok(vec![("__name__".into(), "up".into()), ("api_token".into(), "abc".into())]),
                1 => Ok(vec![("job".into(), "x".into())]),
                _ => Err("no such symbol".to_owned()),
            }
        }
    }

    fn batch() -> KeyedBatch {
        let sample = |series, at_ms| KeyedSample { series, at_ms, value: 1.0 };
        KeyedBatch::new(
            Timestamp::from_secs(1000),
            vec![1, 2, 3],
            vec![sample(0, 5), sample(0, i64::MAX), sample(1, 5), sample(1, 6), sample(2, 5)],
            Box::new(Source),
            Rules { limits: Arc::default(), redactor: Arc::default() },
            Ingested::default(),
        )
    }

    #[test]
    fn unknown_series_are_redacted_and_checked() {
        let mut batch = batch();
        let labels = batch.resolver.resolve(0).unwrap();
        assert_eq!(labels.to_string(), r#"up{api_token="[redacted:key]"}"#);
        assert_eq!((batch.resolver.resolve(1), batch.resolver.resolve(2)), (None, None));
        let resolved = batch.resolver.finish();
        let refused: Vec<_> = resolved.refused.iter().map(|one| (one.reason, one.count)).collect();
        assert_eq!(refused, [("invalid_label", 1), ("no_metric_name", 2)]);
        assert_eq!(resolved.redacted.values().sum::<u64>(), 1);
    }

    #[test]
    fn a_store_without_keys_gets_the_same() {
        let ingested = batch().into_ingested();
        assert_eq!(ingested.batch.series.len(), 1);
        assert_eq!(ingested.batch.series[0].samples, [Sample { at_ms: 5, value: 1.0 }]);
        let refused: Vec<_> = ingested.refused.iter().map(|one| (one.reason, one.count)).collect();
        assert_eq!(refused, [("future", 1), ("invalid_label", 1), ("no_metric_name", 2)]);
    }
}
