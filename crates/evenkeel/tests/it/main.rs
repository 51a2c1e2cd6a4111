//! The real binary, from outside: what it prints and how it exits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod client;
mod configuration;
mod docs;
mod doctor;
mod help;
mod log;
mod repo;

use std::{path::Path, process::Command};

/// How a run ended.
struct Run {
    exit: i32,
    out: String,
    err: String,
}

/// Runs `evenkeel` in `folder`, with nothing of the environment but a home of its own.
fn run(folder: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// A fresh folder that is empty.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A path of the source tree.
fn source(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}
