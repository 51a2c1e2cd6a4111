//! What is done about a segment whose sync failed.
//!
//! What the kernel could not write it still shows to readers, after a restart of the process too, but counts as written: no
//! later sync of that file would write it. A copy is new to it. As long as the segment is to be renewed, an empty file beside
//! it, `.renew`, says so.

use std::io::{self, ErrorKind};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Poison;
use crate::{Disk, segment};

const MARK: &str = "renew";

/// Puts a synced copy in the place of a file whose sync failed. When that fails, too, the mark stays.
pub(super) fn renew(disk: &dyn Disk, file: &Utf8Path) -> io::Result<()> {
    let mark = file.with_extension(MARK);
    match disk.create(&mark) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let copy = file.with_extension("copy");
    let renewed = replace(disk, file, &copy);
    if renewed.is_err() {
        // On a full disk it would take what little room there is.
        drop(disk.remove(&copy));
        return renewed;
    }
    disk.remove(&mark)
}

fn replace(disk: &dyn Disk, file: &Utf8Path, copy: &Utf8Path) -> io::Result<()> {
    // Of a process that was killed; mostly there is none.
    drop(disk.remove(copy));
    let mut new = disk.create(copy)?;
    new.append(&disk.read(file)?)?;
    new.sync()?;
    disk.rename(copy, file)?;
    disk.sync_dir(file.parent().unwrap_or(Utf8Path::new(".")))
}

/// Renews the segments among `files` that are marked.
pub(super) fn renew_marked(
    disk: &dyn Disk,
    files: &[Utf8PathBuf],
) -> Result<(), (Utf8PathBuf, io::Error)> {
    for mark in files.iter().filter(|path| path.extension() == Some(MARK)) {
        let path = segment::of_mark(mark);
        let renewed = match files.contains(&path) {
            true => renew(disk, &path),
            // Its segment was let go of.
            false => disk.remove(mark),
        };
        match renewed {
            // A full disk must not keep the log from opening; the next start tries again.
            Err(error) if Poison::of_write(&error) == Poison::Full => {}
            renewed => renewed.map_err(|error| (path, error))?,
        }
    }
    Ok(())
}
