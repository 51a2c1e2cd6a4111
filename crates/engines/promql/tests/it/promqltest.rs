//! Scripts of load and eval statements, as Prometheus tests its own engine with them.
#![expect(clippy::string_slice, reason = "a script is cut at characters that were found in it")]

mod check;
mod histogram;
mod nhcb;
mod script;
mod series;
mod store;

use std::{fmt::Write as _, path::PathBuf};

use self::script::Command;
pub(crate) use self::{check::near, store::Store};

/// What one script gave.
#[derive(Default)]
struct Outcome {
    ran: usize,
    failed: Vec<String>,
}

fn run(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut store = Store::default();
    for command in script::parse(text) {
        match command {
            Command::Clear => store = Store::default(),
            Command::Load(load) => store.load(&load),
            Command::Eval(eval) => {
                outcome.ran += 1;
                if let Err(error) = check::check(&eval, &store) {
                    outcome.failed.push(format!("line {}: {}: {error}", eval.line, eval.text));
                }
            }
        }
    }
    outcome
}

/// Runs all scripts of a folder; what failed, and how many ran.
fn folder(path: &PathBuf) -> (usize, String) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "test"))
        .collect();
    files.sort();
    let (mut ran, mut report) = (0, String::new());
    for file in &files {
        let outcome = run(&std::fs::read_to_string(file).unwrap());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let failed = outcome.failed.len();
        println!("promqltest {name}: {} pass, {failed} fail", outcome.ran - failed);
        for failure in &outcome.failed {
            writeln!(report, "{name}: {failure}").unwrap();
        }
        ran += outcome.ran;
    }
    (ran, report)
}

#[test]
fn our_scripts_pass() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let (ran, report) = folder(&path);
    assert!(ran > 0, "there are scripts");
    assert!(report.is_empty(), "{report}");
}

#[test]
fn prometheus_scripts_pass() {
    let Some(data) = crate::tables::data() else {
        println!("conformance promqltest: skipped, EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let (ran, report) = folder(&data.join("promql/promqltest"));
    println!("conformance promqltest: {ran} ran, 0 skipped");
    assert!(report.is_empty(), "{report}");
}
