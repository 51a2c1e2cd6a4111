//! The data directory: one per server, held by an exclusive lock, with a format version.
//!
//! | name | what |
//! |---|---|
//! | `format` | the version, and what made it |
//! | `lock` | locked as long as a server runs; holds its process id |
//! | `running` | there while a server runs: found at the start, the last one did not stop in order |
//! | `reserve` | space kept for the control plane, see [`Reserve`] |
//! | `restoring` | there while a backup is restored into the directory |
//! | `journal/` `metrics/` `events/` `slo/` `repo/` `snapshots/` | the stores |
//!
//! **Invariant:** nothing in the directory is changed before the lock is held and the version is known to be ours or older.

mod format;
mod held;
mod lock;
mod reserve;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
};

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

pub use format::{FORMAT_VERSION, Format, FormatError};
pub use held::Held;
pub use reserve::{RESERVE_BYTES, Reserve};

/// Names of the files and folders within.
pub(crate) mod names {
    pub(crate) const FORMAT: &str = "format";
    pub(crate) const LOCK: &str = "lock";
    pub(crate) const RUNNING: &str = "running";
    pub(crate) const RESERVE: &str = "reserve";
    pub(crate) const RESTORING: &str = "restoring";
    pub(crate) const JOURNAL: &str = "journal";
    pub(crate) const METRICS: &str = "metrics";
    pub(crate) const EVENTS: &str = "events";
    pub(crate) const SLO: &str = "slo";
    pub(crate) const REPO: &str = "repo";
    pub(crate) const SNAPSHOTS: &str = "snapshots";
    pub(crate) const FORWARD: &str = "forward";
    /// Copies of the metric store that somebody asked for.
    pub(crate) const METRICS_SNAPSHOTS: &str = "metrics-snapshots";
    pub(crate) const FOLDERS: [&str; 7] = [JOURNAL, METRICS, EVENTS, SLO, REPO, SNAPSHOTS, FORWARD];
}

/// A data directory that this process holds. The lock goes when this is dropped, or with the process.
#[derive(Debug)]
pub struct DataDir {
    path: Utf8PathBuf,
    format: Format,
    reserve: Reserve,
    previous_shutdown_unclean: bool,
    _lock: File,
}

/// Why a data directory was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no data directory at `{path}`")]
    Missing { path: Utf8PathBuf },
    #[error(
        "data directory `{path}` has format {found}; start a server on it once, which upgrades it to {to}"
    )]
    Older { path: Utf8PathBuf, found: u32, to: u32 },
    #[error("data directory `{path}` is in use by another process{}", with_pid(*pid))]
    Locked { path: Utf8PathBuf, pid: Option<u32> },
    #[error("`{path}` is not empty and not a data directory: it holds `{found}`")]
    Foreign { path: Utf8PathBuf, found: String },
    #[error(
        "a restore into data directory `{path}` was not finished; delete the directory and restore again"
    )]
    HalfRestored { path: Utf8PathBuf },
    #[error(
        "data directory `{path}` has format {found}, made by {created_by}; this build reads {max} and older"
    )]
    Newer { path: Utf8PathBuf, found: u32, created_by: String, max: u32 },
    #[error("cannot read the format of the data directory")]
    Format(#[source] FormatError),
    #[error(
        "cannot upgrade data directory `{path}` to format {to}; it is still of the format before"
    )]
    Upgrade {
        path: Utf8PathBuf,
        to: u32,
        #[source]
        source: io::Error,
    },
    #[error("cannot prepare `{path}` in the data directory")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
}

fn with_pid(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(", number {pid}"))
}

impl DataDir {
    /// Takes the directory at `path`: makes it (readable by its owner alone) when it is missing, upgrades it when it is older.
    ///
    /// # Errors
    /// When another process holds it, a newer version made it, it is something else, or the disk refuses.
    pub fn open(path: &Utf8Path, now: Timestamp) -> Result<Self, OpenError> {
        let file = |name: &str| {
            let path = path.join(name);
            move |source| OpenError::File { path, source }
        };
        create_private(path).map_err(file(""))?;
        refuse_foreign(path)?;
        let lock = lock::take(path)?;
        if fs::exists(path.join(names::RESTORING)).map_err(file(names::RESTORING))? {
            return Err(OpenError::HalfRestored { path: path.to_owned() });
        }
        let format = format::bring_up(path, now)?;
        for folder in names::FOLDERS {
            create_private(&path.join(folder)).map_err(file(folder))?;
        }
        let running = path.join(names::RUNNING);
        let previous_shutdown_unclean = fs::exists(&running).map_err(file(names::RUNNING))?;
        replace(&running, format!("since {now}\n").as_bytes()).map_err(file(names::RUNNING))?;
        let reserve = Reserve::new(path.join(names::RESERVE), RESERVE_BYTES);
        // Without space for it the server still starts; `is_held` says so.
        reserve.hold().map_err(file(names::RESERVE))?;
        Ok(Self { path: path.to_owned(), format, reserve, previous_shutdown_unclean, _lock: lock })
    }

    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Space that is given to the control plane when the disk is full.
    pub fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Whether the server before this one was killed, or its machine lost power.
    pub fn previous_shutdown_unclean(&self) -> bool {
        self.previous_shutdown_unclean
    }

