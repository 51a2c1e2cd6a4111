//! `kill -9` at random moments, under telemetry and control load from several clients at once: nothing that was acknowledged is
//! lost or doubled, what was counted equals a recount, every page owed arrives under its first id, and no act runs twice.
//!
//! `EVENKEEL_ROUNDS` says how often: 20 where it is not set.

mod book;
mod client;
mod facts;
mod message;
mod request;
mod telemetry;
mod verify;

use std::{path::Path, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::watch;

use crate::{
    http,
    keep::{Address, Kept, routing},
    now, number,
    receiver::Receiver,
    seed,
};
use book::Book;
use client::{Client, Server};

/// Who send at once.
const CLIENTS: u64 = 6;
/// The kill comes within this time of the start; often the server is not even ready.
const KILLED_WITHIN: Duration = Duration::from_millis(2500);
/// How long a restarted server may take in the end; a release build must be ready within [`READY_WITHIN`].
const STARTS_WITHIN: Duration = Duration::from_secs(20);
const READY_WITHIN: Duration = Duration::from_secs(2);
/// How long after the last restart everything owed may take.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_that_was_acknowledged() {
    let (seed, rounds) = (seed(), number("EVENKEEL_ROUNDS").unwrap_or(20));
    println!("seed {seed}, {rounds} kills");
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut kept = Kept::new(folder.path(), &receiver.url());
    let (server, _) = watch::channel(Server::Down);
    let routing = routing(&receiver.url());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(Client::new(number, seed, &routing).run(server.subscribe())))
        .collect();
    let mut ready = Vec::new();
    let mut dice = StdRng::seed_from_u64(seed);
    for _ in 0..rounds {
        let moment = Duration::from_secs_f64(dice.random_range(0.0..KILLED_WITHIN.as_secs_f64()));
        ready.extend(live(&mut kept, &server, moment).await);
    }
    let address = kept.start(STARTS_WITHIN).await;
    is_ready(&address, STARTS_WITHIN).await.expect("it is ready in the end");
    server.send_replace(Server::Last(address.clone()));
    let mut book = Book::default();
    for client in clients {
        book.merge(client.await.unwrap());
    }
    settle(&address, &receiver).await;
    verify::over_http(&book, &receiver, &address.url, folder.path()).await;
    kept.stop();
    kept.verify_journal();
    verify::on_disk(&book, folder.path());
    println!("{book}");
    report(&mut ready, rounds);
}

/// One life, and when in it the server was ready.
async fn live(
    kept: &mut Kept,
    server: &watch::Sender<Server>,
    moment: Duration,
) -> Option<Duration> {
    let began = now();
    let address = kept.begin();
    let listening = tokio::task::spawn_blocking(move || address.recv_timeout(moment).ok());
    let mut ready = None;
    if let Some(address) = listening.await.unwrap() {
        server.send_replace(Server::Up(address.clone()));
        let left = moment.saturating_sub(began.elapsed());
        ready = is_ready(&address, left).await.map(|()| began.elapsed());
    }
    tokio::time::sleep(moment.saturating_sub(began.elapsed())).await;
    kept.kill();
    server.send_replace(Server::Down);
    ready
}

async fn is_ready(address: &Address, within: Duration) -> Option<()> {
    let (http, url) = (http(), format!("{}/readyz", address.url));
    let asking = async {
        while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(within, asking).await.ok()
}

/// Waits until everything owed has its outcome.
async fn settle(address: &Address, receiver: &Receiver) {
    let began = now();
    loop {
        let facts = facts::all(&address.url).await;
        let owed = verify::owed(&facts, &receiver.arrivals());
        if owed.is_empty() {
            return;
        }
        assert!(began.elapsed() < SETTLED_WITHIN, "still owed: {owed:?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn report(ready: &mut [Duration], rounds: u64) {
    ready.sort();
    let Some(worst) = ready.last() else { return };
    let median = ready[ready.len() / 2];
    println!(
        "ready after a kill: median {median:?}, worst {worst:?}, in {} of {rounds} lives; the others were killed before",
        ready.len()
    );
    // A development build, and one that is built beside it, may be slower.
    if !cfg!(debug_assertions) {
        assert!(*worst <= READY_WITHIN, "ready within {READY_WITHIN:?}");
    }
}

/// Each run of an act leaves a file here.
fn acts(folder: &Path) -> std::path::PathBuf {
    folder.join("acts")
}
