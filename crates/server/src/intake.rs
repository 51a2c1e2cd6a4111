//! What all telemetry protocols share: decode within a turn, normalise, hand to the sink, count.

use std::{sync::Arc, time::Duration};

use exposition::remote_write::KeyHasher;
use ingest::{
    Counts, DeltaState, Ingested, KeyedBatch, LabelSource, RawBatch, RawData, Redactor, Refused,
    Signal, Temporality, Translation, keyed::Rules, refused::by_point,
};
use model::{Clock, KeyedSample, Limits};
use tokio::sync::Mutex;

use crate::{
    Metrics, Problem, TelemetrySink,
    body::{BodyReader, Turn},
};

/// When there is no room for another delta series, those that were silent for this long are forgotten.
const DELTA_MEMORY: Duration = Duration::from_hours(1);

/// Takes decoded requests; clones share everything.
#[derive(Clone)]
pub struct Intake {
    pub(crate) reader: BodyReader,
    shared: Arc<Shared>,
}

struct Shared {
    sink: Arc<dyn TelemetrySink>,
    clock: Arc<dyn Clock>,
    limits: Arc<Limits>,
    redactor: Arc<Redactor>,
    /// How OpenTelemetry's metrics become series.
    translation: Translation,
    /// Names series by their labels' bytes; of this process alone.
    hasher: Arc<KeyHasher>,
    /// Locked while a request with deltas is on its way, so that a refused one can be taken back.
    deltas: Arc<Mutex<DeltaState>>,
    metrics: Metrics,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

/// How telemetry came, for the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    OtlpHttp,
    OtlpGrpc,
    RemoteWrite,
}

impl Protocol {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OtlpHttp => "otlp_http",
            Self::OtlpGrpc => "otlp_grpc",
            Self::RemoteWrite => "remote_write",
        }
    }
}

/// How much of a request was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Written {
    pub(crate) samples: u64,
    pub(crate) histograms: u64,
    pub(crate) exemplars: u64,
}

/// A request of remote write as it was walked.
pub(crate) struct RawKeyed {
    pub(crate) keys: Vec<u128>,
    pub(crate) samples: Vec<KeyedSample>,
    pub(crate) labels: Box<dyn LabelSource>,
    pub(crate) rest: RawBatch,
}

impl Shared {
    /// Normalises what is not named by keys.
    fn keyed(&self, raw: RawKeyed) -> KeyedBatch {
        let now = self.clock.now();
        let mut deltas = DeltaState::new(0);
        let rest = ingest::ingest(
            raw.rest,
            &self.limits,
            &self.redactor,
            &self.translation,
            &mut deltas,
            now,
        );
        let rules =
            Rules { limits: Arc::clone(&self.limits), redactor: Arc::clone(&self.redactor) };
        KeyedBatch::new(now, raw.keys, raw.samples, raw.labels, rules, rest)
    }
}

impl Intake {
    pub fn new(
        sink: Arc<dyn TelemetrySink>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        translation: Translation,
        reader: BodyReader,
        metrics: Metrics,
    ) -> Self {
        let shared = Shared {
            sink,
            clock,
            limits: Arc::new(limits),
            redactor: Arc::default(),
            translation,
            hasher: Arc::new(KeyHasher::new(seed())),
            deltas: Arc::default(),
            metrics,
        };
        Self { reader, shared: Arc::new(shared) }
    }

    /// What names series by their labels' bytes.
    pub(crate) fn key_hasher(&self) -> Arc<KeyHasher> {
        Arc::clone(&self.shared.hasher)
    }

    /// Counts a request that ended in `problem` before or after it was taken.
    pub(crate) fn failed(&self, protocol: Protocol, problem: &Problem) {
        self.count_request(protocol, problem.kind);
    }

