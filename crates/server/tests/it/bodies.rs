//! Bodies that are too large, or become so.

use std::time::Duration;

use futures_util::future::join_all;
use model::Limits;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, trace_service_client::TraceServiceClient,
};
use prost::Message;
use tonic::{Code, codec::CompressionEncoding, transport::Channel};

use crate::support::{Answer, Rig, config, gzip, send, snappy, zstd};

const LIMITS: Limits = Limits {
    active_series_max: 1,
    active_series_per_service_max: 1,
    labels_max: 60,
    label_value_bytes_max: 4096,
    log_bytes_max: 1024,
    attributes_max: 128,
    attribute_value_bytes_max: 1024,
    body_bytes_max: 4 << 20,
    inflation_ratio_max: 200,
    future_seconds_max: 600,
};

async fn post(rig: &Rig, encoding: &str, body: &[u8]) -> Answer {
    let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
    send(rig.main, "POST", "/v1/logs", &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bomb_is_stopped_by_a_limit_that_the_answer_names() {
    let rig = Rig::start(config(), LIMITS).await;
    let zeros = vec![b' '; 16 << 20];
    for (encoding, body) in
        [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros)), ("identity", zeros.clone())]
    {
        let answer = post(&rig, encoding, &body).await;
        assert_eq!(answer.status, 413, "{encoding}");
        let text = answer.text();
        assert!(
            text.contains("limits.max_body_bytes") || text.contains("limits.max_inflation_ratio"),
            "{text}"
        );
    }
    let headers = [("content-encoding", "snappy")];
    assert_eq!(
        send(rig.main, "POST", "/api/v1/write", &headers, &snappy(&zeros)).await.status,
        413
    );
    let request = ExportTraceServiceRequest {
        resource_spans: vec![opentelemetry_proto::tonic::trace::v1::ResourceSpans {
            schema_url: " ".repeat(16 << 20),
            ..Default::default()
        }],
    };
    for compression in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let channel =
            Channel::from_shared(format!("http://{}", rig.grpc)).unwrap().connect().await.unwrap();
        let mut client = TraceServiceClient::new(channel).send_compressed(compression);
        assert_eq!(
            client.export(request.clone()).await.unwrap_err().code(),
            Code::ResourceExhausted
        );
    }
    assert!(rig.take().is_empty());
    assert_eq!(send(rig.main, "GET", "/livez", &[], b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_bombs_at_once_leave_room_for_the_rest() {
    let rig = Rig::start(config(), LIMITS).await;
    let bomb = gzip(&vec![b' '; 32 << 20]);
    let bombs = join_all((0..50).map(|_| post(&rig, "gzip", &bomb)));
    let health = async {
        for _ in 0..10 {
            assert_eq!(send(rig.main, "GET", "/livez", &[], b"").await.status, 200);
        }
    };
    let (answers, ()) = tokio::join!(bombs, health);
    assert!(answers.iter().all(|answer| matches!(answer.status, 413 | 503)));
    assert_eq!(post(&rig, "identity", b"{}").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_bodies_share_one_budget() {
    let mut config = config();
    config.connections.buffered_bytes_max = 64 << 10;
    let rig = Rig::start(config, LIMITS).await;
    let body = vec![b' '; 100 << 10];
    let answer = post(&rig, "identity", &body).await;
    assert_eq!((answer.status, answer.header("retry-after").as_deref()), (503, Some("1")));
    assert_eq!(post(&rig, "identity", b"{}").await.status, 200, "the budget was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_cut_off() {
    let mut config = config();
    config.timeouts.body_grace = Duration::from_millis(50);
    let rig = Rig::start(config, LIMITS).await;
    let headers = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = crate::sockets::talk(rig.main, headers.as_bytes()).await;
    assert_eq!(crate::support::parse(&answer).status, 408);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_body_that_decodes_into_much_is_refused() {
    let mut config = config();
    // The client takes its time over so many messages.
    config.timeouts.body_grace = Duration::from_secs(60);
    let rig = Rig::start(config, LIMITS).await;
    // Two million empty attributes: two bytes each on the wire.
    let resource: Vec<u8> = [0x0a, 0x00].repeat(2_000_000);
    let wrap = |field: u8, inner: &[u8]| {
        let mut message = vec![field];
        prost::encoding::encode_varint(inner.len() as u64, &mut message);
        message.extend_from_slice(inner);
        message
    };
    let request = wrap(0x0a, &wrap(0x0a, &resource));
    for (kind, body) in [
        ("application/x-protobuf", request.clone()),
        ("application/json", "[{},".repeat(100_000).into_bytes()),
    ] {
        for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
            let answer = send(rig.main, "POST", path, &[("content-type", kind)], &body).await;
            assert_eq!(answer.status, 413, "{kind} {path} {}", answer.text());
        }
    }
    let decoded = ExportTraceServiceRequest::decode(&*request).unwrap();
    let channel =
        Channel::from_shared(format!("http://{}", rig.grpc)).unwrap().connect().await.unwrap();
    let status = TraceServiceClient::new(channel).export(decoded).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}
