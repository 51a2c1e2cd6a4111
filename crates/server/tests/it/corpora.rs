//! Corpus files and their mutations through the accept loop: each is taken or clearly refused, and the server lives on.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use app::files::{RepoFiles, Severity, parse as parse_repo};
use exposition::remote_write::{EncoderV1, EncoderV2, Version};
use model::{
    BucketSpan, Exemplar, Histogram, HistogramSample, Labels, Limits, Metadata, MetricKind, Sample,
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use server::wire::{otlp::json, rpc_status::RpcStatus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    mutate::{corpus, mutations},
    story::Story,
    support::{Answer, PATIENCE, Rig, config, parse, send, snappy},
};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// A connection that is used again until the server closes it.
struct Client {
    to: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let to = self.to;
        let mut request = format!("POST {path} HTTP/1.1\r\nhost: {to}\r\n").into_bytes();
        for (name, value) in headers {
            request.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        request.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
        request.extend(body);
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(to).await.unwrap(),
        };
        let answer = timeout(PATIENCE, async {
            stream.write_all(&request).await.unwrap();
            read(&mut stream).await
        })
        .await
        .unwrap();
        if answer.header("connection").as_deref() != Some("close") {
            self.stream = Some(stream);
        }
        answer
    }
}

/// Reads one answer, which says its length.
async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    loop {
        let count = stream.read_buf(&mut bytes).await.unwrap();
        let answer = parse(&bytes);
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let whole = bytes.windows(4).any(|four| four == b"\r\n\r\n");
        if whole && (answer.status == 204 || length == Some(answer.body.len())) {
            return answer;
        }
        assert!(count > 0, "the connection ended inside an answer: {answer:?}");
    }
}

/// 2xx, or 4xx with a body that says why.
#[track_caller]
fn is_clear(answer: &Answer, what: &str) -> bool {
    if (200..300).contains(&answer.status) {
        return true;
    }
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    let said = match answer.header("content-type").as_deref() {
        Some(PROTOBUF) => RpcStatus::decode(&*answer.body).unwrap().message,
        Some(JSON) => text(&answer.body, "message"),
        Some("application/problem+json") => text(&answer.body, "detail"),
        other => panic!("{what}: {other:?} {}", answer.text()),
    };
    assert!(!said.is_empty(), "{what}: {}", answer.text());
    false
}

#[track_caller]
fn text(json: &[u8], field: &str) -> String {
    let said: serde_json::Value = serde_json::from_slice(json).unwrap();
    said[field].as_str().unwrap().to_owned()
}

/// Sends each file and its mutations.
#[expect(clippy::print_stdout, reason = "how much was taken is worth a look")]
async fn run(
    target: &str,
    path: &str,
    headers: &[(&str, &str)],
    files: Vec<(String, Vec<u8>)>,
    wrap: fn(usize, Vec<u8>) -> Vec<u8>,
) {
    let rig = Rig::start(config(), Limits::default()).await;
    let to = if path.starts_with("/v1/") { rig.http } else { rig.main };
    let mut client = Client { to, stream: None };
    let (mut taken, mut refused) = (0, 0);
    for (name, bytes) in &files {
        for (round, body) in mutations(name, bytes).enumerate() {
            let answer = client.post(path, headers, &wrap(round, body)).await;
            let clear = is_clear(&answer, &format!("{target}/{name}, mutation {round}"));
            *(if clear { &mut taken } else { &mut refused }) += 1;
        }
        rig.take();
        assert_eq!(send(rig.main, "GET", "/livez", &[], b"").await.status, 200, "after {name}");
    }
    println!("{target}: {} files, {taken} taken, {refused} refused", files.len());
    assert!(taken > 0 && refused > 0);
}

fn plain(_: usize, body: Vec<u8>) -> Vec<u8> {
    body
}

#[tokio::test]
async fn mutations_of_traces_in_json_do_no_harm() {
    let target = "otlp_traces_json";
    run(target, "/v1/traces", &[("content-type", JSON)], corpus(target), plain).await;
}

#[tokio::test]
async fn mutations_of_metrics_in_json_do_no_harm() {
    let target = "otlp_metrics_json";
    run(target, "/v1/metrics", &[("content-type", JSON)], corpus(target), plain).await;
}

#[tokio::test]
async fn mutations_of_logs_in_json_do_no_harm() {
    let target = "otlp_logs_json";
    run(target, "/v1/logs", &[("content-type", JSON)], corpus(target), plain).await;
}

#[tokio::test]
async fn mutations_of_traces_in_protobuf_do_no_harm() {
    let target = "otlp_traces_proto";
    let mut files = corpus(target);
    for (name, text) in corpus("otlp_traces_json") {
        let request: Option<ExportTraceServiceRequest> = json::traces(&text).ok();
        files.extend(request.map(|request| (name, request.encode_to_vec())));
    }
    run(target, "/v1/traces", &[("content-type", PROTOBUF)], files, plain).await;
}

