//! What a trace says, and what a set of traces says: order, critical path, self time, retries, deadlines, clocks.
//!
//! A [`Trace`] is made of any bag of spans, however broken, and names what is wrong with it ([`Anomaly`]). Times stay as they
//! were reported; what clocks have to do with them is estimated beside ([`Offsets`]), with bounds.
//!
//! **Invariant:** nothing here reads a clock, a store or the network, and nothing depends on the order in which spans came.

mod anomaly;
mod critical;
mod findings;
mod host;
mod profile;
mod self_time;
mod skew;
mod spoken;
mod trace;

pub use anomaly::{Anomaly, AnomalyKind};
pub use critical::{CriticalPath, Section};
pub use findings::{
    Digest, DigestKey, DigestRow, Evidence, Finding, FindingKind, Orphans, Repeats, Retries,
    Timeout,
};
pub use host::host;
pub use profile::{Change, Frame, Operation, Profile, Share};
pub use skew::{
    Adjusted, AdjustedRow, Cause, Clocks, Drift, Estimate, Impossible, Offsets, Order, Relative,
};
pub use trace::Trace;

/// Limits of this context.
pub mod limits {
    /// Spans of one trace; of more, the earliest are kept.
    pub const SPANS_MAX: usize = 1 << 20;
    /// Spans that a finding names; its count goes on.
    pub const FINDING_SPANS_MAX: usize = 100;
    /// Kinds of finding by service and operation that a digest tells apart.
    pub const DIGEST_ROWS_MAX: usize = 10_000;
    /// Examples of each.
    pub const EXAMPLES_MAX: usize = 5;
    /// Operations that a profile tells apart.
    pub const OPERATIONS_MAX: usize = 20_000;
    /// Call paths that a profile tells apart; the time of further ones counts for the longest path that is known.
    pub const PATHS_MAX: usize = 50_000;
    /// Operations in a call path; what lies deeper counts for the last.
    pub const PATH_DEPTH_MAX: usize = 128;
    /// Hosts whose clocks are compared.
    pub const HOSTS_MAX: usize = 4_096;
    /// Pairs of hosts whose clocks are compared.
    pub const HOST_PAIRS_MAX: usize = 1_024;
    /// Minutes of calls that a pair of hosts remembers, the latest ones.
    pub const PAIR_MINUTES_MAX: usize = 60;
    /// Calls of one minute that a pair of hosts remembers: a sample by span id.
    pub const MINUTE_CALLS_MAX: usize = 16;
}
