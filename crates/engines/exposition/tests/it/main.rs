//! Formats from outside: what others' tests say, what is written and read again, and what is hostile.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod corpus;
mod formats;
mod remote_read;
mod remote_write;
