//! PromQL over the sample store or over a remote cluster, within limits; and what else is asked about series.

mod lint;
mod series;
mod source;

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use promql::{EvalError, Features, Limits, ParseError, Query, SeriesSource, ast::Expr};

pub use promql::{Annotations, Answer, Cell, Column, MatrixSeries, PlanNode, Stats, Value};
pub use series::{Cardinality, Counted, Found};

use crate::{
    App,
    remote::{AskError, Remote},
};
use source::Local;

/// What one query may use; each is a setting of the same name under `query`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    pub timeout: Duration,
    /// Samples that are read.
    pub samples_max: usize,
    pub series_max: usize,
    /// Steps of a range query.
    pub points_max: usize,
    pub memory_max_bytes: usize,
    /// Bytes of spans and log records that are read.
    pub scan_max_bytes: u64,
    pub lookback: Duration,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            samples_max: 50_000_000,
            series_max: 2_000_000,
            points_max: 11_000,
            memory_max_bytes: 256 << 20,
            scan_max_bytes: 16 << 30,
            lookback: Duration::from_secs(300),
        }
    }
}

/// Which of PromQL's experimental parts are on: `query.features`, named as Prometheus' feature flags are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryFeatures {
    /// Of the language.
    pub language: Features,
    pub delayed_name_removal: bool,
    pub type_and_unit_labels: bool,
    pub start_timestamps: bool,
}

/// How a query is to be evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The timeout of the settings stays the longest.
    pub limits: QueryLimits,
    /// Whether the answer holds the plan.
    pub explain: bool,
    /// Whether the answer says what each step read.
    pub samples_per_step: bool,
}

/// An expression with its text, to which the positions in remarks refer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub text: Box<str>,
    pub expr: Expr,
}

/// An answer, and how long it took.
#[derive(Clone, Debug)]
pub struct Evaluated {
    pub answer: Answer,
    /// From when it was asked until its turn came.
    pub waited: Duration,
    pub took: Duration,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Eval(EvalError),
    #[error(
        "query timed out in expression evaluation: it took longer than {} s (query.timeout)",
        timeout.as_secs_f64()
    )]
    Timeout { timeout: Duration },
    #[error("query was canceled in expression evaluation")]
    Cancelled,
    #[error(transparent)]
    Remote(#[from] AskError),
    #[error("the sample store: {0}")]
    Store(String),
    /// What is asked for is more than may be read at once.
    #[error("the answer would have more than {max} samples ({setting}): ask for less")]
    TooMany { max: usize, setting: &'static str },
    #[error("the query broke off inside; this is a fault of Evenkeel's")]
    Broken,
}

impl From<EvalError> for QueryError {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Timeout { max } => Self::Timeout { timeout: max },
            EvalError::Cancelled => Self::Cancelled,
            EvalError::Source(text) => Self::Store(text),
            other => Self::Eval(other),
        }
    }
}

/// As many as there are cores; asked once, for the answer is read from the file system.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));

/// Sets its flag when it is dropped: the asker has gone.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl App {
    /// Reads an expression as the settings allow it.
    ///
    /// # Errors
    /// When it is no PromQL.
    pub fn parse_query(&self, text: &str) -> Result<Parsed, ParseError> {
        let expr = promql::parse_with(text, &self.options.query_features.language)?;
        Ok(Parsed { text: text.into(), expr })
    }

    /// Evaluates `expression`; ends when the time is up, or when the returned future is dropped.
    ///
    /// # Errors
    /// When it is no PromQL, or meets a limit.
    pub async fn query(&self, expression: &str, query: Query) -> Result<Answer, QueryError> {
        let parsed = self.parse_query(expression)?;
        let limits = self.options.query;
        let asked = Asked { limits, explain: false, samples_per_step: false };
        Ok(self.evaluate(parsed, query, asked).await?.answer)
    }

    /// What a query may use unless it asks for less.
    pub fn query_limits(&self) -> QueryLimits {
        self.options.query
    }

    /// The cluster that is asked in place of the store.
    pub fn remote(&self) -> Option<&Arc<Remote>> {
        self.remote.as_ref()
    }

    /// As [`App::query`], of an expression that is parsed, within limits that the asker has chosen.
    ///
    /// # Errors
    /// When it meets a limit.
    pub async fn evaluate(
        &self,
        parsed: Parsed,
        query: Query,
        asked: Asked,
    ) -> Result<Evaluated, QueryError> {
        let timeout = asked.limits.timeout.min(self.options.query.timeout);
        let asked = Asked { limits: QueryLimits { timeout, ..asked.limits }, ..asked };
        let gone = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&gone);
        let _cancel = CancelOnDrop(gone);
        let (stores, clock) = (Arc::clone(&self.stores), Arc::clone(&self.clock));
        let features = self.options.query_features;
        let remote = self.remote.clone().filter(|_| !crate::remote::is_own(&parsed.expr));
        let asked_at = clock.monotonic();
        let work = tokio::task::spawn_blocking(move || {
            let began = clock.monotonic();
            let now = || clock.monotonic();
            let cancelled = || seen.load(Ordering::Relaxed);
            let limits = limits(&parsed, asked, features, &now, &cancelled);
            let Parsed { expr, .. } = &parsed;
            let answer = match &remote {
                Some(remote) => {
                    let ended = || cancelled() || now().saturating_sub(began) > timeout;
                    let source = remote.source(&asked.limits, &ended);
                    let answer = promql::evaluate(expr, query, &source, &limits);
                    answer.map_err(|error| match source.take_error() {
                        Some(AskError::Cancelled) if !cancelled() => {
                            QueryError::Timeout { timeout }
                        }
                        Some(AskError::Cancelled) => QueryError::Cancelled,
                        Some(asking) => QueryError::Remote(asking),
                        None => error.into(),
                    })
                }
                None => {
                    promql::evaluate(expr, query, &Local(&stores) as &dyn SeriesSource, &limits)
                        .map_err(QueryError::from)
                }
            };
            answer.map(|answer| Evaluated {
                answer,
                waited: began.saturating_sub(asked_at),
                took: clock.monotonic().saturating_sub(began),
            })
        });
        work.await.map_err(|_| QueryError::Broken)?
    }
}

fn limits<'a>(
    parsed: &'a Parsed,
    asked: Asked,
    features: QueryFeatures,
    clock: &'a (dyn Fn() -> Duration + Sync),
    cancelled: &'a (dyn Fn() -> bool + Sync),
) -> Limits<'a> {
    let limits = asked.limits;
    Limits {
        samples_max: limits.samples_max,
        series_max: limits.series_max,
        points_max: limits.points_max,
        memory_max_bytes: limits.memory_max_bytes,
        lookback_ms: i64::try_from(limits.lookback.as_millis()).unwrap_or(i64::MAX),
        timeout: limits.timeout,
        clock,
        cancelled,
        threads: *THREADS,
        delayed_name_removal: features.delayed_name_removal,
        type_and_unit_labels: features.type_and_unit_labels,
        start_timestamps: features.start_timestamps,
        explain: asked.explain,
        samples_per_step: asked.samples_per_step,
        text: &parsed.text,
        ..Limits::default()
    }
}
