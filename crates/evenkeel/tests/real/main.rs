//! The real binary under what production does to it: how fast it pages, what a kill costs, what hostile input does.
//!
//! `EVENKEEL_BIN` names another build of the binary than the one beside these tests, `EVENKEEL_ROUNDS` says how often,
//! `EVENKEEL_SEED` repeats a run.

#![cfg(test)]

mod apply;
mod hostile;
mod keep;
mod kills;
mod latency;
mod metrics;
mod prometheus;
mod receiver;
mod scrape;
mod sql;

use std::time::{Duration, Instant, SystemTime};

/// A number of the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// The seed of this run; told, so that it can be repeated.
fn seed() -> u64 {
    number("EVENKEEL_SEED").unwrap_or_else(|| u64::from(std::process::id()))
}

#[expect(clippy::disallowed_methods, reason = "a test of real time")]
fn now() -> Instant {
    Instant::now()
}

/// Since 1970.
#[expect(clippy::disallowed_methods, reason = "telemetry carries the real time")]
fn unix() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// A client that gives up before a test does.
fn http() -> reqwest::Client {
    // Somebody else may have chosen it already.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}
