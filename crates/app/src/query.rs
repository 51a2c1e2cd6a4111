//! PromQL over the sample store or over a remote cluster, within limits; and what else is asked about series.

mod answer;
mod series;
mod source;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use promql::{EvalError, Limits, ParseError, Query, ast::Expr};

pub use answer::{Annotations, Answer, Cell, Column, MatrixSeries, PlanNode, Stats, Value};
pub use series::{Cardinality, Counted, Found};

use crate::{
    App,
    remote::{AskError, Remote},
};
use source::Local;

/// What one query may use; each is a setting of the same name under `query`.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    pub timeout: Duration,
    pub samples_max: usize,
    pub points_max: usize,
    pub lookback: Duration,
}

/// How a query is to be evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The timeout of the settings stays the longest.
    pub limits: QueryLimits,
    /// Whether the answer holds the plan.
    pub explain: bool,
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
    Eval(#[from] EvalError),
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
    pub fn parse_query(&self, text: &str) -> Result<Expr, ParseError> {
        promql::parse(text)
    }

    /// Evaluates `expression`; ends when the time is up, or when the returned future is dropped.
    ///
    /// # Errors
    /// When it is no PromQL, or meets a limit.
    pub async fn query(&self, expression: &str, query: Query) -> Result<Answer, QueryError> {
        let expr = self.parse_query(expression)?;
        let asked = Asked { limits: self.options.query, explain: false };
        Ok(self.evaluate(expr, query, asked).await?.answer)
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
        expr: Expr,
        query: Query,
        asked: Asked,
    ) -> Result<Evaluated, QueryError> {
        let timeout = asked.limits.timeout.min(self.options.query.timeout);
        let limits = QueryLimits { timeout, ..asked.limits };
        let gone = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&gone);
        let _cancel = CancelOnDrop(gone);
        let (stores, clock) = (Arc::clone(&self.stores), Arc::clone(&self.clock));
        let remote = self.remote.clone().filter(|_| !crate::remote::is_own(&expr));
        let asked_at = clock.monotonic();
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
            let answer = match &remote {
                Some(remote) => remote
                    .source(&limits, &cancelled)
                    .ask(&expr, query)
                    .map_err(|error| error.into_query(late().then_some(limits.timeout))),
                None => match promql::evaluate(&expr, query, &Local(&stores), &used) {
                    Ok(value) => Ok(Answer {
                        value: value.into(),
                        annotations: Annotations::default(),
                        stats: Stats::default(),
                        plan: None,
                    }),
                    Err(EvalError::Cancelled) if late() => {
                        Err(QueryError::Timeout { timeout: limits.timeout })
                    }
                    Err(EvalError::Cancelled) => Err(QueryError::Cancelled),
                    Err(error) => Err(QueryError::Eval(error)),
                },
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
