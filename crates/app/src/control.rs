//! The one thread that changes state: commands in, facts in the journal, state after them.
//!
//! Commands that wait are taken together, so that one fsync serves them all (group commit). Nobody sees state whose facts
//! are not on the disk.

mod core;
mod ledger;
mod snapshots;
mod steady;
mod thread;

pub use self::core::{Answer, Core, CoreError, Order, Receipt, World};
pub use ledger::Ledger;
pub use snapshots::Snapshots;
pub use steady::SteadyClock;
pub(crate) use thread::chain;
pub use thread::{Committed, Control, ControlError, WorldView};
