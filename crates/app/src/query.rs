//! PromQL over the sample store, within limits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::{Labels, Matcher, Sample, Series, Timestamp};
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
    #[error("the query took longer than {} s (query.timeout)", timeout.as_secs_f64())]
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
        let mut series = Vec::new();
        let mut samples = 0;
        for at in 0..found.len() {
            let mut points = model::Points::default();
            found.read(at, &mut points).map_err(|error| chain(&error))?;
            samples += points.times.len();
            if samples > samples_max {
                return Err(format!(
                    "the query needs more than {samples_max} samples at one time (query.max_samples)"
                ));
            }
            series.push(Series { labels: found.labels(at), samples: points.samples().collect() });
        }
        series.retain(|one| !one.samples.is_empty());
        series.extend(sli(self.0, matchers, start_ms, end_ms));
        Ok(series)
    }
}

/// The counts of good events and of all events, as the counters that pages' queries name.
const SLI_SERIES: [&str; 2] = ["evenkeel_sli_good_total", "evenkeel_sli_events_total"];

/// The SLI counts that `matchers` ask for by name, as counters that begin at 0 with the range asked for.
fn sli(stores: &Stores, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Vec<Series> {
    let named = |name: &str| matchers.contains(&Matcher::equal(Labels::METRIC_NAME, name));
    let counters = stores.counters.lock();
    let mut found = Vec::new();
    for name in SLI_SERIES.into_iter().filter(|name| named(name)) {
        for slo in counters.slos() {
            let pairs =
                [(Labels::METRIC_NAME, name), ("slo", &slo.name), ("service_name", &slo.service)];
            let labels = Labels::from_pairs(pairs);
            if !matchers.iter().all(|matcher| matcher.matches_labels(&labels)) {
                continue;
            }
            let (from, to) = (Timestamp::from_millis(start_ms), Timestamp::from_millis(end_ms));
            let points =
                counters.series(&slo.name, from, to, Duration::from_secs(10)).unwrap_or_default();
            let count =
                |point: &slo::Point| if name == SLI_SERIES[0] { point.good } else { point.total };
            let mut samples = counter(&points, count);
            samples.retain(|sample| (start_ms..=end_ms).contains(&sample.at_ms));
            found.push(Series { labels, samples });
        }
    }
    found.retain(|series| !series.samples.is_empty());
    found
}

/// Steps' counts summed up: a sample at the beginning, and one at the end of each step.
#[expect(clippy::cast_precision_loss, reason = "counts of events below 2^53")]
fn counter(points: &[slo::Point], count: impl Fn(&slo::Point) -> u64) -> Vec<Sample> {
    let first = points.first().map(|point| Sample { at_ms: point.start.as_millis(), value: 0.0 });
    let mut total = 0_u64;
    let rest = points.iter().map(|point| {
        total += count(point);
        Sample { at_ms: (point.start + point.width).as_millis(), value: total as f64 }
    });
    first.into_iter().chain(rest).collect()
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
        self.query_within(expression, query, self.options.query).await
    }

    /// What a query may use unless it asks for less.
    pub fn query_limits(&self) -> QueryLimits {
        self.options.query
    }

    /// As [`App::query`], within limits that the asker has chosen; the timeout of the settings stays the longest.
    ///
    /// # Errors
    /// When it is no PromQL, or meets a limit.
    pub async fn query_within(
        &self,
        expression: &str,
        query: Query,
        asked: QueryLimits,
    ) -> Result<Value, QueryError> {
        let expr = promql::parse(expression)?;
        let timeout = asked.timeout.min(self.options.query.timeout);
        let limits = QueryLimits { timeout, ..asked };
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
