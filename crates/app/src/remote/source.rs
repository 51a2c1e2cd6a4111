//! One query's view of the cluster: the whole expression is pushed down.

use std::time::Duration;

use model::{Labels, Matcher, Points};
use parking_lot::Mutex;
use promql::{EvalError, Hints, Query, SeriesSet, SeriesSource, SourceError, ast::Expr};

use super::{
    answer::{Data, Envelope},
    ask::{AskError, Remote, seconds},
};
use crate::query::{Annotations, Answer, MatrixSeries, QueryLimits, Stats, Value};

/// How often it is asked whether the asker has gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The lookback of servers that are told of none.
const LOOKBACK: Duration = Duration::from_secs(300);

/// Answers expressions from the cluster; its methods block, and belong on a thread that may.
pub struct RemoteSource<'a> {
    remote: &'a Remote,
    limits: QueryLimits,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    /// What went wrong, more exactly than an evaluation can say it.
    error: Mutex<Option<AskError>>,
}

impl std::fmt::Debug for RemoteSource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteSource").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl<'a> RemoteSource<'a> {
    pub(super) fn new(
        remote: &'a Remote,
        limits: QueryLimits,
        cancelled: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self { remote, limits, cancelled, error: Mutex::default() }
    }

    /// Why the last question had no answer.
    pub fn take_error(&self) -> Option<AskError> {
        self.error.lock().take()
    }

    fn keep(&self, error: AskError) -> String {
        let text = error.to_string();
        *self.error.lock() = Some(error);
        text
    }

    /// The whole answer of the cluster.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn ask(&self, expr: &Expr, query: Query) -> Result<Answer, AskError> {
        let mut form = vec![("query", expr.to_string())];
        let path = if query.is_instant() {
            form.push(("time", seconds(query.start_ms)));
            "query"
        } else {
            form.push(("start", seconds(query.start_ms)));
            form.push(("end", seconds(query.end_ms)));
            form.push(("step", seconds(query.step_ms)));
            "query_range"
        };
        form.push(("timeout", format!("{}ms", self.limits.timeout.as_millis())));
        if self.limits.lookback != LOOKBACK {
            form.push(("lookback_delta", format!("{}ms", self.limits.lookback.as_millis())));
        }
        let found: Envelope<Data> = self.wait(self.remote.post(path, &form))?;
        let infos = found.infos.clone();
        let (data, warnings) = self.remote.data(found)?;
        let value = self.remote.readable(data.into_value())?;
        let stats = Stats { series: count(&value), ..Stats::default() };
        Ok(Answer { value, annotations: Annotations { warnings, infos }, stats, plan: None })
    }

    /// Waits for an answer as long as somebody wants it.
    fn wait<T>(&self, work: impl Future<Output = Result<T, AskError>>) -> Result<T, AskError> {
        tokio::runtime::Handle::current().block_on(async {
            tokio::pin!(work);
            loop {
                match tokio::time::timeout(LOOK_EVERY, &mut work).await {
                    Ok(answer) => return answer,
                    Err(_) if (self.cancelled)() => return Err(AskError::Cancelled),
                    Err(_) => {}
                }
            }
        })
    }
}

impl SeriesSource for RemoteSource<'_> {
    fn query(&self, expr: &Expr, query: Query) -> Option<Result<Answer, EvalError>> {
        Some(self.ask(expr, query).map_err(|error| EvalError::Source(self.keep(error))))
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let found = self.wait(self.remote.samples(matchers, hints.start_ms, hints.end_ms));
        let series = found.map_err(|error| SourceError::new(self.keep(error)))?;
        Ok(Box::new(Fetched(series)))
    }
}

/// Series that came over the network.
struct Fetched(Vec<MatrixSeries>);

impl SeriesSet for Fetched {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, at: usize) -> Labels {
        self.0[at].labels.clone()
    }

    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        self.0[at].labels.iter().for_each(|(name, value)| visit(name, value));
    }

    fn samples_hint(&self, at: usize) -> usize {
        self.0[at].points.len()
    }

    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError> {
        let points = &self.0[at].points;
        into.times.extend_from_slice(&points.times);
        into.values.extend_from_slice(&points.values);
        into.histograms.extend_from_slice(&points.histograms);
        Ok(())
    }
}

fn count(value: &Value) -> u64 {
    let series = match value {
        Value::Scalar(_) | Value::String(_) => 0,
        Value::Vector(columns) => columns.len(),
        Value::Matrix(series) => series.len(),
    };
    series as u64
}
