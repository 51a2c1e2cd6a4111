//! `doctor` over a data directory whose files were damaged, with a server on it and without.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{Run, folder, run};

const SERIES: usize = 20;
const SAMPLES: usize = 2000;
const START: usize = 1_790_000_000;

/// A data directory whose samples lie in parts.
fn filled(folder: &Path) -> PathBuf {
    let mut text = String::new();
    for series in 0..SERIES {
        for sample in 0..SAMPLES {
            let at = START + sample * 15;
            text +=
                &format!("load{{cpu=\"{series}\"}} {} {at}\n", (series * 7919 + sample * 31) % 997);
        }
    }
    text += "# EOF\n";
    fs::write(folder.join("x.om"), text).unwrap();
    fs::write(folder.join("evenkeel.yaml"), "retention: {metrics: 0}\n").unwrap();
    let import = run(folder, &["tsdb", "import", "x.om", "--data-dir", "data"]);
    assert_eq!(import.exit, 0, "{}", import.err);
    folder.join("data")
}

/// What `doctor` says of the metric store, its exit code, and whether all is well.
fn doctor(folder: &Path, more: &[&str]) -> (i32, Vec<(String, String)>) {
    let arguments: Vec<&str> = ["doctor", "--data-dir", "data", "-o", "json"]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let Run { exit, out, err } = run(folder, &arguments);
    let found: Value = serde_json::from_str(&out).unwrap_or_default();
    assert!(found.is_object(), "{out} {err}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = found["checks"].as_array().unwrap().iter().filter(|one| one["check"] == "metrics");
    (exit, checks.map(|one| (text(&one["outcome"]), text(&one["message"]))).collect())
}

fn largest(folder: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    files.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x55;
    fs::write(path, bytes).unwrap();
}

/// Every file below a folder but the lock, with its bytes.
fn bytes_of(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes_of(&path, into);
        } else {
            into.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_flipped_byte_of_a_part_is_told_with_what_it_took_and_nothing_is_written() {
    let folder = folder();
    let data = filled(folder.path());
    let (exit, found) = doctor(folder.path(), &[]);
    assert_eq!(exit, 0, "{found:?}");
    let [(outcome, message)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(outcome, "good");
    assert!(message.starts_with("whole: 40000 samples in "), "{message}");

    let part = largest(&data.join("metrics/parts"), "part");
    flip(&part, 1000);
    let mut before = BTreeMap::new();
    bytes_of(&data, &mut before);
    let (exit, found) = doctor(folder.path(), &[]);
    assert_eq!(exit, 1, "{found:?}");
    let name = part.file_name().unwrap().to_str().unwrap();
    let (outcome, summary) = &found[0];
    assert_eq!(outcome, "bad");
    assert!(summary.starts_with("DAMAGED: 1 stretch cannot be read; "), "{summary}");
    assert!(
        summary.contains(" samples from 2026-09-2") && summary.ends_with(" are missing"),
        "{summary}"
    );
    let (outcome, line) = &found[1];
    assert_eq!(outcome, "bad");
    assert!(line.starts_with(&format!("`metrics/parts/{name}` bytes ")), "{line}");
    assert!(line.contains(" samples lost, 2026-09-2"), "{line}");
    assert!(
        found.iter().any(|(outcome, text)| outcome == "note" && text.contains("tsdb import")),
        "{found:?}"
    );
    let mut after = BTreeMap::new();
    bytes_of(&data, &mut after);
    assert!(before == after, "doctor leaves the directory as it was");

    let table = run(folder.path(), &["doctor", "--data-dir", "data"]);
    assert!(
        table.out.contains(" are missing") && table.out.contains(" samples lost, "),
        "{}",
        table.out
    );
}

#[test]
fn the_server_on_the_directory_is_asked() {
    let folder = folder();
    let data = filled(folder.path());
    flip(&largest(&data.join("metrics/parts"), "part"), 1000);
    let server = Server::start(folder.path());
    let (exit, found) = doctor(folder.path(), &["--listen", &server.at]);
    assert_eq!((exit, found[0].0.as_str()), (1, "bad"), "{found:?}");
    assert!(
        found[0].1.contains("1 stretch cannot be read") && found[1].1.contains(" samples lost, "),
        "{found:?}"
    );
    let copies = fs::read_dir(data.join("metrics/quarantine")).unwrap().count();
    assert_eq!(copies, 1, "the server copies aside what it met");

    let mut stream = TcpStream::connect(&server.at).unwrap();
    let host = &server.at;
    write!(stream, "GET /evenkeel/v1/status HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let status: Value = serde_json::from_str(body).unwrap();
    let trouble = &status["troubles"][0];
    assert_eq!(
        (trouble["component"].as_str(), trouble["command"].as_str()),
        (Some("metrics"), Some("evenkeel doctor")),
        "{status}"
    );

    // A server of another directory is not taken for this one's, nor is silence taken for health.
    let (_, found) = doctor(folder.path(), &["--listen", "127.0.0.1:1"]);
    assert_eq!(found[0].0, "note", "{found:?}");
    assert!(found[0].1.starts_with("not looked at: cannot reach http://127.0.0.1:1/"), "{found:?}");
}

#[test]
fn records_of_the_log_and_parts_without_an_end_are_told() {
    let folder = folder();
    let data = filled(folder.path());
    // In both copies of the registry.
    for log in ["metrics/series", "metrics/series2"] {
        let log = largest(&data.join(log), "wal");
        let middle = fs::read(&log).unwrap().len() / 2;
        flip(&log, middle);
    }
    let (exit, found) = doctor(folder.path(), &[]);
    assert_eq!(exit, 1, "{found:?}");
    for log in ["series", "series2"] {
        let start = format!("`metrics/{log}/0000000000000001.wal` bytes ");
        let told =
            |text: &str| text.starts_with(&start) && text.contains(": a record or more lost: ");
        assert_eq!(found.iter().filter(|(_, text)| told(text)).count(), 1, "{found:?}");
    }
    assert!(found.iter().any(|(_, text)| text.starts_with("answers leave out")), "{found:?}");

    let part = largest(&data.join("metrics/parts"), "part");
    let length = fs::read(&part).unwrap().len();
    flip(&part, length - 20);
    let (exit, found) = doctor(folder.path(), &[]);
    assert_eq!(exit, 1, "{found:?}");
    let end = format!("to {length}: nothing lost, it is there twice: the part's end");
    assert!(found.iter().any(|(_, text)| text.contains(&end)), "{found:?}");

    // Without the manifest a part is known by its end alone.
    fs::remove_file(data.join("metrics/MANIFEST")).unwrap();
    let (exit, found) = doctor(folder.path(), &[]);
    assert_eq!(exit, 1, "{found:?}");
    let aside = format!("`metrics/parts/{}.damaged`", part.file_stem().unwrap().to_str().unwrap());
    assert!(
        found.iter().any(|(outcome, text)| outcome == "bad" && text.starts_with(&aside)),
        "{found:?}"
    );
}

/// A data directory with a flipped byte in one log of the registry, and where that is.
fn with_damaged(log: &str) -> (tempfile::TempDir, usize) {
    let folder = folder();
    let data = filled(folder.path());
    let file = largest(&data.join("metrics").join(log), "wal");
    let middle = fs::read(&file).unwrap().len() / 2;
    flip(&file, middle);
    (folder, middle)
}

#[test]
fn damage_in_one_copy_of_the_registry_is_told_once_and_takes_nothing() {
    for (log, other) in [("series", "series2"), ("series2", "series")] {
        let start = format!("`metrics/{log}/0000000000000001.wal` bytes ");
        let lost = ": nothing lost, it is there twice: no record of the log can be read there; ";
        let has = format!("the other copy, `metrics/{other}/0000000000000001.wal`, has it");
        let check = |line: &str, middle: usize| {
            let (place, copy) = line.strip_prefix(&start).unwrap().split_once(lost).unwrap();
            let (from, to) = place.split_once(" to ").unwrap();
            let [from, to]: [usize; 2] = [from, to].map(|text| text.parse().unwrap());
            assert!((from..to).contains(&middle), "{line}");
            copy.to_owned()
        };
        let doctored = |folder: &Path, middle: usize, more: &[&str]| {
            let (exit, found) = doctor(folder, more);
            let texts: Vec<&str> = found.iter().map(|(_, text)| &**text).collect();
            let [summary, line, advice] = texts[..] else { panic!("{log}: {found:?}") };
            assert_eq!(exit, 1, "{found:?}");
            assert_eq!(summary, "DAMAGED: 1 stretch cannot be read; no sample is missing");
            assert!(advice.starts_with("answers miss nothing: the other copy has "), "{advice}");
            check(line, middle)
        };
        let (folder, middle) = with_damaged(log);
        assert_eq!(doctored(folder.path(), middle, &[]), has);
        // It mends the registry at some time after its start.
        let server = Server::start(folder.path());
        let told = doctored(folder.path(), middle, &["--listen", &server.at]);
        let mended = "the other copy had it, and both were written anew since";
        assert!(told == has || told == mended, "{told}");

        let (folder, middle) = with_damaged(log);
        let verify = run(folder.path(), &["tsdb", "verify", "--data-dir", "data"]);
        assert_eq!(verify.exit, 1, "{}", verify.out);
        let lines: Vec<&str> = verify.out.lines().collect();
        let [summary, line] = lines[..] else { panic!("{}", verify.out) };
        assert!(summary.starts_with("DAMAGED: 40000 samples in "), "{summary}");
        let told = check(line, middle);
        assert!(told == has || told == mended, "{told}");
    }
}

#[test]
fn verify_tells_a_damaged_part_as_doctor_does() {
    let folder = folder();
    let data = filled(folder.path());
    let part = largest(&data.join("metrics/parts"), "part");
    flip(&part, 1000);
    let verify = run(folder.path(), &["tsdb", "verify", "--data-dir", "data"]);
    assert_eq!(verify.exit, 1, "{}", verify.out);
    let name = part.file_name().unwrap().to_str().unwrap();
    let line = verify.out.lines().nth(1).unwrap();
    assert!(line.starts_with(&format!("`metrics/parts/{name}` bytes ")), "{line}");
    assert!(line.contains(" samples lost, 2026-09-2"), "{line}");
    assert_eq!(verify.out.lines().count(), 2, "{}", verify.out);
}

/// A server that ends with the test.
struct Server {
    child: Child,
    at: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
            .args(["serve", "--data-dir", "data", "--listen", "127.0.0.1:0"])
            .args([
                "--otlp-grpc-listen",
                "off",
                "--otlp-http-listen",
                "off",
                "--metrics-retention",
                "0",
            ])
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let at = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("listening on http://").map(|(_, at)| at.to_owned()));
        Self { child, at: at.unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
