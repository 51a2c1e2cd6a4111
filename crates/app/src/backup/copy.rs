//! Copies files and digests them on the way.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::{BackupError, FILES_MAX, ManifestFile};
use crate::data_dir::{create_private, private_file, sync_folder};

const DEPTH_MAX: usize = 16;
const CHUNK_BYTES: usize = 256 << 10;

/// A file's length and SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// How often a folder of which files vanish meanwhile is copied again.
const TRIES_MAX: usize = 10;

/// As [`copy_tree`], until nothing vanished on the way: files that are merged into others while they are copied would be in no
/// copy at all otherwise. The logs are let go on purpose and come first, so what vanishes of them is in files that come later.
pub(super) fn copy_whole(
    from: &Utf8Path,
    to: &Utf8Path,
    name: &Utf8Path,
    files: &mut Vec<ManifestFile>,
) -> Result<(), BackupError> {
    let parts = from.join(name).join("parts");
    for _ in 0..TRIES_MAX {
        let (before, copied) = (listed(&parts), files.len());
        copy_tree(from, to, name, files)?;
        let after = listed(&parts);
        if before.iter().all(|file| after.contains(file)) {
            return Ok(());
        }
        files.truncate(copied);
        let copy = to.join(name);
        fs::remove_dir_all(&copy).map_err(|source| BackupError::File { path: copy, source })?;
    }
    Err(BackupError::Changing { path: parts })
}

/// The names in a folder; none where there is no folder.
fn listed(folder: &Utf8Path) -> Vec<String> {
    children(folder).unwrap_or_default()
}

/// Copies the file or folder `name` of `from` into `to`; what vanishes meanwhile, and unfinished `.tmp` files, are left out.
pub(super) fn copy_tree(
    from: &Utf8Path,
    to: &Utf8Path,
    name: &Utf8Path,
    files: &mut Vec<ManifestFile>,
) -> Result<(), BackupError> {
    let source = from.join(name);
    let failed = |source: io::Error| BackupError::File { path: from.join(name), source };
    if files.len() >= FILES_MAX || name.components().count() > DEPTH_MAX {
        return Err(BackupError::TooMany { max: FILES_MAX, depth_max: DEPTH_MAX });
    }
    let Some(metadata) = unless_gone(fs::metadata(&source)).map_err(failed)? else { return Ok(()) };
    if metadata.is_dir() {
        let Some(children) = unless_gone(children(&source)).map_err(failed)? else { return Ok(()) };
        create_private(&to.join(name)).map_err(failed)?;
        for child in children {
            copy_tree(from, to, &name.join(child), files)?;
        }
        return sync_folder(&to.join(name)).map_err(failed);
    }
    if !metadata.is_file() {
        return Err(BackupError::Special { path: source });
    }
    if name.extension() == Some("tmp") {
        return Ok(());
    }
    if let Some(file) = unless_gone(File::open(&source)).map_err(failed)? {
        let digest = copy_file(file, &to.join(name)).map_err(failed)?;
        files.push(entry(name, digest));
    }
    Ok(())
}

/// Adds what lies in the folder `name` of `dir` to `files`.
pub(super) fn digest_folder(
    dir: &Utf8Path,
    name: &str,
    files: &mut Vec<ManifestFile>,
) -> Result<(), BackupError> {
    let folder = dir.join(name);
    let failed = |path: Utf8PathBuf| move |source| BackupError::File { path, source };
    for child in children(&folder).map_err(failed(folder.clone()))? {
        let path = folder.join(&child);
        let digest = digest_file(&path).map_err(failed(path))?;
        files.push(entry(&Utf8Path::new(name).join(child), digest));
    }
    Ok(())
}

/// Copies an open file to a new one that only its owner reads, down to the disk.
pub(super) fn copy_file(from: impl Read, to: &Utf8Path) -> io::Result<Digest> {
    let mut copy = private_file().create_new(true).open(to)?;
    let digest = pass(from, &mut copy)?;
    copy.sync_all()?;
    Ok(digest)
}

pub(super) fn digest_file(path: &Utf8Path) -> io::Result<Digest> {
    pass(File::open(path)?, &mut io::sink())
}

fn pass(mut from: impl Read, to: &mut impl Write) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        bytes += read as u64;
    }
    Ok(Digest { bytes, sha256: hex::encode(hasher.finalize()) })
}

/// Names in a folder, `wal` before the others, those in order.
pub(super) fn children(folder: &Utf8Path) -> io::Result<Vec<String>> {
    let mut names = folder
        .read_dir_utf8()?
        .map(|entry| entry.map(|entry| entry.file_name().to_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_by_key(|name| (name != "wal", name.clone()));
    Ok(names)
}

fn entry(path: &Utf8Path, digest: Digest) -> ManifestFile {
    ManifestFile { path: path.to_string(), bytes: digest.bytes, sha256: digest.sha256 }
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
