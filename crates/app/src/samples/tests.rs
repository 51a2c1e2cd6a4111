//! A store's samples go into files and come back in another store.

use std::sync::Arc;

use model::{
    BucketSpan, Histogram, HistogramSample, HistogramSeries, Labels, Metadata, MetricKind, Points,
    Sample, Series,
};

use super::*;
use crate::data_dir::DataDir;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn labels(name: &str, job: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("job", job)])
}

fn fill(data_dir: &Utf8Path) {
    let dir = DataDir::open(data_dir, NOW).unwrap();
    let (store, _) = open_store(dir.metrics(), None, Limits::default(), NOW).unwrap();
    let at = |at: i64| NOW.as_millis() - 3_600_000 + at * 15_000;
    let series: Vec<Series> = ["a", "b"]
        .into_iter()
        .flat_map(|job| {
            let samples =
                |by: f64| (0..100).map(|n| Sample { at_ms: at(n), value: n as f64 * by }).collect();
            [
                Series { labels: labels("http_requests_total", job), samples: samples(3.0) },
                Series { labels: labels("load.average", job), samples: samples(0.1) },
            ]
        })
        .collect();
    let histogram = Histogram {
        count: 3.0,
        sum: 4.5,
        positive_spans: vec![BucketSpan { offset: 1, length: 2 }],
        positive: vec![1.0, 2.0],
        ..Histogram::default()
    };
    let samples =
        (0..10).map(|n| HistogramSample { at_ms: at(n), histogram: Arc::new(histogram.clone()) });
    let histograms =
        [HistogramSeries { labels: labels("latency", "a"), samples: samples.collect() }];
    let metadata = [Metadata {
        family: "http_requests_total".into(),
        kind: MetricKind::Counter,
        help: "All of them.".into(),
        unit: "".into(),
    }];
    let incoming = tsdb::Incoming {
        series: &series,
        histograms: &histograms,
        exemplars: &[],
        metadata: &metadata,
    };
    assert_eq!(store.append(NOW, &incoming).unwrap().samples, 410);
    store.sync().unwrap();
    drop(store);
    dir.close().unwrap();
}

fn all(data_dir: &Utf8Path) -> Vec<(Labels, Points)> {
    let (_held, store, _) = open(data_dir, NOW).unwrap();
    let selection = store.select(&[], i64::MIN, i64::MAX).unwrap();
    let mut all: Vec<(Labels, Points)> = (0..selection.len())
        .map(|at| {
            let mut points = Points::default();
            selection.read(at, &mut points).unwrap();
            (selection.labels(at), points)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn samples_go_out_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap();
    let from = path.join("from");
    fill(&from);
    for (format, name) in [(FileFormat::OpenMetrics, "x.om"), (FileFormat::Parquet, "x.parquet")] {
        let (file, to) = (path.join(name), path.join(format!("to-{name}")));
        assert_eq!(FileFormat::of(&file), Some(format));
        let exported = export(&from, &Selected::default(), format, &file, NOW).unwrap();
        assert_eq!((exported.series, exported.samples), (5, 410));
        // Once more, as after an interruption: nothing is there twice.
        for _ in 0..2 {
            let imported = import(&to, &file, format, None, Limits::default(), NOW).unwrap();
            assert_eq!((imported.samples, imported.taken + imported.duplicates), (410, 410));
            assert_eq!(imported.refused, []);
        }
        assert_eq!(all(&to), all(&from));
        assert!(verify(&to, NOW).unwrap().is_whole());
        assert_eq!(stats(&to, 5, NOW).unwrap().1.series, 5);
    }
    let text = std::fs::read_to_string(path.join("x.om")).unwrap();
    assert!(text.contains("# TYPE http_requests counter\n# HELP http_requests All of them.\nhttp_requests_total{job=\"a\"} 0 "));
}

#[test]
fn a_selector_and_a_range_narrow_it_down() {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap();
    let (from, file) = (path.join("from"), path.join("x.parquet"));
    fill(&from);
    let selected = Selected {
        any_of: vec![selector("http_requests_total").unwrap(), selector("{job=\"a\"}").unwrap()],
        start_ms: NOW.as_millis() - 3_600_000,
        end_ms: NOW.as_millis() - 3_600_000 + 30_000,
    };
    let exported = export(&from, &selected, FileFormat::Parquet, &file, NOW).unwrap();
    // The counter of both jobs, and the two others of job a.
    assert_eq!((exported.series, exported.samples), (4, 12));
    assert!(matches!(selector("rate(x[5m])"), Err(SelectorError::NoSelector { .. })));
    assert!(matches!(selector("x{"), Err(SelectorError::Syntax { .. })));
}

#[test]
fn older_samples_go_in_and_those_past_the_retention_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap();
    let (from, file) = (path.join("from"), path.join("old.om"));
    fill(&from);
    let day = |days: i64| NOW.as_millis() / 1000 - days * 86_400;
    let text = format!(
        "http_requests_total{{job=\"a\"}} 1 {}\nhttp_requests_total{{job=\"a\"}} 2 {}\n# EOF\n",
        day(40),
        day(3)
    );
    std::fs::write(&file, text).unwrap();
    let month = Some(std::time::Duration::from_secs(30 * 86_400));
    let imported =
        import(&from, &file, FileFormat::OpenMetrics, month, Limits::default(), NOW).unwrap();
    assert_eq!((imported.samples, imported.taken), (2, 1));
    assert_eq!((imported.refused[0].reason, imported.refused[0].samples), ("too_old", 1));
    std::fs::write(&file, "a 1 1\n").unwrap();
    let error =
        import(&from, &file, FileFormat::OpenMetrics, None, Limits::default(), NOW).unwrap_err();
    assert!(error.to_string().starts_with("cannot take samples from"), "{error}");
}
