//! Hostile frames to the listener of OTLP over gRPC.

use http_body_util::{BodyExt as _, Full};
use tonic::{body::Body, transport::Channel};
use tower::ServiceExt as _;

use super::{Right, Wrong, answer::Answer, bodies};

const SERVICES: [&str; 3] =
    ["trace.v1.TraceService", "metrics.v1.MetricsService", "logs.v1.LogsService"];

pub(super) async fn run(url: &str, wrong: &mut Wrong) {
    let channel = Channel::from_shared(url.to_owned()).unwrap().connect().await.unwrap();
    let zeros = vec![0; 40 << 20];
    for service in SERVICES {
        let path = format!("/opentelemetry.proto.collector.{service}/Export");
        let mut cases: Vec<(String, &str, Vec<u8>)> = vec![
            ("nothing".to_owned(), "identity", Vec::new()),
            ("half a prefix".to_owned(), "identity", vec![0, 0, 0]),
            ("a length beyond its end".to_owned(), "identity", vec![0, 0xff, 0xff, 0xff, 0xff]),
            ("more than its length".to_owned(), "identity", vec![0, 0, 0, 0, 0, 1, 2, 3]),
            ("two messages".to_owned(), "identity", [frame(0, b""), frame(0, b"")].concat()),
            ("an unknown flag".to_owned(), "identity", frame(7, b"")),
            ("compressed by nothing".to_owned(), "identity", frame(1, b"abc")),
            ("no gzip".to_owned(), "gzip", frame(1, b"abc")),
            ("an unknown encoding".to_owned(), "br", frame(1, b"abc")),
            ("two encodings".to_owned(), "gzip, gzip", frame(1, &bodies::gzip(&bodies::gzip(b"")))),
            ("a gzip bomb".to_owned(), "gzip", frame(1, &bodies::GZIP_BOMB)),
            ("a zstd bomb".to_owned(), "zstd", frame(1, &bodies::ZSTD_BOMB)),
            ("too long".to_owned(), "identity", frame(0, &zeros)),
        ];
        for (what, body) in bodies::protobufs() {
            cases.push((what.to_owned(), "identity", frame(0, &body)));
        }
        for (what, encoding, body) in cases {
            let answer = call(&channel, &path, "application/grpc", encoding, body).await;
            wrong.look(&format!("gRPC {service}: {what}"), Right::Refused, &answer);
        }
    }
    for (path, kind) in [
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Nothing", "application/grpc"),
        ("/grpc.health.v1.Health/Check", "application/grpc"),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/json"),
        ("/evenkeel/v1/slos", "application/grpc"),
    ] {
        let answer = call(&channel, path, kind, "identity", frame(0, b"")).await;
        wrong.look(&format!("gRPC {path} as {kind}"), Right::Refused, &answer);
    }
}

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

/// The answer with gRPC's status in the place of HTTP's: what the caller is to blame for is a 4xx.
async fn call(channel: &Channel, path: &str, kind: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let request = http::Request::post(path)
        .header("content-type", kind)
        .header("te", "trailers")
        .header("grpc-encoding", encoding)
        .body(Body::new(Full::from(body)))
        .unwrap();
    let Ok(answer) = channel.clone().oneshot(request).await else { return Answer::default() };
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { return Answer::default() };
    let trailers = body.trailers().cloned().unwrap_or_default();
    let find = |name| parts.headers.get(name).or_else(|| trailers.get(name));
    let text = |name| find(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let status = match (text("grpc-status"), parts.status.as_u16()) {
        ("0", 200) => 200,
        // Invalid argument, not found, permission denied, resource exhausted, unimplemented, unauthenticated.
        ("3" | "5" | "7" | "8" | "12" | "16", 200) => 400,
        (_, 200) => 500,
        (_, status) => status,
    };
    let mut said = format!("{} {}", text("grpc-status"), text("grpc-message")).into_bytes();
    said.extend(body.to_bytes());
    Answer { status, head: "content-type: text/plain".to_owned(), body: said }
}
