//! What redaction costs: attributes and log lines without secrets, and log lines where one in eight holds one.
//!
//! `cargo bench -p ingest --bench redact`; throughput is in bytes of keys and values a second, on one core.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    missing_docs,
    reason = "a measurement, not a product"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ingest::Redactor;
use model::{Attributes, Value};

type Counted = ingest::Findings;

/// The attributes of an HTTP server's span, as its instrumentation names them.
fn attributes(at: u64) -> Attributes {
    let text = |key: &str, value: &str| (key.into(), Value::string(value));
    vec![
        text("http.request.method", "POST"),
        text("url.scheme", "https"),
        text("url.path", "/api/v2/carts/18273/items"),
        text("url.query", "currency=EUR&page=3&sort=price"),
        text("http.route", "/api/v2/carts/{cart}/items"),
        ("http.response.status_code".into(), Value::Int(200)),
        text("server.address", "checkout.shop.svc.cluster.local"),
        ("server.port".into(), Value::Int(8443)),
        text("client.address", "10.42.7.19"),
        text(
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ),
        text("network.protocol.version", "1.1"),
        text("thread.name", "http-nio-8443-exec-17"),
        text("app.request.id", &format!("7f3c{at:04x}-1f0e-4f6a-9c7b-5a2b7c9d0e1f")),
        (
            "app.cart.items".into(),
            Value::Array(vec![Value::string("SKU-1881"), Value::string("SKU-2209")]),
        ),
        text("code.namespace", "com.example.shop.checkout.CartItemController"),
        text("k8s.pod.name", "checkout-7d9f8b6c5d-x2x4z"),
    ]
}

fn line(at: u64) -> String {
    match at % 6 {
        0 => format!(
            "10.42.7.{} - - [26/Nov/2026:21:{:02}:07 +0000] \"GET /api/v2/items?page={at}&sort=price HTTP/1.1\" 200 5123 \"https://shop.example.com/cart\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
            at % 256,
            at % 60
        ),
        1 => format!(
            "[2026-11-26 21:06:{:02},{:03}] INFO [ReplicaFetcherThread-0-{at}], Error for partition [orders,{at}] to broker 2:org.apache.kafka.common.errors.NotLeaderForPartitionException: This server is not the leader for that topic-partition. (kafka.server.ReplicaFetcherThread)",
            at % 60,
            at % 1000
        ),
        2 => format!(
            "level=info ts=2026-11-26T21:06:38.{at:03}Z caller=server.go:{at} msg=\"request served\" method=POST path=/checkout status=200 duration=12.{at}ms trace_id=4bf92f3577b34da6a3ce929d0e0e{at:04x} span_id=00f067aa0ba9{at:04x}"
        ),
        3 => format!(
            "{{\"timestamp\":\"2026-11-26T21:06:38Z\",\"level\":\"WARN\",\"logger\":\"com.example.shop.cart.CartService\",\"message\":\"cart {at} has 17 items, more than usual\",\"thread\":\"exec-{at}\",\"request_id\":\"7f3c{at:04x}-1f0e-4f6a-9c7b-5a2b7c9d0e1f\"}}"
        ),
        4 => format!(
            "Pulled image registry.example.com/shop/checkout@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f0{at:04x} in 1.{at}s"
        ),
        _ => format!(
            "card declined for order {at}: insufficient funds, the customer may try another one"
        ),
    }
}

fn dirty(at: u64) -> String {
    let line = line(at);
    if at % 8 == 0 {
        format!("{line} password=hunter{at} Authorization: Bearer abc123def{at}")
    } else {
        line
    }
}

fn bytes(attributes: &Attributes) -> u64 {
    attributes.iter().map(|(key, value)| (key.len() + value.to_string().len()) as u64).sum()
}

fn redact(criterion: &mut Criterion) {
    let redactor = Redactor::new();
    let mut group = criterion.benchmark_group("redact");
    group.sample_size(30);
    let all: Vec<Attributes> = (0..512).map(attributes).collect();
    group.throughput(Throughput::Bytes(all.iter().map(bytes).sum::<u64>()));
    // What is clean is not changed, so that it can be used again.
    let mut clean = all.clone();
    group.bench_function("clean attributes", |bench| {
        bench.iter(|| {
            let mut counts = Counted::default();
            for one in &mut clean {
                redactor.attributes(black_box(one), &mut counts);
            }
            counts
        })
    });
    assert_eq!(clean, all, "they are clean");
    let lines: Vec<Value> = (0..1024).map(|at| Value::string(line(at))).collect();
    group.throughput(Throughput::Bytes(
        lines.iter().map(|line| line.to_string().len() as u64).sum(),
    ));
    let mut clean = lines.clone();
    group.bench_function("clean lines", |bench| {
        bench.iter(|| {
            let mut counts = Counted::default();
            for one in &mut clean {
                redactor.value(black_box(one), &mut counts);
            }
            counts
        })
    });
    assert_eq!(clean, lines, "they are clean");
    let lines: Vec<Value> = (0..1024).map(|at| Value::string(dirty(at))).collect();
    group.throughput(Throughput::Bytes(
        lines.iter().map(|line| line.to_string().len() as u64).sum(),
    ));
    group.bench_function("lines, one in eight with secrets", |bench| {
        bench.iter_batched(
            || lines.clone(),
            |mut lines| {
                let mut counts = Counted::default();
                for one in &mut lines {
                    redactor.value(one, &mut counts);
                }
                lines
            },
            BatchSize::LargeInput,
        )
    });
    group.finish();
}

criterion_group!(benches, redact);
criterion_main!(benches);
