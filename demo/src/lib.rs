//! A small real shop: seven services, a load generator, a deployer, and the stories that are played on it.
//!
//! The shop is a plain outside user: it imports none of Evenkeel's crates and speaks to it only by OTLP, remote write and the
//! public HTTP API. Every part is a process of its own, started as a subcommand of one executable ([`ShopCommand`]); a part that
//! is started with `--watch-stdin` ends when its standard input closes, so that nothing outlives who started it.
#![expect(
    clippy::disallowed_methods,
    reason = "an outside program: it reads the system's clocks itself, nothing replays it"
)]

mod cli;
mod deployer;
mod load;
mod net;
mod service;
mod stop;
pub mod story;
mod topology;

pub use cli::{ShopCommand, run, run_arguments, run_blocking};
