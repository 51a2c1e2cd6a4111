//! The server's own log.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::folder;

#[test]
fn a_log_that_goes_into_a_file_has_no_colours() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["serve", "--data-dir", "data", "--listen", "127.0.0.1:0"])
        .args(["--otlp-grpc-listen", "off", "--otlp-http-listen", "off"])
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .env("EVENKEEL_LOG", "info")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let before: Vec<_> = lines.take_while(|line| !line.contains("listening on")).collect();
    drop(child.kill());
    drop(child.wait());
    assert!(before.iter().any(|line| line.contains(" INFO ")), "{before:?}");
    assert!(!before.iter().any(|line| line.contains('\u{1b}')), "{before:?}");
}
