//! What each verb does: one file for each noun.

mod data;
mod demo;
mod deploys;
mod doctor;
mod incidents;
mod journal;
mod query;
mod repo;
mod serve;
mod slos;
mod sql;
mod tsdb;

use std::{ffi::OsStr, io::IsTerminal as _, process::ExitCode, time::Duration};

use clap::CommandFactory;
use model::{Clock, SystemClock, Timestamp};

use crate::{
    cli::{Cli, NotifyVerb, Remote, Verb},
    client::Client,
    exit::{Exit, Failure},
    output,
};

/// How long a client verb waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { remote, verb } = cli;
    let remote = &remote;
    let exit = match verb {
        // The shop's parts have exit codes of their own.
        Verb::Shop { args } => return demo::shop(&args),
        Verb::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "evenkeel", &mut script);
            output::say(&String::from_utf8_lossy(&script)).map(|()| Exit::Ok)
        }
        Verb::Check(verb) => repo::check(remote, &verb),
        Verb::Diff(args) => client(remote, async |client| repo::diff(client, remote, &args).await),
        Verb::Apply(args) => {
            client(remote, async |client| repo::apply(client, remote, &args).await)
        }
        Verb::Deploy(verb) => {
            client(remote, async |client| deploys::run(client, remote, verb).await)
        }
        Verb::Gate(verb) => {
            client(remote, async |client| deploys::gate(client, remote, verb).await)
        }
        Verb::Slo(verb) => client(remote, async |client| slos::run(client, remote, verb).await),
        Verb::Incident(verb) => {
            client(remote, async |client| incidents::run(client, remote, verb).await)
        }
        Verb::Postmortem(verb) => {
            client(remote, async |client| incidents::postmortem(client, remote, verb).await)
        }
        Verb::Notify(NotifyVerb::Test { receiver }) => {
            client(remote, async |client| incidents::test_page(client, remote, receiver).await)
        }
        Verb::Query(args) => client(remote, async |client| query::run(client, remote, &args).await),
        Verb::Sql(args) => client(remote, async |client| sql::run(client, remote, args).await),
        Verb::Journal(verb) => journal::run(remote, verb),
        Verb::Serve(args) => serve::run(args),
        Verb::Demo(args) => demo::run(args),
        Verb::Doctor(args) => doctor::run(remote, args),
        Verb::Tsdb(verb) => tsdb::run(remote, verb),
        Verb::Backup(args) => data::backup(remote, args),
        Verb::Restore(args) => data::restore(remote, &args),
    }?;
    Ok(exit.into())
}

/// Runs `verb` against the server that `remote` names.
fn client(
    remote: &Remote,
    verb: impl AsyncFnOnce(&Client) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let token = token(remote)?;
    let client = Client::new(&remote.server, token.as_deref(), TIMEOUT)?;
    runtime()?.block_on(verb(&client))
}

/// From `EVENKEEL_TOKEN`, else from the file that `--token-file` names.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
fn token(remote: &Remote) -> Result<Option<String>, Failure> {
    if let Ok(token) = std::env::var("EVENKEEL_TOKEN") {
        return Ok(Some(token));
    }
    let Some(file) = &remote.token_file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(
            Exit::Usage,
            anyhow::Error::new(error).context(format!("cannot read `{}`", file.display())),
        )
    })?;
    Ok(Some(text.trim().to_owned()))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FailStop, error))
}

/// Threads for the server's work.
fn server_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FailStop, error))
}

/// Sends the server's log to standard error; `EVENKEEL_LOG` says how much, such as `info` or `app=debug`.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_env_var("EVENKEEL_LOG")
        .with_default_directive(tracing_subscriber::filter::LevelFilter::WARN.into())
        .from_env_lossy();
    let colours = colours(std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR").as_deref());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
}

/// Whether the log is coloured: on a terminal, unless `NO_COLOR` has a value (<https://no-color.org>).
fn colours(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

/// The machine's time.
fn now() -> Timestamp {
    SystemClock::new().now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_colours_only_on_a_terminal_that_wants_them() {
        let check =
            |is_terminal, no_color: Option<&str>| colours(is_terminal, no_color.map(AsRef::as_ref));
        assert!(check(true, None) && check(true, Some("")));
        assert!(!check(true, Some("1")) && !check(false, None) && !check(false, Some("")));
    }
}
