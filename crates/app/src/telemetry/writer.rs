//! The one thread that writes telemetry.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use camino::Utf8PathBuf;
use ingest::KeyedBatch;
use model::{Batch, Clock, Labels, Metadata, Sample, Series, Timestamp};
use tokio::sync::{oneshot, watch};

use super::{KeyedStored, Stores, TelemetryError, checkpoint};
use crate::{control::chain, remote::forward::Stored};

/// How often the logs are synced and retention looks around.
const TICK: Duration = Duration::from_millis(100);
/// How often the counts are written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

pub(crate) struct Job {
    pub(super) work: Work,
    pub(super) records: usize,
}

type Reply<T> = oneshot::Sender<Result<T, TelemetryError>>;

pub(crate) enum Work {
    Batch { batch: Batch, reply: Reply<Vec<StoreRefusal>> },
    Keyed { batch: Box<KeyedBatch>, reply: Reply<KeyedStored> },
}

/// What the metric store refused of a batch that was otherwise taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRefusal {
    pub reason: &'static str,
    pub count: u64,
    pub message: String,
    /// Each refused sample: its series' place in the batch, and its time in milliseconds.
    pub places: Vec<(usize, i64)>,
}

/// Where the counts' checkpoint goes, and up to which fact back-fills are in the counts.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    pub(crate) dir: Utf8PathBuf,
    pub(crate) backfilled_seq: Arc<std::sync::atomic::AtomicU64>,
    /// Asks for a checkpoint before the next is due.
    pub(crate) wanted: Arc<std::sync::atomic::AtomicBool>,
}

pub(super) struct Writer {
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
    waiting: Arc<AtomicUsize>,
    checkpoints: Checkpoints,
    failed: watch::Sender<Option<Arc<str>>>,
    /// Monotonic times.
    ticked_at: Duration,
    checkpoint_at: Duration,
}

