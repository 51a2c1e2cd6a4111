//! The way of telemetry: a bounded queue, one writer, the stores, then the counts; only then the answer.
//!
//! One writer makes the checkpoint easy to reason about: between two batches the counts include exactly what lies before
//! the positions of both logs.

mod checkpoint;
mod maintainer;
mod seen;
mod writer;

use std::{sync::Arc, time::Duration};

use catalog::Catalog;
use events::Events;
use ingest::{KeyedBatch, Resolved};
use model::{Batch, Clock};
use parking_lot::{Mutex, RwLock};
use slo::Counters;
use tokio::sync::oneshot;
use tsdb::Tsdb;

use crate::remote::forward::Forwarding;

pub(crate) use checkpoint::{Configured, Recovered, recover};
pub use seen::{FirstSeen, SignalSeen};
pub use wal::SyncPolicy;
pub(crate) use writer::Checkpoints;
pub use writer::StoreRefusal;

/// Requests that wait for the writer; one more is refused with `Retry-After`.
const WAITING_MAX: usize = 512;
/// Bytes, roughly, that may wait.
const WAITING_RECORDS_MAX: usize = 500_000;

/// The stores and what is counted out of what goes into them.
#[derive(Debug)]
pub struct Stores {
    /// Sends on what the metric store takes.
    pub forwarding: Arc<Forwarding>,
    pub events: Events,
    pub metrics: Tsdb,
    pub counters: Mutex<Counters>,
    pub catalog: RwLock<Catalog>,
    pub seen: Mutex<FirstSeen>,
}

/// Why a batch was not taken; nothing of it is stored, or it is safe to send it again.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the queue of telemetry is full; send it again in {} s", retry_after.as_secs())]
    QueueFull { retry_after: Duration },
    #[error("the disk is full: telemetry is refused until there is space again")]
    DiskFull,
    #[error("the telemetry store cannot be written: {0}")]
    Storage(String),
    #[error("evenkeel is stopping")]
    Stopping,
}

/// What became of samples whose series were named by keys.
#[derive(Debug)]
pub struct KeyedStored {
    pub refused: Vec<StoreRefusal>,
    /// Of those the samples that are native histograms.
    pub histograms_refused: u64,
    /// What reading the labels of unknown series came to.
    pub resolved: Resolved,
}

impl Stores {
    /// Tells the sample store which series the counters want to see again.
    pub(crate) fn watch_counted(&self) {
        let counted = self.counters.lock().counted_metrics();
        // Whoever forwards wants to see all.
        let all = !self.forwarding.is_empty();
        self.metrics.watch(Arc::new(move |labels| all || counted.contains(labels)));
    }
}

/// A handle on the writer.
#[derive(Debug)]
pub struct Telemetry {
    queue: Mutex<Option<std::sync::mpsc::SyncSender<writer::Job>>>,
    waiting: Arc<std::sync::atomic::AtomicUsize>,
    checkpoint_wanted: Arc<std::sync::atomic::AtomicBool>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    maintainer: maintainer::Maintainer,
    failed: tokio::sync::watch::Receiver<Option<Arc<str>>>,
}

impl Telemetry {
    /// Starts the writer on recovered stores.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        stores: Arc<Stores>,
        clock: Arc<dyn Clock>,
        checkpoints: writer::Checkpoints,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = std::sync::mpsc::sync_channel(WAITING_MAX);
        let waiting = Arc::default();
        let checkpoint_wanted = Arc::clone(&checkpoints.wanted);
        let (failure, failed) = tokio::sync::watch::channel(None);
        stores.watch_counted();
        let maintainer = maintainer::Maintainer::start(Arc::clone(&stores), Arc::clone(&clock))?;
        let writer = writer::Writer::new(stores, clock, Arc::clone(&waiting), checkpoints, failure);
        let thread = std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || writer.run(&jobs))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            waiting,
            checkpoint_wanted,
            thread: Mutex::new(Some(thread)),
            maintainer,
            failed,
        })
    }

    /// Stores and counts a batch; returns once it survives a killed process.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub async fn accept(&self, batch: Batch) -> Result<Vec<StoreRefusal>, TelemetryError> {
        let metrics = batch.series.len() + batch.histograms.len() + batch.exemplars.len();
        let records = batch.spans.len() + batch.logs.len() + metrics;
        let (reply, answer) = oneshot::channel();
        self.queue(writer::Work::Batch { batch, reply }, records)?;
        answer.await.map_err(|_| TelemetryError::Stopping)?
    }

    /// As [`Telemetry::accept`], for samples whose series are named by keys.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub async fn accept_keyed(&self, batch: KeyedBatch) -> Result<KeyedStored, TelemetryError> {
        let rest = batch.rest.histograms.len() + batch.rest.exemplars.len();
        let records = batch.samples.len() + rest;
        let (reply, answer) = oneshot::channel();
        self.queue(writer::Work::Keyed { batch: Box::new(batch), reply }, records)?;
        answer.await.map_err(|_| TelemetryError::Stopping)?
    }

    fn queue(&self, work: writer::Work, records: usize) -> Result<(), TelemetryError> {
        use std::sync::{atomic::Ordering, mpsc::TrySendError};
        let retry_after = Duration::from_secs(1);
        let queue = self.queue.lock();
        let queue = queue.as_ref().ok_or(TelemetryError::Stopping)?;
        if self.waiting.load(Ordering::Relaxed) + records > WAITING_RECORDS_MAX.max(records) {
            return Err(TelemetryError::QueueFull { retry_after });
        }
        // Counted before it is sent: the writer takes it off again as soon as it has it.
        self.waiting.fetch_add(records, Ordering::Relaxed);
        queue.try_send(writer::Job { work, records }).map_err(|error| {
            self.waiting.fetch_sub(records, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => TelemetryError::QueueFull { retry_after },
                TrySendError::Disconnected(_) => TelemetryError::Stopping,
            }
        })
    }

    /// Whether a batch of so many records would be taken now.
    pub(crate) fn has_room(&self, records: usize) -> bool {
        self.waiting() + records <= WAITING_RECORDS_MAX.max(records)
    }

    /// Writes the counts' checkpoint soon: what is counted has changed.
    pub fn checkpoint_soon(&self) {
        self.checkpoint_wanted.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Records that wait to be written.
    pub fn waiting(&self) -> usize {
        self.waiting.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Holds a text once a store could not be written: the process must end.
    pub fn failed(&self) -> tokio::sync::watch::Receiver<Option<Arc<str>>> {
        self.failed.clone()
    }

    /// Whether the thread takes batches.
    pub fn is_running(&self) -> bool {
        self.thread.lock().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Writes what waits and a last checkpoint, and ends the thread.
    pub fn stop(&self) {
        self.queue.lock().take();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the telemetry thread panicked");
        }
        self.maintainer.stop();
    }
}

#[cfg(test)]
mod tests;
