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
            let series = ingested.batch.series.len();
            let refused = self.0.telemetry.accept(ingested.batch).await.map_err(refusal)?;
            // Histograms' places come after the series'.
            let places = refused.iter().flat_map(|one| &one.places);
            let histograms_refused = places.filter(|(at, _)| *at >= series).count() as u64;
            let refused = refused.into_iter().map(samples_refused).collect();
            Ok(Receipt { refused, histograms_refused, ..Receipt::default() })
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
