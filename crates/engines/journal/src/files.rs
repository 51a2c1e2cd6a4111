//! Small files beside the journal, replaced as a whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
};

use camino::Utf8Path;

/// Replaces `path` with `bytes`: after a crash it holds the old bytes or the new, never a mixture.
///
/// The file is readable by its owner alone.
pub(crate) fn replace(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    let mut file = private().create(true).truncate(true).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    sync_parent(path)
}

/// Makes a rename in the folder of `path` last.
pub(crate) fn sync_parent(path: &Utf8Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// The bytes of `path`, `None` when it is not there; refuses more than `bytes_max`.
pub(crate) fn read(path: &Utf8Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if length > bytes_max {
        let text = format!("{length} bytes; at most {bytes_max} are read");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    fs::read(path).map(Some)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_reads_within_a_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("a.b");
        assert_eq!(read(&path, 10).unwrap(), None);
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path, 3).unwrap().as_deref(), Some(&b"two"[..]));
        assert!(read(&path, 2).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing temporary stays");
    }
}
