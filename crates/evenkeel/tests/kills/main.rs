//! `kill -9` at random moments, under telemetry and control load: nothing that was acknowledged is lost or doubled, what
//! was counted equals a recount, every page owed arrives under its first id, and no act runs twice.
//!
//! `EVENKEEL_ROUNDS` says how often (20 where it is not set), `EVENKEEL_SEED` repeats a run.

#![cfg(test)]

mod keep;
mod load;
mod receiver;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use keep::Kept;
use load::Load;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use receiver::Receiver;

/// How long a restarted server may take until it answers; a release build must do it within 2 s.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long after the last restart everything owed may take.
const SETTLED_WITHIN: Duration = Duration::from_secs(40);

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "a test of real time")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_that_was_acknowledged() {
    let rounds = number("EVENKEEL_ROUNDS").unwrap_or(20);
    let seed = number("EVENKEEL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}, {rounds} kills");
    let mut dice = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut kept = Kept::new(folder.path(), &receiver.url());
    let mut load = Load::new(seed);
    let mut ready = Vec::new();
    for round in 0..rounds {
        let began = now();
        let url = kept.start(READY_WITHIN).await;
        ready.push(began.elapsed());
        let until = Duration::from_millis(dice.random_range(50..1200));
        // The load stops where the kill finds it: requests without an answer are sent again after the restart.
        let ended = tokio::time::timeout(until, load.run(&url)).await;
        assert!(ended.is_err(), "round {round}: the load ended by itself: {ended:?}");
        kept.kill();
    }
    let url = kept.start(READY_WITHIN).await;
    load.finish(&url).await;
    settle(&url, &load, &receiver, folder.path()).await;
    ready.sort();
    println!(
        "ready after a kill: median {:?}, worst {:?}",
        ready[ready.len() / 2],
        ready[ready.len() - 1]
    );
    kept.stop();
    kept.verify_journal();
}

/// Waits until everything owed has come, then compares.
async fn settle(url: &str, load: &Load, receiver: &Receiver, folder: &std::path::Path) {
    let began = now();
    loop {
        let missing: Vec<_> = load.pages.iter().filter(|id| receiver.count(id) == 0).collect();
        let acts = load.open_acts(url).await;
        if missing.is_empty() && acts == 0 {
            break;
        }
        assert!(
            began.elapsed() < SETTLED_WITHIN,
            "pages never delivered: {missing:?}; acts without an end: {acts}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let deploys = load.stored_deploys(url).await;
    for (key, id) in &load.deploys {
        assert_eq!(
            deploys.get(key),
            Some(&vec![id.clone()]),
            "deploy `{key}` is stored once, under its first id"
        );
    }
    assert_eq!(load.counted_spans(url).await, load.spans, "the SLI counts equal a recount");
    assert_eq!(load.stored_samples(url).await, load.samples, "every acknowledged sample is there");
    let mut runs: BTreeMap<String, u32> = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("acts")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let version = name.rsplit_once('-').unwrap().0.to_owned();
        *runs.entry(version).or_default() += 1;
    }
    println!(
        "{} deploys, {} spans, {} samples, {} pages, {} acts",
        load.deploys.len(),
        load.spans.0,
        load.samples,
        load.pages.len(),
        runs.len()
    );
    assert!(runs.values().all(|count| *count == 1), "an act ran twice: {runs:?}");
}
