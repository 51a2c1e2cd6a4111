//! Backup of a data directory while a server runs, and restore with proof.
//!
//! A backup is a folder: the files as they lie in the data directory, and `manifest.json`, written last, with the length and
//! SHA-256 of each and the journal's head. So a folder without a manifest is no backup, and any changed bit is found.
//!
//! The order makes a copy of moving stores whole. First `slo/`: what its checkpoint says is included is then in the logs that are
//! copied after it. The metric store is copied as it was at one moment. In each other store the folder `wal` before the rest: what leaves the log meanwhile is in the blocks that are copied
//! later. Files that vanish meanwhile have expired or moved on, and are left out. Last the journal, as it was at one moment.
//!
//! A backup holds the key that signs the journal's checkpoints, and all telemetry: keep it as you keep the data directory.

mod copy;
mod link;
mod manifest;
mod restore;

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

pub use manifest::{JournalProof, MANIFEST_VERSION, Manifest, ManifestError, ManifestFile};
pub use restore::{RestoreError, Restored, restore};

use crate::data_dir::{Format, FormatError, create_private, names, sync_folder};

/// A backup's own file.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The most files in a backup.
pub const FILES_MAX: usize = 1_000_000;

/// Why a backup was not made. What was copied before stays, without a manifest.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("`{path}` is not a data directory; it has no `format` file")]
    NotADataDir { path: Utf8PathBuf },
    #[error("cannot read the format of the data directory")]
    Format(#[source] FormatError),
    #[error("the backup's folder `{path}` is not empty")]
    NotEmpty { path: Utf8PathBuf },
    #[error("the backup's folder `{path}` lies in the data directory")]
    Within { path: Utf8PathBuf },
    #[error("`{path}` is neither a file nor a folder")]
    Special { path: Utf8PathBuf },
    #[error("more than {max} files, or folders deeper than {depth_max}")]
    TooMany { max: usize, depth_max: usize },
    #[error("the files in `{path}` change faster than they can be copied")]
    Changing { path: Utf8PathBuf },
    #[error("cannot copy `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot copy the journal")]
    Journal(#[source] journal::BackupError),
    #[error("cannot write the manifest")]
    Manifest(#[source] ManifestError),
}

/// Copies `data_dir` to the folder `target`, which must be missing or empty. A server may hold and write `data_dir`.
///
/// # Errors
/// When either is not what it should be, or a file cannot be read or written. There is a backup only when this returns `Ok`.
pub fn backup(
    data_dir: &Utf8Path,
    target: &Utf8Path,
    now: Timestamp,
) -> Result<Manifest, BackupError> {
    let format = Format::read(data_dir)
        .map_err(BackupError::Format)?
        .ok_or_else(|| BackupError::NotADataDir { path: data_dir.to_owned() })?;
    prepare_target(data_dir, target)?;
    let mut files = Vec::new();
    for name in order(data_dir)? {
        if let Some(linked) = link::Linked::store(data_dir, &name)? {
            linked.copy_to(target, &mut files)?;
            continue;
        }
        copy::copy_whole(data_dir, target, Utf8Path::new(&name), &mut files)?;
    }
    let from = data_dir.join(names::JOURNAL);
    let report =
        journal::backup(&from, &target.join(names::JOURNAL)).map_err(BackupError::Journal)?;
    copy::digest_folder(target, names::JOURNAL, &mut files)?;
    files.sort_by(|a: &ManifestFile, b| a.path.cmp(&b.path));
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        created_at: now.to_string(),
        created_by: format!("evenkeel {}", env!("CARGO_PKG_VERSION")),
        data_format: format.version,
        journal: JournalProof::of(&report),
        files,
    };
    manifest.write(target).map_err(BackupError::Manifest)?;
    Ok(manifest)
}

fn prepare_target(data_dir: &Utf8Path, target: &Utf8Path) -> Result<(), BackupError> {
    let file = |source| BackupError::File { path: target.to_owned(), source };
    create_private(target).map_err(file)?;
    let inner = target.canonicalize_utf8().map_err(file)?;
    if inner.starts_with(data_dir.canonicalize_utf8().map_err(file)?) {
        // Only the empty folder that was just made is taken away again.
        drop(fs::remove_dir(target));
        return Err(BackupError::Within { path: target.to_owned() });
    }
    if target.read_dir_utf8().map_err(file)?.next().is_some() {
        return Err(BackupError::NotEmpty { path: target.to_owned() });
    }
    sync_folder(target).map_err(file)
}

/// What lies in the data directory, in the order in which it is copied; without what belongs to the running server.
fn order(data_dir: &Utf8Path) -> Result<Vec<String>, BackupError> {
    let file = |source| BackupError::File { path: data_dir.to_owned(), source };
    let left_out =
        [names::LOCK, names::RUNNING, names::RESERVE, names::JOURNAL, names::METRICS_SNAPSHOTS];
    let mut found = Vec::new();
    for entry in data_dir.read_dir_utf8().map_err(file)? {
        let name = entry.map_err(file)?.file_name().to_owned();
        if !left_out.contains(&name.as_str()) {
            found.push(name);
        }
    }
    // The counts of service level indicators go first.
    found.sort_by_key(|name| (name != names::SLO, name.clone()));
    Ok(found)
}

#[cfg(test)]
mod tests;
