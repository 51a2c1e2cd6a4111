//! The project's own chores: `cargo xtask tidy | ci | accept`.

#![expect(clippy::print_stdout, reason = "a command-line tool talks on standard output")]

mod accept;
mod ci;
mod tidy;

use clap::Parser;

/// Chores of the Evenkeel repository.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
enum Chore {
    /// Checks layers, module docs, file sizes and wording.
    Tidy,
    /// Everything that must be green: format, clippy, tests, docs, tidy.
    Ci,
    /// A long acceptance run; without a name, lists them.
    Accept(accept::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Chore::parse() {
        Chore::Tidy => tidy::run(),
        Chore::Ci => ci::run(),
        Chore::Accept(arguments) => accept::run(&arguments),
    }
}
