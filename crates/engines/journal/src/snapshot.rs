//! Snapshots of projections: what a projection was after record `seq`, so that start-up need not replay from the first.
//!
//! One file per projection, `NAME.snapshot`: a header of fixed length, the bytes, and a SHA-256 over both. A snapshot is bound to
//! the chain by the hash of the record that it stands at.
//!
//! **Invariant:** a snapshot is only a shortcut. What is damaged, of another version, or taken at a record that is not (or no longer)
//! verified is ignored, and the caller told why; deleting all of them costs time alone.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    chain::sha256,
    fact::{Hash, Head},
    files,
};

/// The largest snapshot, in bytes.
pub const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

const MAGIC: &[u8; 8] = b"EKSNAP01";
const HEADER_BYTES: usize = 8 + 4 + 8 + 32;
const HASH_BYTES: usize = 32;
const NAME_BYTES_MAX: usize = 64;

/// A folder of snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    dir: Utf8PathBuf,
}

/// Why a snapshot was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(
        "`{name}` cannot name a snapshot; use up to {max} lowercase letters, digits, `-` and `_`"
    )]
    Name { name: String, max: usize },
    #[error("snapshot `{name}` has {bytes} bytes; at most {max} are stored")]
    TooLarge { name: String, bytes: usize, max: u64 },
    #[error("cannot write the snapshot `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What was found under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotLookup {
    /// The projection after record `seq`.
    Found {
        seq: u64,
        bytes: Vec<u8>,
    },
    Absent,
    /// It is there but cannot be used; replay from the first record.
    Ignored(SnapshotIgnored),
}

/// Why a snapshot is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotIgnored {
    #[error("snapshot `{name}` cannot be read: {what}")]
    Unreadable { name: String, what: String },
    #[error("snapshot `{name}` is damaged")]
    Damaged { name: String },
    #[error("snapshot `{name}` has version {found}; this build uses {wanted}")]
    OtherVersion { name: String, found: u32, wanted: u32 },
    #[error(
        "snapshot `{name}` stands at record {seq}, which is not a verified record of this journal"
    )]
    NotVerified { name: String, seq: u64 },
}

impl SnapshotStore {
    /// The snapshots in `dir`, which must be there.
    pub fn new(dir: impl Into<Utf8PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Stores what the projection `name` was after the record `at`, in place of what was stored before.
    ///
    /// # Errors
    /// When the name is not one, the snapshot too large, or the disk refuses.
    pub fn put(
        &self,
        name: &str,
        version: u32,
        at: Head,
        bytes: &[u8],
    ) -> Result<(), SnapshotError> {
        let path = self.path(name)?;
        if bytes.len() as u64 > SNAPSHOT_BYTES_MAX {
            let (name, bytes, max) = (name.to_owned(), bytes.len(), SNAPSHOT_BYTES_MAX);
            return Err(SnapshotError::TooLarge { name, bytes, max });
        }
        let mut file = Vec::with_capacity(HEADER_BYTES + bytes.len() + HASH_BYTES);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&version.to_be_bytes());
        file.extend_from_slice(&at.seq.to_be_bytes());
        file.extend_from_slice(&at.hash);
        file.extend_from_slice(bytes);
        let checksum = sha256(&file);
        file.extend_from_slice(&checksum);
        files::replace(&path, &file).map_err(|source| SnapshotError::Write { path, source })
    }

    /// The snapshot `name` of `version`; `verified` gives the hash of a verified record, as
    /// [`SqliteJournal::verified_hash`](crate::SqliteJournal::verified_hash) does.
    pub fn get(
        &self,
        name: &str,
        version: u32,
        verified: impl FnOnce(u64) -> Option<Hash>,
    ) -> SnapshotLookup {
        let unreadable = |what: String| {
            SnapshotLookup::Ignored(SnapshotIgnored::Unreadable { name: name.to_owned(), what })
        };
        let path = match self.path(name) {
            Ok(path) => path,
            Err(error) => return unreadable(error.to_string()),
        };
        let limit = SNAPSHOT_BYTES_MAX + (HEADER_BYTES + HASH_BYTES) as u64;
        match files::read(&path, limit) {
            Ok(None) => SnapshotLookup::Absent,
            Err(error) => unreadable(error.to_string()),
            Ok(Some(file)) => check(name, version, file, verified).map_or_else(
                SnapshotLookup::Ignored,
                |(seq, bytes)| SnapshotLookup::Found { seq, bytes },
            ),
        }
    }

