//! Exit codes, and the one place that prints an error.

use std::{fmt, process::ExitCode};

/// What the process tells its caller; documented in `docs/src/exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    /// Failed, differs, or blocked.
    Failed = 1,
    Usage = 2,
    Lint = 3,
    Auth = 4,
    NotFound = 5,
    Conflict = 6,
    Unreachable = 7,
    /// The gate could not decide.
    Inconclusive = 8,
    BadConfiguration = 64,
    /// Evenkeel stopped itself because going on could lose facts.
    FailStop = 70,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with the exit code that it ends the process with.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    pub(crate) fn text(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, error: anyhow::anyhow!("{text}") }
    }

    /// Prints the whole chain once, on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        crate::output::note(&format!("evenkeel: {self}"));
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error }
    }
}

/// Help and version are no errors; anything else is a usage error, as clap words it.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
    // A closed pipe while printing help is nobody's error.
    error.print().map_or(Exit::Ok, |()| exit).into()
}
