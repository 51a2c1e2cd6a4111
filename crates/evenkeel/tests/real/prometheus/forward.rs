//! What is stored is sent on to Prometheus and VictoriaMetrics, also after `kill -9`, and asked of them again.

use std::{fs, path::Path, time::Duration};

use super::{
    peer::{Peer, eventually, free_port, installed},
    pushed::{ask, push, raw},
};
use crate::{http, keep::Kept, unix};

const START: Duration = Duration::from_secs(20);

/// A server whose configuration is `text`.
fn configured(folder: &Path, text: &str) -> Kept {
    let kept = Kept::new(folder, "http://127.0.0.1:9/");
    fs::write(folder.join("evenkeel.yaml"), text).unwrap();
    kept
}

fn writes(receivers: &[(&str, u16, &str)]) -> String {
    let mut text = "remote_write:\n".to_owned();
    for (name, port, protocol) in receivers {
        let url = format!("http://127.0.0.1:{port}/api/v1/write");
        text += &format!("  - {{name: {name}, url: '{url}', protocol: {protocol}}}\n");
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_reach_both_peers_and_are_asked_of_them() {
    let (Some(prometheus), Some(victoria)) =
        (installed("prometheus"), installed("victoria-metrics"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (port_a, port_b) = (free_port(), free_port());
    let prometheus = Peer::prometheus(&prometheus, &at("prometheus"), port_a).await;
    let victoria = Peer::victoria(&victoria, &at("victoria"), port_b).await;
    // Neither knows version 2, and both answer 204 to it.
    let text = writes(&[("prometheus", port_a, "v2"), ("victoria", port_b, "v2")]);
    let mut kept = configured(&at("first"), &text);
    let url = kept.start(START).await.url;
    let now = unix().as_secs();
    push(&url, now, 60).await;
    let own = raw(&url, now).await.unwrap();
    for peer in [&prometheus, &victoria] {
        eventually(async || (raw(&peer.url, now).await.as_ref() == Some(&own)).then_some(())).await;
    }
    let metrics = http().get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    for name in ["prometheus", "victoria"] {
        let sent = format!("evenkeel_remote_write_samples_sent_total{{receiver=\"{name}\"}} 601");
        assert!(metrics.contains(&sent), "{metrics}");
    }
    // Two more, which ask the peers in place of their own empty stores.
    for peer in [&prometheus, &victoria] {
        let name = peer.url.replace([':', '/'], "_");
        let text = format!("remote_query: {{url: '{}', name: peer}}\n", peer.url);
        let mut asking = configured(&at(&name), &text);
        let front = asking.start(START).await.url;
        assert_eq!(raw(&front, now).await.as_ref(), Some(&own), "{}", peer.url);
        let (time, start, end) = (now.to_string(), (now - 60).to_string(), now.to_string());
        for (path, pairs) in [
            ("query", &[("query", "sum(level) by (at)"), ("time", &*time)][..]),
            (
                "query_range",
                &[("query", "max(level)"), ("start", &*start), ("end", &*end), ("step", "15")],
            ),
            ("labels", &[("start", &*start), ("end", &*end)]),
            ("series", &[("match[]", "level{at=\"3\"}"), ("start", &*start), ("end", &*end)]),
        ] {
            let (behind, front) =
                (ask(&peer.url, path, pairs).await, ask(&front, path, pairs).await);
            assert!(behind.is_some(), "{path}");
            let sorted = |data: Option<serde_json::Value>| {
                let mut data = data.unwrap();
                let list = if data.is_array() { Some(&mut data) } else { data.get_mut("result") };
                let list = list.and_then(serde_json::Value::as_array_mut).unwrap();
                list.sort_by_key(serde_json::Value::to_string);
                list.clone()
            };
            assert_eq!(sorted(front), sorted(behind), "{path} of {}", peer.url);
        }
        asking.stop();
    }
    kept.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_reaches_a_receiver_that_was_down() {
    let Some(program) = installed("prometheus") else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut kept = configured(&folder.path().join("kept"), &writes(&[("down", port, "v1")]));
    let url = kept.start(START).await.url;
    let now = unix().as_secs();
    push(&url, now - 60, 60).await;
    push(&url, now, 60).await;
    let own = raw(&url, now).await.unwrap();
    kept.kill();
    let prometheus = Peer::prometheus(&program, &folder.path().join("prometheus"), port).await;
    kept.start(START).await;
    eventually(async || (raw(&prometheus.url, now).await.as_ref() == Some(&own)).then_some(()))
        .await;
    kept.stop();
    // What was sent is not sent again.
    let metrics = kept.start(START).await.url;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let metrics = http().get(format!("{metrics}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let sent = "evenkeel_remote_write_samples_sent_total{receiver=\"down\"} 0";
    assert!(metrics.contains(sent), "{metrics}");
    kept.stop();
}
