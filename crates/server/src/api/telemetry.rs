//! Telemetry on its way from the wire into `app`.

use std::sync::Arc;

use app::{
    App,
    telemetry::{StoreRefusal, TelemetryError},
};
use futures_util::future::BoxFuture;
use ingest::{Ingested, Refused, Signal};

use crate::{Receipt, Refusal, TelemetrySink};

/// Gives batches to `app`'s one writer.
#[derive(Debug)]
pub struct Sink(Arc<App>);

impl Sink {
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl TelemetrySink for Sink {
    fn accept(&self, ingested: Ingested) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            let refused = self.0.telemetry.accept(ingested.batch).await.map_err(refusal)?;
            Ok(Receipt { refused: refused.into_iter().map(samples_refused).collect() })
        })
    }
}

fn refusal(error: TelemetryError) -> Refusal {
    match error {
        TelemetryError::QueueFull { retry_after } => Refusal::QueueFull { retry_after },
        TelemetryError::DiskFull => Refusal::DiskFull,
        TelemetryError::Storage(what) => Refusal::Storage(what),
        TelemetryError::Stopping => Refusal::ShuttingDown,
    }
}

/// Only the metric store takes a batch in part.
fn samples_refused(refused: StoreRefusal) -> Refused {
    Refused {
        signal: Signal::Samples,
        reason: refused.reason,
        count: refused.count,
        message: refused.message.into(),
        places: refused.places,
    }
}
