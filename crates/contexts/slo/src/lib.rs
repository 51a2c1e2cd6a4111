//! Judge: did users get what was promised, and how fast is the error budget being spent?
//!
//! Events are counted as they arrive, per [`Slo`], into rings of buckets ([`Counters`]); an [`Evaluation`] reads a few sums
//! out of them. The vocabulary and the four window pairs are the SRE workbook's, chapter 5: a *burn rate* of `1.0` spends
//! the *error budget* (one minus the objective) in exactly one window.
//!
//! **Invariant:** nothing here reads a clock, a store or the network: the same batches give the same counts.

pub mod backfill;
pub mod chance;
pub mod counters;
pub mod evaluation;
pub mod indicator;
pub mod objective;
pub mod onset;
pub mod presence;
pub mod snapshot;

mod counter;
mod describe;
mod emitters;
mod increment;
mod ring;
mod seen;

pub use backfill::{BackfillError, Backfilled, Bucket};
pub use counters::{CountedMetrics, Counters, Point};
pub use evaluation::{Budget, Burn, BurnWindow, Evaluation, PAIRS, Pair, Severity, State, Verdict};
pub use indicator::{CounterIndicator, Indicator, Part, SpanFilter, SpanIndicator, StatusFilter};
pub use objective::{Objective, ObjectiveError, RollingWindow, WindowError};
pub use onset::onset;
pub use presence::Presence;
pub use ring::Counts;
pub use snapshot::{
    CounterSnapshot, CountersSnapshot, EmitterSnapshot, PresenceSnapshot, SeriesSnapshot,
    SlotSnapshot, TierSnapshot,
};

use model::Labels;

/// A service level objective: which events count, how many of them must be good, over which window.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Unique.
    pub name: Box<str>,
    pub display_name: Box<str>,
    pub description: Box<str>,
    pub service: Box<str>,
    /// `None` is any environment. The indicator does the filtering; this says which environment a burn is about.
    pub environment: Option<Box<str>>,
    pub indicator: Indicator,
    pub objective: Objective,
    pub window: RollingWindow,
    pub owner: Option<Box<str>>,
    /// Further labels, such as a tier; routing sees them.
    pub labels: Labels,
}
