//! The cases of Prometheus' compliance suite for receivers, and of its own write handler.

use std::{path::PathBuf, sync::Arc};

use exposition::remote_write::{EncoderV1, EncoderV2, Version};
use model::{
    BucketSpan, Exemplar, Histogram, HistogramSample, Labels, Metadata, MetricKind, Sample,
};
use serde_json::Value;

use crate::{
    remote_write::{V2, labels, written},
    support::{Answer, Rig, send, snappy},
};

#[expect(clippy::print_stdout, reason = "a test's report")]
fn say(text: &str) {
    println!("{text}");
}

fn tables(name: &str, file: &str) -> Option<Vec<Value>> {
    let Some(root) = std::env::var_os("EVENKEEL_CONFORMANCE_DATA").map(PathBuf::from) else {
        say(&format!("conformance {name}: skipped, EVENKEEL_CONFORMANCE_DATA is not set"));
        return None;
    };
    let path = root.join("remote-write-compliance/tables").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    Some(file["tables"].as_array().unwrap().clone())
}

/// The cases of one function, by name.
fn cases(tables: &[Value], func: &str) -> Vec<(String, Value)> {
    let table = tables.iter().find(|table| table["func"] == func).unwrap();
    match &table["cases"] {
        Value::Object(named) => {
            named.iter().map(|(name, case)| (name.clone(), case.clone())).collect()
        }
        list => {
            let named = |case: &Value| {
                let name = ["name", "desc"].iter().find_map(|key| case[*key].as_str());
                // A map of special values came as pairs.
                let pair = case.get(0).and_then(Value::as_str);
                (name.or(pair).unwrap_or_default().to_owned(), case.clone())
            };
            list.as_array().unwrap().iter().map(named).collect()
        }
    }
}

fn series(value: &Value) -> Labels {
    match value["_call"].as_str() {
        Some("basicMetric") => labels(&[("__name__", value["args"][0].as_str().unwrap())]),
        Some("testJobInstanceLabels") => {
            labels(&[("__name__", "up"), ("job", "testjob"), ("instance", "localhost:9090")])
        }
        Some("traceExemplar") => labels(&[("trace_id", value["args"][0].as_str().unwrap())]),
        _ => {
            let pairs = value.as_object().into_iter().flatten();
            Labels::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap())))
        }
    }
}

const NOW_MS: i64 = 1_700_000_000_000;

fn sample() -> Sample {
    Sample { at_ms: NOW_MS, value: 1.0 }
}

async fn post(rig: &Rig, encoder: EncoderV2) -> Answer {
    send(rig.main, "POST", "/api/v1/write", &V2, &snappy(&encoder.finish())).await
}

