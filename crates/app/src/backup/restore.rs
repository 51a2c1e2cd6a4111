//! Restores a backup into a new data directory, and proves that it is the same.

use std::{
    fs::{self, File},
    io,
};

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

use super::{
    JournalProof, Manifest, ManifestError, ManifestFile,
    copy::{Digest, copy_file, digest_file},
};
use crate::data_dir::{FORMAT_VERSION, create_private, names, replace, sync_folder};

/// What was restored, and what the journal was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub manifest: Manifest,
    pub journal: journal::Report,
}

/// Why a backup was not restored. The new directory is marked as unfinished, and no server takes it.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("cannot take the backup")]
    Manifest(#[source] ManifestError),
    #[error(
        "the backup is of a data directory of format {found}; this build reads {max} and older"
    )]
    Newer { found: u32, max: u32 },
    #[error("`{path}` is not empty; restore into a new directory")]
    NotEmpty { path: Utf8PathBuf },
    #[error("`{path}` is missing from the backup")]
    Missing { path: Utf8PathBuf },
    #[error(
        "`{path}` is not as it was backed up: {found_bytes} bytes with SHA-256 {found}, not {bytes} bytes with {wanted}"
    )]
    Changed { path: Utf8PathBuf, bytes: u64, wanted: String, found_bytes: u64, found: String },
    #[error("cannot restore `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot verify the restored journal")]
    Verify(#[source] journal::VerifyError),
    #[error(
        "the restored journal ends at record {found_seq}, hash {found_hash}; the backup's ended at {seq}, hash {hash}"
    )]
    OtherHead { seq: u64, hash: String, found_seq: u64, found_hash: String },
    #[error("the restored journal is not as whole, or not as long, as it was backed up")]
    OtherJournal,
}

/// Restores `backup` into `data_dir`, which must be missing or empty.
///
/// Every file is checked against the manifest before anything is written, and again as it lies on the disk afterwards; then the journal
/// is verified, and its head compared.
///
/// # Errors
/// When the backup is not whole, the directory not new, or anything is not equal.
pub fn restore(
    backup: &Utf8Path,
    data_dir: &Utf8Path,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let manifest = Manifest::read(backup).map_err(RestoreError::Manifest)?;
    if manifest.data_format > FORMAT_VERSION {
        return Err(RestoreError::Newer { found: manifest.data_format, max: FORMAT_VERSION });
    }
    for file in &manifest.files {
        check(backup, file)?;
    }
    let mark = data_dir.join(names::RESTORING);
    start(data_dir, &mark, now)?;
    for file in &manifest.files {
        copy(backup, data_dir, file)?;
    }
    sync_folders(data_dir)?;
    for file in &manifest.files {
        check(data_dir, file)?;
    }
    let journal = prove(data_dir, &manifest.journal)?;
    fs::remove_file(&mark)
        .and_then(|()| sync_folder(data_dir))
        .map_err(|source| RestoreError::File { path: mark, source })?;
    Ok(Restored { manifest, journal })
}

fn check(dir: &Utf8Path, file: &ManifestFile) -> Result<(), RestoreError> {
    let path = dir.join(&file.path);
    match digest_file(&path) {
        Ok(digest) => compare(path, file, digest),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(RestoreError::Missing { path })
        }
        Err(source) => Err(RestoreError::File { path, source }),
    }
}

fn compare(path: Utf8PathBuf, file: &ManifestFile, found: Digest) -> Result<(), RestoreError> {
    if (found.bytes, &found.sha256) == (file.bytes, &file.sha256) {
        return Ok(());
    }
    Err(RestoreError::Changed {
        path,
        bytes: file.bytes,
        wanted: file.sha256.clone(),
        found_bytes: found.bytes,
        found: found.sha256,
    })
}

/// Makes the directory and marks it as unfinished.
fn start(data_dir: &Utf8Path, mark: &Utf8Path, now: Timestamp) -> Result<(), RestoreError> {
    let failed = |source| RestoreError::File { path: data_dir.to_owned(), source };
    create_private(data_dir).map_err(failed)?;
    if data_dir.read_dir_utf8().map_err(failed)?.next().is_some() {
        return Err(RestoreError::NotEmpty { path: data_dir.to_owned() });
    }
    replace(mark, format!("since {now}\n").as_bytes()).map_err(failed)
}

fn copy(backup: &Utf8Path, data_dir: &Utf8Path, file: &ManifestFile) -> Result<(), RestoreError> {
    let (from, to) = (backup.join(&file.path), data_dir.join(&file.path));
    let failed = |source| RestoreError::File { path: to.clone(), source };
    let mut folder = data_dir.to_owned();
    for part in Utf8Path::new(&file.path).parent().into_iter().flat_map(Utf8Path::iter) {
        folder.push(part);
        create_private(&folder).map_err(failed)?;
    }
    let digest = File::open(&from).and_then(|from| copy_file(from, &to)).map_err(failed)?;
    compare(from, file, digest)
}

fn sync_folders(data_dir: &Utf8Path) -> Result<(), RestoreError> {
    let failed = |source| RestoreError::File { path: data_dir.to_owned(), source };
    for folder in names::FOLDERS {
        create_private(&data_dir.join(folder)).map_err(failed)?;
        sync_folder(&data_dir.join(folder)).map_err(failed)?;
    }
    sync_folder(data_dir).map_err(failed)
}

fn prove(data_dir: &Utf8Path, wanted: &JournalProof) -> Result<journal::Report, RestoreError> {
    let report = journal::verify(&data_dir.join(names::JOURNAL)).map_err(RestoreError::Verify)?;
    let found = JournalProof::of(&report);
    if (found.head_seq, &found.head_hash) != (wanted.head_seq, &wanted.head_hash) {
        return Err(RestoreError::OtherHead {
            seq: wanted.head_seq,
            hash: wanted.head_hash.clone(),
            found_seq: found.head_seq,
            found_hash: found.head_hash,
        });
    }
    if found == *wanted { Ok(report) } else { Err(RestoreError::OtherJournal) }
}
