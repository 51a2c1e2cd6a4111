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

/// What a run does.
enum Does {
    /// Runs tests of a package with `EVENKEEL_ROUNDS` set.
    Tests { package: &'static str, filter: &'static str, rounds: u32 },
    /// Plays a story of the demo by the real binary.
    Story(&'static str),
}

struct Run {
    name: &'static str,
    shows: &'static str,
    does: Does,
}

const RUNS: &[Run] = &[
    Run {
        name: "kills",
        shows: "`kill -9` at 200 random moments loses nothing that was acknowledged",
        does: Does::Tests { package: "evenkeel", filter: "kills", rounds: 200 },
    },
    Run {
        name: "simulation",
        shows: "30 days of alerts, acknowledgements and crashes, from 2,000 seeds",
        does: Does::Tests { package: "app", filter: "simulation", rounds: 2000 },
    },
    Run {
        name: "bad-deploy",
        shows: "the story of a bad deploy, by the real binary",
        does: Does::Story("bad-deploy"),
    },
    Run {
        name: "dependency-outage",
        shows: "the story of a failing dependency and a decoy, by the real binary",
        does: Does::Story("dependency-outage"),
    },
];

/// Runs one of [`RUNS`] on a release build.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(name) = &arguments.name else {
        RUNS.iter().for_each(|run| println!("{:18} {}", run.name, run.shows));
        return Ok(());
    };
    let Some(run) = RUNS.iter().find(|run| run.name == name) else {
        bail!("no acceptance run `{name}`; `cargo xtask accept` lists them");
    };
    let mut cargo = std::process::Command::new("cargo");
    match run.does {
        Does::Tests { package, filter, rounds } => {
            let rounds = arguments.rounds.unwrap_or(rounds);
            cargo.args(["test", "--release", "--package", package, filter, "--", "--nocapture"]);
            cargo.env("EVENKEEL_ROUNDS", rounds.to_string());
        }
        Does::Story(scenario) => {
            cargo.args(["run", "--release", "--package", "evenkeel", "--", "demo"]);
            cargo.args(["--listen", "127.0.0.1:0", "--scenario", scenario]);
        }
    }
    let status = cargo.status()?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}