/// Success is 2xx and all written; failure 4xx and what was valid written.
#[track_caller]
fn check(answer: &Answer, success: bool, expected: [u64; 3], case: &str) {
    let class = answer.status / 100;
    assert_eq!(class, if success { 2 } else { 4 }, "{case}: {}", answer.text());
    assert_eq!(written(answer), Some(expected), "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_take_floats() {
    let name = "remote write receiver floats";
    let Some(tables) = tables(name, "receiver__metric_test.json") else {
        return;
    };
    let (rig, mut ran) = (Rig::plain().await, 0);
    for (case, about) in cases(&tables, "TestSingleMetric") {
        let mut encoder = EncoderV2::new();
        encoder.series(&series(&about["metric"]["Labels"]), &[sample()], &[], &[], None);
        let success = about["success"].as_bool().unwrap();
        check(&post(&rig, encoder).await, success, [u64::from(success), 0, 0], &case);
        ran += 1;
    }
    for (case, about) in cases(&tables, "TestMultipleMetrics") {
        let mut encoder = EncoderV2::new();
        for metric in about["metrics"].as_array().unwrap() {
            encoder.series(&series(&metric["Labels"]), &[sample()], &[], &[], None);
        }
        let valid = about["validSamples"].as_u64().unwrap();
        let success = about["success"].as_bool().unwrap();
        check(&post(&rig, encoder).await, success, [valid, 0, 0], &case);
        ran += 1;
    }
    say(&format!("conformance {name}: {ran} ran, 0 skipped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_take_histograms() {
    let name = "remote write receiver histograms";
    let Some(tables) = tables(name, "receiver__histograms_test.json") else {
        return;
    };
    let (rig, mut ran) = (Rig::plain().await, 0);
    for (case, about) in cases(&tables, "TestHistograms") {
        let is = |key: &str| about[key].as_bool().unwrap_or_default();
        let spans = vec![BucketSpan { offset: 0, length: 2 }];
        let mut histogram = Histogram { sum: 3.0, zero_threshold: 0.001, ..Histogram::default() };
        if is("useCustomBuckets") {
            histogram.schema = Histogram::CUSTOM;
            histogram.zero_threshold = 0.0;
            histogram.custom_values = vec![1.0, 2.0];
        }
        if is("includePositive") {
            (histogram.positive_spans, histogram.positive) = (spans.clone(), vec![2.0, 3.0]);
        }
        if is("includeNegative") {
            (histogram.negative_spans, histogram.negative) = (spans, vec![1.0, 1.0]);
        }
        if is("includeZero") {
            histogram.zero_count = 2.0;
        }
        let buckets = histogram.positive.iter().chain(&histogram.negative).sum::<f64>();
        histogram.count = buckets + histogram.zero_count + f64::from(u8::from(is("badCount")));
        let native = HistogramSample { at_ms: NOW_MS, histogram: Arc::new(histogram) };
        let mut encoder = EncoderV2::new();
        encoder.series(&series(&about["labels"]), &[], &[native], &[], None);
        let success = is("expectSuccess");
        check(&post(&rig, encoder).await, success, [0, u64::from(success), 0], &case);
        ran += 1;
    }
    say(&format!("conformance {name}: {ran} ran, 0 skipped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_take_exemplars() {
    let name = "remote write receiver exemplars";
    let Some(tables) = tables(name, "receiver__exemplar_test.json") else {
        return;
    };
    let (rig, mut ran) = (Rig::plain().await, 0);
    for func in ["TestExemplars", "TestExemplarValidation", "TestExemplarSpecialValues"] {
        for (case, about) in cases(&tables, func) {
            let own = if about["labels"].is_null() {
                labels(&[("__name__", "test_metric")])
            } else {
                series(&about["labels"])
            };
            let value = match about.get(1).unwrap_or(&about["value"]) {
                Value::Number(number) => number.as_f64().unwrap(),
                Value::String(text) => text.parse().unwrap(),
                _ => f64::NAN,
            };
            let exemplar =
                Exemplar { labels: series(&about["exemplarLabels"]), value, at_ms: NOW_MS };
            let mut encoder = EncoderV2::new();
            encoder.series(&own, &[sample()], &[], &[exemplar], None);
            let success = about["success"].as_bool().unwrap_or(true);
            let one = u64::from(success);
            check(&post(&rig, encoder).await, success, [one, 0, one], &case);
            ran += 1;
        }
    }
    say(&format!("conformance {name}: {ran} ran, 0 skipped"));
}

fn kind(value: &Value) -> MetricKind {
    let id = value["_id"].as_str().unwrap_or_default();
    match id.rsplit('_').next().unwrap_or_default() {
        "COUNTER" => MetricKind::Counter,
        "GAUGE" => MetricKind::Gauge,
        "HISTOGRAM" => MetricKind::Histogram,
        "GAUGEHISTOGRAM" => MetricKind::GaugeHistogram,
        "SUMMARY" => MetricKind::Summary,
        "INFO" => MetricKind::Info,
        "STATESET" => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_take_metadata() {
    let name = "remote write receiver metadata";
    let Some(tables) = tables(name, "receiver__metadata_test.json") else {
        return;
    };
    let (rig, mut ran) = (Rig::plain().await, 0);
    for (func, sampled) in [
        ("TestMetadata", true),
        ("TestMetadataValidation", true),
        ("TestMetadataValidation", false),
    ] {
        for (case, about) in cases(&tables, func) {
            let own = series(&about["labels"]);
            let text = |key: &str| about[key].as_str().unwrap_or_default().into();
            let metadata = Metadata {
                family: "".into(),
                kind: kind(&about["metricType"]),
                help: text("help"),
                unit: text("unit"),
            };
            let samples = [sample()];
            let mut encoder = EncoderV2::new();
            let samples = if sampled { &samples[..] } else { &[] };
            encoder.series(&own, samples, &[], &[], Some(&metadata));
            let success = about["success"].as_bool().unwrap();
            let one = u64::from(success && sampled);
            check(&post(&rig, encoder).await, success, [one, 0, 0], &case);
            let kept = rig.take().into_iter().flat_map(|taken| taken.batch.metadata).next();
            if success && !(metadata.kind == MetricKind::Unknown && metadata.help.is_empty()) {
                assert_eq!(
                    kept.map(|kept| (kept.kind, kept.help)),
                    Some((metadata.kind, metadata.help))
                );
            }
            ran += 1;
        }
    }
    say(&format!("conformance {name}: {ran} ran, 0 skipped"));
}

/// `receiver__combined_test.json`, whose requests are made by code.
#[tokio::test(flavor = "multi_thread")]
async fn receivers_take_what_comes_without_samples() {
    let rig = Rig::plain().await;
    let orphan = labels(&[("__name__", "orphan_metric")]);
    let about = Metadata {
        family: "".into(),
        kind: MetricKind::Counter,
        help: "Orphaned metric metadata".into(),
        unit: "count".into(),
    };
    let mut encoder = EncoderV2::new();
    encoder.series(&orphan, &[], &[], &[], Some(&about));
    check(&post(&rig, encoder).await, true, [0, 0, 0], "metadata_without_data");
    let exemplar =
        Exemplar { labels: labels(&[("trace_id", "orphan_trace")]), value: 42.0, at_ms: NOW_MS };
    let mut encoder = EncoderV2::new();
    encoder.series(&orphan, &[], &[], std::slice::from_ref(&exemplar), None);
    check(&post(&rig, encoder).await, true, [0, 0, 1], "exemplars_without_data");
    let old = Sample { at_ms: NOW_MS - 3_600_000, value: 1.0 };
    let mut encoder = EncoderV2::new();
    encoder.series(&labels(&[("__name__", "old_metric")]), &[old], &[], &[exemplar], None);
    encoder.series(&labels(&[("__name__", "new_metric")]), &[sample()], &[], &[], None);
    check(&post(&rig, encoder).await, true, [2, 0, 1], "mixed_timestamp_data");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_say_what_a_request_is() {
    let name = "remote write handler headers";
    let Some(tables) = tables(name, "storage__remote__write_handler_test.json") else {
        return;
    };
    let rig = Rig::plain().await;
    let own = labels(&[("__name__", "up")]);
    let mut v1 = EncoderV1::new();
    v1.series(&own, &[sample()], &[], &[]);
    let mut v2 = EncoderV2::new();
    v2.series(&own, &[sample()], &[], &[], None);
    let bodies = [("V1", v1.finish(), Version::V1), ("V2", v2.finish(), Version::V2)];
    let mut ran = 0;
    for (version, body, message) in bodies {
        let func = format!("TestRemoteWriteHandlerHeadersHandling_{version}Message");
        for (case, about) in cases(&tables, &func) {
            let mut headers: Vec<(String, String)> = Vec::new();
            for (name, value) in about["reqHeaders"].as_object().unwrap() {
                let (name, value) = match (name.as_str(), value) {
                    ("RemoteWriteVersionHeader", _) => {
                        ("x-prometheus-remote-write-version", message.header().to_owned())
                    }
                    (name, Value::String(text)) => (name, text.clone()),
                    (name, reference) => {
                        let text = reference.to_string();
                        let value = if text.contains("yolo") {
                            "application/x-protobuf;proto=yolo"
                        } else if text.contains("compression.Snappy") {
                            "snappy"
                        } else {
                            message.content_type()
                        };
                        (name, value.to_owned())
                    }
                };
                headers.push((name.to_owned(), value));
            }
            let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = send(rig.main, "POST", "/api/v1/write", &headers, &snappy(&body)).await;
            let expected = match about["expectedCode"]["_id"].as_str().unwrap() {
                "http.StatusNoContent" => 204,
                "http.StatusUnsupportedMediaType" => 415,
                other => panic!("{other}"),
            };
            assert_eq!(answer.status, expected, "{version} {case}: {}", answer.text());
            ran += 1;
        }
    }
    say(&format!("conformance {name}: {ran} ran, 0 skipped"));
}

/// Fields of a message with bytes, by hand: what an encoder would not write.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

fn varints(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        let mut value = *value;
        while value >= 0x80 {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_first_series_leaves_the_others() {
    let name = "remote write handler partial writes";
    let Some(tables) = tables(name, "storage__remote__write_handler_test.json") else {
        return;
    };
    let (rig, mut ran, mut skipped) = (Rig::plain().await, 0, 0);
    // Prometheus' fixture has these symbols first.
    let symbols = ["", "__name__", "test_metric1", "b", "c"];
    let symbols: Vec<u8> = symbols.iter().flat_map(|text| field(4, text.as_bytes())).collect();
    let good = field(
        5,
        &[field(1, &[1, 2, 3, 4]), field(2, &[9, 0, 0, 0, 0, 0, 0, 0, 0x40, 16, 2])].concat(),
    );
    for (case, about) in cases(&tables, "TestRemoteWriteHandler_V2Message") {
        let first = &about["input"]["args"][0][0];
        let refs = first["LabelsRefs"].as_array();
        let Some(refs) = refs.filter(|_| case.starts_with("Partial write; first series")) else {
            skipped += 1;
            continue;
        };
        let refs: Vec<u64> = refs.iter().map(|reference| reference.as_u64().unwrap()).collect();
        let mut series = field(1, &varints(&refs));
        series.extend(field(2, &[16, 1]));
        for (key, number) in [("HelpRef", 3), ("UnitRef", 4)] {
            if let Some(reference) = first["Metadata"][key].as_u64() {
                let mut about = vec![8, 2, number << 3];
                about.extend(varints(&[reference]));
                series.extend(field(5, &about));
            }
        }
        let body = [symbols.clone(), field(5, &series), good.clone()].concat();
        let answer = send(rig.main, "POST", "/api/v1/write", &V2, &snappy(&body)).await;
        assert_eq!(answer.status, 400, "{case}: {}", answer.text());
        assert_eq!(written(&answer), Some([1, 0, 0]), "{case}");
        let stored = rig.take().remove(0).batch.series;
        assert!(stored.len() == 1 && stored[0].labels.len() == 2, "{case}: {stored:?}");
        ran += 1;
    }
    say(&format!("conformance {name}: {ran} ran, {skipped} skipped"));
    assert!(ran >= 6);
}
