//! Prometheus remote write, both versions.

use std::sync::Arc;

use exposition::remote_write::{EncoderV1, EncoderV2, Version};
use model::{
    BucketSpan, Exemplar, Histogram, HistogramSample, Labels, Metadata, MetricKind, Sample,
};
use server::Refusal;

use crate::support::{Answer, Rig, send, snappy};

pub(crate) const V1: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

pub(crate) const V2: [(&str, &str); 3] = [
    ("content-type", Version::V2.content_type()),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "2.0.0"),
];

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn samples() -> [Sample; 2] {
    [Sample { at_ms: 1000, value: 1.5 }, Sample { at_ms: 2000, value: f64::NAN }]
}

fn native(count: f64) -> HistogramSample {
    let histogram = Histogram {
        count,
        sum: 4.0,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive: vec![1.0, 2.0],
        ..Histogram::default()
    };
    HistogramSample { at_ms: 1000, histogram: Arc::new(histogram) }
}

fn exemplar(trace: &str) -> Exemplar {
    Exemplar { labels: labels(&[("trace_id", trace)]), value: 0.5, at_ms: 1500 }
}

fn about(kind: MetricKind) -> Metadata {
    Metadata { family: "up".into(), kind, help: "h".into(), unit: "u".into() }
}

async fn write(rig: &Rig, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    send(rig.main, "POST", "/api/v1/write", headers, &snappy(body)).await
}

