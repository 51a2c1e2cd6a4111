//! A data directory that a tool works on while no server does.

use std::fs::{self, File};

use camino::{Utf8Path, Utf8PathBuf};

use super::{FORMAT_VERSION, Format, OpenError, lock, names};

/// The lock on a data directory that is there already. Nothing in it is changed but the lock's file: a server that was killed
/// before is still found to have been.
#[derive(Debug)]
pub struct Held {
    path: Utf8PathBuf,
    _lock: File,
}

impl Held {
    /// # Errors
    /// When there is no such data directory, a server or another tool holds it, or it is of another format.
    pub fn take(path: &Utf8Path) -> Result<Self, OpenError> {
        let file = |name: &str| {
            let path = path.join(name);
            move |source| OpenError::File { path, source }
        };
        let format = Format::read(path).map_err(OpenError::Format)?;
        let format = format.ok_or_else(|| OpenError::Missing { path: path.to_owned() })?;
        if format.version < FORMAT_VERSION {
            let (found, to) = (format.version, FORMAT_VERSION);
            return Err(OpenError::Older { path: path.to_owned(), found, to });
        }
        if format.version > FORMAT_VERSION {
            return Err(OpenError::Newer {
                path: path.to_owned(),
                found: format.version,
                created_by: format.created_by,
                max: FORMAT_VERSION,
            });
        }
        let lock = lock::take(path)?;
        if fs::exists(path.join(names::RESTORING)).map_err(file(names::RESTORING))? {
            return Err(OpenError::HalfRestored { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub fn metrics(&self) -> Utf8PathBuf {
        self.path.join(names::METRICS)
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;
    use crate::data_dir::DataDir;

    #[test]
    fn takes_what_is_there_and_free_and_leaves_it_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("data");
        assert!(matches!(Held::take(&path), Err(OpenError::Missing { .. })));
        let server = DataDir::open(&path, Timestamp::from_secs(1)).unwrap();
        assert!(matches!(Held::take(&path), Err(OpenError::Locked { .. })));
        // As if it were killed.
        drop(server);
        let held = Held::take(&path).unwrap();
        assert!(held.metrics().is_dir());
        drop(held);
        assert!(DataDir::open(&path, Timestamp::from_secs(2)).unwrap().previous_shutdown_unclean());
    }
}
