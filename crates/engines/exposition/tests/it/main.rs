//! The crate's integration tests.

mod conformance;
mod corpus;
mod formats;
mod remote_read;
mod remote_write;
