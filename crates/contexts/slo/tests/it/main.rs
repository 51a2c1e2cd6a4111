//! The counts against a naive model that keeps every event.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod model_counters;
mod model_spans;
