//! Long acceptance runs: what takes too long for every change, run before a release.

use anyhow::bail;

/// Which run, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's name, such as `kills`.
    name: Option<String>,
    /// How many rounds; each run has its own default.
    #[arg(long)]
    rounds: Option<u32>,
}

/// A run: its name, what it shows, its test (package and filter) and the rounds it has by default.
struct Run {
    name: &'static str,
    shows: &'static str,
    package: &'static str,
    filter: &'static str,
    rounds: u32,
}

const RUNS: &[Run] = &[
    Run {
        name: "kills",
        shows: "`kill -9` at random moments loses nothing that was acknowledged",
        package: "evenkeel",
        filter: "kills",
        rounds: 200,
    },
    Run {
        name: "simulation",
        shows: "30 days of alerts, acknowledgements and crashes, from many seeds",
        package: "app",
        filter: "simulation",
        rounds: 2000,
    },
    Run {
        name: "stories",
        shows: "both stories of the demo, played by the real binary",
        package: "evenkeel",
        filter: "story",
        rounds: 1,
    },
];

/// Runs one of [`RUNS`] as the test that it is, with `EVENKEEL_ROUNDS` set.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(name) = &arguments.name else {
        RUNS.iter()
            .for_each(|run| println!("{:12} {} ({} rounds)", run.name, run.shows, run.rounds));
        return Ok(());
    };
    let Some(run) = RUNS.iter().find(|run| run.name == name) else {
        bail!("no acceptance run `{name}`; `cargo xtask accept` lists them");
    };
    let rounds = arguments.rounds.unwrap_or(run.rounds).to_string();
    let status = std::process::Command::new("cargo")
        .args(["test", "--release", "--package", run.package, "--", "--nocapture", run.filter])
        .env("EVENKEEL_ROUNDS", &rounds)
        .env("EVENKEEL_LONG", "1")
        .status()?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}
