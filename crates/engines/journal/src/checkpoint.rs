//! The signed checkpoint beside the journal: proof of how far it had come.
//!
//! `journal.checkpoint` is text, so that it can be copied elsewhere by hand:
//!
//! ```text
//! evenkeel journal checkpoint v1
//! seq 1000
//! hash 5f0c…
//! at 2026-11-23T03:00:00Z
//! key 9be1…
//! signature 03aa…
//! ```
//!
//! The signature (Ed25519, RFC 8032) covers the lines above it, byte by byte. The key is in `journal.key`, readable by the owner alone.
//! Whoever can read the key can forge a checkpoint; copy checkpoints to another machine to be safe from that too.
//!
//! **Invariant:** a checkpoint is written only after what it names is on the disk, so it is never ahead of an intact journal.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use model::Timestamp;

use crate::{
    fact::{Hash, Head},
    files,
    report::Reason,
};

pub(crate) const CHECKPOINT_FILE: &str = "journal.checkpoint";
pub(crate) const KEY_FILE: &str = "journal.key";

const TITLE: &str = "evenkeel journal checkpoint v1";
const FILE_BYTES_MAX: u64 = 4 << 10;

/// How far the journal had come, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub seq: u64,
    pub hash: Hash,
    pub at: Timestamp,
}

/// Why a checkpoint was not written. The journal itself is unharmed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("cannot write the checkpoint `{path}`")]
    Write {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("cannot read or create the key `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the key `{path}` is not 64 hex digits; move it away to have a new one made")]
    Form { path: Utf8PathBuf },
    #[error("the system gives no randomness for a key")]
    Randomness(#[source] getrandom::Error),
}

impl Checkpoint {
    pub(crate) fn at_head(head: Head, at: Timestamp) -> Self {
        Self { seq: head.seq, hash: head.hash, at }
    }

    pub(crate) fn write(&self, dir: &Utf8Path, key: &SigningKey) -> Result<(), CheckpointError> {
        let path = dir.join(CHECKPOINT_FILE);
        files::replace(&path, self.to_text(key).as_bytes())
            .map_err(|source| CheckpointError::Write { path, source })
    }

    /// The checkpoint in `dir`; `Err` says what keeps it from being believed.
    pub(crate) fn read(dir: &Utf8Path, key: Option<&SigningKey>) -> Result<Self, Reason> {
        let unreadable = |what: String| Reason::CheckpointUnreadable { what };
        let bytes = files::read(&dir.join(CHECKPOINT_FILE), FILE_BYTES_MAX)
            .map_err(|error| unreadable(error.to_string()))?
            .ok_or(Reason::CheckpointMissing)?;
        let text = str::from_utf8(&bytes).map_err(|_| unreadable("not text".to_owned()))?;
        let (checkpoint, signature) =
            Self::parse(text).ok_or_else(|| unreadable("not of its form".to_owned()))?;
        let key = key.ok_or_else(|| unreadable(format!("`{KEY_FILE}` is missing")))?;
        let signed = checkpoint.signed_lines(key);
        if text.starts_with(&signed) && key.verify(signed.as_bytes(), &signature).is_ok() {
            Ok(checkpoint)
        } else {
            Err(Reason::CheckpointForged)
        }
    }

    fn signed_lines(&self, key: &SigningKey) -> String {
        let public = hex::encode(key.verifying_key().to_bytes());
        let hash = hex::encode(self.hash);
        format!("{TITLE}\nseq {}\nhash {hash}\nat {}\nkey {public}\n", self.seq, self.at)
    }

    fn to_text(self, key: &SigningKey) -> String {
        let mut text = self.signed_lines(key);
        let signature = hex::encode(key.sign(text.as_bytes()).to_bytes());
        text.push_str(&format!("signature {signature}\n"));
        text
    }

    fn parse(text: &str) -> Option<(Self, Signature)> {
        let mut lines = text.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let mut value = |name| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let seq = value("seq")?.parse().ok()?;
        let mut hash = [0; 32];
        hex::decode_to_slice(value("hash")?, &mut hash).ok()?;
        let at = value("at")?.parse().ok()?;
        value("key")?;
        let mut signature = [0; 64];
        hex::decode_to_slice(value("signature")?, &mut signature).ok()?;
        lines.next().is_none().then(|| (Self { seq, hash, at }, Signature::from_bytes(&signature)))
    }
}

/// The key in `dir`, `None` when it has none.
pub(crate) fn load_key(dir: &Utf8Path) -> Result<Option<SigningKey>, KeyError> {
    let path = dir.join(KEY_FILE);
    let bytes = match files::read(&path, FILE_BYTES_MAX) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(source) => return Err(KeyError::File { path, source }),
    };
    let mut seed = [0; 32];
    match hex::decode_to_slice(bytes.trim_ascii(), &mut seed) {
        Ok(()) => Ok(Some(SigningKey::from_bytes(&seed))),
        Err(_) => Err(KeyError::Form { path }),
    }
}

/// The key in `dir`, made when it has none.
pub(crate) fn load_or_create_key(dir: &Utf8Path) -> Result<SigningKey, KeyError> {
    if let Some(key) = load_key(dir)? {
        return Ok(key);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(KeyError::Randomness)?;
    let path = dir.join(KEY_FILE);
    match files::replace(&path, format!("{}\n", hex::encode(seed)).as_bytes()) {
        Ok(()) => Ok(SigningKey::from_bytes(&seed)),
        Err(source) => Err(KeyError::File { path, source }),
    }
}

/// Whether the folder holds a checkpoint, good or bad.
pub(crate) fn exists(dir: &Utf8Path) -> bool {
    fs::exists(dir.join(CHECKPOINT_FILE)).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_is_noticed() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temporary.path()).unwrap();
        assert_eq!(Checkpoint::read(dir, None), Err(Reason::CheckpointMissing));
        let key = load_or_create_key(dir).unwrap();
        let checkpoint =
            Checkpoint { seq: 7, hash: [3; 32], at: Timestamp::from_secs(1_795_000_000) };
        checkpoint.write(dir, &key).unwrap();
        let again = load_or_create_key(dir).unwrap();
        assert_eq!(Checkpoint::read(dir, Some(&again)), Ok(checkpoint));
        assert!(matches!(Checkpoint::read(dir, None), Err(Reason::CheckpointUnreadable { .. })));

        let text = fs::read(dir.join(CHECKPOINT_FILE)).unwrap();
        for at in (0..text.len()).step_by(3) {
            let mut bad = text.clone();
            bad[at] ^= 0x01;
            fs::write(dir.join(CHECKPOINT_FILE), &bad).unwrap();
            let read = Checkpoint::read(dir, Some(&key));
            assert!(read.is_err() || (at + 1 == text.len() && read == Ok(checkpoint)), "byte {at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let temporary = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temporary.path()).unwrap();
        load_or_create_key(dir).unwrap();
        let mode = fs::metadata(dir.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
