//! Traces from small texts, from fixtures, and from rubbish.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod clocks;
mod critical;
mod findings;
mod fixtures;
mod order;
mod profile;
mod properties;
mod speed;
mod support;
