//! The binary: parses flags and configuration, starts the server, or speaks to a running one.

mod cli;
mod client;
mod config;
mod exit;
mod output;
mod run;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// Gives memory back after a burst, and shares none between threads, unlike the C library's, which keeps what a large query took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Fails only when a provider is there already, and then that one serves.
    drop(rustls::crypto::ring::default_provider().install_default());
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    match verbs::run(cli) {
        Ok(exit) => exit,
        Err(failure) => failure.report(),
    }
}
