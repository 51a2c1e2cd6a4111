//! PromQL over the sample store, within limits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::{Matcher, Series};
use promql::{EvalError, Limits, ParseError, Query, SeriesSource, Value};

use crate::{App, control::chain, telemetry::Stores};

/// What one query may use; each is a setting of the same name under `query`.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    pub timeout: Duration,
    pub samples_max: usize,
    pub points_max: usize,
    pub lookback: Duration,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Eval(#[from] EvalError),
    #[error("the query took longer than {} s (query.timeout)", timeout.as_secs())]
    Timeout { timeout: Duration },
    #[error("the query broke off inside; this is a fault of Evenkeel's")]
    Broken,
}

struct Source<'a>(&'a Stores);

impl SeriesSource for Source<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        samples_max: usize,
    ) -> Result<Vec<Series>, String> {
        let found =
            self.0.metrics.select(matchers, start_ms, end_ms).map_err(|error| chain(&error))?;
        let samples: usize = found.series.iter().map(|series| series.samples.len()).sum();
        if samples > samples_max {
            return Err(format!(
                "the query reads more than {samples_max} samples (query.max_samples)"
            ));
        }
        Ok(found.series)
    }
}

/// Sets its flag when it is dropped: the asker has gone.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl App {
    /// Evaluates `expression`; ends when the time is up, or when the returned future is dropped.
    ///
    /// # Errors
    /// When it is no PromQL, or meets a limit.
    pub async fn query(&self, expression: &str, query: Query) -> Result<Value, QueryError> {
        let expr = promql::parse(expression)?;
        let limits = self.options.query;
        let gone = Arc::new(AtomicBool::new(false));
        let (stores, clock, seen) =
            (Arc::clone(&self.stores), Arc::clone(&self.clock), Arc::clone(&gone));
        let _cancel = CancelOnDrop(gone);
        let work = tokio::task::spawn_blocking(move || {
            let began = clock.monotonic();
            let late = || clock.monotonic().saturating_sub(began) > limits.timeout;
            let cancelled = || seen.load(Ordering::Relaxed) || late();
            let used = Limits {
                samples_max: limits.samples_max,
                points_max: limits.points_max,
                lookback_ms: i64::try_from(limits.lookback.as_millis()).unwrap_or(i64::MAX),
                cancelled: &cancelled,
            };
            match promql::evaluate(&expr, query, &Source(&stores), &used) {
                Err(EvalError::Cancelled) if late() => {
                    Err(QueryError::Timeout { timeout: limits.timeout })
                }
                other => other.map_err(QueryError::Eval),
            }
        });
        work.await.map_err(|_| QueryError::Broken)?
    }
}
