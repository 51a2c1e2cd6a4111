//! Triage from outside: a simulated shop's causes found, counts against a naive count, patterns of real logs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test says how many cases it ran")]

mod count;
mod find;
mod kafka;
mod lines;
mod shop;
mod windows;
