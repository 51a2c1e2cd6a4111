//! Spans and log records: a write-ahead log that is also the store, and a small index in memory.
//!
//! Vocabulary. A *record* of the log holds one request's spans and log records, behind a *summary* of what is in it. A
//! *granule* is a run of records of one segment, up to 256 KiB; the index holds for each granule the range of times, the
//! services and a Bloom filter of trace ids, so that a query reads only granules that can match.
//!
//! **Invariant:** what `append` accepted survives a killed process; what came before the last sync survives power loss.
//! Nothing damaged is returned as data: a damaged record is counted, its neighbours are returned.

mod file;
mod index;
mod json;
mod options;
mod outcome;
mod query;
mod record;
mod schema;
mod search;
mod store;
mod table;
mod twice;

pub use options::Options;
pub use outcome::{
    AppendError, OpenError, QueryError, Recovery, Replay, ReplayError, Stats, Tick, TickError,
};
pub use query::{Found, LogQuery, Order, QUERY_ITEMS_MAX, SpanQuery};
pub use schema::Signal;
pub use store::Events;
pub use wal::{Damage, Position, SyncPolicy};