impl Writer {
    pub(super) fn new(
        stores: Arc<Stores>,
        clock: Arc<dyn Clock>,
        waiting: Arc<AtomicUsize>,
        checkpoints: Checkpoints,
        failed: watch::Sender<Option<Arc<str>>>,
    ) -> Self {
        let now = clock.monotonic();
        Self { stores, clock, waiting, checkpoints, failed, ticked_at: now, checkpoint_at: now }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(TICK) {
                Ok(job) => {
                    self.waiting.fetch_sub(job.records, Ordering::Relaxed);
                    // Whoever sent it may have gone away.
                    match job.work {
                        Work::Batch { batch, reply } => drop(reply.send(self.write(batch))),
                        Work::Keyed { batch, reply } => drop(reply.send(self.write_keyed(*batch))),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Err(error) = self.tick() {
                tracing::error!(%error, "a telemetry log cannot be synced; stopping");
                self.failed.send_replace(Some(error.into()));
                return;
            }
        }
        let synced = self.stores.events.sync().map_err(|error| chain(&error));
        if let Err(error) =
            synced.and_then(|()| self.stores.metrics.sync().map_err(|error| chain(&error)))
        {
            tracing::error!(%error, "a telemetry log was not synced");
        }
        self.checkpoint(self.clock.now());
    }

    pub(super) fn write(&self, batch: Batch) -> Result<Vec<StoreRefusal>, TelemetryError> {
        let now = batch.received_at;
        let refused = self.write_metrics(&batch)?;
        if !batch.spans.is_empty() || !batch.logs.is_empty() {
            let (spans, logs) = (batch.spans, batch.logs);
            let events = &self.stores.events;
            let written = events
                .write(now, &spans, &logs)
                .map_err(|error| storage(error.0.is_no_room(), &error))?;
            let counted = Batch { received_at: now, spans, logs, ..Batch::default() };
            // What was sent again has been counted.
            if !written.is_duplicate() {
                self.count(&counted, 0);
            }
            events.publish(written, counted.spans, counted.logs);
        }
        Ok(refused.into_iter().map(StoreRefusal::from).collect())
    }

    /// Stores a batch's metrics, queues them for other servers and counts them.
    fn write_metrics(&self, batch: &Batch) -> Result<Vec<tsdb::Refused>, TelemetryError> {
        if !has_metrics(batch) {
            return Ok(Vec::new());
        }
        let now = batch.received_at;
        let appended = self.stores.metrics.append(now, &incoming(batch));
        self.note(now, appended.map_err(|error| metrics(&error))?, &batch.metadata)
    }

    /// Queues for other servers, and counts, what was stored: what a recount will see. Before anything else may fail, for sent
    /// again it would be known, and not be counted.
    fn note(
        &self,
        now: Timestamp,
        appended: tsdb::Appended,
        metadata: &[Metadata],
    ) -> Result<Vec<tsdb::Refused>, TelemetryError> {
        self.stores.forwarding.take(
            now,
            &Stored {
                series: &appended.stored,
                histograms: &appended.stored_histograms,
                exemplars: &appended.exemplars,
                metadata,
            },
        );
        let mut counted = Batch { received_at: now, series: appended.stored, ..Batch::default() };
        counted.series.extend(heard(appended.heard));
        self.count(&counted, appended.samples);
        appended.failed.map_or(Ok(appended.refused), |error| Err(metrics(&error)))
    }

    /// The floats first, then what else the request brought. When that fails the floats are there already, and sent again
    /// they are known.
    pub(super) fn write_keyed(&self, mut batch: KeyedBatch) -> Result<KeyedStored, TelemetryError> {
        let now = batch.received_at;
        let keyed = tsdb::KeyedBatch { keys: &batch.keys, samples: &batch.samples };
        let resolver = &mut batch.resolver;
        let appended = self
            .stores
            .metrics
            .append_keyed(now, &keyed, &mut |series| resolver.resolve(series))
            .map_err(|error| metrics(&error))?;
        let mut refused = self.note(now, appended, &[])?;
        let rest = self.write_metrics(&batch.rest)?;
        let histograms_refused = rest.iter().map(|one| one.samples).sum();
        refused.extend(rest);
        let refused = refused.into_iter().map(StoreRefusal::from).collect();
        Ok(KeyedStored { refused, histograms_refused, resolved: batch.resolver.finish() })
    }

    fn count(&self, counted: &Batch, samples: u64) {
        self.stores.counters.lock().observe(counted);
        self.stores.catalog.write().observe(counted);
        self.stores.seen.lock().note(counted, samples);
    }

    fn tick(&mut self) -> Result<(), String> {
        let monotonic = self.clock.monotonic();
        if monotonic.saturating_sub(self.ticked_at) < TICK {
            return Ok(());
        }
        self.ticked_at = monotonic;
        let now = self.clock.now();
        self.stores.events.tick(now).map_err(|error| chain(&error))?;
        self.stores.metrics.tick(now).map_err(|error| chain(&error))?;
        let wanted = self.checkpoints.wanted.swap(false, Ordering::Relaxed);
        if wanted || monotonic.saturating_sub(self.checkpoint_at) >= CHECKPOINT_EVERY {
            self.checkpoint_at = monotonic;
            self.checkpoint(now);
        }
        Ok(())
    }

    /// A checkpoint that fails costs a longer replay, nothing else.
    fn checkpoint(&self, now: Timestamp) {
        if let Err(error) = checkpoint::write(&self.stores, &self.checkpoints, now) {
            tracing::warn!(%error, "the checkpoint of the SLI counts was not written");
        }
    }
}

fn has_metrics(batch: &Batch) -> bool {
    !(batch.series.is_empty()
        && batch.histograms.is_empty()
        && batch.exemplars.is_empty()
        && batch.metadata.is_empty())
}

fn incoming(batch: &Batch) -> tsdb::Incoming<'_> {
    tsdb::Incoming {
        series: &batch.series,
        histograms: &batch.histograms,
        exemplars: &batch.exemplars,
        metadata: &batch.metadata,
    }
}

/// Emitters as who counts and who keeps the catalogue knows them: by a series without a metric, which nobody counts.
fn heard(heard: Vec<(Labels, i64)>) -> impl Iterator<Item = Series> {
    let value = f64::from_bits(Sample::STALE);
    heard.into_iter().map(move |(labels, at_ms)| Series {
        labels: labels.filtered(|name| name != Labels::METRIC_NAME),
        samples: vec![Sample { at_ms, value }],
    })
}

impl From<tsdb::Refused> for StoreRefusal {
    fn from(one: tsdb::Refused) -> Self {
        Self {
            reason: one.reason.as_str(),
            count: one.samples,
            message: one.message,
            places: one.places,
        }
    }
}

fn metrics(error: &tsdb::AppendError) -> TelemetryError {
    storage(error.is_no_room(), error)
}

/// A disk without space is the sender's to wait for; anything else is ours.
fn storage(no_room: bool, error: &dyn std::error::Error) -> TelemetryError {
    if no_room { TelemetryError::DiskFull } else { TelemetryError::Storage(chain(error)) }
}
