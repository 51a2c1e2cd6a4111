//! A repo's files as one sequence of bytes, for storing it under its hash and for sending it.
//!
//! ```text
//! "evenkeel-repo 1\n"  files: u32  { path bytes: u32, path, content bytes: u32, content }*
//! ```
//!
//! Numbers are little-endian and paths ascend, so that one set of files has exactly one archive and one hash.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::load::RepoFiles;

const MAGIC: &[u8] = b"evenkeel-repo 1\n";

/// Why bytes are not an archive of a repo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive does not start with `evenkeel-repo 1`")]
    Magic,
    #[error("the archive ends early, in file {file}")]
    Truncated { file: usize },
    #[error("the archive has {bytes} bytes after its last file")]
    Trailing { bytes: usize },
    #[error("the archive names {files} files; at most {} are allowed", RepoFiles::FILES_MAX)]
    TooManyFiles { files: usize },
    #[error("the archive has more than {} bytes", RepoFiles::BYTES_MAX)]
    TooLarge,
    #[error(
        "`{path}` is not a path inside a repo; write names between `/`, none of them `.` or `..`"
    )]
    Path { path: String },
    #[error("`{path}` is out of order or stands twice")]
    Order { path: String },
}

impl RepoFiles {
    /// The canonical archive.
    pub fn to_bytes(&self) -> Vec<u8> {
        let content: usize =
            self.files.iter().map(|(path, bytes)| path.len() + bytes.len() + 8).sum();
        let mut archive = Vec::with_capacity(MAGIC.len() + 4 + content);
        archive.extend_from_slice(MAGIC);
        push_length(&mut archive, self.files.len());
        for (path, bytes) in &self.files {
            push_length(&mut archive, path.len());
            archive.extend_from_slice(path.as_bytes());
            push_length(&mut archive, bytes.len());
            archive.extend_from_slice(bytes);
        }
        archive
    }

    /// Reads a canonical archive; any other bytes are refused.
    pub fn from_bytes(archive: &[u8]) -> Result<Self, ArchiveError> {
        // Lengths, too, belong to the archive: 1 KiB a file is more than they take.
        if archive.len() > Self::BYTES_MAX + Self::FILES_MAX * 1024 {
            return Err(ArchiveError::TooLarge);
        }
        let mut rest = archive.strip_prefix(MAGIC).ok_or(ArchiveError::Magic)?;
        let count = length(&mut rest).ok_or(ArchiveError::Truncated { file: 0 })?;
        if count > Self::FILES_MAX {
            return Err(ArchiveError::TooManyFiles { files: count });
        }
        let mut files = BTreeMap::new();
        let mut content = 0;
        for file in 0..count {
            let (path, bytes) = entry(&mut rest).ok_or(ArchiveError::Truncated { file })?;
            let path = String::from_utf8_lossy(path).into_owned();
            if !is_path(&path) {
                return Err(ArchiveError::Path { path: super::text::shorten(&path) });
            }
            if files.last_key_value().is_some_and(|(last, _)| *last >= path) {
                return Err(ArchiveError::Order { path });
            }
            content += bytes.len();
            if content > Self::BYTES_MAX {
                return Err(ArchiveError::TooLarge);
            }
            files.insert(path, bytes.to_vec());
        }
        match rest.len() {
            0 => Ok(Self { files, ..Self::default() }),
            bytes => Err(ArchiveError::Trailing { bytes }),
        }
    }

    /// The SHA-256 of the archive: the repo's address.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

fn push_length(archive: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("files and paths are limited far below 4 GiB");
    archive.extend_from_slice(&length.to_le_bytes());
}

fn length(rest: &mut &[u8]) -> Option<usize> {
    let (number, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

fn entry<'b>(rest: &mut &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
    let mut part = || {
        let length = length(rest)?;
        let (part, tail) = rest.split_at_checked(length)?;
        *rest = tail;
        Some(part)
    };
    Some((part()?, part()?))
}

/// A relative path of visible names.
pub(super) fn is_path(path: &str) -> bool {
    path.len() <= RepoFiles::PATH_BYTES_MAX
        && !path.contains(['\\', '\u{fffd}'])
        && !path.chars().any(char::is_control)
        && path.split('/').all(|name| !name.is_empty() && !name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn files(pairs: &[(&str, &str)]) -> RepoFiles {
        let files = pairs.iter().map(|(path, text)| ((*path).into(), text.as_bytes().to_vec()));
        RepoFiles { files: files.collect(), ..RepoFiles::default() }
    }

    #[test]
    fn the_form_stays_as_it_is_stored() {
        let files = files(&[("slos/a.yaml", "a: 1\n"), ("routing.yaml", "")]);
        assert_eq!(
            String::from_utf8_lossy(&files.to_bytes()),
            "evenkeel-repo 1\n\x02\0\0\0\x0c\0\0\0routing.yaml\0\0\0\0\x0b\0\0\0slos/a.yaml\x05\0\0\0a: 1\n"
        );
        assert_eq!(RepoFiles::from_bytes(&files.to_bytes()), Ok(files));
    }

    #[test]
    fn refuses_what_is_not_canonical() {
        let check = |archive: &[u8]| RepoFiles::from_bytes(archive).unwrap_err();
        let good = files(&[("a", "1"), ("b", "2")]).to_bytes();
        assert_eq!(check(b""), ArchiveError::Magic);
        assert_eq!(check(&good[..good.len() - 1]), ArchiveError::Truncated { file: 1 });
        assert_eq!(check(&[good.as_slice(), b"x"].concat()), ArchiveError::Trailing { bytes: 1 });
        assert_eq!(
            check(&[MAGIC, b"\xff\xff\0\0"].concat()),
            ArchiveError::TooManyFiles { files: 65_535 }
        );
        for path in ["", "/etc", "a/../b", "a//b", ".git/x", "a\\b", "a\nb"] {
            let error = check(&files(&[(path, "")]).to_bytes());
            assert!(matches!(error, ArchiveError::Path { .. }), "{path}: {error}");
        }
        let mut twice = files(&[("x", "")]).to_bytes();
        twice[MAGIC.len()] = 2;
        twice.extend_from_slice(b"\x01\0\0\0x\0\0\0\0");
        assert_eq!(check(&twice), ArchiveError::Order { path: "x".into() });
    }

    proptest! {
        #[test]
        fn round_trips(files in proptest::collection::btree_map("[a-z]{1,3}/[a-z]{1,3}", any::<Vec<u8>>(), 0..8)) {
            let files = RepoFiles { files, ..RepoFiles::default() };
            prop_assert_eq!(RepoFiles::from_bytes(&files.to_bytes()), Ok(files));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(RepoFiles::from_bytes(&[MAGIC, &bytes].concat()));
        }
    }
}
