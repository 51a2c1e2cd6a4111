//! The port through which telemetry leaves the server; `evenkeel` gives it `app`'s queue.

use std::time::Duration;

use futures_util::future::BoxFuture;
use ingest::{Ingested, Refused};

/// Takes batches; answers when the batch may be acknowledged (it survives the death of the process).
pub trait TelemetrySink: Send + Sync + 'static {
    fn accept(&self, ingested: Ingested) -> BoxFuture<'_, Result<Receipt, Refusal>>;
}

/// The batch is stored, but for what `refused` names.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Receipt {
    /// What the stores refused, such as series beyond `limits.max_active_series`; fills `partial_success`.
    pub refused: Vec<Refused>,
}

/// Why nothing of the batch was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the queue of telemetry is full; send again in {} s", .retry_after.as_secs().max(1))]
    QueueFull { retry_after: Duration },
    #[error("the disk is nearly full; telemetry is refused until there is room")]
    DiskFull,
    #[error("telemetry cannot be stored: {0}")]
    Storage(String),
    #[error("the server is shutting down")]
    ShuttingDown,
}
