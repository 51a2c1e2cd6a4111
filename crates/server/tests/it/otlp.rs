//! OTLP over HTTP and gRPC: the same telemetry, whichever way it comes.

use ingest::{Refused, Signal};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsServiceRequest, logs_service_client::LogsServiceClient},
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_client::MetricsServiceClient,
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_client::TraceServiceClient,
    },
};
use prost::Message;
use server::{
    Receipt, Refusal,
    wire::{
        otlp::json,
        rpc_status::{RetryInfo, RpcStatus},
    },
};
use tonic::{Code, codec::CompressionEncoding, transport::Channel};

use crate::support::{Answer, Rig, gzip, send, zstd};

pub(crate) const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"checkout"}},{"key":"service.version","value":{"stringValue":"2.0.0"}}]},
  "scopeSpans":[{"scope":{"name":"lib"},"spans":[{
    "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","parentSpanId":"",
    "name":"POST /checkout","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
    "attributes":[{"key":"n","value":{"intValue":"3"}},{"key":"l","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true}]}}},
      {"key":"authorization","value":{"stringValue":"Bearer abc"}}],
    "events":[{"timeUnixNano":"1544712660500000000","name":"exception","attributes":null}],
    "status":{"code":2,"message":"boom"},"unknownField":{"a":[1]}}]}]}]}"#;

const METRICS: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},
  "scopeMetrics":[{"metrics":[
    {"name":"requests","unit":"1","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":"7","timeUnixNano":"1544712660000000000"}]}},
    {"name":"delta","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true,"dataPoints":[{"asDouble":2.5,"timeUnixNano":"1544712660000000000"}]}},
    {"name":"exp","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1544712660000000000","count":"3",
      "sum":9.5,"scale":0,"zeroCount":"1","zeroThreshold":0,"positive":{"offset":1,"bucketCounts":["2"]},"negative":{"offset":0,"bucketCounts":[]},
      "exemplars":[{"timeUnixNano":"1544712660000000000","asDouble":3.5,"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174",
        "filteredAttributes":[{"key":"a","value":{"stringValue":"b"}}]}]}]}},
    {"name":"none"}]}]}]}"#;

const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1544712660300000000","severityNumber":10,
  "severityText":"Info","body":{"kvlistValue":{"values":[{"key":"password","value":{"stringValue":"x"}}]}},"traceId":"5b8efff798038103d269b633813fc60c"}]}]}]}"#;

