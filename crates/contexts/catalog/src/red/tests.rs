//! Series out of spans.

use model::{Labels, Sample, Span, SpanId, TraceId};

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

fn span(service: &str, name: &str, number: u64, millis: u64) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId(number.to_be_bytes()),
        parent: None,
        resource: Arc::new(Resource {
            service: service.into(),
            version: "1.2".into(),
            environment: "prod".into(),
            ..Resource::default()
        }),
        name: name.into(),
        kind: SpanKind::Server,
        start: at(0),
        end: at(0) + Duration::from_millis(millis),
        status: SpanStatus::Unset,
        status_message: "".into(),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        ..Span::default()
    }
}

/// `labels value` of the last samples whose name begins with `name`.
fn shown(flushed: &Flushed, name: &str) -> Vec<String> {
    flushed
        .series
        .iter()
        .filter(|series| series.labels.metric_name().unwrap().starts_with(name))
        .map(|series| format!("{} {}", series.labels, series.samples.last().unwrap().value))
        .collect()
}

#[test]
fn calls_are_named_as_the_connector_names_them() {
    let mut metrics = SpanMetrics::default();
    let mut failed = span("cart", "GET /", 3, 1);
    failed.status = SpanStatus::Error;
    metrics.observe(&[span("cart", "GET /", 1, 10), span("cart", "GET /", 2, 60), failed], at(1));
    let flushed = metrics.flush(at(15));
    let labels = |status: &str| {
        format!(
            "traces_span_metrics_calls_total{{deployment_environment_name=\"prod\", service_name=\"cart\", \
             service_version=\"1.2\", span_kind=\"SPAN_KIND_SERVER\", span_name=\"GET /\", \
             status_code=\"STATUS_CODE_{status}\"}}"
        )
    };
    assert_eq!(
        shown(&flushed, "traces_span_metrics_calls_total"),
        [format!("{} 1", labels("ERROR")), format!("{} 2", labels("UNSET"))]
    );
    assert_eq!(flushed.metadata.len(), 2);
    assert!(flushed.histograms.is_empty());
}

#[test]
fn durations_are_cumulated_over_buckets() {
    let mut metrics = SpanMetrics::default();
    let spans: Vec<Span> =
        [1, 2, 3, 50, 20_000].iter().map(|millis| span("cart", "x", *millis, *millis)).collect();
    metrics.observe(&spans, at(1));
    let flushed = metrics.flush(at(15));
    let value = |le: &str| {
        let of = |series: &&model::Series| series.labels.get("le") == Some(le);
        flushed.series.iter().find(of).unwrap().samples.last().unwrap().value
    };
    assert_eq!((value("0.002"), value("0.004"), value("0.05")), (2.0, 3.0, 4.0));
    assert_eq!((value("15"), value("+Inf")), (4.0, 5.0));
    let sum = &shown(&flushed, "traces_span_metrics_duration_seconds_sum")[0];
    assert!(sum.ends_with(" 20.056"), "{sum}");
}

#[test]
fn a_native_histogram_is_sound_and_says_the_same() {
    let mut metrics = SpanMetrics::new(Histograms::Both);
    let spans: Vec<Span> = (0..50).map(|number| span("cart", "x", number, number * 7)).collect();
    metrics.observe(&spans, at(1));
    let flushed = metrics.flush(at(15));
    let samples = &flushed.histograms[0].samples;
    assert_eq!(samples.len(), 2);
    for sample in samples {
        sample.histogram.validate().unwrap();
    }
    let histogram = &samples[1].histogram;
    assert_eq!((histogram.count, histogram.zero_count), (50.0, 1.0));
    assert_eq!(histogram.positive.iter().sum::<f64>(), 49.0);
    assert_eq!(
        flushed.histograms[0].labels.metric_name(),
        Some("traces_span_metrics_duration_seconds")
    );
}

#[test]
fn native_buckets_widen_where_there_are_too_many() {
    let mut metrics = SpanMetrics::new(Histograms::Native);
    let spans: Vec<Span> = (0..60)
        .flat_map(|power| (0..8).map(move |part| (1u64 << power) + (part << power) / 8))
        .map(|nanos| {
            let mut span = span("cart", "x", nanos, 0);
            span.start = Timestamp::EPOCH;
            span.end = Timestamp::from_unsigned_nanos(nanos);
            span
        })
        .collect();
    metrics.observe(&spans, at(1));
    let flushed = metrics.flush(at(15));
    let histogram = &flushed.histograms[0].samples[1].histogram;
    histogram.validate().unwrap();
    assert_eq!(histogram.schema, 1, "some 60 powers of two, 160 buckets");
    assert_eq!(histogram.positive.iter().sum::<f64>(), 480.0);
    assert!(flushed.series.len() == 1 && histogram.positive.len() <= 160);
}

