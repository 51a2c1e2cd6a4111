//! A disk that is read and never written: what is written to it stays in memory and is forgotten.
//!
//! Opening a store mends and tidies as a server's start does; over this disk it may, and the directory stays as it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use camino::{Utf8Path, Utf8PathBuf};
use parking_lot::{Mutex, RwLock};
use wal::{Disk, DiskFile, DiskRead, RealDisk};

/// Bytes that may be written in all; they are held in memory.
const BYTES_MAX: u64 = 512 << 20;

#[derive(Debug, Default)]
pub(crate) struct Untouched {
    /// What differs from the real disk, by the path.
    files: Mutex<BTreeMap<Utf8PathBuf, Node>>,
    written: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
enum Node {
    Gone,
    Memory(Arc<RwLock<Vec<u8>>>),
    /// The file that really lies at this path, as far as the end where it was cut.
    Real(Utf8PathBuf, Option<u64>),
}

impl Untouched {
    fn node(&self, path: &Utf8Path) -> Node {
        let known = self.files.lock().get(path).cloned();
        known.unwrap_or_else(|| Node::Real(path.to_owned(), None))
    }

    /// As [`Self::node`], of a file that must be there.
    fn there(&self, path: &Utf8Path) -> io::Result<Node> {
        let node = self.node(path);
        size_of(&node).map(|_| node)
    }
}

fn size_of(node: &Node) -> io::Result<u64> {
    match node {
        Node::Gone => Err(io::ErrorKind::NotFound.into()),
        Node::Memory(bytes) => Ok(bytes.read().len() as u64),
        Node::Real(path, end) => {
            let size = RealDisk.size(path)?;
            Ok(end.map_or(size, |end| end.min(size)))
        }
    }
}

impl Disk for Untouched {
    fn create_dir_all(&self, _dir: &Utf8Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let real = match RealDisk.list(dir) {
            // It was made here, as far as anybody was told.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed?,
        };
        let mut all: BTreeSet<Utf8PathBuf> = real.into_iter().collect();
        for (path, node) in self.files.lock().iter().filter(|(path, _)| path.parent() == Some(dir))
        {
            match node {
                Node::Gone => all.remove(path),
                Node::Memory(_) | Node::Real(..) => all.insert(path.clone()),
            };
        }
        Ok(all.into_iter().collect())
    }

    fn size(&self, path: &Utf8Path) -> io::Result<u64> {
        size_of(&self.node(path))
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        match self.node(path) {
            Node::Gone => Err(io::ErrorKind::NotFound.into()),
            Node::Memory(bytes) => Ok(bytes.read().clone()),
            Node::Real(path, end) => {
                let mut bytes = RealDisk.read(&path)?;
                if let Some(end) = end.and_then(|end| usize::try_from(end).ok()) {
                    bytes.truncate(end);
                }
                Ok(bytes)
            }
        }
    }

    fn read_at(&self, path: &Utf8Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.open(path)?.read_at(offset, len)
    }

    fn open(&self, path: &Utf8Path) -> io::Result<Arc<dyn DiskRead>> {
        match self.node(path) {
            Node::Gone => Err(io::ErrorKind::NotFound.into()),
            Node::Memory(bytes) => Ok(Arc::new(InMemory(bytes, Arc::clone(&self.written)))),
            Node::Real(path, None) => RealDisk.open(&path),
            Node::Real(path, Some(end)) => Ok(Arc::new(Cut { file: RealDisk.open(&path)?, end })),
        }
    }

    fn link(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        if self.there(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = self.there(from)?;
        self.files.lock().insert(to.to_owned(), node);
        Ok(())
    }

    fn create(&self, path: &Utf8Path) -> io::Result<Box<dyn DiskFile>> {
        if self.there(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let bytes = Arc::default();
        self.files.lock().insert(path.to_owned(), Node::Memory(Arc::clone(&bytes)));
        Ok(Box::new(InMemory(bytes, Arc::clone(&self.written))))
    }

    fn truncate(&self, path: &Utf8Path, len: u64) -> io::Result<()> {
        match self.there(path)? {
            Node::Gone => {}
            Node::Memory(bytes) => {
                bytes.write().truncate(usize::try_from(len).unwrap_or(usize::MAX));
            }
            Node::Real(real, end) => {
                let end = end.map_or(len, |end| end.min(len));
                self.files.lock().insert(path.to_owned(), Node::Real(real, Some(end)));
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        let node = self.there(from)?;
        let mut files = self.files.lock();
        files.insert(to.to_owned(), node);
        files.insert(from.to_owned(), Node::Gone);
        Ok(())
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        self.there(path)?;
        self.files.lock().insert(path.to_owned(), Node::Gone);
        Ok(())
    }

    fn sync_dir(&self, _dir: &Utf8Path) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self, _dir: &Utf8Path) -> io::Result<u64> {
        // A full disk keeps nobody from reading.
        Ok(u64::MAX / 2)
    }
}

/// A file that exists here alone, with the count of all that was written.
#[derive(Debug)]
struct InMemory(Arc<RwLock<Vec<u8>>>, Arc<AtomicU64>);

impl DiskFile for InMemory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let more = bytes.len() as u64;
        if self.1.fetch_add(more, Relaxed).saturating_add(more) > BYTES_MAX {
            let text = format!("mending it would write more than {} MiB", BYTES_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        self.0.write().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(Arc::clone(&self.0), Arc::clone(&self.1))))
    }
}

impl DiskRead for InMemory {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let bytes = self.0.read();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = bytes.get(start..start.saturating_add(len));
        found.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// A real file that is read as if it ended earlier.
#[derive(Debug)]
struct Cut {
    file: Arc<dyn DiskRead>,
    end: u64,
}

impl DiskRead for Cut {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        if offset.saturating_add(len as u64) > self.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_at(offset, len)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_never_reaches_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let at = |name: &str| dir.join(name);
        for name in ["a", "b", "c"] {
            fs::write(at(name), "0123456789").unwrap();
        }
        let disk = Untouched::default();
        disk.truncate(&at("a"), 4).unwrap();
        assert_eq!(disk.read(&at("a")).unwrap(), b"0123");
        assert_eq!(disk.size(&at("a")).unwrap(), 4);
        assert!(disk.read_at(&at("a"), 2, 3).is_err());
        disk.rename(&at("a"), &at("d")).unwrap();
        disk.remove(&at("b")).unwrap();
        let mut file = disk.create(&at("b")).unwrap();
        file.append(b"new").unwrap();
        file.again().unwrap().append(b"er").unwrap();
        assert_eq!(disk.read_at(&at("b"), 1, 4).unwrap(), b"ewer");
        disk.link(&at("b"), &at("e")).unwrap();
        assert!(disk.link(&at("b"), &at("c")).is_err() && disk.create(&at("c")).is_err());
        let names = |disk: &dyn Disk| -> Vec<String> {
            let all = disk.list(dir).unwrap();
            all.iter().map(|path| path.file_name().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&disk), ["b", "c", "d", "e"]);
        assert_eq!(disk.list(&at("none")).unwrap(), Vec::<Utf8PathBuf>::new());
        assert!(disk.read(&at("a")).is_err() && disk.open(&at("a")).is_err());
        // A file that is held open stays what it was.
        let held = disk.open(&at("c")).unwrap();
        disk.remove(&at("c")).unwrap();
        assert_eq!(held.read_at(0, 2).unwrap(), b"01");

        assert_eq!(names(&RealDisk), ["a", "b", "c"]);
        assert_eq!(fs::read(at("b")).unwrap(), b"0123456789");
    }
}
