//! One query's view of the cluster: the whole expression is pushed down.

use std::time::Duration;

use promql::{Query, ast::Expr};

use super::{
    answer::{Data, Envelope},
    ask::{AskError, Remote, seconds},
};
use crate::query::{Annotations, Answer, QueryLimits, Stats, Value};

/// How often it is asked whether the asker has gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The lookback of servers that are told of none.
const LOOKBACK: Duration = Duration::from_secs(300);

/// Answers expressions from the cluster; its methods block, and belong on a thread that may.
pub struct RemoteSource<'a> {
    remote: &'a Remote,
    limits: QueryLimits,
    cancelled: &'a (dyn Fn() -> bool + Sync),
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
        Self { remote, limits, cancelled }
    }

    /// The whole answer of the cluster.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn ask(&self, expr: &Expr, query: Query) -> Result<Answer, AskError> {
        let mut form = vec![("query", expr.to_string())];
        let path = if query.start_ms == query.end_ms {
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

fn count(value: &Value) -> u64 {
    let series = match value {
        Value::Scalar(_) | Value::String(_) => 0,
        Value::Vector(columns) => columns.len(),
        Value::Matrix(series) => series.len(),
    };
    series as u64
}
