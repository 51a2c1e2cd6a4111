//! What is done about a segment whose sync failed.
//!
//! What the kernel could not write it still shows to readers, after a restart of the process too, but counts as written: no
//! later sync of that file would write it. A copy is new to it.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::Disk;

/// Where the copy is made. As long as it is there, the segment is to be renewed.
pub(super) fn copy_of(segment: &Utf8Path) -> Utf8PathBuf {
    segment.with_extension("new")
}

/// Puts a synced copy in the segment's place.
pub(super) fn renew(disk: &dyn Disk, segment: &Utf8Path) -> io::Result<()> {
    let copy = copy_of(segment);
    let mut file = match disk.create(&copy) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(&copy)?;
            disk.create(&copy)?
        }
        created => created?,
    };
    file.append(&disk.read(segment)?)?;
    file.sync()?;
    disk.rename(&copy, segment)?;
    disk.sync_dir(segment.parent().unwrap_or(Utf8Path::new(".")))
}
