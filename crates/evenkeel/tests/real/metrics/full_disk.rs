//! A full disk: samples are refused until there is room again, the control plane goes on, nothing is lost.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::json;

use super::{STARTS_WITHIN, until_ready, writer::Writer};
use crate::{http, keep::Kept, now, number, receiver::Receiver};

/// A mounted file system of its own; unmounted at the end.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_wait_for_room_on_a_full_disk() {
    let rounds = number("EVENKEEL_ROUNDS").unwrap_or(2);
    let folder = tempfile::tempdir().unwrap();
    let Some(_small) = Small::mount(folder.path(), "640m") else {
        println!("a full disk: skipped, no file system can be mounted here");
        return;
    };
    let receiver = Receiver::start().await;
    let mut kept = Kept::new(folder.path(), &receiver.url());
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    let mut writer = Writer::new("w", 50);
    let filler = folder.path().join("filler");
    for round in 0..rounds {
        assert_eq!(writer.step(&address.url).await, Some(204), "there is room at first");
        fill(&filler);
        // What still fits the last page of the log, or comes before the room is looked at again, is taken.
        let began = now();
        loop {
            match writer.step(&address.url).await {
                Some(204) => assert!(began.elapsed() < Duration::from_secs(5), "it is never full"),
                Some(503 | 507) => break,
                other => panic!("round {round}: {other:?}"),
            }
        }
        control_goes_on(&address.url, &receiver).await;
        fs::remove_file(&filler).unwrap();
        let began = now();
        while writer.step(&address.url).await != Some(204) {
            assert!(began.elapsed() < Duration::from_secs(5), "samples are taken again within 5 s");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(writer.lost(&address.url).await, 0, "round {round}");
        // The next time it is full the control plane needs its room again.
        let (began, reserve) = (now(), folder.path().join("data/reserve"));
        while !fs::metadata(&reserve).is_ok_and(|file| file.len() == 16 << 20) {
            assert!(began.elapsed() < Duration::from_secs(30), "the reserve is held again");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    kept.stop();
    kept.verify_journal();
    let address = kept.start(STARTS_WITHIN).await;
    until_ready(&address.url).await;
    assert_eq!(writer.lost(&address.url).await, 0, "after a restart");
    println!(
        "{rounds} times full: {} samples acknowledged, 0 lost",
        writer.acknowledged.len() * 50
    );
    kept.stop();
}

/// Leaves no room at all.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    let chunk = vec![0_u8; 1 << 20];
    while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
}

/// A page goes out and a deploy is recorded while nothing else can be written.
async fn control_goes_on(url: &str, receiver: &Receiver) {
    let before = receiver.arrivals().len();
    let body = json!({"receiver": "on-call"});
    let sent = http().post(format!("{url}/evenkeel/v1/notifications/test")).json(&body).send();
    let sent = sent.await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
    let began = now();
    while receiver.arrivals().len() == before {
        assert!(began.elapsed() < Duration::from_secs(5), "the page is sent within 5 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
