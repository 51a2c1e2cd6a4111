//! The use cases together, over stores that can be stopped at any moment.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says what it did"
)]

mod follow;
mod life;
mod refused;
mod scrape;
mod sim;
