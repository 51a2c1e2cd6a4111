//! Kills between two system calls: `strace` ends the server at a write, a sync, a rename or an unlink, and nothing that was
//! acknowledged is lost.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{STARTS_WITHIN, has, until_ready, writer::Writer};
use crate::{keep::Kept, now, number, seed};

const WRITERS: usize = 4;
/// The call at which it ends, and how many of it may come before.
const CALLS: [(&str, u32); 5] =
    [("write", 2000), ("fdatasync", 60), ("fsync", 30), ("rename", 25), ("unlink", 12)];
/// A life in which the call does not come is ended by hand.
const LIFE: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_survive_kills_at_system_calls() {
    if !has("strace", "kills at system calls") {
        return;
    }
    let (seed, rounds) = (seed(), number("EVENKEEL_ROUNDS").unwrap_or(4));
    println!("seed {seed}, {rounds} kills");
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|number| Writer::new(&format!("w{number}"), 40)).collect();
    let (mut by_call, mut slowest) = (0, Duration::ZERO);
    for round in 0..rounds {
        let (call, most) = *CALLS.choose(&mut dice).unwrap();
        let inject = format!("inject={call}:signal=SIGKILL:when={}", dice.random_range(1..=most));
        let trace = format!("trace={call}");
        kept.run_under(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
        let address = kept.begin();
        let address = tokio::task::spawn_blocking(move || address.recv_timeout(STARTS_WITHIN));
        if let Ok(address) = address.await.unwrap() {
            write_until_killed(&mut writers, &address.url).await;
        }
        if kept.ended(Duration::ZERO).await.is_some() {
            by_call += 1;
        } else {
            kill_traced(&mut kept).await;
        }
        kept.run_under(&[]);
        let began = now();
        let address = kept.start(STARTS_WITHIN).await;
        until_ready(&address.url).await;
        slowest = slowest.max(began.elapsed());
        for writer in &writers {
            let lost = match round % LOOK_EVERY {
                0 => writer.lost(&address.url).await,
                _ => writer.lost_lately(&address.url).await,
            };
            assert_eq!(lost, 0, "round {round}, {inject}");
        }
        if round % LOOK_EVERY == 0 {
            println!("{round} kills, nothing lost");
        }
        kept.kill();
    }
    let samples: usize = writers.iter().map(|writer| writer.acknowledged.len() * 40).sum();
    println!(
        "{samples} samples acknowledged, 0 lost; {by_call} of {rounds} lives ended at the call; slowest restart {slowest:?}"
    );
    let address = kept.start(STARTS_WITHIN).await;
    for writer in &writers {
        assert_eq!(writer.lost(&address.url).await, 0, "in the end");
    }
    kept.stop();
    kept.verify_journal();
}

/// Lives between two looks at everything that was ever acknowledged.
const LOOK_EVERY: u64 = 50;

async fn write_until_killed(writers: &mut [Writer], url: &str) {
    let mut running = Vec::new();
    for writer in writers {
        running.push(writer.run_down(url));
    }
    drop(tokio::time::timeout(LIFE, futures_util::future::join_all(running)).await);
}

/// `strace` passes no SIGKILL on: its child is killed first.
async fn kill_traced(kept: &mut Kept) {
    let tracer = kept.id().to_string();
    drop(std::process::Command::new("pkill").args(["-KILL", "-P", &tracer]).status());
    assert!(kept.ended(STARTS_WITHIN).await.is_some(), "it was killed");
}
