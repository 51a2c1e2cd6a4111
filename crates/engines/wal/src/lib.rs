//! A segmented write-ahead log, and the port to the disk under it.
//!
//! Both telemetry stores append to such a log before they answer. A *record* is a caller's bytes; a *segment* is a file
//! of records; a [`Position`] is a place between two records. What a record means is its writer's affair.
//!
//! Promises, by [`SyncPolicy`]: an appended record survives the process being killed, always; it survives power loss
//! once [`Wal::sync`] or an append under [`SyncPolicy::Always`] has returned. A torn tail costs the torn record alone, a
//! damaged record costs itself alone, and nothing damaged is ever returned as data.
//!
//! **Invariant:** a position is never given twice, not even after power loss: each opening starts a new segment, whose
//! file is on the disk before a record goes into it. So a checkpoint that names a position keeps its meaning.

pub mod codec;
pub mod disk;

mod damage;
mod frame;
mod log;
mod options;
mod position;
mod read;
mod scan;
mod segment;

pub use damage::{Damage, REGIONS_MAX, Region};
pub use disk::{Disk, DiskFile, DiskRead, Fault, RealDisk, SimDisk};
pub use frame::RECORD_BYTES_MAX;
pub use log::{AppendError, DropError, DueSync, OpenError, ResumeError, SyncError, Wal};
pub use options::{Options, SyncPolicy};
pub use position::Position;
pub use read::{Entry, ReadError, RecordAt, Replayed, Snapshot};