    /// Decodes, normalises and stores; returns what was refused of it, by ingest and by the stores.
    ///
    /// This runs to its end even when the sender hangs up: what was stored is counted, and a delta is committed or taken back.
    ///
    /// # Errors
    /// What `decode` returns, or the sink's refusal, after which nothing was stored.
    pub(crate) async fn take<F>(
        &self,
        protocol: Protocol,
        turn: Turn,
        decode: F,
    ) -> Result<Vec<Refused>, Problem>
    where
        F: FnOnce() -> Result<RawBatch, Problem> + Send + 'static,
    {
        let this = self.clone();
        let taking = tokio::spawn(async move {
            let raw = blocking(decode).await??;
            if has_deltas(&raw) {
                this.take_deltas(turn, raw).await
            } else {
                this.take_plain(turn, raw).await
            }
        });
        let refused = taking.await.map_err(|_| Problem::internal())??;
        self.count_request(protocol, "ok");
        Ok(refused)
    }

    /// As [`Intake::take`], for floats whose series are named by keys; also says how much was stored.
    ///
    /// # Errors
    /// As [`Intake::take`].
    pub(crate) async fn take_keyed<F>(
        &self,
        protocol: Protocol,
        turn: Turn,
        decode: F,
    ) -> Result<(Written, Vec<Refused>), Problem>
    where
        F: FnOnce() -> Result<RawKeyed, Problem> + Send + 'static,
    {
        let this = self.clone();
        let taking = tokio::spawn(async move {
            let shared = Arc::clone(&this.shared);
            let batch = blocking(move || decode().map(|raw| shared.keyed(raw))).await??;
            drop(turn);
            this.store_keyed(batch).await
        });
        let taken = taking.await.map_err(|_| Problem::internal())??;
        self.count_request(protocol, "ok");
        Ok(taken)
    }

    /// Hands a keyed batch to the sink.
    async fn store_keyed(&self, batch: KeyedBatch) -> Result<(Written, Vec<Refused>), Problem> {
        let rest = &batch.rest;
        let histograms = rest.histograms.iter().map(|series| series.samples.len() as u64).sum();
        let exemplars = rest.exemplars.iter().map(|series| series.exemplars.len() as u64).sum();
        let floats = batch.samples.len() as u64;
        let mut written = Written { samples: floats, histograms, exemplars };
        let taken = |samples| [(Signal::Spans, 0), (Signal::Logs, 0), (Signal::Samples, samples)];
        // What was refused of the rest was never in it.
        let before = batch.resolver.refused();
        let receipt = match self.shared.sink.accept_keyed(batch).await {
            Ok(receipt) => receipt,
            Err(refusal) => {
                let problem = Problem::from(refusal);
                self.count(taken(floats + histograms), &[], Some(&problem));
                return Err(problem);
            }
        };
        let refused = receipt.samples_refused().saturating_sub(before);
        let of_histograms = receipt.histograms_refused.min(refused);
        written.samples = written.samples.saturating_sub(refused - of_histograms);
        written.histograms = written.histograms.saturating_sub(of_histograms);
        self.count(taken(written.samples + written.histograms), &receipt.refused, None);
        self.count_changed(&receipt.redacted, &receipt.trimmed);
        Ok((written, receipt.refused))
    }

    fn count_changed(&self, redacted: &Counts, trimmed: &Counts) {
        let metrics = &self.shared.metrics;
        for (rule, count) in redacted {
            metrics.ingest_redacted.add(&[("rule", (*rule).to_owned())], *count);
        }
        for (what, count) in trimmed {
            metrics.ingest_trimmed.add(&[("what", (*what).to_owned())], *count);
        }
    }

    async fn take_plain(&self, turn: Turn, raw: RawBatch) -> Result<Vec<Refused>, Problem> {
        let this = self.clone();
        let ingested = blocking(move || this.normalise(raw, &mut DeltaState::new(0))).await?;
        drop(turn);
        self.store(ingested).await
    }

