//! Disks through which the store behaves as if it had a bug: a sync forgotten, an answer before the write.

use std::{io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use wal::{Disk, DiskFile, DiskRead, SimDisk};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The log is not synced.
    LogSync,
    /// A part is not synced before the manifest names it.
    PartSync,
    /// The names of new parts are not synced.
    PartsDirSync,
    /// The registry is not synced.
    RegistrySync,
    /// The manifest is not synced before it is renamed.
    ManifestSync,
    /// The rename of the manifest is not synced before the log is dropped.
    ManifestDirSync,
    /// What is appended is kept back until the next append.
    AnswerBeforeWrite,
    /// The second half of a part's bytes is not written.
    PartCut,
}

impl Bug {
    pub(crate) const ALL: [Self; 8] = [
        Self::LogSync,
        Self::PartSync,
        Self::PartsDirSync,
        Self::RegistrySync,
        Self::ManifestSync,
        Self::ManifestDirSync,
        Self::AnswerBeforeWrite,
        Self::PartCut,
    ];
}

#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) disk: SimDisk,
    pub(crate) bug: Bug,
}

#[derive(Debug)]
struct BrokenFile {
    file: Box<dyn DiskFile>,
    bug: Bug,
    path: Utf8PathBuf,
    kept_back: Vec<u8>,
}

impl BrokenFile {
    fn is_in(&self, dir: &str) -> bool {
        self.path.parent() == Some(Utf8Path::new(dir))
    }
}

impl DiskFile for BrokenFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.bug {
            Bug::AnswerBeforeWrite if self.is_in("t/wal") && bytes.len() != 96 => {
                let now = std::mem::replace(&mut self.kept_back, bytes.to_vec());
                self.file.append(&now)
            }
            Bug::PartCut if self.is_in("t/parts") => self.file.append(&bytes[..bytes.len() / 2]),
            _ => self.file.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let is_skipped = match self.bug {
            Bug::LogSync => self.is_in("t/wal"),
            Bug::PartSync => self.is_in("t/parts"),
            Bug::RegistrySync => self.is_in("t/series") || self.is_in("t/series2"),
            Bug::ManifestSync => self.path == "t/MANIFEST.new",
            Bug::PartsDirSync | Bug::ManifestDirSync | Bug::AnswerBeforeWrite | Bug::PartCut => {
                false
            }
        };
        if is_skipped { Ok(()) } else { self.file.sync() }
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        let (file, path) = (self.file.again()?, self.path.clone());
        Ok(Box::new(Self { file, bug: self.bug, path, kept_back: Vec::new() }))
    }
}

impl Disk for Broken {
    fn create_dir_all(&self, dir: &Utf8Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn list(&self, dir: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        self.disk.list(dir)
    }

    fn size(&self, path: &Utf8Path) -> io::Result<u64> {
        self.disk.size(path)
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn read_at(&self, path: &Utf8Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.disk.read_at(path, offset, len)
    }

    fn open(&self, path: &Utf8Path) -> io::Result<Arc<dyn DiskRead>> {
        self.disk.open(path)
    }

    fn link(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn create(&self, path: &Utf8Path) -> io::Result<Box<dyn DiskFile>> {
        let (file, path) = (self.disk.create(path)?, path.to_owned());
        Ok(Box::new(BrokenFile { file, bug: self.bug, path, kept_back: Vec::new() }))
    }

    fn truncate(&self, path: &Utf8Path, len: u64) -> io::Result<()> {
        self.disk.truncate(path, len)
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Utf8Path) -> io::Result<()> {
        let is_skipped = self.bug == Bug::PartsDirSync && dir == "t/parts"
            || self.bug == Bug::ManifestDirSync && dir == "t";
        if is_skipped { Ok(()) } else { self.disk.sync_dir(dir) }
    }

    fn free_bytes(&self, dir: &Utf8Path) -> io::Result<u64> {
        self.disk.free_bytes(dir)
    }
}
