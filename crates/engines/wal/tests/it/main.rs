//! The log on a disk that forgets, tears, fails and rots.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod corpora;
mod crash;
mod damage;
mod full;
#[path = "../../../../../fuzz/checks/input.rs"]
mod input;
mod life;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;
#[path = "../../../../../fuzz/checks/wal.rs"]
mod reader;

use std::{ops::ControlFlow, sync::Arc};

use camino::Utf8Path;
use model::Timestamp;
use wal::{Options, Position, Replayed, SimDisk, SyncPolicy, Wal};

pub(crate) const DIR: &str = "d";

pub(crate) fn now() -> Timestamp {
    Timestamp::from_secs(1_000)
}

pub(crate) fn options(sync: SyncPolicy) -> Options {
    Options { sync, segment_bytes: 400, ..Options::new(DIR) }
}

pub(crate) fn open(disk: &SimDisk, options: Options) -> Wal {
    Wal::open(options, Arc::new(disk.clone())).unwrap().0
}

/// The records after `from` as texts.
pub(crate) fn read(wal: &Wal, from: Position) -> (Vec<String>, Replayed) {
    let mut records = Vec::new();
    let replayed = wal
        .read(from, |entry| {
            records.push(String::from_utf8(entry.payload.to_vec()).unwrap());
            ControlFlow::Continue(())
        })
        .unwrap();
    (records, replayed)
}

pub(crate) fn segments(disk: &SimDisk) -> usize {
    disk.files().iter().filter(|path| path.parent() == Some(Utf8Path::new(DIR))).count()
}
