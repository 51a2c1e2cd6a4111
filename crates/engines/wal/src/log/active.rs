//! The segment that is being written.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

use crate::{
    Disk, DiskFile, Position,
    read::{Known, Segment, to_u64},
    segment::{self, Header},
};

#[derive(Debug)]
pub(super) struct Active {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) seed: u32,
    pub(super) created: Timestamp,
}

/// Makes a new segment's file with its header, durably.
pub(super) fn begin(
    dir: &Utf8Path,
    disk: &dyn Disk,
    number: u64,
    now: Timestamp,
    previous_end: Position,
) -> Result<(Active, Segment), (Utf8PathBuf, io::Error)> {
    let path = segment::path(dir, number);
    let (header, seed) = Header { number, created: now, previous_end }.encode();
    let write = || {
        let mut file = disk.create(&path)?;
        file.append(&header)?;
        file.sync()?;
        disk.sync_dir(dir)?;
        Ok(file)
    };
    match write() {
        Ok(file) => {
            let header_known = Known { seed, created: now, previous_end };
            let bytes = to_u64(header.len());
            let segment = Segment { number, path, header: Some(header_known), bytes };
            Ok((Active { file, seed, created: now }, segment))
        }
        Err(source) => {
            // What remains is a segment without records, harmless if it cannot be removed.
            drop(disk.remove(&path));
            Err((path, source))
        }
    }
}
