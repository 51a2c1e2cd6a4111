//! Prometheus remote write 1.0.

use prost::Message;
use server::{
    Refusal,
    wire::remote_write::{
        LabelPair, MetricMetadata, SampleMessage, TimeSeries, Unread, WriteRequest,
    },
};

use crate::support::{Answer, Rig, send, snappy};

const HEADERS: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

fn series(labels: &[(&str, &str)]) -> TimeSeries {
    TimeSeries {
        labels: labels
            .iter()
            .map(|(name, value)| LabelPair { name: (*name).into(), value: (*value).into() })
            .collect(),
        samples: vec![
            SampleMessage { value: 1.5, timestamp: 1000 },
            SampleMessage { value: f64::NAN, timestamp: 2000 },
        ],
        ..TimeSeries::default()
    }
}

async fn write(rig: &Rig, body: &[u8]) -> Answer {
    send(rig.main, "POST", "/api/v1/write", &HEADERS, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn series_arrive_with_their_metadata() {
    let rig = Rig::plain().await;
    let metadata =
        MetricMetadata { kind: 1, family: "up".into(), help: "h".into(), unit: String::new() };
    let request = WriteRequest {
        timeseries: vec![series(&[("__name__", "up"), ("job", "x")])],
        metadata: vec![metadata],
    };
    let answer = write(&rig, &snappy(&request.encode_to_vec())).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let batch = rig.take().remove(0).batch;
    assert_eq!(batch.series[0].labels.to_string(), r#"up{job="x"}"#);
    assert_eq!(
        (batch.series[0].samples.len(), batch.metadata[0].kind),
        (2, model::MetricKind::Counter)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_stored_when_a_series_is_refused() {
    let rig = Rig::plain().await;
    let native = TimeSeries { histograms: vec![Unread {}], ..series(&[("__name__", "n")]) };
    let request = WriteRequest {
        timeseries: vec![series(&[("job", "x")]), series(&[("__name__", "ok")]), native],
        metadata: vec![],
    };
    let answer = write(&rig, &snappy(&request.encode_to_vec())).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.text(), @r#"{"detail":"3 samples were refused, the rest was stored: native_histogram (1): `n` has native histograms; send histograms with explicit buckets; no_metric_name (2): a series has no `__name__`","status":400,"title":"Some samples were refused","type":"urn:evenkeel:problem:samples-refused"}"#);
    assert_eq!(rig.take()[0].batch.series.len(), 2);
    rig.answer(Err(Refusal::Storage("broken".into())));
    let answer = write(&rig, &snappy(&request.encode_to_vec())).await;
    assert_eq!((answer.status, answer.header("retry-after").as_deref()), (503, Some("5")));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_for_good() {
    let rig = Rig::plain().await;
    let good = snappy(
        &WriteRequest { timeseries: vec![series(&[("__name__", "up")])], metadata: vec![] }
            .encode_to_vec(),
    );
    assert_eq!(write(&rig, b"").await.status, 400);
    assert_eq!(write(&rig, b"not snappy at all").await.status, 400);
    assert_eq!(write(&rig, &good[..good.len() - 2]).await.status, 400);
    assert_eq!(write(&rig, &snappy(b"not protobuf")).await.status, 400);
    // Declares four gigabytes.
    assert_eq!(write(&rig, &[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]).await.status, 413);
    for (kind, encoding) in [
        ("application/json", "snappy"),
        ("application/x-protobuf", "gzip"),
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy"),
    ] {
        let headers = [("content-type", kind), ("content-encoding", encoding)];
        assert_eq!(
            send(rig.main, "POST", "/api/v1/write", &headers, &good).await.status,
            415,
            "{kind} {encoding}"
        );
    }
    assert!(rig.take().is_empty());
}
