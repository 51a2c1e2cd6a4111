//! Verification of a journal from outside, also while a server writes it.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    checkpoint::{self, Checkpoint},
    port::StoreError,
    report::{Reason, Report},
    sqlite::{
        DATABASE_FILE, FORMAT_VERSION,
        open::{file_problems, report},
        reader::open_read_only,
        scan::{is_damage, scan},
        schema::{self, SchemaError},
    },
};

/// Why nothing can be said of a journal. What can be said is in the [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("there is no journal in `{path}`")]
    Missing { path: Utf8PathBuf },
    #[error("cannot read `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read the key of the journal in `{path}`")]
    Key {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("cannot read the journal `{path}`")]
    Store {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("the journal `{path}` has version {found}; this build reads {max} and older")]
    Newer { path: Utf8PathBuf, found: i64, max: u32 },
    #[error("`{path}` is a database, but not a journal")]
    NotAJournal { path: Utf8PathBuf },
}

/// Checks every record of the journal in `dir`, its chain, its checkpoint and its file, and changes nothing.
///
/// # Errors
/// When there is no journal, or it cannot be read at all for a reason that is not damage.
pub fn verify(dir: &Utf8Path) -> Result<Report, VerifyError> {
    let path = dir.join(DATABASE_FILE);
    if !fs::exists(&path).map_err(|source| VerifyError::File { path: path.clone(), source })? {
        return Err(VerifyError::Missing { path: dir.to_owned() });
    }
    let key = checkpoint::load_key(dir)
        .map_err(|source| VerifyError::Key { path: dir.to_owned(), source: source.into() })?;
    // The checkpoint before the records: a server may write both meanwhile, and the records must not be older.
    let checkpoint = Checkpoint::read(dir, key.as_ref());
    match verify_file(&path, &checkpoint) {
        Ok(report) => Ok(report),
        Err(SchemaError::Store(error)) if is_damage(&error) => {
            Ok(unreadable(&checkpoint, error.to_string()))
        }
        Err(SchemaError::Store(source)) => Err(VerifyError::Store { path, source: source.into() }),
        Err(SchemaError::Newer { found }) => {
            Err(VerifyError::Newer { path, found, max: FORMAT_VERSION })
        }
        Err(SchemaError::Foreign) => Err(VerifyError::NotAJournal { path }),
    }
}

fn verify_file(
    path: &Utf8Path,
    checkpoint: &Result<Checkpoint, Reason>,
) -> Result<Report, SchemaError> {
    let conn = open_read_only(path)?;
    // One moment for all that follows.
    let transaction = conn.unchecked_transaction()?;
    let walked = match schema::version(&transaction)? {
        0 => crate::walk::Walk::new(checkpoint.clone()).finish(),
        _ => scan(&transaction, checkpoint.clone())?,
    };
    let problems = file_problems(&transaction, true)?;
    Ok(report(walked, problems))
}

fn unreadable(checkpoint: &Result<Checkpoint, Reason>, what: String) -> Report {
    let mut walk = crate::walk::Walk::new(checkpoint.clone());
    walk.see_damage(what);
    report(walk.finish(), Vec::new())
}

#[cfg(test)]
mod tests;
