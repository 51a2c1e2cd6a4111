//! Postmortems: what happened, drafted from the facts, so that people start from evidence rather than from a blank page.
//!
//! The sections and their order are those of PagerDuty's postmortem template. What is known is filled in; what only people
//! can say is asked for, in a sentence in italics. The wording is blameless: it names what changed and what was seen.
//!
//! **Invariant:** [`draft`] is a function of its input, and no text that it is given can become markup in
//! [`Draft::markdown`].

mod actions;
mod document;
mod draft;
mod input;
mod markdown;
mod words;

pub use document::{Block, Draft, Section};
pub use draft::draft;
pub use input::{
    Affected, Ending, Event, Factor, FactorKind, Impact, Input, Mitigation, Objective, Responder,
};

/// Limits of this context; the draft says what it left out.
pub mod limits {
    /// Rows of the timeline; the last ones are left out.
    pub const TIMELINE_MAX: usize = 500;
    /// Contributing factors.
    pub const FACTORS_MAX: usize = 10;
    /// Characters of one text that is given.
    pub const TEXT_CHARS_MAX: usize = 4_000;
}
