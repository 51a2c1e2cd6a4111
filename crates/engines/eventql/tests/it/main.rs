//! The language from outside: trees, errors, completion, meaning, and what other engines' scenarios expect.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod completion;
mod errors;
mod findings;
mod generate;
mod meaning;
mod naive;
mod properties;
mod scenarios;
mod sentences;
mod show;
mod trees;
mod yaml;
