//! Segments and records of logs: the reader of logs, and the store that opens over them. The first byte says which.

#![no_main]

#[path = "../checks/good.rs"]
mod good;
#[path = "../checks/input.rs"]
mod input;
#[path = "../checks/store.rs"]
mod store;
#[path = "../checks/wal.rs"]
mod wal_reader;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0..128, rest)) => wal_reader::check(rest),
        Some((_, rest)) => store::check(rest),
        None => {}
    }
});
