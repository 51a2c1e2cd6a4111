//! Bombs at the ways by which samples come: small bodies that would inflate to gigabytes, and lengths that lie.

use std::time::Duration;

use super::{
    STARTS_WITHIN, until_ready,
    writer::{Writer, post},
};
use crate::{http, keep::Kept, now, number};

/// What all of it may add to the server's memory.
const GROWTH_KB_MAX: u64 = 128 << 10;
const AT_ONCE: usize = 50;

/// A snappy block that says it holds so many bytes, and copies one byte to make them.
fn bomb(length: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut left = length;
    while left >= 0x80 {
        bytes.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).unwrap());
    bytes.extend([0x00, 0x0a]);
    // Copies of 64 bytes from one byte back.
    for _ in 0..(length / 64).min(1 << 20) {
        bytes.extend([0xfe, 0x01, 0x00]);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_refuse_bombs_and_go_on() {
    let rounds = number("EVENKEEL_ROUNDS").unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::new(folder.path(), "http://127.0.0.1:9/page");
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    let mut writer = Writer::new("w", 10);
    let before = kept.memory_kb("VmRSS");
    let bodies: Vec<Vec<u8>> = [64 << 20, 1 << 30, u32::MAX]
        .into_iter()
        .map(bomb)
        .chain([vec![0xff; 64], Vec::new()])
        .collect();
    for _ in 0..rounds {
        let mut bombs = tokio::task::JoinSet::new();
        for at in 0..AT_ONCE {
            let (url, body) = (address.url.clone(), bodies[at % bodies.len()].clone());
            bombs.spawn(async move {
                let (began, client) = (now(), http());
                (post(&client, &url, body).await, began.elapsed(), at)
            });
        }
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let began = now();
            assert_eq!(writer.step(&address.url).await, Some(204), "honest samples are taken");
            slowest = slowest.max(began.elapsed());
        }
        while let Some(answer) = bombs.join_next().await {
            let (answer, took, at) = answer.unwrap();
            let (status, text) = answer.expect("an answer");
            // An empty body is an empty request.
            let empty = at % bodies.len() == bodies.len() - 1;
            assert!(empty || matches!(status, 400 | 413 | 429 | 503), "{status}: {text}");
            assert!(took < Duration::from_secs(5), "{took:?} to {status}");
        }
        println!("honest samples took {slowest:?} at most meanwhile");
    }
    let grown = kept.memory_kb("VmHWM").saturating_sub(before);
    println!("memory grew by {grown} kB at most");
    assert!(grown <= GROWTH_KB_MAX, "memory grew by {grown} kB");
    assert_eq!(writer.lost(&address.url).await, 0);
    kept.stop();
}
