//! Long acceptance runs: what takes too long for every change, run before a release.

use std::{path::Path, process::Command};

use anyhow::{Context, bail};

/// Which run, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's name, such as `kills`.
    name: Option<String>,
    /// How many rounds; each run has its own default.
    #[arg(long, alias = "runs")]
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

/// Names another build of the binary; then nothing is built for release.
const BINARY: &str = "EVENKEEL_BIN";

const RUNS: &[Run] = &[
    Run {
        name: "page-latency",
        shows: "from the burn crossing to the delivered page, 20 times; writes benches/results/page-latency.json",
        does: Does::Tests { package: "evenkeel", filter: "page_latency", rounds: 20 },
    },
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

/// Runs one of [`RUNS`], on a release build or on the binary that `EVENKEEL_BIN` names.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(name) = &arguments.name else {
        RUNS.iter().for_each(|run| println!("{:18} {}", run.name, run.shows));
        return Ok(());
    };
    let Some(run) = RUNS.iter().find(|run| run.name == name) else {
        bail!("no acceptance run `{name}`; `cargo xtask accept` lists them");
    };
    let status = command(run, arguments)?.status()?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}

fn command(run: &Run, arguments: &Arguments) -> anyhow::Result<Command> {
    let given = std::env::var_os(BINARY)
        .map(|path| std::path::absolute(&path).with_context(|| format!("no path in {BINARY}")));
    let given = given.transpose()?;
    match run.does {
        Does::Tests { package, filter, rounds } => {
            let rounds = arguments.rounds.unwrap_or(rounds);
            let mut cargo = Command::new("cargo");
            cargo.arg("test").args(given.is_none().then_some("--release"));
            cargo.args(["--package", package, filter, "--", "--nocapture"]);
            cargo.env("EVENKEEL_ROUNDS", rounds.to_string());
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
            cargo.env("EVENKEEL_RESULTS", root.join("benches/results"));
            cargo.envs(given.map(|path| (BINARY, path)));
            Ok(cargo)
        }
        Does::Story(scenario) => {
            let mut story = given.map_or_else(
                || {
                    let mut cargo = Command::new("cargo");
                    cargo.args(["run", "--release", "--package", "evenkeel", "--"]);
                    cargo
                },
                Command::new,
            );
            story.args(["demo", "--listen", "127.0.0.1:0", "--scenario", scenario]);
            Ok(story)
        }
    }
}
