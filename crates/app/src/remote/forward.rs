//! Forwarding: what is stored here is sent on to other servers by remote write.
//!
//! Before telemetry is acknowledged, its samples lie in a queue on the disk, one for each receiver, so that a killed process
//! loses none: what was sent and not yet noted is sent again (at least once). A receiver that is down or slow never holds up
//! ingest: beyond a size or an age the oldest of its queue are dropped, and counted.
//! Specifications: prometheus.io/docs/specs/prw/remote_write_spec and remote_write_spec_2_0.

mod backoff;
mod queue;
mod record;
mod request;
mod rewrite;
mod sender;
mod window;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use camino::Utf8Path;
use model::{HistogramSeries, Labels, Metadata, Series, SeriesExemplars, Timestamp};
use wal::Disk;

pub use queue::OpenError;
use queue::Queue;
pub use rewrite::{RelabelRules, rewrite};

use super::{Endpoint, EndpointError};
pub(crate) use sender::Sender;

/// How labels are changed on their way out; `None` keeps the series here.
pub type Rewrite = Arc<dyn Fn(&Labels) -> Option<Labels> + Send + Sync>;

/// Which message is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// `prometheus.WriteRequest`
    #[default]
    V1,
    /// `io.prometheus.write.v2.Request`
    V2,
}

/// A receiver as it is configured.
#[derive(Clone)]
pub struct ForwardOptions {
    pub endpoint: Endpoint,
    pub protocol: Protocol,
    pub rewrite: Option<Rewrite>,
    /// What its queue may take on the disk: `remote_write[].queue.max_bytes`.
    pub bytes_max: u64,
    /// Older samples are not sent any more: `remote_write[].queue.max_age`.
    pub age_max: Duration,
    /// Requests under way at one time: `remote_write[].queue.max_shards`.
    pub shards_max: usize,
    /// Samples in one request: `remote_write[].queue.max_samples_per_send`.
    pub samples_per_send_max: usize,
}

impl std::fmt::Debug for ForwardOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForwardOptions")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// What was stored at one time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored<'a> {
    pub series: &'a [Series],
    pub histograms: &'a [HistogramSeries],
    pub exemplars: &'a [SeriesExemplars],
    pub metadata: &'a [Metadata],
}

/// Why forwarding did not start.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("cannot open the queue of `{name}`")]
    Queue {
        name: Box<str>,
        #[source]
        source: OpenError,
    },
}

/// Why samples did not reach their receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// The receiver does not want them (status 4xx).
    Rejected,
    /// Older than `max_age`.
    TooOld,
    /// The queue was full.
    QueueFull,
    /// The queue could not be written.
    Disk,
}

impl Dropped {
    pub const ALL: [Self; 4] = [Self::Rejected, Self::TooOld, Self::QueueFull, Self::Disk];

    /// As the metric's label has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::TooOld => "too_old",
            Self::QueueFull => "queue_full",
            Self::Disk => "disk",
        }
    }
}

/// What one receiver's queue has counted since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Samples and histograms that were taken into the queue.
    pub queued: AtomicU64,
    pub sent: AtomicU64,
    pub retried: AtomicU64,
    pub requests: AtomicU64,
    pub bytes: AtomicU64,
    pub exemplars: AtomicU64,
    dropped: [AtomicU64; 4],
    /// Unix milliseconds of the newest sample that was sent.
    pub sent_until_ms: AtomicU64,
    pub queue_bytes: AtomicU64,
    /// Requests under way.
    pub shards: AtomicU64,
}

impl Counts {
    pub fn dropped(&self, why: Dropped) -> u64 {
        self.dropped[why as usize].load(Ordering::Relaxed)
    }

    fn drop_samples(&self, why: Dropped, count: u64) {
        self.dropped[why as usize].fetch_add(count, Ordering::Relaxed);
    }

    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// A receiver's name with its counts.
#[derive(Clone, Debug)]
pub struct Forwarded {
    pub name: Box<str>,
    pub counts: Arc<Counts>,
}

/// All receivers; without any, everything here does nothing.
#[derive(Debug, Default)]
pub struct Forwarding {
    queues: Vec<Arc<Queue>>,
}

impl Forwarding {
    /// Opens the queues, one folder each below `dir`.
    ///
    /// # Errors
    /// See [`ForwardError`].
    pub(crate) fn open(
        dir: &Utf8Path,
        receivers: Vec<ForwardOptions>,
        disk: &Arc<dyn Disk>,
        free_bytes_min: u64,
    ) -> Result<(Self, Vec<Sender>), ForwardError> {
        let (mut queues, mut senders) = (Vec::new(), Vec::new());
        for options in receivers {
            let http = options.endpoint.client()?;
            let folder = dir.join(folder_name(&options.endpoint.name));
            let name = options.endpoint.name.clone();
            let queue = Queue::open(folder, options, Arc::clone(disk), free_bytes_min)
                .map_err(|source| ForwardError::Queue { name, source })?;
            let queue = Arc::new(queue);
            senders.push(Sender::new(Arc::clone(&queue), http));
            queues.push(queue);
        }
        Ok((Self { queues }, senders))
    }

    /// Whether there is nobody to forward to.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Puts what was stored into every queue; on return it survives a killed process. Fails for nobody: what a queue cannot
    /// take is counted.
    pub fn take(&self, received_at: Timestamp, stored: &Stored<'_>) {
        for queue in &self.queues {
            queue.take(received_at, stored);
        }
    }

    /// What each receiver's queue has counted.
    pub fn counts(&self) -> Vec<Forwarded> {
        self.queues
            .iter()
            .map(|queue| Forwarded { name: queue.name().into(), counts: Arc::clone(&queue.counts) })
            .collect()
    }

    /// Notes how far each queue was sent.
    pub(crate) fn stop(&self) {
        for queue in &self.queues {
            queue.save();
        }
    }
}

/// A folder's name for a receiver's: letters, digits and a few signs, and nothing that leads elsewhere.
fn folder_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    name.chars().take(100).map(plain).collect()
}
