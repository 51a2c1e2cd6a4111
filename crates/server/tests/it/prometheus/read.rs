//! Remote read over a socket, and its limits.

use app::query::QueryLimits;

use super::{
    load::load,
    rig::{Rig, Setup},
};
use crate::support::{Answer, send};

/// A field with bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

/// Asks `queries` times for all samples of a metric in the first 65 minutes of 1970.
async fn read(rig: &Rig, metric: &str, queries: usize) -> Answer {
    let matcher = field(3, &[field(2, b"__name__"), field(3, metric.as_bytes())].concat());
    // To 4,194,303 ms.
    let query = field(1, &[vec![8, 0, 16, 0xff, 0xff, 0xff, 0x01], matcher].concat());
    let body = snap::raw::Encoder::new().compress_vec(&query.repeat(queries)).unwrap();
    let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "snappy")];
    send(rig.at, "POST", "/api/v1/read", &headers, &body).await
}

async fn rig(query: QueryLimits) -> Rig {
    let rig = Rig::start(Setup { now: Some(6_000), query, ..Setup::default() }).await;
    rig.store(load("up{job=\"a\"} 0+1x59")).await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queries_of_one_request_have_one_budget() {
    let rig = rig(QueryLimits { samples_max: 100, ..QueryLimits::default() }).await;
    let answer = read(&rig, "up", 1).await;
    assert_eq!(answer.status, 200);
    let plain = snap::raw::Decoder::new().decompress_vec(&answer.body).unwrap();
    assert!(plain.len() > 60 * 10, "{} bytes", plain.len());
    let answer = read(&rig, "up", 2).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.text().contains("query.max_samples"), "{}", answer.text());
    assert_eq!(read(&rig, "down", 2).await.status, 200);
}
