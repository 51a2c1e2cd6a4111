//! Other projects' cases: Prometheus' parsers' tables and OpenMetrics' test suite.

use exposition::{ContentKind, Entry, Options, Parser, openmetrics};
use serde_json::Value;

use crate::corpus::{bytes, folder, report, tables};

const TABLES: &str = "openmetrics/tables/model__textparse__";

/// All entries, or the error's text.
fn read(kind: ContentKind, body: &[u8], options: Options) -> Result<Vec<String>, String> {
    let mut parser = Parser::new(kind, body, options);
    let mut entries = Vec::new();
    while let Some(entry) = parser.next().map_err(|error| error.to_string())? {
        entries.push(match entry {
            Entry::Help { family, text } => format!("help {family} {text}"),
            Entry::Type { family, kind } => format!("type {family} {}", kind.as_str()),
            Entry::Unit { family, unit } => format!("unit {family} {unit}"),
            Entry::Comment(text) => format!("comment {}", String::from_utf8_lossy(text)),
            Entry::Series(series) => {
                let raw = String::from_utf8_lossy(series.raw);
                format!("series {raw} {:?} {:?}", series.value, series.start_ms)
            }
            Entry::Histogram(histogram) => {
                format!("histogram {}", String::from_utf8_lossy(histogram.raw))
            }
        });
    }
    Ok(entries)
}

