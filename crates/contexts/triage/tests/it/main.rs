//! Triage from outside: a simulated shop's causes found, counts against a naive count, patterns of real logs.

mod count;
mod find;
mod kafka;
mod lines;
mod shop;
mod windows;
