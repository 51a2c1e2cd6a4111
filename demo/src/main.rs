//! The shop on its own, for any OTLP back end: the same parts that `evenkeel shop` starts.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the one place where an error is told")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    shop::run_arguments(&arguments).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
