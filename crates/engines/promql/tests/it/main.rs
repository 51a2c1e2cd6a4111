//! The language from outside: text that people and attackers send, and expressions in use elsewhere.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod corpora;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;
mod tables;
mod tree;
