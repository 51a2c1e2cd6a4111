//! The shop on its own, for any OTLP back end: the same parts that `evenkeel shop` starts.

use std::process::ExitCode;

use clap::Parser;

/// A small shop of instrumented services.
#[derive(Debug, Parser)]
#[command(name = "shop", version)]
struct Arguments {
    #[command(subcommand)]
    command: shop::ShopCommand,
}

fn main() -> anyhow::Result<ExitCode> {
    shop::run_blocking(Arguments::parse().command)
}
