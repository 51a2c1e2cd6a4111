//! The store over logs whose records the input makes: samples, series, metadata, exemplars, the old layout's.
//!
//! The first byte says whether there is a manifest; then come pieces: a kind, a length, so many bytes. They are appended to the
//! logs of a good store by the log's own code, so that what reads the records is reached.

use std::{collections::BTreeMap, sync::Arc};

use crc32c::{crc32c, crc32c_append};
use tsdb::SyncPolicy;
use wal::{Disk, Wal};

use crate::{
    good::{NOW, good, look, open, secs},
    input::Input,
};

const PIECES_MAX: usize = 32;
const PIECE_BYTES_MAX: u16 = 1 << 10;

/// A block of series as the registry has them.
fn block(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let crc = crc32c_append(crc32c(&length), payload);
    [&b"ekrs"[..], &length, &crc.to_le_bytes(), payload].concat()
}

/// Opens a store whose logs have what the input says.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let disk = good();
    let how = input.byte();
    if how & 1 > 0 {
        disk.remove("t/MANIFEST".into()).expect("it was there");
    }
    let log = |name: &str| {
        let options =
            wal::Options { sync: SyncPolicy::Never, ..wal::Options::new(format!("t/{name}")) };
        Wal::open(options, Arc::new(disk.clone())).expect("a good log opens").0
    };
    let mut logs: BTreeMap<&str, Wal> = BTreeMap::new();
    for _ in 0..PIECES_MAX {
        if input.0.is_empty() {
            break;
        }
        let (kind, bytes) = input.piece(PIECE_BYTES_MAX);
        let (names, payload): (&[&str], Vec<u8>) = match kind % 8 {
            0 | 1 => (&["wal"], bytes.to_vec()),
            2 => (&["series", "series2"], [&[1], &block(bytes)[..]].concat()),
            3 => (&["series"], [&[1], &block(bytes)[..]].concat()),
            4 => (&["series", "series2"], bytes.to_vec()),
            5 => (&["series2"], bytes.to_vec()),
            6 => (&["exemplars"], bytes.to_vec()),
            _ => (&["blocks"], bytes.to_vec()),
        };
        for name in names {
            let log = logs.entry(name).or_insert_with(|| log(name));
            log.append(&payload, secs(62)).expect("a disk in memory takes it");
        }
    }
    drop(logs);
    let store = open(&disk, NOW).expect("records that mean nothing keep no store from opening");
    look(&disk, store);
}
