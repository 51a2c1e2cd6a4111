//! Questions about spans and log records.

use std::{io, sync::Arc};

use model::Timestamp;
use tokio::{runtime::Runtime, sync::Semaphore};

pub use events::{Cell, SqlAnswer, SqlError, SqlLimits};

use crate::App;

/// Queries that run at once; one more waits.
const AT_ONCE: usize = 4;

/// Threads of their own for queries that compute for long: those of the network must never wait for one.
#[derive(Debug)]
pub(crate) struct QueryThreads {
    runtime: Option<Runtime>,
    turns: Semaphore,
}

impl QueryThreads {
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("query")
            .enable_time()
            .build()?;
        Ok(Self { runtime: Some(runtime), turns: Semaphore::new(AT_ONCE) })
    }

    /// Runs a query; it ends when the returned future is dropped.
    async fn run<T: Send + 'static>(
        &self,
        query: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let _turn = self.turns.acquire().await.ok()?;
        let task = self.runtime.as_ref()?.spawn(query);
        let ends = AbortOnDrop(task.abort_handle());
        let answer = task.await.ok();
        drop(ends);
        answer
    }
}

impl Drop for QueryThreads {
    fn drop(&mut self) {
        // Waiting for threads is not allowed where the last owner may be.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl App {
    /// Answers read-only SQL over the tables `spans` and `logs`, of a time where one is given; ends when the time is up, or when
    /// the returned future is dropped.
    ///
    /// # Errors
    /// When it is no query of what there is, or meets a limit.
    pub async fn sql(
        &self,
        text: String,
        time: (Option<Timestamp>, Option<Timestamp>),
        rows: usize,
    ) -> Result<SqlAnswer, SqlError> {
        let query = self.options.query;
        let limits = SqlLimits {
            time: query.timeout,
            memory_bytes: query.memory_max_bytes,
            scan_bytes: query.scan_max_bytes,
            rows,
            ..SqlLimits::default()
        };
        let first = time.0.unwrap_or(Timestamp::from_nanos(i64::MIN));
        let last = time.1.unwrap_or(Timestamp::from_nanos(i64::MAX));
        let stores = Arc::clone(&self.stores);
        let answer = self
            .query_threads
            .run(async move { stores.events.sql(&text, (first, last), &limits).await });
        let broken = || {
            SqlError::Storage(
                "the query broke off inside; this is a fault of Evenkeel's".to_owned(),
            )
        };
        answer.await.unwrap_or_else(|| Err(broken()))
    }
}
