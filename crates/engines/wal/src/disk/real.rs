//! The machine's disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Disk, DiskFile, DiskRead};

#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir_all(&self, dir: &Utf8Path) -> io::Result<()> {
        let missing: Vec<&Utf8Path> = dir
            .ancestors()
            .take_while(|path| !path.as_str().is_empty() && !path.exists())
            .collect();
        fs::create_dir_all(dir)?;
        missing.iter().filter_map(|path| path.parent()).try_for_each(|parent| {
            self.sync_dir(if parent.as_str().is_empty() { Utf8Path::new(".") } else { parent })
        })
    }

    fn list(&self, dir: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let mut files = Vec::new();
        for entry in dir.read_dir_utf8()? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(entry.into_path());
            }
        }
        files.sort();
        Ok(files)
    }

    fn size(&self, path: &Utf8Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_at(&self, path: &Utf8Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        read_exact(&File::open(path)?, offset, len)
    }

    fn open(&self, path: &Utf8Path) -> io::Result<Arc<dyn DiskRead>> {
        Ok(Arc::new(RealFile(File::open(path)?)))
    }

    fn link(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // Another file system, or one without hard links.
                let mut target = OpenOptions::new().write(true).create_new(true).open(to)?;
                io::copy(&mut File::open(from)?, &mut target)?;
                target.sync_all()
            }
            linked => linked,
        }
    }

    fn create(&self, path: &Utf8Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn truncate(&self, path: &Utf8Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Utf8Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Utf8Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Utf8Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir.as_std_path())?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn again(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(self.0.try_clone()?)))
    }
}

impl DiskRead for RealFile {
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        read_exact(&self.0, offset, len)
    }
}

/// Lengths up to this are taken at their word: asking for the file's size costs about as much as reading so few bytes.
const UNCHECKED_BYTES_MAX: usize = 16 << 10;

/// Exactly `len` bytes from `offset`. Where they are come from damaged bytes at times: memory is taken for no more than the
/// file has.
fn read_exact(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    // Further on than any file goes, where the system would call the offset a mistake of ours.
    let end = offset.checked_add(len as u64).filter(|end| i64::try_from(*end).is_ok());
    let end = end.ok_or(ErrorKind::UnexpectedEof)?;
    if len > UNCHECKED_BYTES_MAX && end > file.metadata()?.len() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_files() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap().join("a/b");
        let disk = RealDisk;
        disk.create_dir_all(&dir).unwrap();
        disk.create_dir_all(&dir.join("folder")).unwrap();
        let path = dir.join("f");
        let mut file = disk.create(&path).unwrap();
        file.append(b"hello").unwrap();
        file.sync().unwrap();
        disk.sync_dir(&dir).unwrap();
        assert_eq!(disk.list(&dir).unwrap(), std::slice::from_ref(&path));
        assert_eq!(disk.read_at(&path, 1, 3).unwrap(), b"ell");
        assert!(disk.read_at(&path, 3, 3).is_err());
        assert_eq!(disk.create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let open = disk.open(&path).unwrap();
        disk.link(&path, &dir.join("h")).unwrap();
        assert!(disk.link(&path, &dir.join("h")).is_err());
        disk.remove(&dir.join("h")).unwrap();
        assert_eq!(open.read_at(2, 2).unwrap(), b"ll");
        assert!(open.read_at(4, 2).is_err());
        disk.truncate(&path, 2).unwrap();
        assert_eq!(disk.size(&path).unwrap(), 2);
        disk.rename(&path, &dir.join("g")).unwrap();
        assert_eq!(disk.read(&dir.join("g")).unwrap(), b"he");
        disk.remove(&dir.join("g")).unwrap();
        assert!(disk.free_bytes(&dir).unwrap() > 0);
    }

    #[test]
    fn a_length_beyond_the_file_takes_no_memory() {
        let temp = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(temp.path()).unwrap().join("f");
        RealDisk.create(&path).unwrap().append(b"hello").unwrap();
        let open = RealDisk.open(&path).unwrap();
        // More than any machine has, and offsets that no file has.
        let lies = [(0, usize::MAX >> 1), (0, usize::MAX), (u64::MAX, 1), (u64::MAX >> 1, 1)];
        for (offset, len) in lies.into_iter().chain([(0, UNCHECKED_BYTES_MAX + 1), (4, 2)]) {
            for read in [RealDisk.read_at(&path, offset, len), open.read_at(offset, len)] {
                assert_eq!(read.unwrap_err().kind(), ErrorKind::UnexpectedEof, "{offset} {len}");
            }
        }
    }
}
