//! What is different here: a selection of events ("inside") against the rest ("outside").
//!
//! Events are counted twice. A [`Counter`] takes every event once and counts each value of each key on both sides; it
//! then becomes [`Pairs`], which takes the same events again and counts the pairs of the most promising values. What
//! comes out is a [`Difference`]. [`of_spans`] and [`of_logs`] do all that for records in memory.
//!
//! **The rule.** A property is a value of a key, the absence of a key, or a range of a numeric key between two of its
//! quantiles. Rows are ranked by the separation ([`Row::separation_low`]) that is left when the property's shares inside
//! and outside are both taken at their worse 95 % bounds, so that small selections do not bring noise to the top. A row
//! is among [`Difference::rows`] when its bounds part even at a family-wise error rate of [`FALSE_ALARM_RATE`]: the level
//! is divided by the number of properties tested, for pairs by the number of pairs that could have been picked (or, for
//! what a pair adds to a certain property, by the number of properties that could have been added). The best of the
//! others are in [`Difference::perhaps`].
//!
//! A pair is listed only if it separates better than each of its members, and if, among the events that have one member,
//! the other one still separates clearly. Rows whose sets of events are nearly equal are shown as one row with the others
//! beside it; so is a row that is a part of a higher one and says nothing beyond it (the pods of a version).
//!
//! Events are taken as independent. Spans of one trace are not quite; give one span of each trace, or read the ranking
//! and not the bounds.

mod aside;
mod cell;
mod count;
mod dictionary;
mod group;
mod pairs;
mod range;
mod records;
mod row;
mod single;

pub use cell::{Counts, Tally};
pub use count::Counter;
pub use dictionary::{KeyId, ValueId};
pub use pairs::Pairs;
pub use records::{of_logs, of_spans};
pub use row::{Beside, Difference, Reason, Relation, Row, SetAside, Term};

/// The chance that a difference without any cause has a row in [`Difference::rows`] or [`Difference::rarer`].
pub const FALSE_ALARM_RATE: f64 = 0.01;

/// The separation, in bits at the worse 95 % bounds, from which a row is worth a reader's time; see [`Row::is_notable`].
pub const NOTABLE_SEPARATION: f64 = 0.02;

/// Keys counted; events may have more, which are not looked at (`Difference::keys_left_out`).
pub const KEYS_MAX: usize = 512;

/// Different texts of a key; a key with more is set aside.
pub const VALUES_MAX: usize = 1024;

/// Different numbers of a key, told apart to one part in 512; a key with more is set aside.
pub const NUMBERS_MAX: usize = 16_384;

/// Values of all keys together.
pub const ALL_VALUES_MAX: usize = 1 << 18;

/// Bytes of a value; longer texts are cut, and texts that differ only beyond count as one.
pub const VALUE_BYTES_MAX: usize = 512;

/// Rows that are certain, in each direction.
pub const ROWS_MAX: usize = 50;

/// Rows that could be chance.
pub const PERHAPS_MAX: usize = 10;
