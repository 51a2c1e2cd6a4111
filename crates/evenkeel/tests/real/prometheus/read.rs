//! Prometheus reads from us what it has not itself, by remote read.

use std::time::Duration;

use super::{
    peer::{Peer, free_port, installed},
    pushed::{ask, push, raw},
};
use crate::{keep::Kept, unix};

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_its_past_from_us() {
    let Some(program) = installed("prometheus") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(&folder.path().join("kept"), "http://127.0.0.1:9/");
    let url = kept.start(Duration::from_secs(20)).await.url;
    let now = unix().as_secs();
    push(&url, now, 60).await;
    let own = raw(&url, now).await.unwrap();
    let config = format!("remote_read: [{{url: '{url}/api/v1/read', read_recent: true}}]\n");
    let at = folder.path().join("prometheus");
    let prometheus = Peer::configured(&program, &at, free_port(), &config).await;
    assert_eq!(raw(&prometheus.url, now).await, Some(own));
    let time = now.to_string();
    for query in
        ["sum by (at) (rate(level[30500ms]))", "count(level{at=~\"[1-3]\"})", "level{at!=\"2\"}"]
    {
        let pairs = [("query", query), ("time", &*time)];
        let sorted = |data: Option<serde_json::Value>| {
            let mut found = data.unwrap()["result"].as_array().unwrap().clone();
            found.sort_by_key(serde_json::Value::to_string);
            found
        };
        let (ours, theirs) =
            (ask(&url, "query", &pairs).await, ask(&prometheus.url, "query", &pairs).await);
        let ours = sorted(ours);
        assert!(!ours.is_empty());
        assert_eq!(sorted(theirs), ours, "{query}");
    }
    kept.stop();
}
