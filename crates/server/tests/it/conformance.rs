//! The protocol's own examples, when a copy of them is at hand.

use std::{fs, path::PathBuf};

use crate::support::{Rig, send};

/// The directory named by `EVENKEEL_CONFORMANCE_DATA`.
#[expect(
    clippy::disallowed_methods,
    reason = "where the examples are differs from machine to machine"
)]
fn data() -> Option<PathBuf> {
    std::env::var("EVENKEEL_CONFORMANCE_DATA").ok().map(PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_otlp_are_taken() {
    let Some(examples) = data().map(|data| data.join("otlp/examples")).filter(|path| path.is_dir())
    else {
        println!("otlp examples: 0 run, 4 skipped: EVENKEEL_CONFORMANCE_DATA is not set");
        return;
    };
    let rig = Rig::plain().await;
    let cases = [
        ("trace.json", "/v1/traces"),
        ("metrics.json", "/v1/metrics"),
        ("logs.json", "/v1/logs"),
        ("events.json", "/v1/logs"),
    ];
    for (file, path) in cases {
        let body = fs::read(examples.join(file)).unwrap();
        let answer =
            send(rig.http, "POST", path, &[("content-type", "application/json")], &body).await;
        assert_eq!(answer.status, 200, "{file}: {}", answer.text());
        println!("{file}: {}", answer.text());
    }
    println!("otlp examples: {} run, 0 skipped", cases.len());
    assert_eq!(rig.take().len(), cases.len());
}
