//! Ingest: raw telemetry becomes one normalised [`Batch`], without secrets and within limits.
//!
//! The order is enrich (who emitted it), redact, limit: a secret cut in half by a limit would no longer be recognised.
//! What is refused, redacted or trimmed is counted by its reason, so that nothing vanishes in silence.
//!
//! **Invariant:** nothing here reads a clock, a store or the network: same input, same batch.

pub mod enrich;
pub mod keyed;
pub mod limit;
pub mod metric;
pub mod raw;
pub mod redact;
pub mod refused;

mod log;
mod series;
mod span;

use model::{Batch, Limits, Timestamp};

pub use keyed::{KeyedBatch, LabelSource, Resolved, Resolver};
pub use metric::{
    delta::DeltaState,
    translation::{Exponentials, NameStrategy, Translation},
};
pub use raw::{
    RawBatch, RawBuckets, RawData, RawEmitter, RawExemplar, RawExponential, RawHistogram, RawLabel,
    RawLog, RawMetric, RawNative, RawPoint, RawResource, RawSeries, RawSpan, RawSummary,
    Temporality,
};
pub use redact::{Findings, Place, Redactor};
use refused::Tally;
pub use refused::{Counts, Refused, Signal, reason};

/// One request's telemetry, ready for the stores, and what did not make it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Ingested {
    /// What is to be stored and counted.
    pub batch: Batch,
    /// OTLP: for each series of the batch, then for each of its histograms, the place of the one that stands for its data points, as `_count` does for a
    /// histogram's; it tells how many points the store's refused samples were ([`refused::by_point`]).
    pub leaders: Vec<u32>,
    /// What was refused, one entry per signal and reason, in a fixed order.
    pub refused: Vec<Refused>,
    /// How many values each redaction rule replaced.
    pub redacted: Counts,
    /// What redaction found and where, in dry runs too.
    pub found: Findings,
    /// What was kept in part: `attributes_dropped`, `values_truncated`, `logs_truncated`, `exemplars_dropped`, …
    pub trimmed: Counts,
}

/// Normalises one request.
///
/// `translation` says how OpenTelemetry's metrics become series. `deltas` turns delta sums into cumulative ones; the caller commits it when the batch was stored and rolls it back when
/// it was not (see [`DeltaState`]).
pub fn ingest(
    raw: RawBatch,
    limits: &Limits,
    redactor: &Redactor,
    translation: &Translation,
    deltas: &mut DeltaState,
    received_at: Timestamp,
) -> Ingested {
    let mut work = Work::new(limits, redactor, received_at);
    let mut batch = Batch { received_at, ..Batch::default() };
    let mut leaders = metric::Leaders::default();
    for resource in raw.resources {
        let RawResource { emitter, spans, logs, metrics } = resource;
        let resource = enrich::resource(emitter, &mut work);
        let mut scopes = enrich::Scopes::default();
        batch.spans.extend(spans.into_iter().filter_map(|mut raw| {
            raw.scope = scopes.clean(&raw.scope, &mut work);
            span::span(raw, &resource, &mut work)
        }));
        batch.logs.extend(logs.into_iter().filter_map(|mut raw| {
            raw.scope = scopes.clean(&raw.scope, &mut work);
            log::record(raw, &resource, &mut work)
        }));
        let rules = metric::Rules { translation, resource: &resource };
        metric::convert(metrics, &rules, deltas, &mut work, &mut batch, &mut leaders);
    }
    for raw in raw.series {
        series::remote_written(raw, &mut work, &mut batch);
    }
    batch.metadata.extend(raw.metadata.into_iter().map(|raw| series::metadata(raw, &mut work)));
    Ingested {
        batch,
        leaders: leaders.finish(),
        refused: work.tally.refused.into_values().collect(),
        redacted: work.tally.redacted.hidden().clone(),
        found: work.tally.redacted,
        trimmed: work.tally.trimmed,
    }
}

/// What every step of one request needs.
#[derive(Debug)]
pub struct Work<'a> {
    limits: &'a Limits,
    redactor: &'a Redactor,
    received_at: Timestamp,
    /// The last moment that is not too far ahead of our clock.
    latest: Timestamp,
    tally: Tally,
    /// Bytes that the record at hand may still have ([`limit::RECORD_BYTES_MAX`]).
    record_bytes_left: usize,
}

impl<'a> Work<'a> {
    fn new(limits: &'a Limits, redactor: &'a Redactor, received_at: Timestamp) -> Self {
        let ahead = std::time::Duration::from_secs(limits.future_seconds_max);
        let tally = Tally::default();
        let record_bytes_left = limit::RECORD_BYTES_MAX;
        Self {
            limits,
            redactor,
            received_at,
            latest: received_at + ahead,
            tally,
            record_bytes_left,
        }
    }

    /// Refuses what is dated too far ahead of our clock.
    fn is_future(&mut self, signal: Signal, at: Timestamp, what: &str) -> bool {
        if at <= self.latest {
            return false;
        }
        let limit_s = self.limits.future_seconds_max;
        self.tally.refuse(signal, reason::FUTURE, 1, || {
            format!(
                "{what} is dated `{at}`, more than {limit_s} s ahead of `{}`; the setting is `limits.max_future_seconds`",
                self.received_at
            )
        });
        true
    }
}

#[cfg(test)]
mod tests;
