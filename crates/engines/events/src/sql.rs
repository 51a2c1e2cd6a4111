//! Read-only SQL over both tables, by Apache DataFusion.
//!
//! The session knows two tables, `spans` and `logs`, and functions that compute; it has no files, no URLs, no settings, no way to
//! change anything: what could do that is not there, rather than forbidden. Names are taken as they are written, so that
//! `SELECT ServiceName FROM spans` needs no quotes.

mod adapter;
mod attribute;
mod cell;
mod reader;
mod session;
mod table;

use std::{fmt, sync::Arc, time::Duration};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::DataFusionError,
    logical_expr::LogicalPlan,
    physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream},
    prelude::{SQLOptions, SessionContext},
};
use futures_util::StreamExt as _;
use model::Timestamp;

pub use self::cell::Cell;
use self::reader::{Budget, Reading};
use crate::{Events, Signal, file::OpenFile};

/// Damage that one query gets around; each time it is asked anew without what is damaged.
const DAMAGE_MAX: usize = 100;
/// A longer text is no query.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// How much a query may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlLimits {
    pub time: Duration,
    pub memory_bytes: usize,
    /// Read from files.
    pub scan_bytes: u64,
    /// Of the answer; more are cut off, and that is said.
    pub rows: usize,
    /// Threads' worth of work.
    pub parallel: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory_bytes: 512 << 20,
            scan_bytes: 64 << 30,
            rows: 10_000,
            parallel: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct SqlAnswer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// There were more rows than `limits.rows`.
    pub cut: bool,
    pub scanned_bytes: u64,
    /// Which rows damage keeps from being seen.
    pub damaged: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The query is wrong, or asks for what is not there.
    #[error("{0}")]
    Query(String),
    #[error("the query took longer than {} s (query.timeout)", .0.as_secs_f64())]
    Time(Duration),
    #[error("the query needs more than {0} bytes of memory (query.max_memory_bytes)")]
    Memory(usize),
    #[error("the query reads more than {0} bytes (query.max_scan_bytes); ask about a shorter time")]
    Scan(u64),
    #[error("the query cannot be answered: {0}")]
    Storage(String),
}

impl Events {
    /// Answers one `SELECT` (or `EXPLAIN`) over rows of a time, both ends included, as far as files can be told apart by it.
    ///
    /// # Errors
    /// When the text is no query of what there is, or a limit is met.
    pub async fn sql(
        &self,
        text: &str,
        time: (Timestamp, Timestamp),
        limits: &SqlLimits,
    ) -> Result<SqlAnswer, SqlError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(SqlError::Query(format!("a query is at most {TEXT_BYTES_MAX} bytes long")));
        }
        self.answer(time, limits, |context| {
            let text = text.to_owned();
            async move {
                let plan = context.state().create_logical_plan(&text).await?;
                read_only().verify_plan(&plan)?;
                Ok(plan)
            }
        })
        .await
    }

    /// Runs a plan that `plan` makes over the tables, again when damage is met on the way.
    pub(crate) async fn answer<F>(
        &self,
        time: (Timestamp, Timestamp),
        limits: &SqlLimits,
        plan: impl Fn(SessionContext) -> F,
    ) -> Result<SqlAnswer, SqlError>
    where
        F: Future<Output = Result<LogicalPlan, DataFusionError>>,
    {
        let views = Signal::ALL.map(|signal| self.view(signal).within(time.0, time.1));
        let files: Vec<Arc<OpenFile>> =
            views.iter().flat_map(|view| view.files.iter().cloned()).collect();
        let damage = || files.iter().map(|file| file.verified().damaged().len()).sum::<usize>();
        let reading = Arc::new(Reading::new(Budget { scan_bytes: limits.scan_bytes }));
        let attempts = async {
            loop {
                let before = damage();
                let context = session::context(&views, &reading, limits).map_err(wrong)?;
                let run = async {
                    let plan = plan(context.clone()).await?;
                    let frame = context.execute_logical_plan(plan).await?;
                    collect(frame.create_physical_plan().await?, &context, limits.rows).await
                };
                match run.await {
                    Ok(found) => break Ok(found),
                    Err(_) if damage() > before && damage() < DAMAGE_MAX => {}
                    Err(error) => break Err(self::error(&error, &reading, limits)),
                }
            }
        };
        let found = tokio::time::timeout(limits.time, attempts).await;
        let (schema, batches, cut) = found.map_err(|_| SqlError::Time(limits.time))??;
        let damaged = files.iter().filter(|file| reading.has_read(file));
        let damaged = damaged.filter_map(|file| crate::search::told(file)).collect();
        Ok(SqlAnswer { schema, batches, cut, scanned_bytes: reading.scanned(), damaged })
    }
}

fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

async fn collect(
    plan: Arc<dyn ExecutionPlan>,
    context: &SessionContext,
    rows_max: usize,
) -> Result<(SchemaRef, Vec<RecordBatch>, bool), DataFusionError> {
    let mut stream: SendableRecordBatchStream = execute_stream(plan, context.task_ctx())?;
    let schema = stream.schema();
    let (mut batches, mut rows) = (Vec::new(), 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let room = rows_max - rows;
        if batch.num_rows() > room {
            batches.push(batch.slice(0, room));
            return Ok((schema, batches, true));
        }
        rows += batch.num_rows();
        batches.push(batch);
    }
    Ok((schema, batches, false))
}

fn wrong(error: DataFusionError) -> SqlError {
    SqlError::Storage(error.strip_backtrace())
}

/// A limit is told by its setting; what is wrong with the text, by DataFusion's words without its own kind of error.
fn error(error: &DataFusionError, reading: &Reading, limits: &SqlLimits) -> SqlError {
    if reading.is_over() {
        return SqlError::Scan(limits.scan_bytes);
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => SqlError::Memory(limits.memory_bytes),
        DataFusionError::Plan(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text) => SqlError::Query(first_line(text)),
        DataFusionError::SQL(error, _) => SqlError::Query(error.to_string()),
        DataFusionError::SchemaError(error, _) => {
            SqlError::Query(unknown(&first_line(&error.to_string())))
        }
        DataFusionError::ArrowError(error, _) => SqlError::Query(error.to_string()),
        other => SqlError::Storage(first_line(&other.strip_backtrace())),
    }
}

/// A column that is not there may be an attribute that few records have.
fn unknown(text: &str) -> String {
    let text = text.trim_end_matches('.');
    format!(
        "{text}; an attribute that few records have is in a map, such as SpanAttributes['name']"
    )
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

impl fmt::Display for SqlAnswer {
    /// A table of text, for tests and for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = datafusion::arrow::util::pretty::pretty_format_batches(&self.batches);
        write!(f, "{}", shown.map_err(|_| fmt::Error)?)
    }
}
