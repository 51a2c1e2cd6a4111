//! The sample store of the real binary under faults: kills between system calls, a full disk, a disk that fails, queries of death,
//! exploding cardinality, bombs. Each is a run of `cargo xtask accept` with more rounds.

mod bombs;
mod broken_disk;
mod crash;
mod deadly;
mod explosion;
mod full_disk;
mod writer;

use std::time::Duration;

use serde_json::Value;

use crate::{http, now};

/// How long a restarted server may take, other builds on the machine included.
pub(crate) const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Whether a program that a test needs is here; tells when it is not.
fn has(program: &str, test: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    if !found {
        println!("{test}: skipped, there is no `{program}` on this machine");
    }
    found
}

/// The answer of the Prometheus API at `path`, with its status.
async fn ask(url: &str, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let sent = http()
        .post(format!("{url}{path}"))
        .timeout(Duration::from_secs(60))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap_or_else(|error| panic!("{error:?} to {:.200}", form[0].1));
    let status = sent.status().as_u16();
    (status, sent.json().await.unwrap_or_default())
}

pub(crate) async fn until_ready(url: &str) {
    let (began, client) = (now(), http());
    let ready = format!("{url}/readyz");
    while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(began.elapsed() < STARTS_WITHIN, "it does not become ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
