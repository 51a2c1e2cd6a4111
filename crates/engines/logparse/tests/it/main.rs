//! Log lines from outside: what others' tests say, real files, and what is hostile.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod filebeat;
mod files;
mod hostile;
mod rust_value;
mod vectors;
