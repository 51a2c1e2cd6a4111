//! The version of a data directory, and the steps from an older one.
//!
//! | version | what came |
//! |---|---|
//! | 1 | a folder per store |
//!
//! The stores' files carry versions of their own; a step is for what lies between them.
//!
//! **Invariant:** a step can be repeated, and the version it reaches is written after it; so an upgrade that was killed goes on
//! where it stopped.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;

use super::{OpenError, create_private, names, replace};

/// The version that this build writes. It opens this one and older.
pub const FORMAT_VERSION: u32 = 1;

/// Leads to the version one above its place in the list.
type Step = fn(&Utf8Path) -> io::Result<()>;

const STEPS: [Step; FORMAT_VERSION as usize] = [make_folders];

const TITLE: &str = "evenkeel data directory";
const PROGRAM: &str = concat!("evenkeel ", env!("CARGO_PKG_VERSION"));

/// What the file `format` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pub version: u32,
    /// The program that made the directory, or last upgraded it.
    pub created_by: String,
    pub created_at: Timestamp,
}

/// Why the file `format` says nothing.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("cannot read `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{path}` is not of its form: title, `version`, `created_by`, `created_at`")]
    Form { path: Utf8PathBuf },
}

impl Format {
    /// The format of the directory at `dir`; `None` when it has none yet.
    ///
    /// # Errors
    /// When the file cannot be read or is not of its form.
    pub fn read(dir: &Utf8Path) -> Result<Option<Self>, FormatError> {
        let path = dir.join(names::FORMAT);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map(Some).ok_or(FormatError::Form { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FormatError::File { path, source }),
        }
    }

    fn write(&self, dir: &Utf8Path) -> io::Result<()> {
        let Self { version, created_by, created_at } = self;
        let text = format!(
            "{TITLE}\nversion {version}\ncreated_by {created_by}\ncreated_at {created_at}\n"
        );
        replace(&dir.join(names::FORMAT), text.as_bytes())
    }

    /// Newer versions may add lines; they still say who they are.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let mut value = |name| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        Some(Self {
            version: value("version")?.parse().ok()?,
            created_by: value("created_by")?.to_owned(),
            created_at: value("created_at")?.parse().ok()?,
        })
    }
}

/// Refuses a newer directory, and brings an older or a new one up to date.
pub(super) fn bring_up(dir: &Utf8Path, now: Timestamp) -> Result<Format, OpenError> {
    upgrade(dir, now, &STEPS)
}

fn upgrade(dir: &Utf8Path, now: Timestamp, steps: &[Step]) -> Result<Format, OpenError> {
    let new = || Format { version: 0, created_by: PROGRAM.to_owned(), created_at: now };
    let mut format = Format::read(dir).map_err(OpenError::Format)?.unwrap_or_else(new);
    let max = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if format.version > max {
        let Format { version: found, created_by, .. } = format;
        return Err(OpenError::Newer { path: dir.to_owned(), found, created_by, max });
    }
    let from = format.version;
    for (to, step) in (1..).zip(steps).skip_while(|(to, _)| *to <= from) {
        format = Format { version: to, created_by: PROGRAM.to_owned(), ..format };
        step(dir).and_then(|()| format.write(dir)).map_err(|source| OpenError::Upgrade {
            path: dir.to_owned(),
            to,
            source,
        })?;
    }
    Ok(format)
}

fn make_folders(dir: &Utf8Path) -> io::Result<()> {
    names::FOLDERS.iter().try_for_each(|folder| create_private(&dir.join(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    #[test]
    fn an_upgrade_that_was_killed_goes_on_where_it_stopped() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temporary.path()).unwrap();
        let second: Step = |dir| fs::write(dir.join("second"), "");
        let killed: Step = |dir| {
            fs::write(dir.join("half"), "")?;
            Err(io::Error::other("killed"))
        };
        let third: Step = |dir| fs::rename(dir.join("half"), dir.join("third"));

        assert_eq!(upgrade(dir, NOW, &STEPS).unwrap().version, 1);
        let error = upgrade(dir, NOW, &[make_folders, second, killed]).unwrap_err();
        assert!(matches!(error, OpenError::Upgrade { to: 3, .. }));
        assert_eq!(Format::read(dir).unwrap().unwrap().version, 2);

        let never: Step = |_| Err(io::Error::other("a step that was done is not done again"));
        assert_eq!(upgrade(dir, NOW, &[never, never, third]).unwrap().version, 3);
        assert!(dir.join("third").exists());
        assert!(matches!(bring_up(dir, NOW), Err(OpenError::Newer { found: 3, max: 1, .. })));
    }

    #[test]
    fn a_directory_of_version_0_is_upgraded_and_keeps_its_birth() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temporary.path()).unwrap();
        let old = Format { version: 0, created_by: "evenkeel 0.0.1".to_owned(), created_at: NOW };
        old.write(dir).unwrap();
        let later = Timestamp::from_secs(1_796_000_000);
        let format = bring_up(dir, later).unwrap();
        assert_eq!((format.version, format.created_at), (1, NOW));
        assert_eq!(Format::read(dir).unwrap(), Some(format));
    }

    #[test]
    fn what_is_no_format_is_an_error() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temporary.path()).unwrap();
        for text in [
            "",
            "1",
            "evenkeel data directory\nversion x\n",
            "evenkeel data directory\nversion 1\n",
        ] {
            fs::write(dir.join(names::FORMAT), text).unwrap();
            assert!(
                matches!(bring_up(dir, NOW), Err(OpenError::Format(FormatError::Form { .. }))),
                "{text}"
            );
        }
    }
}
