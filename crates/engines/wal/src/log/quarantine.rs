//! Copies of damaged regions, for whoever wants to look.

use std::io;

use camino::Utf8Path;

use crate::{Disk, Region, segment};

/// The most files that are kept; beyond, damage is reported and not copied.
const FILES_MAX: usize = 100;

pub(super) fn copy(disk: &dyn Disk, dir: &Utf8Path, regions: &mut [Region]) {
    let dir_bad = dir.join("quarantine");
    for region in regions.iter_mut() {
        // The damage is reported either way; a copy that fails must not keep the store from opening.
        region.quarantined = copy_one(disk, dir, &dir_bad, region).unwrap_or_default();
    }
}

fn copy_one(
    disk: &dyn Disk,
    dir: &Utf8Path,
    dir_bad: &Utf8Path,
    region: &Region,
) -> io::Result<Option<camino::Utf8PathBuf>> {
    disk.create_dir_all(dir_bad)?;
    let path = dir_bad.join(format!("{:016}-{}.bad", region.segment, region.offset));
    let there = disk.list(dir_bad)?;
    if there.contains(&path) {
        return Ok(Some(path));
    }
    if there.len() >= FILES_MAX {
        return Ok(None);
    }
    let len = usize::try_from(region.bytes).map_err(io::Error::other)?;
    let bytes = disk.read_at(&segment::path(dir, region.segment), region.offset, len)?;
    let mut file = disk.create(&path)?;
    file.append(&bytes)?;
    file.sync()?;
    disk.sync_dir(dir_bad)?;
    Ok(Some(path))
}
