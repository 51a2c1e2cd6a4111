//! The port to the disk, the machine's disk behind it, and one that forgets, tears and fails on demand.

mod real;
mod sim;

use std::{fmt::Debug, io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

pub use real::RealDisk;
pub use sim::{Fault, SimDisk};

/// What the stores need of a disk. Errors are the operating system's.
///
/// What is written is seen by readers at once and survives the process; it survives power loss when the file was synced
/// and, for a new or renamed file, its directory was.
pub trait Disk: Send + Sync + Debug {
    /// Makes `dir` and its parents, durably; no error when it exists.
    fn create_dir_all(&self, dir: &Utf8Path) -> io::Result<()>;
    /// The files in `dir`, sorted; directories left out.
    fn list(&self, dir: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>>;
    /// The file's size in bytes.
    fn size(&self, path: &Utf8Path) -> io::Result<u64>;
    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>>;
    /// Exactly `len` bytes from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_at(&self, path: &Utf8Path, offset: u64, len: usize) -> io::Result<Vec<u8>>;
    /// The file, held open for reading: what is removed or renamed meanwhile stays readable through it.
    fn open(&self, path: &Utf8Path) -> io::Result<Arc<dyn DiskRead>>;
    /// A second name for the file's bytes, or a copy of them where the disk knows no second names; an error when `to`
    /// exists. Durable once the directory of `to` is synced.
    fn link(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;
    /// A new, empty file to append to; an error when it exists.
    fn create(&self, path: &Utf8Path) -> io::Result<Box<dyn DiskFile>>;
    /// Cuts the file and syncs it.
    fn truncate(&self, path: &Utf8Path, len: u64) -> io::Result<()>;
    /// Puts `from` in the place of `to`.
    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;
    fn remove(&self, path: &Utf8Path) -> io::Result<()>;
    /// Makes the names in `dir` durable.
    fn sync_dir(&self, dir: &Utf8Path) -> io::Result<()>;
    /// The room left for us on the disk that holds `dir`, in bytes.
    fn free_bytes(&self, dir: &Utf8Path) -> io::Result<u64>;
}

/// An open file that only grows.
pub trait DiskFile: Send + Sync + Debug {
    /// Writes all of `bytes`; after an error any part of them may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Forces what was written to the disk. After an error the fate of what was written is unknown, and trying again
    /// would lie: the kernel drops its dirty pages.
    fn sync(&mut self) -> io::Result<()>;
    /// The same open file once more, so that one thread can sync it while another appends.
    fn again(&self) -> io::Result<Box<dyn DiskFile>>;
}

/// A file that is open for reading, from any thread.
pub trait DiskRead: Send + Sync + Debug {
    /// Exactly `len` bytes from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>>;
}
