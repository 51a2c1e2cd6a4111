//! Spans and log records: a write-ahead log, rows in memory, and files of Parquet that Apache DataFusion reads.
//!
//! Vocabulary. A *record* of the log holds one request's spans and log records. In memory they are *chunks*, then *sealed* rows;
//! on the disk they are *files* of one hour each, of which the *manifest* says which count. A *granule* is a run of rows of a
//! file that the index of tokens tells from others; a *promoted* attribute has a column of its own.
//!
//! **Invariant:** what `append` accepted survives a killed process; what came before the last sync survives power loss.
//! Nothing damaged is returned as data, and nothing is missing for damage without being told.

mod file;
mod head;
mod json;
mod maintain;
mod manifest;
mod open;
mod options;
mod outcome;
mod query;
mod recent;
mod record;
mod schema;
mod search;
mod sql;
mod state;
mod store;
mod table;
mod twice;

pub use file::{BlockDamage, StretchError};
pub use maintain::VerifyError;
pub use manifest::Loss;
pub use options::Options;
pub use outcome::{
    AppendError, BuildError, MaintainError, Maintained, OpenError, OpenFileError, Recovery, Replay,
    ReplayError, Stats, TableStats, Tick, TickError,
};
pub use query::{Found, LogQuery, Order, QUERY_ITEMS_MAX, QueryError, SpanQuery, TRACE_SPANS_MAX};
pub use schema::Signal;
pub use search::SearchError;
pub use sql::{Cell, SqlAnswer, SqlError, SqlLimits};
pub use store::{Events, Written};
pub use table::ReadError;
pub use wal::{Damage, Position, SyncPolicy};
