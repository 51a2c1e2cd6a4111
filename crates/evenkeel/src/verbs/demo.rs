//! `evenkeel demo`, and the processes that it starts.

use std::process::ExitCode;

use crate::{
    cli::DemoArgs,
    exit::{Exit, Failure},
};

/// The names that `--scenario` takes.
const SCENARIOS: [&str; 2] = ["bad-deploy", "dependency-outage"];

pub(super) fn run(args: DemoArgs) -> Result<Exit, Failure> {
    if let Some(name) = &args.scenario
        && !SCENARIOS.contains(&name.as_str())
    {
        let text =
            format!("there is no scenario `{name}`; write `bad-deploy` or `dependency-outage`");
        return Err(Failure::text(Exit::Usage, text));
    }
    Ok(Exit::Ok)
}

/// A part of the shop, as a process of its own.
pub(super) fn shop(args: &[String]) -> Result<ExitCode, Failure> {
    shop::run_arguments(args).map_err(Failure::from)
}
