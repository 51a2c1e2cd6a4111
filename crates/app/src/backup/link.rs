//! A telemetry store at one moment, by second names of its files.
//!
//! Copying takes minutes, and flushes and merges replace files all the while. Linking takes milliseconds: it is done again when
//! the store's manifest was replaced meanwhile, and what has a second name stays, whatever the store removes.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    BackupError, ManifestFile,
    copy::{children, copy_tree},
};
use crate::data_dir::{create_private, names};

/// How often it is tried to link everything before the manifest is replaced.
const TRIES_MAX: usize = 200;
/// What a backup that was killed left is removed by the next one, after so long.
const STALE_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// The stores whose files are merged into others, and where their manifests are.
const STORES: [(&str, &str); 2] = [(names::METRICS, "MANIFEST"), (names::EVENTS, "parts/MANIFEST")];

/// Second names, which go when this is dropped.
#[derive(Debug)]
pub(super) struct Linked {
    /// The store's folder in the data directory.
    name: &'static str,
    dir: Utf8PathBuf,
    /// How many files there are.
    files: usize,
}

impl Linked {
    /// Links the store that lies in a folder of the data directory; `None` where that is no store of telemetry, or the disk has
    /// no second names.
    pub(super) fn store(data_dir: &Utf8Path, folder: &str) -> Result<Option<Self>, BackupError> {
        let Some((name, manifest)) = STORES.into_iter().find(|(name, _)| *name == folder) else {
            return Ok(None);
        };
        let store = data_dir.join(name);
        let manifest = store.join(manifest);
        let snapshots = data_dir.join(names::METRICS_SNAPSHOTS);
        let failed = |source| BackupError::File { path: store.clone(), source };
        remove_stale(&snapshots);
        // Others may be making a backup at the same time.
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| failed(io::Error::other(error)))?;
        let dir = snapshots.join(format!("backup-{}.tmp", hex::encode(random)));
        let mut linked = Self { name, dir, files: 0 };
        for _ in 0..TRIES_MAX {
            linked.clear().map_err(failed)?;
            let before = identity(&manifest);
            let tried = create_private(&snapshots)
                .and_then(|()| create_private(&linked.dir))
                .and_then(|()| link_tree(&store, &linked.dir.join(name)));
            match tried {
                // The folder may be on a disk of its own, be read-only, or know no links.
                Err(error) if is_unsupported(&error) => return Ok(None),
                // It went since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
                Ok(files) if identity(&manifest) == before => {
                    linked.files = files;
                    return Ok(Some(linked));
                }
                Ok(_) => {}
            }
        }
        Err(BackupError::Changing { path: store })
    }

    /// Copies what was linked, all of it: whoever removes the links meanwhile must not make the copy incomplete in silence.
    pub(super) fn copy_to(
        &self,
        target: &Utf8Path,
        files: &mut Vec<ManifestFile>,
    ) -> Result<(), BackupError> {
        let before = files.len();
        copy_tree(&self.dir, target, Utf8Path::new(self.name), files)?;
        if files.len() - before == self.files {
            Ok(())
        } else {
            Err(BackupError::Changing { path: self.dir.clone() })
        }
    }

    fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        // What stays is removed by a later backup.
        drop(self.clear());
    }
}

/// What tells one manifest from the next: a number of the file system, a time and a size. A part goes only after the manifest
/// that names it, and comes before, so that under one manifest all that counts is there.
fn identity(manifest: &Utf8Path) -> Option<(u64, i64, i64, u64)> {
    let metadata = fs::metadata(manifest).ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
}

/// Links the files, the log of samples first: a series whose sample is in it is then in the registry. Gives how many there are.
fn link_tree(from: &Utf8Path, to: &Utf8Path) -> io::Result<usize> {
    create_private(to)?;
    let mut files = 0;
    for name in children(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        if fs::symlink_metadata(&source)?.is_dir() {
            files += link_tree(&source, &target)?;
        } else if source.extension() != Some("tmp") {
            fs::hard_link(&source, &target)?;
            files += 1;
        }
    }
    Ok(files)
}

fn is_unsupported(error: &io::Error) -> bool {
    use io::ErrorKind::{
        CrossesDevices, PermissionDenied, ReadOnlyFilesystem, TooManyLinks, Unsupported,
    };
    matches!(
        error.kind(),
        CrossesDevices | PermissionDenied | ReadOnlyFilesystem | TooManyLinks | Unsupported
    )
}

fn remove_stale(snapshots: &Utf8Path) {
    let is_stale = |path: &Path| {
        let modified = fs::metadata(path).and_then(|found| found.modified());
        let age = modified.map(|at| SystemTime::UNIX_EPOCH.max(at).elapsed());
        matches!(age, Ok(Ok(age)) if age > STALE_AFTER)
    };
    for entry in snapshots.read_dir_utf8().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.starts_with("backup-") && name.ends_with(".tmp");
        if ours && is_stale(entry.path().as_std_path()) {
            // Tried again by the next backup.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
