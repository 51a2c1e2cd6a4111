//! Space on the disk that is kept for the control plane.
//!
//! Telemetry fills disks. When an append to the journal finds no space, the reserve is released and the append tried again: so pages,
//! acknowledgements and the audit log go on while ingest answers that it is full. It is held again when there is space.

use std::{
    fs,
    io::{self, Write as _},
};

use camino::Utf8PathBuf;

use super::private_file;

/// How much is kept, in bytes: some 16,000 facts and the journal's log.
pub const RESERVE_BYTES: u64 = 16 << 20;

const CHUNK_BYTES: usize = 1 << 20;

/// A file of no meaning that can be given up.
#[derive(Clone, Debug)]
pub struct Reserve {
    path: Utf8PathBuf,
    bytes: u64,
}

impl Reserve {
    /// A reserve at `path`, not held yet unless a process before held it.
    pub fn new(path: Utf8PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }

    /// Takes the space; `false` when the disk has none.
    ///
    /// # Errors
    /// When the disk refuses for another reason.
    pub fn hold(&self) -> io::Result<bool> {
        if self.is_held() {
            return Ok(true);
        }
        match self.fill() {
            Ok(()) => Ok(true),
            Err(error) => {
                self.release()?;
                let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
                if full.contains(&error.kind()) { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Gives the space up; `true` when there was some to give.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn release(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the space again once the disk has twice as much to give.
    ///
    /// # Errors
    /// As [`hold`](Self::hold).
    pub fn hold_again(&self) -> io::Result<bool> {
        if self.is_held() {
            return Ok(true);
        }
        let folder = self.path.parent().unwrap_or(&self.path);
        let disk = rustix::fs::statvfs(folder.as_std_path())?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.bytes * 2 {
            return Ok(false);
        }
        self.hold()
    }

    pub fn is_held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() == self.bytes)
    }

    /// Writes every byte: a file that is only made long would take no space.
    fn fill(&self) -> io::Result<()> {
        let mut file = private_file().truncate(true).open(&self.path)?;
        let chunk = vec![0xa5; CHUNK_BYTES];
        let mut left = self.bytes;
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            file.write_all(&chunk[..take])?;
            left -= take as u64;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;

    #[test]
    fn holds_releases_and_holds_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("reserve");
        let reserve = Reserve::new(path.clone(), 3_000_000);
        assert!(!reserve.is_held());
        assert!(reserve.hold().unwrap() && reserve.hold().unwrap() && reserve.is_held());
        assert_eq!(fs::metadata(&path).unwrap().len(), 3_000_000);
        assert!(reserve.release().unwrap());
        assert!(!reserve.release().unwrap() && !reserve.is_held());
        // What a kill left half written does not count.
        fs::write(&path, "half").unwrap();
        assert!(!reserve.is_held());
        assert!(reserve.hold_again().unwrap() && reserve.is_held());
    }

    #[test]
    fn a_disk_that_refuses_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("missing/reserve");
        assert!(Reserve::new(path, 10).hold().is_err());
    }
}