/// Samples, histograms and exemplars, as the answer says.
pub(crate) fn written(answer: &Answer) -> Option<[u64; 3]> {
    let count = |what: &str| {
        answer.header(&format!("x-prometheus-remote-write-{what}-written"))?.parse().ok()
    };
    Some([count("samples")?, count("histograms")?, count("exemplars")?])
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_arrives_whole() {
    let rig = Rig::plain().await;
    let mut encoder = EncoderV1::new();
    encoder.series(&labels(&[("__name__", "up"), ("job", "x")]), &samples(), &[], &[exemplar("t")]);
    encoder.series(&labels(&[("__name__", "h")]), &[], &[native(3.0)], &[]);
    encoder.metadata(&about(MetricKind::Counter));
    let answer = write(&rig, &V1, &encoder.finish()).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(written(&answer), None);
    let batch = rig.take().remove(0).batch;
    assert_eq!(batch.series[0].labels.to_string(), r#"up{job="x"}"#);
    assert_eq!(batch.series[0].samples.len(), 2);
    assert_eq!(batch.histograms[0].labels.to_string(), "h");
    assert_eq!(batch.histograms[0].samples, [native(3.0)]);
    assert_eq!(batch.exemplars[0].labels.to_string(), r#"up{job="x"}"#);
    assert_eq!(batch.exemplars[0].exemplars, [exemplar("t")]);
    assert_eq!(batch.metadata, [about(MetricKind::Counter)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_2_arrives_whole_and_is_told_so() {
    let rig = Rig::plain().await;
    let mut encoder = EncoderV2::new();
    let up = labels(&[("__name__", "up"), ("job", "x")]);
    encoder.series(&up, &samples(), &[], &[exemplar("t")], Some(&about(MetricKind::Counter)));
    encoder.series(
        &labels(&[("__name__", "d_bucket"), ("le", "1")]),
        &samples()[..1],
        &[],
        &[],
        Some(&about(MetricKind::Histogram)),
    );
    encoder.series(&labels(&[("__name__", "h")]), &[], &[native(3.0)], &[], None);
    let answer = write(&rig, &V2, &encoder.finish()).await;
    assert_eq!((answer.status, written(&answer)), (204, Some([3, 1, 1])));
    let batch = rig.take().remove(0).batch;
    assert_eq!(batch.series.len(), 2);
    assert_eq!(batch.histograms[0].samples, [native(3.0)]);
    assert_eq!(batch.exemplars[0].exemplars, [exemplar("t")]);
    let families: Vec<_> =
        batch.metadata.iter().map(|about| (&*about.family, about.kind.as_str())).collect();
    assert_eq!(families, [("up", "counter"), ("d", "histogram")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_series_and_exemplars_are_redacted() {
    let rig = Rig::plain().await;
    let mut encoder = EncoderV1::new();
    let secret = Exemplar { labels: labels(&[("password", "x")]), ..exemplar("t") };
    encoder.series(&labels(&[("__name__", "up"), ("api_token", "y")]), &samples(), &[], &[secret]);
    assert_eq!(write(&rig, &V1, &encoder.finish()).await.status, 204);
    let batch = rig.take().remove(0).batch;
    assert_eq!(batch.series[0].labels.get("api_token"), Some("[redacted:key]"));
    assert_eq!(batch.exemplars[0].labels.get("api_token"), Some("[redacted:key]"));
    assert_eq!(batch.exemplars[0].exemplars[0].labels.get("password"), Some("[redacted:key]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_stored_when_a_series_is_refused() {
    let rig = Rig::plain().await;
    let mut encoder = EncoderV1::new();
    encoder.series(&labels(&[("job", "x")]), &samples(), &[], &[exemplar("t")]);
    encoder.series(&labels(&[("__name__", "ok")]), &samples(), &[], &[]);
    encoder.series(&labels(&[("__name__", "n")]), &samples(), &[native(5.0)], &[]);
    let body = encoder.finish();
    let answer = write(&rig, &V1, &body).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.text(), @r#"{"detail":"3 samples were refused, the rest was stored: invalid_histogram (1): a histogram of `n`: 3 observations found in buckets, but the Count field is 5: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN); no_metric_name (2): a series has no `__name__`","status":400,"title":"Some samples were refused","type":"urn:evenkeel:problem:samples-refused"}"#);
    assert_eq!(rig.take()[0].batch.series.len(), 2);
    rig.answer(Err(Refusal::Storage("broken".into())));
    let answer = write(&rig, &V1, &body).await;
    assert_eq!((answer.status, answer.header("retry-after").as_deref()), (503, Some("5")));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_for_good() {
    let rig = Rig::plain().await;
    let mut encoder = EncoderV1::new();
    encoder.series(&labels(&[("__name__", "up")]), &samples(), &[], &[]);
    let good = snappy(&encoder.finish());
    let post = async |body: &[u8]| send(rig.main, "POST", "/api/v1/write", &V1, body).await;
    assert_eq!(post(b"").await.status, 400);
    assert_eq!(post(b"not snappy at all").await.status, 400);
    assert_eq!(post(&good[..good.len() - 2]).await.status, 400);
    assert_eq!(post(&snappy(b"not protobuf")).await.status, 400);
    // Declares four gigabytes.
    assert_eq!(post(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]).await.status, 413);
    for (kind, encoding) in [
        ("application/json", "snappy"),
        ("application/x-protobuf", "gzip"),
        ("application/x-protobuf;proto=io.prometheus.write.v3.Request", "snappy"),
    ] {
        let headers = [("content-type", kind), ("content-encoding", encoding)];
        assert_eq!(
            send(rig.main, "POST", "/api/v1/write", &headers, &good).await.status,
            415,
            "{kind} {encoding}"
        );
    }
    // Version 2 that does not say so is nothing that version 1 could read.
    let mut encoder = EncoderV2::new();
    encoder.series(&labels(&[("__name__", "up")]), &samples(), &[], &[], None);
    let body = snappy(&encoder.finish());
    assert_eq!(send(rig.main, "POST", "/api/v1/write", &V1[1..2], &body).await.status, 415);
    // Many empty samples would become much more than they are.
    let empty: Vec<u8> = [0x12, 0].repeat(400_000);
    let mut series = vec![0x0a, 0x80, 0xea, 0x30];
    series.extend(empty);
    let limits = model::Limits { body_bytes_max: 1 << 20, ..model::Limits::default() };
    let rig_small = Rig::start(crate::support::config(), limits).await;
    let answer = send(rig_small.main, "POST", "/api/v1/write", &V1, &snappy(&series)).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(rig.take().is_empty());
}

/// In version 2 a few bytes can refer to many.
#[tokio::test(flavor = "multi_thread")]
async fn references_to_long_texts_cost_little() {
    let limits = model::Limits { body_bytes_max: 128 << 10, ..model::Limits::default() };
    let rig = Rig::start(crate::support::config(), limits).await;
    let long = "x".repeat(64 << 10);
    let own = labels(&[("__name__", long.as_str())]);
    let trace = Exemplar { labels: own.clone(), ..exemplar("t") };
    for (floats, natives, traces) in [
        (&samples()[..], &[][..], &[][..]),
        (&[], &[native(3.0)], &[]),
        (&[], &[], std::slice::from_ref(&trace)),
    ] {
        let mut encoder = EncoderV2::new();
        for _ in 0..100 {
            encoder.series(&own, floats, natives, traces, Some(&about(MetricKind::Gauge)));
        }
        let answer = write(&rig, &V2, &encoder.finish()).await;
        assert!(matches!(answer.status, 400 | 413), "{}", answer.text());
        assert!(answer.text().contains("memory"), "{}", answer.text());
    }
}
