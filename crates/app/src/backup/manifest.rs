//! `manifest.json`: what a backup holds, and what proves it.

use std::io;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::MANIFEST_FILE;
use crate::data_dir::replace;

/// The version that this build writes and reads.
pub const MANIFEST_VERSION: u32 = 1;

const MANIFEST_BYTES_MAX: u64 = 512 << 20;

/// All that a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub version: u32,
    /// RFC 3339.
    pub created_at: String,
    pub created_by: String,
    /// The format version of the data directory.
    pub data_format: u32,
    pub journal: JournalProof,
    /// In the order of their paths.
    pub files: Vec<ManifestFile>,
}

/// What the journal in the backup must be found to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalProof {
    pub records: u64,
    pub head_seq: u64,
    /// In hex.
    pub head_hash: String,
    /// Whether it was whole when it was copied; a broken journal is copied as it is.
    pub whole: bool,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Below the backup's folder, with `/`.
    pub path: String,
    pub bytes: u64,
    /// In hex.
    pub sha256: String,
}

/// Why a manifest was not written or not believed.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("`{path}` is missing, so this is not a finished backup")]
    Missing { path: Utf8PathBuf },
    #[error("cannot read or write `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{path}` is not a manifest")]
    Form {
        path: Utf8PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("manifest `{path}` has version {found}; this build reads {max} and older")]
    Newer { path: Utf8PathBuf, found: u64, max: u32 },
    #[error("manifest `{path}` names `{file}`, which does not lie within a backup")]
    Outside { path: Utf8PathBuf, file: String },
}

impl JournalProof {
    pub(super) fn of(report: &journal::Report) -> Self {
        Self {
            records: report.records,
            head_seq: report.head.seq,
            head_hash: hex::encode(report.head.hash),
            whole: report.is_whole(),
        }
    }
}

impl Manifest {
    /// The manifest of the backup in `dir`.
    ///
    /// # Errors
    /// When there is none, or it is not one that this build reads.
    pub fn read(dir: &Utf8Path) -> Result<Self, ManifestError> {
        let path = dir.join(MANIFEST_FILE);
        let bytes = match std::fs::metadata(&path).map(|metadata| metadata.len()) {
            Ok(length) if length > MANIFEST_BYTES_MAX => Err(io::ErrorKind::FileTooLarge.into()),
            Ok(_) => std::fs::read(&path),
            Err(error) => Err(error),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ManifestError::Missing { path });
            }
            Err(source) => return Err(ManifestError::File { path, source }),
        };
        Self::parse(&path, &bytes)
    }

    pub(super) fn write(&self, dir: &Utf8Path) -> Result<(), ManifestError> {
        let path = dir.join(MANIFEST_FILE);
        let mut text = match serde_json::to_vec_pretty(self) {
            Ok(text) => text,
            Err(source) => return Err(ManifestError::Form { path, source }),
        };
        text.push(b'\n');
        replace(&path, &text).map_err(|source| ManifestError::File { path, source })
    }

    fn parse(path: &Utf8Path, bytes: &[u8]) -> Result<Self, ManifestError> {
        let form = |source| ManifestError::Form { path: path.to_owned(), source };
        let json: serde_json::Value = serde_json::from_slice(bytes).map_err(form)?;
        // A newer form may have other fields; the version says why they are not understood.
        if let Some(found) = json.get("version").and_then(serde_json::Value::as_u64)
            && found > u64::from(MANIFEST_VERSION)
        {
            return Err(ManifestError::Newer {
                path: path.to_owned(),
                found,
                max: MANIFEST_VERSION,
            });
        }
        let manifest: Self = serde_json::from_value(json).map_err(form)?;
        match manifest.files.iter().find(|file| !lies_within(&file.path)) {
            Some(file) => {
                Err(ManifestError::Outside { path: path.to_owned(), file: file.path.clone() })
            }
            None => Ok(manifest),
        }
    }
}

/// Whether a path leads only downwards.
fn lies_within(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0'])
        && Utf8Path::new(path).components().all(|part| matches!(part, Utf8Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_paths_that_leave_the_backup() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", ".", "a\\..\\b", "a\0"] {
            assert!(!lies_within(bad), "{bad}");
        }
        assert!(lies_within("journal/journal.db"));
    }

    #[test]
    fn refuses_what_is_newer_or_no_manifest() {
        let check = |text: &str| match Manifest::parse(Utf8Path::new("m"), text.as_bytes()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        insta::assert_snapshot!(check(r#"{"version":2,"more":true}"#), @"manifest `m` has version 2; this build reads 1 and older");
        insta::assert_snapshot!(check("[]"), @"`m` is not a manifest");
        insta::assert_snapshot!(check(r#"{"version":1}"#), @"`m` is not a manifest");
    }
}
