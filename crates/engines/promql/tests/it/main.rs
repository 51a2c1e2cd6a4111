//! The language from outside: text that people and attackers send, and expressions in use elsewhere.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test says how many cases it ran")]
#![expect(clippy::cast_possible_truncation, reason = "numbers of tables are small")]

#[path = "../../../../../fuzz/checks/promql.rs"]
mod check;
mod corpora;
mod golden;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;
mod promqltest;
mod tables;
mod tree;
