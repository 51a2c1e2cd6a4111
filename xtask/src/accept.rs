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
        name: "AT-01",
        shows: "samples survive 500 kills at system calls: writes, syncs, renames, unlinks",
        does: Does::Tests {
            package: "evenkeel",
            filter: "metrics_survive_kills_at_system_calls",
            rounds: 500,
        },
    },
    Run {
        name: "AT-02",
        shows: "the sample store survives 10,000 seeds of crashes that lose and tear what was not synced",
        does: Does::Tests { package: "tsdb", filter: "seeds", rounds: 10_000 },
    },
    Run {
        name: "AT-03",
        shows: "a flipped bit in the log or in a part of the sample store is never a wrong value",
        does: Does::Tests { package: "tsdb", filter: "rot", rounds: 10_000 },
    },
    Run {
        name: "events-crashes",
        shows: "spans and log records survive kills and power loss at every operation on the disk",
        does: Does::Tests { package: "events", filter: "survives_kills", rounds: 1 },
    },
    Run {
        name: "events-rot",
        shows: "no flipped bit in a file of spans or beside it is returned, and none hides a row untold",
        does: Does::Tests { package: "events", filter: "no_flipped_bit", rounds: 10_000 },
    },
    Run {
        name: "AT-04",
        shows: "a disk that is full 20 times: samples wait, pages go out",
        does: Does::Tests {
            package: "evenkeel",
            filter: "metrics_wait_for_room_on_a_full_disk",
            rounds: 20,
        },
    },
    Run {
        name: "AT-05",
        shows: "syncs that fail, from the first to the 50th: nothing acknowledged is lost",
        does: Does::Tests {
            package: "evenkeel",
            filter: "metrics_survive_syncs_that_fail",
            rounds: 50,
        },
    },
    Run {
        name: "AT-10",
        shows: "decompression bombs, 50 at once, 20 times",
        does: Does::Tests {
            package: "evenkeel",
            filter: "metrics_refuse_bombs_and_go_on",
            rounds: 20,
        },
    },
    Run {
        name: "AT-16",
        shows: "60 queries of death, each ended by its limit, while samples are taken",
        does: Does::Tests {
            package: "evenkeel",
            filter: "metrics_outlive_deadly_queries",
            rounds: 3,
        },
    },
    Run {
        name: "AT-17",
        shows: "2 M new series and outsized labels: old series lose nothing",
        does: Does::Tests {
            package: "evenkeel",
            filter: "metrics_keep_old_series_when_new_ones_explode",
            rounds: 400,
        },
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
