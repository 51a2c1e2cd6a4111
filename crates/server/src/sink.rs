//! The port through which telemetry leaves the server; `evenkeel` gives it `app`'s queue.

use std::time::Duration;

use futures_util::future::BoxFuture;
use ingest::{Counts, Ingested, KeyedBatch, Refused, Signal};

/// Takes batches; answers when the batch may be acknowledged (it survives the death of the process).
pub trait TelemetrySink: Send + Sync + 'static {
    fn accept(&self, ingested: Ingested) -> BoxFuture<'_, Result<Receipt, Refusal>>;

    /// As [`TelemetrySink::accept`], for samples whose series are named by keys; a sink that knows no keys reads all labels.
    ///
    /// The receipt's `refused`, `redacted` and `trimmed` tell of the resolver's work too.
    fn accept_keyed(&self, batch: KeyedBatch) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        let ingested = batch.into_ingested();
        let refused = ingested.refused.clone();
        let (redacted, trimmed) = (ingested.redacted.clone(), ingested.trimmed.clone());
        Box::pin(async move {
            let stores = if ingested.batch.is_empty() && ingested.batch.metadata.is_empty() {
                Receipt::default()
            } else {
                self.accept(ingested).await?
            };
            let histograms_refused = stores.histograms_refused;
            let refused = refused.into_iter().chain(stores.refused).collect();
            Ok(Receipt { refused, histograms_refused, redacted, trimmed })
        })
    }
}

/// The batch is stored, but for what `refused` names.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Receipt {
    /// What the stores refused, such as series beyond `limits.max_active_series`; fills `partial_success`.
    pub refused: Vec<Refused>,
    /// How many of the refused samples are native histograms.
    pub histograms_refused: u64,
    /// Of a keyed batch: how many values each redaction rule replaced in labels that the store asked for.
    pub redacted: Counts,
    /// Of a keyed batch: what was kept in part.
    pub trimmed: Counts,
}

impl Receipt {
    /// How many samples were refused.
    pub fn samples_refused(&self) -> u64 {
        let of_samples = self.refused.iter().filter(|one| one.signal == Signal::Samples);
        of_samples.map(|one| one.count).sum()
    }
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
