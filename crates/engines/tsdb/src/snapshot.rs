//! Snapshots: a directory that can be opened as a store.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

use crate::{SnapshotError, Tsdb, part};

impl Tsdb {
    /// Makes `dir`, which must not hold a store, a store with all that was appended before. Parts get second names there,
    /// where the disk has such, and take no more room; the registry and the exemplars are copied.
    ///
    /// # Errors
    /// When a file cannot be written; what was written until then stays.
    pub fn snapshot(&self, dir: &Utf8Path, now: Timestamp) -> Result<(), SnapshotError> {
        // Nothing may be merged or dropped meanwhile, nor may series be forgotten.
        let _no_merge = self.merging.lock();
        self.flush(now).map_err(SnapshotError::Flush)?;
        let _no_flush = self.flushing.lock();
        let disk = &*self.shared.disk;
        let failed = |path: &Utf8Path| {
            let path = path.to_owned();
            move |source: io::Error| SnapshotError::Write { path, source }
        };
        let parts = part::directory(dir);
        disk.create_dir_all(&parts).map_err(failed(&parts))?;
        let mut manifest = self.manifest.lock().clone();
        for meta in &manifest.parts {
            let to = part::path(dir, meta.number);
            disk.link(&part::path(&self.options.dir, meta.number), &to).map_err(failed(&to))?;
        }
        disk.sync_dir(&parts).map_err(failed(&parts))?;
        {
            let mut log = self.log.lock();
            log.sync().map_err(SnapshotError::Registry)?;
            for name in ["series", "series2", "exemplars"] {
                copy_dir(disk, &self.options.dir.join(name), &dir.join(name))
                    .map_err(|(path, source)| SnapshotError::Write { path, source })?;
            }
        }
        // The snapshot has no log: what it holds is in parts.
        manifest.flushed = wal::Position::START;
        manifest.write(disk, dir).map_err(|(path, source)| SnapshotError::Write { path, source })
    }
}

fn copy_dir(
    disk: &dyn wal::Disk,
    from: &Utf8Path,
    to: &Utf8Path,
) -> Result<(), (Utf8PathBuf, io::Error)> {
    disk.create_dir_all(to).map_err(|error| (to.to_owned(), error))?;
    for file in disk.list(from).map_err(|error| (from.to_owned(), error))? {
        let Some(name) = file.file_name() else { continue };
        let target = to.join(name);
        let copy = || {
            let bytes = disk.read(&file)?;
            let mut new = disk.create(&target)?;
            new.append(&bytes)?;
            new.sync()
        };
        copy().map_err(|error| (target.clone(), error))?;
    }
    disk.sync_dir(to).map_err(|error| (to.to_owned(), error))
}