    async fn take_deltas(&self, turn: Turn, raw: RawBatch) -> Result<Vec<Refused>, Problem> {
        let mut deltas = Arc::clone(&self.shared.deltas).lock_owned().await;
        let this = self.clone();
        let (ingested, mut deltas) = blocking(move || {
            // A panic in between may have left a batch that was never stored.
            deltas.rollback();
            if deltas.is_full() {
                deltas.forget(this.shared.clock.now() - DELTA_MEMORY);
            }
            (this.normalise(raw, &mut deltas), deltas)
        })
        .await?;
        drop(turn);
        let stored = self.store(ingested).await;
        if stored.is_ok() {
            deltas.commit();
        } else {
            deltas.rollback();
        }
        stored
    }

    fn normalise(&self, raw: RawBatch, deltas: &mut DeltaState) -> Ingested {
        let shared = &*self.shared;
        let (limits, redactor) = (&shared.limits, &shared.redactor);
        let translation = &shared.translation;
        ingest::ingest(raw, limits, redactor, translation, deltas, shared.clock.now())
    }

    /// Hands the batch to the sink, unless all of it was refused.
    async fn store(&self, mut ingested: Ingested) -> Result<Vec<Refused>, Problem> {
        let mut refused = std::mem::take(&mut ingested.refused);
        let mut taken = sizes(&ingested);
        let leaders = std::mem::take(&mut ingested.leaders);
        let (redacted, trimmed) = (ingested.redacted.clone(), ingested.trimmed.clone());
        let mut stored = Ok(());
        if !(ingested.batch.is_empty() && ingested.batch.metadata.is_empty()) {
            ingested.refused.clone_from(&refused);
            match self.shared.sink.accept(ingested).await {
                Ok(receipt) => {
                    for (signal, count) in &mut taken {
                        let of_signal = receipt.refused.iter().filter(|one| one.signal == *signal);
                        let by_stores = of_signal.map(|one| one.count).sum();
                        *count = count.saturating_sub(by_stores);
                    }
                    refused.extend(receipt.refused);
                }
                Err(refusal) => stored = Err(Problem::from(refusal)),
            }
        }
        self.count(taken, &refused, stored.as_ref().err());
        stored?;
        self.count_changed(&redacted, &trimmed);
        Ok(by_point(refused, &leaders))
    }

    /// Counts each record once, as taken in or as refused: by ingest, by the stores, or with the whole batch.
    fn count(&self, taken: [(Signal, u64); 3], refused: &[Refused], all: Option<&Problem>) {
        let metrics = &self.shared.metrics;
        for (signal, count) in taken {
            let signal = signal.as_str();
            match all {
                Some(problem) => metrics.refuse(signal, &problem.kind.replace('-', "_"), count),
                None => metrics.ingest_records.add(&[("signal", signal.to_owned())], count),
            }
        }
        for refused in refused {
            metrics.refuse(refused.signal.as_str(), refused.reason, refused.count);
        }
    }

    fn count_request(&self, protocol: Protocol, result: &str) {
        let labels = [("protocol", protocol.as_str().to_owned()), ("result", result.to_owned())];
        self.shared.metrics.ingest_requests.add(&labels, 1);
    }
}

/// How many records of each signal there are to store.
fn sizes(ingested: &Ingested) -> [(Signal, u64); 3] {
    let batch = &ingested.batch;
    let floats: u64 = batch.series.iter().map(|series| series.samples.len() as u64).sum();
    let histograms: u64 = batch.histograms.iter().map(|series| series.samples.len() as u64).sum();
    [
        (Signal::Spans, batch.spans.len() as u64),
        (Signal::Logs, batch.logs.len() as u64),
        (Signal::Samples, floats + histograms),
    ]
}

/// Random, so that nobody outside can tell keys in advance.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "the keys of remote write's series are not secret");
    }
    u64::from_le_bytes(bytes)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "taking telemetry failed");
        Problem::internal()
    })
}

fn has_deltas(raw: &RawBatch) -> bool {
    raw.resources.iter().flat_map(|resource| &resource.metrics).any(|metric| match &metric.data {
        RawData::Sum { temporality, .. }
        | RawData::Histogram { temporality, .. }
        | RawData::ExponentialHistogram { temporality, .. } => *temporality == Temporality::Delta,
        RawData::Gauge(_) | RawData::Summary(_) | RawData::Empty => false,
    })
}
