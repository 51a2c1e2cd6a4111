//! How fast spans are counted, and how much a full map holds.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod speed;