    /// Deletes all snapshots. Use it when they are in doubt; nothing but time is lost.
    ///
    /// # Errors
    /// When the folder cannot be read or a file not be deleted.
    pub fn discard_all(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "snapshot") {
                fs::remove_file(path)?;
            }
        }
        files::sync_parent(&self.dir.join("any"))
    }

    fn path(&self, name: &str) -> Result<Utf8PathBuf, SnapshotError> {
        let good =
            |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "-_".contains(char);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(good) {
            return Err(SnapshotError::Name { name: name.to_owned(), max: NAME_BYTES_MAX });
        }
        Ok(Utf8Path::new(&self.dir).join(format!("{name}.snapshot")))
    }
}

fn check(
    name: &str,
    wanted: u32,
    mut file: Vec<u8>,
    verified: impl FnOnce(u64) -> Option<Hash>,
) -> Result<(u64, Vec<u8>), SnapshotIgnored> {
    let name = name.to_owned();
    let Some((content, checksum)) = file.split_last_chunk::<HASH_BYTES>() else {
        return Err(SnapshotIgnored::Damaged { name });
    };
    if sha256(content) != *checksum {
        return Err(SnapshotIgnored::Damaged { name });
    }
    let Some((found, seq, hash)) = header(content) else {
        return Err(SnapshotIgnored::Damaged { name });
    };
    if found != wanted {
        return Err(SnapshotIgnored::OtherVersion { name, found, wanted });
    }
    if verified(seq) != Some(hash) {
        return Err(SnapshotIgnored::NotVerified { name, seq });
    }
    file.truncate(file.len() - HASH_BYTES);
    file.drain(..HEADER_BYTES);
    Ok((seq, file))
}

fn header(content: &[u8]) -> Option<(u32, u64, Hash)> {
    let rest = content.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk()?;
    let (seq, rest) = rest.split_first_chunk()?;
    let hash = rest.first_chunk()?;
    Some((u32::from_be_bytes(*version), u64::from_be_bytes(*seq), *hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Head = Head { seq: 9, hash: [5; 32] };

    fn store() -> (tempfile::TempDir, SnapshotStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(Utf8Path::from_path(dir.path()).unwrap());
        (dir, store)
    }

    fn hash_of(seq: u64) -> Option<Hash> {
        (seq == AT.seq).then_some(AT.hash)
    }

    #[test]
    fn gives_back_what_was_put_last() {
        let (_dir, store) = store();
        assert_eq!(store.get("incident", 1, hash_of), SnapshotLookup::Absent);
        store.put("incident", 1, AT, b"one").unwrap();
        store.put("incident", 1, AT, b"two").unwrap();
        let found = SnapshotLookup::Found { seq: 9, bytes: b"two".to_vec() };
        assert_eq!(store.get("incident", 1, hash_of), found);
        store.discard_all().unwrap();
        assert_eq!(store.get("incident", 1, hash_of), SnapshotLookup::Absent);
    }

    #[test]
    fn ignores_another_version_and_another_chain() {
        let (_dir, store) = store();
        store.put("slo", 2, AT, b"x").unwrap();
        let ignored = |version, verified: fn(u64) -> Option<Hash>| match store
            .get("slo", version, verified)
        {
            SnapshotLookup::Ignored(why) => why.to_string(),
            other => panic!("{other:?}"),
        };
        insta::assert_snapshot!(ignored(3, hash_of), @"snapshot `slo` has version 2; this build uses 3");
        insta::assert_snapshot!(ignored(2, |_| None), @"snapshot `slo` stands at record 9, which is not a verified record of this journal");
        assert!(ignored(2, |_| Some([6; 32])).contains("not a verified"));
    }

    #[test]
    fn every_damage_is_noticed() {
        let (_dir, store) = store();
        store.put("a", 1, AT, b"payload").unwrap();
        let path = store.path("a").unwrap();
        let whole = fs::read(&path).unwrap();
        let damaged = SnapshotLookup::Ignored(SnapshotIgnored::Damaged { name: "a".to_owned() });
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(store.get("a", 1, hash_of), damaged, "cut at {length}");
        }
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).unwrap();
            assert_eq!(store.get("a", 1, hash_of), damaged, "byte {at}");
        }
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let (_dir, store) = store();
        for name in ["", "..", "a/b", "A", "a.b", "a\0"] {
            assert!(store.put(name, 1, AT, b"").is_err(), "{name}");
            assert!(matches!(store.get(name, 1, hash_of), SnapshotLookup::Ignored(_)), "{name}");
        }
    }
}