#[tokio::test]
async fn mutations_of_metrics_in_protobuf_do_no_harm() {
    let encode = |text: Vec<u8>| -> Option<Vec<u8>> {
        let request: ExportMetricsServiceRequest = json::metrics(&text).ok()?;
        Some(request.encode_to_vec())
    };
    let files = corpus("otlp_metrics_json").into_iter();
    let files = files.filter_map(|(name, text)| Some((name, encode(text)?))).collect();
    run("otlp_metrics_proto", "/v1/metrics", &[("content-type", PROTOBUF)], files, plain).await;
}

#[tokio::test]
async fn mutations_of_logs_in_protobuf_do_no_harm() {
    let encode = |text: Vec<u8>| -> Option<Vec<u8>> {
        let request: ExportLogsServiceRequest = json::logs(&text).ok()?;
        Some(request.encode_to_vec())
    };
    let files = corpus("otlp_logs_json").into_iter();
    let files = files.filter_map(|(name, text)| Some((name, encode(text)?))).collect();
    run("otlp_logs_proto", "/v1/logs", &[("content-type", PROTOBUF)], files, plain).await;
}

/// Each file goes to the path of the API that its name tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutations_of_orders_to_the_api_do_no_harm() {
    let story = Story::start().await;
    let mut client = Client { to: story.at, stream: None };
    let (mut taken, mut refused) = (0, 0);
    for (name, bytes) in corpus("api_json") {
        let file = name.strip_suffix(".json").unwrap().replace("__", "/");
        let path = format!("/evenkeel/v1/{file}");
        for (round, body) in mutations(&name, &bytes).enumerate() {
            let answer = client.post(&path, &[("content-type", JSON)], &body).await;
            let clear = is_clear(&answer, &format!("api_json/{name}, mutation {round}"));
            *(if clear { &mut taken } else { &mut refused }) += 1;
        }
        assert_eq!(send(story.at, "GET", "/livez", &[], b"").await.status, 200, "after {name}");
    }
    println!("api_json: {taken} taken, {refused} refused");
    assert!(taken > 0 && refused > 0);
}

const SNAPPY: (&str, &str) = ("content-encoding", "snappy");

fn up() -> Labels {
    Labels::from_pairs([("__name__", "up"), ("job", "x")])
}

fn floats() -> [Sample; 3] {
    [(1000, 1.5), (i64::MAX, f64::NAN), (-1, f64::INFINITY)]
        .map(|(at_ms, value)| Sample { at_ms, value })
}

fn native() -> HistogramSample {
    let histogram = Histogram {
        count: 3.0,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive: vec![1.0, 2.0],
        ..Histogram::default()
    };
    HistogramSample { at_ms: 1000, histogram: Arc::new(histogram) }
}

fn exemplar() -> Exemplar {
    Exemplar { labels: Labels::from_pairs([("trace_id", "x")]), value: 1.0, at_ms: 1000 }
}

fn about() -> Metadata {
    Metadata { family: "up".into(), kind: MetricKind::Counter, help: "h".into(), unit: "".into() }
}

/// Every fourth mutation also has a byte of its compressed form wrong.
fn compressed(round: usize, body: Vec<u8>) -> Vec<u8> {
    let mut bytes = snappy(&body);
    let at = round % bytes.len();
    bytes[at] ^= u8::from(round % 4 == 3) << (round % 8);
    bytes
}

#[tokio::test]
async fn mutations_of_remote_write_do_no_harm() {
    let target = "remote_write";
    let mut files = corpus(target);
    let mut valid = EncoderV1::new();
    valid.series(&up(), &floats(), &[native()], &[exemplar()]);
    valid.series(&up(), &floats(), &[], &[]);
    valid.metadata(&about());
    files.push(("valid".to_owned(), valid.finish()));
    let mut one = EncoderV1::new();
    one.series(&up(), &floats(), &[], &[]);
    files.push(("one".to_owned(), one.finish()));
    let headers = [("content-type", PROTOBUF), SNAPPY];
    run(target, "/api/v1/write", &headers, files, compressed).await;
}

#[tokio::test]
async fn mutations_of_remote_write_2_do_no_harm() {
    let mut valid = EncoderV2::new();
    valid.series(&up(), &floats(), &[native()], &[exemplar()], Some(&about()));
    valid.series(&up(), &floats(), &[], &[], None);
    let mut one = EncoderV2::new();
    one.series(&up(), &floats(), &[], &[], None);
    let files = vec![("valid".to_owned(), valid.finish()), ("one".to_owned(), one.finish())];
    let headers = [("content-type", Version::V2.content_type()), SNAPPY];
    run("remote_write_2", "/api/v1/write", &headers, files, compressed).await;
}

#[test]
fn mutations_of_a_repo_do_no_harm() {
    let (mut taken, mut refused) = (0, 0);
    for (name, bytes) in corpus("repo_yaml") {
        for (round, file) in mutations(&name, &bytes).enumerate() {
            let files = BTreeMap::from([(name.replace("__", "/"), file)]);
            match parse_repo(&RepoFiles { files, ..RepoFiles::default() }) {
                Ok(_) => taken += 1,
                Err(problems) => {
                    let error = |problem: &app::files::Problem| problem.severity == Severity::Error;
                    assert!(problems.iter().any(error), "{name}, mutation {round}: {problems:?}");
                    refused += 1;
                }
            }
        }
    }
    println!("repo_yaml: {taken} taken, {refused} refused");
    assert!(taken > 0 && refused > 0);
}
