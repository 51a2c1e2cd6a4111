//! Metric samples: a write-ahead log, buffers in memory, immutable parts on the disk.
//!
//! Vocabulary. A *series* has a number; the *registry* says which labels stand behind it. The *head* holds in memory what
//! came since the last *flush*; a flush writes it as a *part*, names the part in the *manifest* and lets go of the log
//! before it, so that a restart replays little. Parts of one stretch of time are *merged* into larger ones, encoded more
//! densely. A part is made of *sections*: some series' samples, encoded together, with a checksum of their own.
//!
//! Rules, as Prometheus has them unless said. A sample repeated with the same time and value is dropped in silence; with
//! the same time and another value it is refused while the first is in memory, and loses against the first where they
//! meet later. A sample may be older than its series' newest by [`Options::out_of_order_window`], not more; a series may
//! begin at any time within the retention. A sample further ahead of our clock than the limit is refused. A new series over
//! a limit is refused with the name of the label that has the most values; a known series never is. A series counts as
//! active for [`ACTIVE_WINDOW`] after a sample came; its service is the label `service_name`, else `job`, else empty.
//!
//! **Invariant:** samples that `append` accepted survive a killed process; those before the last sync survive power loss.

mod append;
mod arena;
mod cache;
#[doc(hidden)]
pub mod codec;
mod damage;
mod delete;
mod directory;
mod emitters;
mod exemplars;
mod flush;
mod head;
mod hot;
#[doc(hidden)]
pub mod index;
mod maintain;
mod manifest;
mod merge;
mod migrate;
mod open;
mod options;
mod outcome;
mod part;
mod record;
mod refuse;
mod registry;
mod replay;
mod select;
mod snapshot;
mod stats;
mod store;
#[doc(hidden)]
pub mod symbols;
mod verify;

pub use model::KeyedSample;
pub use options::{ACTIVE_WINDOW, EXEMPLARS_MAX, METADATA_FAMILIES_MAX, Options};
pub use outcome::{
    AppendError, Appended, DeleteError, Deleted, Incoming, KeyedBatch, MaintainError, Maintained,
    Offender, OpenError, PartDamage, ReadError, Recovery, Refused, RefusedBy, RefusedReason,
    Replay, ReplayError, SelectError, SnapshotError, Stats, TickError, Verified,
};
pub use select::Selection;
pub use store::Tsdb;
pub use wal::{Damage, Position, SyncPolicy};