    /// The last act of an orderly stop: the next start will not call it unclean.
    ///
    /// # Errors
    /// When the mark cannot be removed.
    pub fn close(self) -> io::Result<()> {
        fs::remove_file(self.path.join(names::RUNNING))?;
        sync_folder(&self.path)
    }

    pub fn journal(&self) -> Utf8PathBuf {
        self.path.join(names::JOURNAL)
    }

    pub fn metrics(&self) -> Utf8PathBuf {
        self.path.join(names::METRICS)
    }

    pub fn events(&self) -> Utf8PathBuf {
        self.path.join(names::EVENTS)
    }

    /// Counts of service level indicators.
    pub fn slo(&self) -> Utf8PathBuf {
        self.path.join(names::SLO)
    }

    /// Applied production repos, by content.
    pub fn repo(&self) -> Utf8PathBuf {
        self.path.join(names::REPO)
    }

    /// Queues of what is forwarded to other servers.
    pub fn forward(&self) -> Utf8PathBuf {
        self.path.join(names::FORWARD)
    }

    /// Snapshots of projections.
    pub fn snapshots(&self) -> Utf8PathBuf {
        self.path.join(names::SNAPSHOTS)
    }
}

/// Refuses a directory that holds something else before a file is put into it.
fn refuse_foreign(path: &Utf8Path) -> Result<(), OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    if fs::exists(path.join(names::FORMAT)).map_err(file)? {
        return Ok(());
    }
    // A first start that was killed leaves some of our names without a format.
    let ours = |name: &str| {
        let files = [names::LOCK, names::RUNNING, names::RESERVE, names::RESTORING, "format.tmp"];
        files.contains(&name) || names::FOLDERS.contains(&name)
    };
    for entry in path.read_dir_utf8().map_err(file)? {
        let name = entry.map_err(file)?.file_name().to_owned();
        if !ours(&name) {
            return Err(OpenError::Foreign { path: path.to_owned(), found: name });
        }
    }
    Ok(())
}

/// A folder that only its owner can enter; one that is there stays as it is.
pub(crate) fn create_private(path: &Utf8Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Options for a file that only its owner can read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Replaces a file as a whole or not at all.
pub(crate) fn replace(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    let mut file = private_file().truncate(true).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

pub(crate) fn sync_folder(path: &Utf8Path) -> io::Result<()> {
    let path = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("new/data");
        (dir, path)
    }

    #[test]
    fn makes_a_directory_for_its_owner_and_holds_it() {
        let (_dir, path) = folder();
        let held = DataDir::open(&path, NOW).unwrap();
        assert!(names::FOLDERS.iter().all(|folder| path.join(folder).is_dir()));
        assert_eq!(held.format().version, FORMAT_VERSION);
        assert!(held.reserve().is_held());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let error = DataDir::open(&path, NOW).unwrap_err();
        let pid = std::process::id();
        assert_eq!(
            error.to_string(),
            format!("data directory `{path}` is in use by another process, number {pid}")
        );
        drop(held);
        DataDir::open(&path, NOW).unwrap();
    }

    #[test]
    fn knows_an_orderly_stop_from_a_kill() {
        let (_dir, path) = folder();
        let open = || DataDir::open(&path, NOW).unwrap();
        let first = open();
        assert!(!first.previous_shutdown_unclean());
        first.close().unwrap();
        let second = open();
        assert!(!second.previous_shutdown_unclean());
        drop(second);
        let third = open();
        assert!(third.previous_shutdown_unclean());
        third.close().unwrap();
        assert!(!open().previous_shutdown_unclean());
    }

    #[test]
    fn leaves_a_foreign_or_half_restored_directory_alone() {
        let (_dir, path) = folder();
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("thesis.doc"), "").unwrap();
        let error = DataDir::open(&path, NOW).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{path}` is not empty and not a data directory: it holds `thesis.doc`")
        );
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);

        fs::remove_file(path.join("thesis.doc")).unwrap();
        fs::write(path.join(names::RESTORING), "").unwrap();
        assert!(matches!(DataDir::open(&path, NOW), Err(OpenError::HalfRestored { .. })));
    }

    #[test]
    fn a_newer_directory_is_refused_untouched() {
        let (_dir, path) = folder();
        DataDir::open(&path, NOW).unwrap().close().unwrap();
        let text = fs::read_to_string(path.join(names::FORMAT)).unwrap();
        let newer = text
            .replace(&format!("version {FORMAT_VERSION}"), "version 9")
            .replace("0.1.0", "9.0.0");
        fs::write(path.join(names::FORMAT), &newer).unwrap();
        let error = DataDir::open(&path, NOW).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "data directory `{path}` has format 9, made by evenkeel 9.0.0; this build reads {FORMAT_VERSION} and older"
            )
        );
        assert_eq!(fs::read_to_string(path.join(names::FORMAT)).unwrap(), newer);
        assert!(!path.join(names::RUNNING).exists());
    }
}
