//! What can be said of a data directory from outside, whether a server runs on it or not. Nothing here writes.

mod metrics;
mod untouched;

use std::{
    fs::{self, File, TryLockError},
    io,
};

use camino::{Utf8Path, Utf8PathBuf};
use wal::Disk as _;

pub use journal::{Report as JournalReport, VerifyError};
pub use metrics::{examine_metrics, metrics_checks, parts_set_aside};
pub(crate) use untouched::Untouched;

use crate::data_dir::{FORMAT_VERSION, Format, names};

/// Under so much free space a directory is called nearly full; the stores refuse telemetry at 256 MiB.
pub const FREE_BYTES_LOW: u64 = 1 << 30;
/// How deep below the data directory damaged stretches of a log are looked for.
const DEPTH_MAX: usize = 3;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, such as `journal`.
    pub name: &'static str,
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Good,
    /// Worth knowing; nothing must be done.
    Note,
    /// A server would not start, or would start with less than it should have.
    Bad,
}

/// Whether a server has the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Nobody,
    /// A process, with its number where it left one.
    Process(Option<u32>),
}

/// Verifies the journal in a data directory; a server may write it meanwhile.
///
/// # Errors
/// When there is no journal, or it cannot be read for a reason that is not damage.
pub fn verify_journal(data_dir: &Utf8Path) -> Result<JournalReport, VerifyError> {
    journal::verify(&data_dir.join(names::JOURNAL))
}

/// Who holds the directory. To find out, the lock is shared for a moment.
///
/// # Errors
/// When the lock's file cannot be read.
pub fn holder(data_dir: &Utf8Path) -> io::Result<Holder> {
    let path = data_dir.join(names::LOCK);
    let lock = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
        opened => opened?,
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Holder::Nobody),
        Err(TryLockError::WouldBlock) => {
            let number = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            Ok(Holder::Process(number))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Looks at everything, in the order in which a server would meet it.
pub fn examine(data_dir: &Utf8Path) -> Vec<Check> {
    let mut checks = vec![format(data_dir)];
    if data_dir.is_dir() {
        checks.push(stop(data_dir));
        checks.push(journal(data_dir));
        checks.push(logs(data_dir));
    }
    checks.push(space(data_dir));
    checks
}

fn check(name: &'static str, outcome: Outcome, message: impl Into<String>) -> Check {
    Check { name, outcome, message: message.into() }
}

fn format(data_dir: &Utf8Path) -> Check {
    let check = |outcome, message: String| check("data directory", outcome, message);
    match Format::read(data_dir) {
        Ok(Some(format)) if format.version > FORMAT_VERSION => check(
            Outcome::Bad,
            format!(
                "`{data_dir}` has format {}, made by {}; this build reads {FORMAT_VERSION} and older",
                format.version, format.created_by
            ),
        ),
        Ok(Some(format)) if format.version < FORMAT_VERSION => check(
            Outcome::Note,
            format!(
                "`{data_dir}` has format {}; the next start upgrades it to {FORMAT_VERSION}",
                format.version
            ),
        ),
        Ok(Some(format)) => {
            check(Outcome::Good, format!("`{data_dir}`, format {}", format.version))
        }
        Ok(None) if data_dir.exists() && !is_empty(data_dir) => {
            check(Outcome::Bad, format!("`{data_dir}` is not empty, and no data directory"))
        }
        Ok(None) => check(Outcome::Note, format!("`{data_dir}` is new; the first start makes it")),
        Err(error) => check(Outcome::Bad, with_source(&error)),
    }
}

fn is_empty(data_dir: &Utf8Path) -> bool {
    fs::read_dir(data_dir).is_ok_and(|mut entries| entries.next().is_none())
}

fn stop(data_dir: &Utf8Path) -> Check {
    let check = |outcome, message: &str| check("server", outcome, message);
    if data_dir.join(names::RESTORING).exists() {
        return check(
            Outcome::Bad,
            "a restore was not finished; delete the directory and restore again",
        );
    }
    match holder(data_dir) {
        Ok(Holder::Process(Some(number))) => {
            check(Outcome::Good, &format!("process {number} runs on it"))
        }
        Ok(Holder::Process(None)) => check(Outcome::Good, "a process runs on it"),
        Ok(Holder::Nobody) if data_dir.join(names::RUNNING).exists() => {
            check(Outcome::Note, "the last one was killed; the next start recovers")
        }
        Ok(Holder::Nobody) => check(Outcome::Good, "none runs on it"),
        Err(error) => check(Outcome::Bad, &format!("cannot read the lock: {error}")),
    }
}

fn journal(data_dir: &Utf8Path) -> Check {
    let check = |outcome, message: String| check("journal", outcome, message);
    match verify_journal(data_dir) {
        Ok(report) if report.is_whole() => {
            check(Outcome::Good, format!("whole, {} facts", report.records))
        }
        Ok(report) => {
            let found = report.findings.first().map(ToString::to_string);
            let file = || report.file_problems.first().cloned();
            let first = found
                .or_else(file)
                .unwrap_or_else(|| "a break that nobody has accepted".to_owned());
            check(Outcome::Bad, format!("broken: {first}; see `evenkeel journal verify`"))
        }
        Err(VerifyError::Missing { .. }) => check(Outcome::Note, "none yet".to_owned()),
        Err(error) => check(Outcome::Bad, with_source(&error)),
    }
}

fn logs(data_dir: &Utf8Path) -> Check {
    let mut files = Vec::new();
    quarantined(data_dir, DEPTH_MAX, &mut files);
    match files.first() {
        None => check("telemetry", Outcome::Good, "no damaged stretch was ever put aside"),
        Some(first) => {
            let message =
                format!("{} damaged stretches were put aside, such as `{first}`", files.len());
            check("telemetry", Outcome::Note, message)
        }
    }
}

/// Files in folders named `quarantine`; what cannot be read holds none.
fn quarantined(folder: &Utf8Path, depth: usize, files: &mut Vec<Utf8PathBuf>) {
    let Ok(entries) = folder.read_dir_utf8() else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 {
            quarantined(path, depth - 1, files);
        } else if folder.file_name() == Some("quarantine") {
            files.push(path.to_owned());
        }
    }
}