fn errors(name: &str, file: &str, kind: ContentKind, funcs: &[&str]) {
    let Some(root) = folder(name) else {
        return;
    };
    let (mut ran, mut wrong) = (0, Vec::new());
    for table in tables(&root, &format!("{TABLES}{file}")) {
        if !funcs.contains(&table["func"].as_str().unwrap()) {
            continue;
        }
        for case in table["cases"].as_array().unwrap() {
            let input = bytes(&case["input"]).unwrap();
            let expected = case["err"].as_str().unwrap();
            let got = read(kind, &input, Options::default()).err().unwrap_or_default();
            // Go's reader says `EOF` at the end.
            if got != expected.strip_prefix("EOF").unwrap_or(expected) {
                wrong.push(format!("{input:?}\n expected {expected}\n got      {got}"));
            }
            ran += 1;
        }
    }
    report(name, ran, 0);
    assert!(ran > 0 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn prometheus_text_errors() {
    let funcs = ["TestPromParseErrors", "TestPromNullByteHandling"];
    errors("textparse prom errors", "promparse_test.json", ContentKind::Text, &funcs);
}

#[test]
fn open_metrics_errors() {
    let funcs = ["TestOpenMetricsParseErrors", "TestOMNullByteHandling"];
    let file = "openmetricsparse_test.json";
    errors("textparse openmetrics errors", file, ContentKind::OpenMetrics, &funcs);
}

#[test]
fn starts_of_open_metrics() {
    let name = "textparse openmetrics starts";
    let Some(root) = folder(name) else {
        return;
    };
    let mut ran = 0;
    for table in tables(&root, &format!("{TABLES}openmetricsparse_test.json")) {
        if table["func"] != "TestSTParseFailures" {
            continue;
        }
        for case in table["cases"].as_array().unwrap() {
            let options = Options { starts: true, ..Options::default() };
            let input = bytes(&case["input"]).unwrap();
            let got = read(ContentKind::OpenMetrics, &input, options).unwrap();
            let expected = case["expected"].as_array().unwrap();
            let got: Vec<_> = got.iter().map(|e| e.split(' ').nth(1).unwrap()).collect();
            let expected: Vec<_> = expected.iter().map(|e| e["m"].as_str().unwrap()).collect();
            assert_eq!(got, expected);
            ran += 1;
        }
    }
    report(name, ran, 0);
    assert!(ran > 0);
}

#[test]
fn content_types() {
    let name = "textparse content types";
    let Some(root) = folder(name) else {
        return;
    };
    let mut ran = 0;
    let table = &tables(&root, &format!("{TABLES}interface_test.json"))[0];
    for (case, expected) in table["cases"].as_object().unwrap() {
        let id = |value: &Value| value["_id"].as_str().unwrap_or_default().to_owned();
        let fallback = match id(&expected["fallbackScrapeProtocol"]).as_str() {
            "" => None,
            name if name.contains("OpenMetrics") => Some(ContentKind::OpenMetrics),
            name if name.contains("Proto") => Some(ContentKind::Protobuf),
            _ => Some(ContentKind::Text),
        };
        let wanted = match id(&expected["validateParser"]).as_str() {
            "requireNilParser" => None,
            "requirePromParser" => Some(ContentKind::Text),
            "requireOpenMetricsParser" => Some(ContentKind::OpenMetrics),
            "requireProtobufParser" => Some(ContentKind::Protobuf),
            other => panic!("{other}"),
        };
        let header = expected["contentType"].as_str().unwrap_or_default();
        let got = ContentKind::of(header, fallback);
        assert_eq!(got.as_ref().ok().copied(), wanted, "{case}");
        if let (Err(error), Some(text)) = (got, expected["err"].as_str()) {
            let error = error.to_string();
            assert!(error.contains(text), "{case}: {error} does not say {text}");
        }
        ran += 1;
    }
    report(name, ran, 0);
    assert!(ran > 0);
}

#[test]
fn open_metrics_suite() {
    let name = "openmetrics suite";
    let Some(root) = folder(name) else {
        return;
    };
    let (mut ran, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(root.join("openmetrics/tests/testdata/parsers")).unwrap() {
        let case = entry.unwrap().path();
        let verdict: Value =
            serde_json::from_str(&std::fs::read_to_string(case.join("test.json")).unwrap())
                .unwrap();
        let body = std::fs::read(case.join(verdict["file"].as_str().unwrap())).unwrap();
        let got = openmetrics::check(&body);
        if got.is_ok() != verdict["shouldParse"].as_bool().unwrap() {
            wrong.push(format!("{}: {got:?}", case.display()));
        }
        ran += 1;
    }
    report(name, ran, 0);
    assert!(ran > 200 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fixtures_of_whole_bodies() {
    let name = "textparse fixtures";
    let Some(root) = folder(name) else {
        return;
    };
    let folder = root.join("openmetrics/model/textparse/testdata");
    let mut ran = 0;
    for (file, kind, families) in [
        ("alltypes.237mfs.prom.txt", ContentKind::Text, 237),
        ("alltypes.237mfs.nometa.prom.txt", ContentKind::Text, 0),
        ("alltypes.5mfs.om.txt", ContentKind::OpenMetrics, 5),
        ("1histogram.om.txt", ContentKind::OpenMetrics, 1),
    ] {
        let body = std::fs::read(folder.join(file)).unwrap();
        let entries = read(kind, &body, Options::default()).unwrap();
        let count = |word: &str| entries.iter().filter(|entry| entry.starts_with(word)).count();
        assert_eq!(count("type "), families, "{file}");
        let lines = body.split(|byte| *byte == b'\n');
        let samples = lines.filter(|line| !line.is_empty() && line[0] != b'#').count();
        assert_eq!(count("series "), samples, "{file}");
        ran += 1;
    }
    report(name, ran, 0);
}

#[test]
fn conversion_leaves_names_alone() {
    let name = "textparse nhcb";
    let Some(root) = folder(name) else {
        return;
    };
    let (mut ran, mut skipped) = (0, 0);
    let table = &tables(&root, &format!("{TABLES}nhcbparse_test.json"))[0];
    let body = table["vars"]["inputOM"].as_str().unwrap();
    for case in table["cases"].as_array().unwrap() {
        let kind = match case["typ"].as_str().unwrap() {
            "text/plain" => ContentKind::Text,
            "application/openmetrics-text" => ContentKind::OpenMetrics,
            // Its body is made by code.
            _ => {
                skipped += 1;
                continue;
            }
        };
        let options = Options { convert_classic: true, ..Options::default() };
        let entries = read(kind, body.as_bytes(), options).unwrap();
        let native = entries.iter().position(|entry| entry == "histogram test_histogram_seconds");
        let next = entries.iter().position(|entry| entry.starts_with("type different_metric"));
        assert!(native.unwrap() < next.unwrap(), "{entries:?}");
        ran += 1;
    }
    report(name, ran, skipped);
    assert!(ran > 0);
}
