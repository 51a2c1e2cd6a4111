//! Real files: access logs, JSON lines, and a Kafka cluster's bad day.

use std::{collections::BTreeMap, path::PathBuf};

use logparse::{Format, Intake, Joiner, Limits, Multiline, Options, detect, parse};
use model::{Timestamp, Value, value::attribute};
use regex::Regex;

use crate::corpus::{folder, report};

fn options() -> Options {
    Options::new(Timestamp::from_secs(1_795_000_000))
}

/// The files below a folder, in order.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let all = if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut files };
            all.push(entry.path());
        }
    }
    files.sort();
    files
}

#[test]
fn ten_thousand_combined_lines() {
    let Some(root) = folder("access logs") else { return };
    let path = root.join("logs-access/Common Data Formats/apache_logs/apache_logs");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut statuses, mut ran) = (BTreeMap::new(), 0);
    for line in text.lines() {
        assert_eq!(detect(line), Format::Access, "{line}");
        let parsed =
            parse(Format::Auto, line, &options()).unwrap_or_else(|error| panic!("{error}: {line}"));
        let Some(Value::Int(status)) = attribute(&parsed.attributes, "http.response.status_code")
        else {
            panic!("{line}")
        };
        *statuses.entry(*status).or_insert(0) += 1;
        assert!(parsed.at.is_some_and(|at| at.to_string().starts_with("2015-05-")), "{line}");
        for key in ["client.address", "http.request.method", "url.path", "network.protocol.version"]
        {
            assert!(attribute(&parsed.attributes, key).is_some(), "{key}: {line}");
        }
        ran += 1;
    }
    let expected =
        [(200, 9126), (206, 45), (301, 164), (304, 445), (403, 2), (404, 213), (416, 2), (500, 3)];
    assert_eq!(statuses, BTreeMap::from(expected));
    report("apache combined", ran, 0);
}

#[test]
fn five_hundred_json_lines() {
    let Some(root) = folder("json lines") else { return };
    let path =
        root.join("logs-access/Common Data Formats/nginx_json_plus_logs/nginxplus_json_logs");
    let text = std::fs::read_to_string(path).unwrap();
    let mut ran = 0;
    for line in text.lines() {
        let parsed =
            parse(Format::Auto, line, &options()).unwrap_or_else(|error| panic!("{error}: {line}"));
        let expected: serde_json::Value = serde_json::from_str(line).unwrap();
        let millis = expected["timestamp"].as_i64().unwrap();
        assert_eq!(parsed.at, Some(Timestamp::from_millis(millis)));
        let serde_json::Value::Object(mut expected) = expected else { panic!("{line}") };
        expected.remove("timestamp");
        assert_eq!(json(&Value::Map(parsed.attributes)), serde_json::Value::Object(expected));
        ran += 1;
    }
    report("nginx json", ran, 0);
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.as_ref().into(),
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Array(values) => values.iter().map(json).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), json(value))).collect(),
        Value::Bytes(_) | Value::Empty => serde_json::Value::Null,
    }
}

#[test]
fn scans_for_holes() {
    let Some(root) = folder("scans") else { return };
    // Their folder is any but that of the other access logs; the share may lack it.
    let known = root.join("logs-access/Common Data Formats");
    let lines =
        |file: &PathBuf| file.extension().is_some_and(|kind| kind == "txt" || kind == "log");
    let files = files(root.join("logs-access"));
    let mut ran = 0;
    for file in files.iter().filter(|file| !file.starts_with(&known) && lines(file)) {
        for line in String::from_utf8_lossy(&std::fs::read(file).unwrap()).lines() {
            parse(Format::Access, line, &options())
                .unwrap_or_else(|error| panic!("{error}: {line}"));
            ran += 1;
        }
    }
    if ran == 0 {
        return report("scans, which are not in the data", 0, 1);
    }
    report("scans", ran, 0);
}

#[test]
fn kafkas_traces_are_joined() {
    let Some(root) = folder("kafka") else { return };
    let begins = Regex::new(
        r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] (TRACE|DEBUG|INFO|WARN|ERROR|FATAL) ",
    )
    .unwrap();
    let start = Regex::new(r"^\[\d{4}-").unwrap();
    let (mut records, mut joined_lines, mut read) = (0, 0, 0);
    let files = files(root.join("logs-kafka/Miscellaneous"));
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let by_shape = join(Joiner::new(Limits::default()), &text);
        let by_pattern = join(Joiner::starting_with(start.clone(), Limits::default()), &text);
        assert_eq!(by_shape, by_pattern, "{}", file.display());
        assert_eq!(by_shape.concat(), text.replace('\n', ""), "nothing is lost");
        records += by_shape.len();
        joined_lines += text.lines().count();
        for record in &by_shape {
            assert!(begins.is_match(record), "{record}");
        }
        let mut intake = Intake::new(Format::Auto, &Multiline::Auto, Limits::default());
        let mut emit = |record: logparse::Record<'_, ()>| {
            assert!(
                record.fault.is_none()
                    && record.parsed.at.is_some()
                    && record.parsed.severity.is_some(),
                "{record:?}"
            );
            read += 1;
        };
        for line in text.lines() {
            intake.push((), line, &options(), &mut emit);
        }
        intake.flush(&options(), &mut emit);
    }
    assert_eq!(read, records);
    assert!(records > 10_000 && joined_lines > records + 1000, "{records} of {joined_lines}");
    report("kafka files", files.len(), 0);
}

/// The records, without the line ends between their lines.
fn join(mut joiner: Joiner<()>, text: &str) -> Vec<String> {
    let mut records: Vec<_> = text.lines().filter_map(|line| joiner.push((), line)).collect();
    records.extend(joiner.flush());
    records.into_iter().map(|record| record.text.replace('\n', "")).collect()
}
