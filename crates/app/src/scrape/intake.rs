//! The way of scraped samples into the stores: ingest's rules on labels, texts and times, then the one queue that all telemetry takes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ingest::{DeltaState, Ingested, RawBatch, RawSeries, Redactor, Translation};
use model::{Batch, Clock, Exemplar, Labels, Limits, Sample, Timestamp};
use parking_lot::Mutex;
use scrape::{LabelSet, pass::Scraped};

use crate::telemetry::{Telemetry, TelemetryError};

/// How often a full queue is asked again.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// How often a scrape is offered before it is given up.
const TRIES_MAX: u32 = 50;

/// The running counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    scrapes: AtomicU64,
    failed: AtomicU64,
    samples: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    redacted: Mutex<BTreeMap<&'static str, u64>>,
}

/// What was counted of all scrapes since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Scrapes that ended, good or bad.
    pub scrapes: u64,
    /// Of them, those after which a target is down.
    pub failed: u64,
    /// Samples that were stored, reports and staleness markers among them.
    pub samples: u64,
    /// Samples that ingest or the store refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Values that each rule of redaction replaced.
    pub redacted: Vec<(&'static str, u64)>,
}

impl Counters {
    pub(super) fn scraped(&self, up: bool) {
        self.scrapes.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(!up), Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Counted {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            scrapes: load(&self.scrapes),
            failed: load(&self.failed),
            samples: load(&self.samples),
            refused: listed(&self.refused),
            redacted: listed(&self.redacted),
        }
    }
}

fn listed(counts: &Mutex<BTreeMap<&'static str, u64>>) -> Vec<(&'static str, u64)> {
    counts.lock().iter().map(|(what, count)| (*what, *count)).collect()
}

/// Takes what targets exposed.
#[derive(Debug)]
pub(super) struct Intake {
    telemetry: Arc<Telemetry>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    redactor: Redactor,
    /// Of OpenTelemetry's names, which no target exposes.
    translation: Translation,
    pub(super) counters: Arc<Counters>,
}

impl Intake {
    pub(super) fn new(
        telemetry: Arc<Telemetry>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            telemetry,
            clock,
            limits,
            redactor: Redactor::new(),
            translation: Translation::default(),
            counters,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn ingest(&self, raw: RawBatch, at: Timestamp) -> Ingested {
        let ingested = ingest::ingest(
            raw,
            &self.limits,
            &self.redactor,
            &self.translation,
            &mut DeltaState::new(0),
            at,
        );
        let mut redacted = self.counters.redacted.lock();
        for (rule, count) in &ingested.redacted {
            *redacted.entry(rule).or_default() += count;
        }
        ingested
    }

    /// The labels that are stored for these, as ingest decides it for any other series; `None` when it refuses them.
    pub(super) fn admit(&self, labels: LabelSet, at: Timestamp) -> Option<Labels> {
        let samples = vec![Sample { at_ms: at.as_millis(), value: 0.0 }];
        let labels = Ok(labels.into_pairs());
        let batch = self.one(RawSeries { labels, samples, ..RawSeries::default() }, at);
        batch.series.into_iter().next().map(|series| series.labels)
    }

    /// Exemplars without secrets, within ingest's limits.
    pub(super) fn admit_exemplars(&self, exemplars: Vec<Exemplar>, at: Timestamp) -> Vec<Exemplar> {
        let labels = Ok(vec![(Labels::METRIC_NAME.into(), "exemplar".into())]);
        let batch = self.one(RawSeries { labels, exemplars, ..RawSeries::default() }, at);
        batch.exemplars.into_iter().flat_map(|series| series.exemplars).collect()
    }

    fn one(&self, series: RawSeries, at: Timestamp) -> Batch {
        let raw = RawBatch { series: vec![series], ..RawBatch::default() };
        let ingested = self.ingest(raw, at);
        for refused in &ingested.refused {
            tracing::debug!(reason = refused.reason, message = %refused.message, "a scraped series is refused");
        }
        ingested.batch
    }

    /// Stores what a scrape brought; returns how many samples were refused.
    pub(super) async fn store(&self, mut scraped: Scraped) -> Result<u64, TelemetryError> {
        let at = self.clock.now();
        let future = self.drop_future(&mut scraped, at);
        // Why a series is not admitted is asked once; from then on it is passed over.
        let scrape::pass::Counts { duplicates, refused, .. } = scraped.counts;
        for (reason, count) in
            [("future", future), ("limits", refused), ("duplicate_in_scrape", duplicates)]
        {
            self.refuse(reason, count);
        }
        let metadata = std::mem::take(&mut scraped.metadata);
        let metadata = if metadata.is_empty() {
            metadata
        } else {
            self.ingest(RawBatch { metadata, ..RawBatch::default() }, at).batch.metadata
        };
        let samples = scraped.series.len() + scraped.histograms.len();
        let batch = Batch {
            received_at: at,
            series: scraped.series,
            histograms: scraped.histograms,
            exemplars: scraped.exemplars,
            metadata,
            ..Batch::default()
        };
        if batch.is_empty() && batch.metadata.is_empty() {
            return Ok(future);
        }
        let mut tries = 0;
        while !self.telemetry.has_room(samples) {
            tries += 1;
            if tries > TRIES_MAX {
                return Err(TelemetryError::QueueFull { retry_after: RETRY_AFTER });
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
        let refused = self.telemetry.accept(batch).await?;
        let by_stores: u64 = refused.iter().map(|one| one.count).sum();
        for one in &refused {
            tracing::debug!(reason = one.reason, count = one.count, message = %one.message, "scraped samples are refused");
            self.refuse(one.reason, one.count);
        }
        let refused = by_stores + future;
        self.counters
            .samples
            .fetch_add((samples as u64).saturating_sub(by_stores), Ordering::Relaxed);
        Ok(refused)
    }

    fn refuse(&self, reason: &'static str, count: u64) {
        if count > 0 {
            *self.counters.refused.lock().entry(reason).or_default() += count;
        }
    }

    /// Times of targets' own may be anything; what is too far ahead is refused, as ingest does it.
    fn drop_future(&self, scraped: &mut Scraped, at: Timestamp) -> u64 {
        let latest = (at + Duration::from_secs(self.limits.future_seconds_max)).as_millis();
        let before = scraped.series.len() + scraped.histograms.len();
        scraped.series.retain(|series| series.samples.iter().all(|sample| sample.at_ms <= latest));
        scraped.histograms.retain(|one| one.samples.iter().all(|sample| sample.at_ms <= latest));
        (before - scraped.series.len() - scraped.histograms.len()) as u64
    }
}
