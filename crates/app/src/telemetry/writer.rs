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
use model::{Batch, Clock, Timestamp};
use tokio::sync::{oneshot, watch};

use super::{Stores, TelemetryError, checkpoint};
use crate::{
    control::chain,
    remote::forward::{Forwarding, Stored},
};

/// How often the logs are synced and retention looks around.
const TICK: Duration = Duration::from_millis(100);
/// How often the counts are written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

pub(crate) struct Job {
    pub(super) batch: Batch,
    pub(super) records: usize,
    pub(super) reply: oneshot::Sender<Result<Vec<StoreRefusal>, TelemetryError>>,
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
    forwarding: Arc<Forwarding>,
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
        forwarding: Arc<Forwarding>,
    ) -> Self {
        let now = clock.monotonic();
        Self {
            stores,
            clock,
            waiting,
            checkpoints,
            failed,
            forwarding,
            ticked_at: now,
            checkpoint_at: now,
        }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(TICK) {
                Ok(job) => {
                    self.waiting.fetch_sub(job.records, Ordering::Relaxed);
                    let answer = self.write(job.batch);
                    // Whoever sent it may have gone away.
                    drop(job.reply.send(answer));
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
        let mut refused = Vec::new();
        let mut counted = Batch { received_at: now, ..Batch::default() };
        if !batch.series.is_empty() || !batch.metadata.is_empty() {
            let appended =
                self.stores.metrics.append(now, &batch.series, &batch.metadata).map_err(
                    |error| {
                        storage(
                            matches!(&error, tsdb::AppendError::Wal(wal) if wal.is_no_room()),
                            &error,
                        )
                    },
                )?;
            refused.extend(appended.refused.into_iter().map(|one| StoreRefusal {
                reason: one.reason.as_str(),
                count: one.samples,
                message: one.message,
                places: one.places,
            }));
            // What was stored is what a recount will see.
            counted.series = appended.stored;
            self.forwarding.take(
                now,
                &Stored {
                    series: &counted.series,
                    histograms: &batch.histograms,
                    exemplars: &batch.exemplars,
                    metadata: &batch.metadata,
                },
            );
        }
        if !batch.spans.is_empty() || !batch.logs.is_empty() {
            self.stores
                .events
                .append(now, &batch.spans, &batch.logs)
                .map_err(|error| storage(error.0.is_no_room(), &error))?;
        }
        self.count(batch, counted);
        Ok(refused)
    }

    fn count(&self, batch: Batch, mut counted: Batch) {
        (counted.spans, counted.logs) = (batch.spans, batch.logs);
        self.stores.counters.lock().observe(&counted);
        self.stores.catalog.write().observe(&counted);
        self.stores.seen.lock().note(&counted);
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

/// A disk without space is the sender's to wait for; anything else is ours.
fn storage(no_room: bool, error: &dyn std::error::Error) -> TelemetryError {
    if no_room { TelemetryError::DiskFull } else { TelemetryError::Storage(chain(error)) }
}
