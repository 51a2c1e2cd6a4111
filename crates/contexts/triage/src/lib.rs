//! From many events to the few lines that explain them: what is different in a selection, and the patterns of log lines.
//!
//! [`difference`] ranks attribute values, and pairs of them, by how well they separate selected events from the rest.
//! [`patterns`] mines the templates of log lines and tells which are new or grown between two windows.
//!
//! **Invariant:** nothing here reads a clock, a store or the network, and no answer depends on the order of the events
//! (patterns: while no limit is reached).

mod bounds;
pub mod difference;
pub mod patterns;
