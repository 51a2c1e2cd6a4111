//! A disk whose syncs fail: the server ends or refuses, never acknowledges what may be gone, and starts again as if killed.

use std::time::Duration;

use super::{STARTS_WITHIN, has, until_ready, writer::Writer};
use crate::{keep::Kept, number};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_survive_syncs_that_fail() {
    if !has("strace", "syncs that fail") {
        return;
    }
    let rounds = number("EVENKEEL_ROUNDS").unwrap_or(3);
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let mut writer = Writer::new("w", 20);
    let mut stopped = 0;
    for round in 1..=rounds {
        let inject = format!("inject=fdatasync:error=EIO:when={round}+");
        kept.run_under(&[
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fdatasync",
            "-e",
            &inject,
        ]);
        let address = kept.begin();
        let address =
            tokio::task::spawn_blocking(move || address.recv_timeout(Duration::from_secs(8)));
        if let Ok(address) = address.await.unwrap() {
            let writing = writer.run_down(&address.url);
            drop(tokio::time::timeout(Duration::from_secs(8), writing).await);
        }
        let ended = kept.ended(Duration::from_secs(4)).await;
        if let Some(status) = ended {
            assert_eq!(status.code(), Some(70), "a fail-stop: {:?}", kept.said());
            stopped += 1;
        } else {
            // It refuses, then; what it acknowledged must be there all the same.
            let tracer = kept.id().to_string();
            drop(std::process::Command::new("pkill").args(["-KILL", "-P", &tracer]).status());
            assert!(kept.ended(STARTS_WITHIN).await.is_some(), "it was killed");
        }
        kept.run_under(&[]);
        let address = kept.start(STARTS_WITHIN).await;
        until_ready(&address.url).await;
        assert_eq!(writer.lost(&address.url).await, 0, "round {round}");
        kept.stop();
    }
    println!(
        "{} samples acknowledged, 0 lost; {stopped} of {rounds} lives ended by themselves with 70",
        writer.acknowledged.len() * 20
    );
}
