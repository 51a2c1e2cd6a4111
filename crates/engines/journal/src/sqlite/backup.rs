//! A copy of a journal, also while it is written.

use std::{
    fs::{self, File},
    io,
};

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, backup::Backup};

use super::{DATABASE_FILE, reader::open_read_only};
use crate::{
    checkpoint::{CHECKPOINT_FILE, KEY_FILE},
    files,
    port::StoreError,
    report::Report,
    verify::{VerifyError, verify},
};

/// Why a journal was not copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("`{path}` is there already; a backup overwrites nothing")]
    Exists { path: Utf8PathBuf },
    #[error("cannot copy the journal's file `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot copy the journal `{path}`")]
    Store {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("cannot verify the copy")]
    Verify(#[source] VerifyError),
}

/// Copies the journal in `dir` to the folder `target`, with its key and checkpoint, and verifies the copy.
///
/// The copy is the journal as it was at one moment. A broken journal is copied as it is; the report says so.
///
/// # Errors
/// When something is in the way, or files cannot be read or written.
pub fn backup(dir: &Utf8Path, target: &Utf8Path) -> Result<Report, BackupError> {
    let file = |path: &Utf8Path| {
        let path = path.to_owned();
        move |source| BackupError::File { path, source }
    };
    fs::create_dir_all(target).map_err(file(target))?;
    for name in [DATABASE_FILE, CHECKPOINT_FILE, KEY_FILE] {
        let path = target.join(name);
        if fs::exists(&path).map_err(file(&path))? {
            return Err(BackupError::Exists { path });
        }
    }
    // The checkpoint before the database: it must not be ahead of it.
    for name in [KEY_FILE, CHECKPOINT_FILE] {
        let path = dir.join(name);
        let bytes = files::read(&path, 1 << 20).map_err(file(&path))?;
        if let Some(bytes) = bytes {
            let path = target.join(name);
            files::replace(&path, &bytes).map_err(file(&path))?;
        }
    }
    let (from, to) = (dir.join(DATABASE_FILE), target.join(DATABASE_FILE));
    copy_database(&from, &to)
        .map_err(|source| BackupError::Store { path: from, source: source.into() })?;
    File::open(&to).and_then(|copy| copy.sync_all()).map_err(file(&to))?;
    files::sync_parent(&to).map_err(file(&to))?;
    verify(target).map_err(BackupError::Verify)
}

fn copy_database(from: &Utf8Path, to: &Utf8Path) -> rusqlite::Result<()> {
    let source = open_read_only(from)?;
    let mut copy = Connection::open(to)?;
    // All pages in one step: one moment, and a reader does not hold up the writer.
    Backup::new(&source, &mut copy)?.step(-1)?;
    // Without a log of its own the copy is one file.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.close().map_err(|(_, error)| error)
}
