//! The crate's integration tests.

mod conformance;
mod corpus;
mod formats;