#[test]
fn a_series_begins_with_zero_and_ends_with_a_mark() {
    let mut metrics = SpanMetrics::default();
    metrics.observe(&[span("cart", "x", 1, 10)], at(1));
    let calls = |flushed: &Flushed| flushed.series[0].samples.clone();
    let first = metrics.flush(at(15));
    let zero = Sample { at_ms: at(1).as_millis() - 1, value: 0.0 };
    assert_eq!(calls(&first), [zero, Sample { at_ms: at(15).as_millis(), value: 1.0 }]);
    metrics.observe(&[span("cart", "x", 2, 10)], at(16));
    assert_eq!(calls(&metrics.flush(at(30))), [Sample { at_ms: at(30).as_millis(), value: 2.0 }]);
    let last = metrics.flush(at(16 + 900));
    assert!(last.series.iter().all(|series| series.samples.last().unwrap().is_stale()));
    assert_eq!((metrics.flush(at(990)), metrics.series()), (Flushed::default(), 0));
    metrics.observe(&[span("cart", "x", 3, 10)], at(1000));
    assert_eq!(calls(&metrics.flush(at(1010)))[1].value, 1.0, "a counter that began again");
}

#[test]
fn each_bucket_has_its_longest_span_for_an_example_once() {
    let mut metrics = SpanMetrics::new(Histograms::Both);
    let spans = [span("cart", "x", 1, 20), span("cart", "x", 2, 30), span("cart", "x", 3, 150)];
    metrics.observe(&spans, at(1));
    let flushed = metrics.flush(at(15));
    let example = |one: &model::SeriesExemplars| {
        let exemplar = &one.exemplars[0];
        (
            one.labels.get("le").unwrap_or("native").to_owned(),
            exemplar.labels.get("span_id").unwrap().to_owned(),
        )
    };
    let found: Vec<_> = flushed.exemplars.iter().map(example).collect();
    let of = |le: &str, number: u64| (le.to_owned(), format!("{number:016x}"));
    assert_eq!(found, [of("0.05", 2), of("0.2", 3), of("native", 2)]);
    assert_eq!(flushed.exemplars[2].exemplars.len(), 2);
    assert!(metrics.flush(at(30)).exemplars.is_empty());
}

#[test]
fn a_service_s_further_series_count_in_one() {
    let mut metrics = SpanMetrics::default();
    let many = limits::SPAN_SERIES_MAX as u64 + 7;
    let spans: Vec<Span> =
        (0..many).map(|number| span("cart", &format!("op{number}"), number, 10)).collect();
    metrics.observe(&spans, at(1));
    metrics.observe(&spans, at(2));
    metrics.observe(&[span("web", "x", 1, 10)], at(2));
    assert_eq!(metrics.series(), limits::SPAN_SERIES_MAX + 1);
    let flushed = metrics.flush(at(15));
    let labels = Labels::from_pairs([
        ("__name__", "traces_span_metrics_calls_total"),
        ("service_name", "cart"),
        ("otel_metric_overflow", "true"),
    ]);
    let overflow = flushed.series.iter().find(|series| series.labels == labels).unwrap();
    assert_eq!(overflow.samples.last().unwrap().value, 14.0);
    metrics.flush(at(2_000));
    assert_eq!((metrics.series(), metrics.places.len(), metrics.services.len()), (0, 0, 0));
}

#[test]
fn services_without_end_count_in_one_as_well() {
    let mut metrics = SpanMetrics::default();
    for number in 0..limits::SPAN_SERIES_ALL_MAX as u64 + 3 {
        metrics.observe(&[span(&format!("s{number}"), "x", number, 10)], at(1));
    }
    let flushed = metrics.flush(at(15));
    let overflow = flushed.series.iter().find(|series| series.labels.len() == 2).unwrap();
    assert_eq!(
        overflow.labels.to_string(),
        "traces_span_metrics_calls_total{otel_metric_overflow=\"true\"}"
    );
    assert_eq!(overflow.samples.last().unwrap().value, 3.0);
}
