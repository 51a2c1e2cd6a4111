//! Suspects: what changed or failed before it broke, ranked by the evidence.
//!
//! The **score** is the share of the failures that a suspect explains, as far as the counts prove it: a lower bound, not a
//! guess. Three kinds of evidence, the stronger first:
//!
//! - *contrast*: in the same minutes, requests on one version fail and those on another do not. Nothing else that happened
//!   at that time can explain it, so what it explains is taken off every other suspect.
//! - *origin*: in the failing traces, the deepest erroring span is of a service that the failing one calls.
//! - *before and after*: failures rose after the change. Weak (anything may have happened then): discounted by its kind
//!   and by the time between, and only for the failures that originate in the changed service.
//!
//! **Invariant:** [`rank`] is a pure function; equal evidence gives equal suspects in equal order.

mod change;
mod dependency;
mod evidence;
mod rank;
pub mod stats;
#[cfg(test)]
mod stories;
mod suspect;
mod words;

pub use evidence::{Change, ChangeKind, Counts, ErrorSource, Evidence, VersionOutcome};
pub use rank::rank;
pub use suspect::{Numbers, Suspect, SuspectKind};
