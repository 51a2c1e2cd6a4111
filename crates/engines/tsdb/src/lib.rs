//! Metric samples: a write-ahead log, a compressed head in memory, immutable blocks on the disk.
//!
//! Vocabulary. A *chunk* is up to 120 samples of one series, compressed. The *head* holds what came since the last
//! *checkpoint*; a checkpoint writes the head's chunks as *blocks* (one series each) into the block log and lets go of
//! the write-ahead log before it, so that a restart replays little. Retention drops blocks by age.
//!
//! Rules, as Prometheus has them unless said. A sample repeated with the same time and value is dropped in silence; with
//! the same time and another value it is refused, the first stays. A sample may be older than its series' newest by
//! [`Options::out_of_order_window`], not more; a series may begin at any time within the retention. A sample further
//! ahead of our clock than the limit is refused. A new series over a limit is refused with the name of the label that
//! has the most values; a known series never is. A series counts as active for [`ACTIVE_WINDOW`] after a sample came; its
//! service is the label `service_name`, else `job`, else empty.
//!
//! **Invariant:** samples that `append` accepted survive a killed process; those before the last sync survive power loss.

mod admit;
mod bits;
mod block;
mod chunk;
mod head;
mod index;
mod load;
mod options;
mod outcome;
mod record;
mod select;
mod series;
mod store;
mod writer;

pub use options::{ACTIVE_WINDOW, METADATA_FAMILIES_MAX, Options};
pub use outcome::{
    AppendError, Appended, BlockError, Offender, OpenError, Recovery, Refused, RefusedReason,
    Replay, ReplayError, SelectError, Selected, Stats, Tick, TickError,
};
pub use store::Tsdb;
pub use wal::{Damage, Position, SyncPolicy};