fn space(data_dir: &Utf8Path) -> Check {
    let there = data_dir.ancestors().find(|path| !path.as_str().is_empty() && path.exists());
    let folder = there.unwrap_or(Utf8Path::new("."));
    match wal::RealDisk.free_bytes(folder) {
        Ok(bytes) => {
            let outcome = if bytes < FREE_BYTES_LOW { Outcome::Bad } else { Outcome::Good };
            check("disk", outcome, format!("{} MiB free", bytes >> 20))
        }
        Err(error) => check(
            "disk",
            Outcome::Bad,
            format!("cannot tell the free space of `{folder}`: {error}"),
        ),
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;
    use crate::data_dir::DataDir;

    fn outcomes(path: &Utf8Path) -> Vec<(&'static str, Outcome)> {
        let checks = examine(path);
        checks
            .iter()
            .filter(|check| check.name != "disk")
            .map(|check| (check.name, check.outcome))
            .collect()
    }

    #[test]
    fn tells_a_new_a_held_a_killed_and_a_foreign_directory_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("data");
        assert_eq!(outcomes(&path), [("data directory", Outcome::Note)]);
        assert!(!path.exists());

        let held = DataDir::open(&path, Timestamp::from_secs(1)).unwrap();
        assert_eq!(holder(&path).unwrap(), Holder::Process(Some(std::process::id())));
        drop(held);
        assert_eq!(holder(&path).unwrap(), Holder::Nobody);
        let killed = examine(&path);
        let server = killed.iter().find(|check| check.name == "server").unwrap();
        assert_eq!(server.outcome, Outcome::Note);

        fs::create_dir(path.join("events/quarantine")).unwrap();
        fs::write(path.join("events/quarantine/1-2.bad"), "x").unwrap();
        assert!(outcomes(&path).contains(&("telemetry", Outcome::Note)));

        fs::write(path.join(names::RESTORING), "").unwrap();
        assert!(outcomes(&path).contains(&("server", Outcome::Bad)));

        fs::write(dir.path().join("thesis.doc"), "").unwrap();
        let parent = Utf8Path::from_path(dir.path()).unwrap();
        assert_eq!(outcomes(parent).first(), Some(&("data directory", Outcome::Bad)));
    }
}