async fn post(rig: &Rig, path: &str, kind: &str, encoding: Option<&str>, body: &[u8]) -> Answer {
    let mut headers = vec![("content-type", kind)];
    headers.extend(encoding.map(|encoding| ("content-encoding", encoding)));
    send(rig.http, "POST", path, &headers, body).await
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json; charset=utf-8";

async fn channel(rig: &Rig) -> Channel {
    Channel::from_shared(format!("http://{}", rig.grpc)).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_the_same_by_every_way() {
    let rig = Rig::plain().await;
    let request: ExportTraceServiceRequest = json::traces(TRACES.as_bytes()).unwrap();
    let protobuf = request.encode_to_vec();
    let mut ways = 0;
    for (kind, body) in [(PROTOBUF, protobuf.as_slice()), (JSON, TRACES.as_bytes())] {
        for (encoding, body) in
            [(None, body.to_vec()), (Some("gzip"), gzip(body)), (Some("zstd"), zstd(body))]
        {
            let answer = post(&rig, "/v1/traces", kind, encoding, &body).await;
            assert_eq!(answer.status, 200, "{kind} {encoding:?} {}", answer.text());
            let same_kind = answer.header("content-type").unwrap();
            assert!(kind.starts_with(&same_kind), "{same_kind}");
            ways += 1;
        }
    }
    for compression in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let mut client = TraceServiceClient::new(channel(&rig).await);
        if let Some(compression) = compression {
            client = client.send_compressed(compression);
        }
        assert_eq!(
            client.export(request.clone()).await.unwrap().into_inner().partial_success,
            None
        );
        ways += 1;
    }
    let taken = rig.take();
    assert_eq!(taken.len(), ways);
    for ingested in &taken {
        assert_eq!(ingested.batch.spans, taken[0].batch.spans);
    }
    let span = &taken[0].batch.spans[0];
    insta::assert_snapshot!(format!("{} {} {} {} {:?} {:?} {} {}", span.resource.service, span.resource.version, span.scope.name, span.trace_id, span.kind, span.status,
        span.start, model::Value::Map(span.attributes.clone())),
        @r#"checkout 2.0.0 lib 5b8efff798038103d269b633813fc60c Server Error 2018-12-13T14:51:00Z {"n":3,"l":[1.5,true],"authorization":"[redacted:key]"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_logs_arrive_and_what_is_refused_is_named() {
    let rig = Rig::plain().await;
    let answer = post(&rig, "/v1/metrics", JSON, None, METRICS.as_bytes()).await;
    insta::assert_snapshot!(answer.text(), @r#"{"partialSuccess":{"errorMessage":"no_data (1): metric `none` of `cart` has no data","rejectedDataPoints":"1"}}"#);
    let request: ExportMetricsServiceRequest = json::metrics(METRICS.as_bytes()).unwrap();
    let partial = MetricsServiceClient::new(channel(&rig).await)
        .export(request)
        .await
        .unwrap()
        .into_inner()
        .partial_success;
    // The delta came a second time, with the same time: it counts once.
    assert_eq!(partial.unwrap().rejected_data_points, 2);
    let answer = post(&rig, "/v1/logs", JSON, None, LOGS.as_bytes()).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    let request: ExportLogsServiceRequest = json::logs(LOGS.as_bytes()).unwrap();
    LogsServiceClient::new(channel(&rig).await).export(request).await.unwrap();
    let taken = rig.take();
    let series: Vec<_> = taken[0]
        .batch
        .series
        .iter()
        .map(|series| format!("{} {}", series.labels, series.samples[0].value))
        .collect();
    insta::assert_snapshot!(series.join("\n"), @r#"
    requests_total{job="cart", service_name="cart"} 7
    delta_total{job="cart", service_name="cart"} 2.5
    target_info{job="cart", service_name="cart"} 1
    "#);
    let native = &taken[0].batch.histograms[0];
    assert_eq!(native.labels.to_string(), r#"exp{job="cart", service_name="cart"}"#);
    let histogram = &native.samples[0].histogram;
    assert_eq!((histogram.schema, histogram.count, histogram.zero_count), (0, 3.0, 1.0));
    assert_eq!((histogram.positive_spans[0].offset, &histogram.positive), (2, &vec![2.0]));
    let exemplar = &taken[0].batch.exemplars[0];
    assert_eq!(exemplar.labels, native.labels);
    assert_eq!(
        exemplar.exemplars[0].labels.to_string(),
        r#"{a="b", span_id="eee19b7ec3c1b174", trace_id="5b8efff798038103d269b633813fc60c"}"#
    );
    assert_eq!(taken[0].batch.exemplars, taken[1].batch.exemplars);
    assert_eq!(taken[2].batch.logs, taken[3].batch.logs);
    assert_eq!(taken[2].batch.logs[0].body.to_string(), r#"{"password":"[redacted:key]"}"#);
    assert!(
        rig.metrics
            .render()
            .contains(r#"evenkeel_ingest_refused_total{signal="samples",reason="no_data"} 2"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stores_refusals_fill_partial_success() {
    let rig = Rig::plain().await;
    let refused = Refused {
        signal: Signal::Spans,
        reason: "no_room",
        count: 3,
        message: "full of spans".into(),
        places: Vec::new(),
    };
    rig.answer(Ok(Receipt { refused: vec![refused], ..Receipt::default() }));
    let body = json::traces(TRACES.as_bytes()).unwrap().encode_to_vec();
    let answer = post(&rig, "/v1/traces", PROTOBUF, None, &body).await;
    let partial =
        ExportTraceServiceResponse::decode(&*answer.body).unwrap().partial_success.unwrap();
    assert_eq!(
        (partial.rejected_spans, partial.error_message.as_str()),
        (3, "no_room (3): full of spans")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_samples_are_reported_as_data_points() {
    let rig = Rig::plain().await;
    let refused = |reason, series: std::ops::Range<usize>| Refused {
        signal: Signal::Samples,
        reason,
        count: series.len() as u64,
        message: "old".into(),
        places: series.map(|series| (series, 1)).collect(),
    };
    // Those of the sum, of the exponential histogram (whose place comes after all series), and `target_info`.
    let all = [refused("out_of_order", 0..1), refused("too_old", 3..4), refused("duplicate", 2..3)];
    rig.answer(Ok(Receipt { refused: all.into(), ..Receipt::default() }));
    let body = json::metrics(METRICS.as_bytes()).unwrap().encode_to_vec();
    let answer = post(&rig, "/v1/metrics", PROTOBUF, None, &body).await;
    let partial =
        ExportMetricsServiceResponse::decode(&*answer.body).unwrap().partial_success.unwrap();
    assert_eq!(
        (partial.rejected_data_points, partial.error_message.as_str()),
        (
            3,
            "no_data (1): metric `none` of `cart` has no data; out_of_order (1): old; too_old (1): old"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_when_to_try_again() {
    let rig = Rig::plain().await;
    rig.answer(Err(Refusal::QueueFull { retry_after: std::time::Duration::from_secs(7) }));
    let request = json::traces(TRACES.as_bytes()).unwrap();
    let answer = post(&rig, "/v1/traces", PROTOBUF, None, &request.encode_to_vec()).await;
    assert_eq!((answer.status, answer.header("retry-after").as_deref()), (429, Some("7")));
    assert_eq!(
        RpcStatus::decode(&*answer.body).unwrap().message,
        "the queue of telemetry is full; send again in 7 s"
    );
    let status = TraceServiceClient::new(channel(&rig).await).export(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = RpcStatus::decode(status.details()).unwrap().details;
    let retry = RetryInfo::decode(&*details[0].value).unwrap().retry_delay.unwrap();
    assert_eq!(retry.seconds, 7);
    rig.answer(Err(Refusal::DiskFull));
    let answer = post(&rig, "/v1/logs", JSON, None, LOGS.as_bytes()).await;
    assert_eq!(answer.status, 503);
    insta::assert_snapshot!(answer.text(), @r#"{"code":14,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"30s"}],"message":"the disk is nearly full; telemetry is refused until there is room"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_that_was_refused_counts_when_it_comes_again() {
    let rig = Rig::plain().await;
    rig.answer(Err(Refusal::ShuttingDown));
    assert_eq!(post(&rig, "/v1/metrics", JSON, None, METRICS.as_bytes()).await.status, 503);
    rig.answer(Ok(Receipt::default()));
    assert_eq!(post(&rig, "/v1/metrics", JSON, None, METRICS.as_bytes()).await.status, 200);
    let taken = rig.take();
    let delta = taken[0]
        .batch
        .series
        .iter()
        .find(|series| series.labels.metric_name() == Some("delta_total"))
        .unwrap();
    assert!((delta.samples[0].value - 2.5).abs() < 1e-9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_answered_in_its_own_encoding() {
    let rig = Rig::plain().await;
    let whole = json::traces(TRACES.as_bytes()).unwrap().encode_to_vec();
    for end in [1, whole.len() / 2, whole.len() - 1] {
        let answer = post(&rig, "/v1/traces", PROTOBUF, None, &whole[..end]).await;
        assert_eq!(
            (answer.status, answer.header("content-type").as_deref()),
            (400, Some(PROTOBUF)),
            "cut at {end}"
        );
        assert_eq!(RpcStatus::decode(&*answer.body).unwrap().code, Code::InvalidArgument as i32);
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{}}}]}}]}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(10_000)
    );
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"resourceSpans":{}}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"-1"}]}]}]}"#,
        &deep,
        "{\"a\":\"\u{0}\"}",
        "\"\u{fffd}",
    ] {
        let answer = post(&rig, "/v1/traces", JSON, None, body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{}", body.chars().take(50).collect::<String>());
        let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(said["code"], 3);
    }
    assert_eq!(post(&rig, "/v1/logs", JSON, None, nested.as_bytes()).await.status, 400);
    for (kind, encoding, status) in [
        ("text/plain", None, 415),
        ("", None, 415),
        (PROTOBUF, Some("br"), 415),
        (PROTOBUF, Some("gzip, gzip"), 415),
        (PROTOBUF, Some("gzip"), 400),
        (JSON, Some("zstd"), 400),
    ] {
        assert_eq!(
            post(&rig, "/v1/traces", kind, encoding, b"xx").await.status,
            status,
            "{kind} {encoding:?}"
        );
    }
    assert_eq!(send(rig.http, "GET", "/v1/traces", &[], b"").await.status, 405);
    assert_eq!(send(rig.http, "GET", "/api/v1/query", &[], b"").await.status, 404);
    assert!(rig.take().is_empty());
}

/// Whatever happens to a record, it is counted once: taken in, or refused for a reason.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_in_and_what_is_refused_add_up_to_what_came() {
    let rig = Rig::plain().await;
    let span = |n: usize| {
        serde_json::json!({
            "traceId": format!("{:032x}", n + 1), "spanId": if n == 0 { "" } else { "00000000000000ab" },
            "name": "a", "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        })
    };
    let spans: Vec<_> = (0..10).map(span).collect();
    let body = serde_json::json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    let body = body.to_string();
    let refused = |reason| Refused {
        signal: Signal::Spans,
        reason,
        count: 3,
        message: "full of spans".into(),
        places: Vec::new(),
    };
    let full = Refusal::QueueFull { retry_after: std::time::Duration::from_secs(1) };
    for answer in [
        Ok(Receipt { refused: vec![refused("no_room")], ..Receipt::default() }),
        Err(full),
        Err(Refusal::DiskFull),
    ] {
        rig.answer(answer);
        post(&rig, "/v1/traces", JSON, None, body.as_bytes()).await;
    }
    let metrics = rig.metrics.render();
    for line in [
        r#"evenkeel_ingest_records_total{signal="spans"} 6"#,
        r#"evenkeel_ingest_refused_total{signal="spans",reason="invalid_id"} 3"#,
        r#"evenkeel_ingest_refused_total{signal="spans",reason="no_room"} 3"#,
        r#"evenkeel_ingest_refused_total{signal="spans",reason="queue_full"} 9"#,
        r#"evenkeel_ingest_refused_total{signal="spans",reason="disk_full"} 9"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
}
