//! The files of a repo, as bytes: read from a directory, within limits, and never from outside of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Problem, yaml};

/// The files of a repo by their path inside it, with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoFiles {
    pub files: BTreeMap<String, Vec<u8>>,
    /// Names in the top folder that are no part of a repo, and were not read.
    pub ignored: BTreeSet<String>,
}

/// Why a directory cannot be read as a repo.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not a directory; name the folder of a production repo", path.display())]
    NotADirectory { path: PathBuf },
    #[error("`{}` leads out of the repo; copy what it points to into the repo", path.display())]
    Escape { path: PathBuf },
    #[error("`{}` has a name that is not UTF-8", path.display())]
    Name { path: PathBuf },
    #[error("the repo has more than {} files", RepoFiles::FILES_MAX)]
    TooManyFiles,
    #[error("the files of the repo have more than {} bytes", RepoFiles::BYTES_MAX)]
    TooLarge,
    #[error("`{}` is more than {} folders deep", path.display(), RepoFiles::DEPTH_MAX)]
    TooDeep { path: PathBuf },
}

/// What stands in the top folder of a repo: folders that are read.
pub(super) const FOLDERS: [&str; 4] = ["services", "slos", "policies", "runbooks"];
/// Folders that have a meaning, and are not read yet.
pub(super) const LATER: [&str; 5] = ["rules", "oncall", "flags", "gates", "checks"];
/// Files in the top folder.
pub(super) const ROUTING: [&str; 2] = ["routing.yaml", "routing.yml"];
pub(super) const CATALOG: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];

impl RepoFiles {
    pub const FILES_MAX: usize = 10_000;
    pub const BYTES_MAX: usize = 64 << 20;
    /// Folders inside folders.
    pub const DEPTH_MAX: usize = 16;
    /// Bytes of a path inside the repo.
    pub const PATH_BYTES_MAX: usize = 512;

    /// Reads the files of the repo in `directory`; names that start with a dot are left out.
    pub fn read_directory(directory: &Path) -> Result<Self, LoadError> {
        let root = fs::canonicalize(directory).map_err(at(directory))?;
        if !root.is_dir() {
            return Err(LoadError::NotADirectory { path: directory.into() });
        }
        let mut walk = Walk { root: root.clone(), found: Self::default(), bytes: 0 };
        for (name, path) in walk.entries(&root)? {
            let known = if path.is_dir() {
                FOLDERS.contains(&name.as_str())
            } else {
                ROUTING.contains(&name.as_str()) || CATALOG.contains(&name.as_str())
            };
            if known {
                walk.visit(&path, name, 0)?;
            } else {
                walk.found.ignored.insert(if path.is_dir() { format!("{name}/") } else { name });
            }
        }
        Ok(walk.found)
    }

    /// The line of a problem with a caret below its column, for a terminal.
    pub fn excerpt(&self, problem: &Problem) -> Option<String> {
        /// A longer line says less.
        const CHARS_MAX: usize = 160;
        let text = str::from_utf8(self.files.get(problem.file.as_ref())?).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line = text.lines().nth(usize::try_from(problem.line).ok()?.checked_sub(1)?)?;
        let column = usize::try_from(problem.column).ok()?.saturating_sub(1);
        if line.chars().count() > CHARS_MAX {
            return None;
        }
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let number = problem.line.to_string();
        let (gap, before) = (" ".repeat(number.len()), " ".repeat(column));
        Some(format!("{number} | {line}\n{gap} | {before}^"))
    }
}

struct Walk {
    root: PathBuf,
    found: RepoFiles,
    bytes: usize,
}

impl Walk {
    fn visit(&mut self, path: &Path, inside: String, depth: usize) -> Result<(), LoadError> {
        if !path.is_dir() {
            return self.file(path, inside);
        }
        if depth >= RepoFiles::DEPTH_MAX {
            return Err(LoadError::TooDeep { path: path.into() });
        }
        for (name, path) in self.entries(path)? {
            self.visit(&path, format!("{inside}/{name}"), depth + 1)?;
        }
        Ok(())
    }

    /// The visible entries of a folder, sorted, each shown to be inside the repo.
    fn entries(&self, folder: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(LoadError::Name { path });
            };
            if name.starts_with('.') {
                continue;
            }
            if entries.len() >= RepoFiles::FILES_MAX {
                return Err(LoadError::TooManyFiles);
            }
            if !fs::canonicalize(&path).map_err(at(&path))?.starts_with(&self.root) {
                return Err(LoadError::Escape { path });
            }
            entries.push((name.to_owned(), path));
        }
        entries.sort();
        Ok(entries)
    }

    fn file(&mut self, path: &Path, inside: String) -> Result<(), LoadError> {
        let metadata = fs::metadata(path).map_err(at(path))?;
        if !metadata.is_file() {
            return Ok(());
        }
        // A file over its own limit is read as far as shows that it is.
        let one_more = u64::try_from(yaml::FILE_BYTES_MAX + 1).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(at(path))?;
        file.take(one_more).read_to_end(&mut bytes).map_err(at(path))?;
        self.bytes += bytes.len();
        if self.bytes > RepoFiles::BYTES_MAX {
            return Err(LoadError::TooLarge);
        }
        if self.found.files.len() >= RepoFiles::FILES_MAX {
            return Err(LoadError::TooManyFiles);
        }
        self.found.files.insert(inside, bytes);
        Ok(())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LoadError {
    move |source| LoadError::Io { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Code, Severity};

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn reads_known_folders_and_leaves_out_the_rest() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "slos/a/b.yaml",
            "routing.yaml",
            ".git/config",
            "slos/.swp",
            "README.md",
            "node_modules/x.yaml",
        ] {
            write(root.path(), path, "a: 1\n");
        }
        let found = RepoFiles::read_directory(root.path()).unwrap();
        assert_eq!(found.files.keys().collect::<Vec<_>>(), ["routing.yaml", "slos/a/b.yaml"]);
        assert_eq!(found.ignored.iter().collect::<Vec<_>>(), ["README.md", "node_modules/"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_inside_or_is_refused() {
        use std::os::unix::fs::symlink;

        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), "secret.yaml", "a: 1\n");
        write(root.path(), "slos/a.yaml", "a: 1\n");
        symlink(root.path().join("slos/a.yaml"), root.path().join("slos/b.yaml")).unwrap();
        assert_eq!(RepoFiles::read_directory(root.path()).unwrap().files.len(), 2);
        symlink(root.path().join("slos"), root.path().join("slos/loop")).unwrap();
        let error = RepoFiles::read_directory(root.path()).unwrap_err();
        assert!(matches!(error, LoadError::TooDeep { .. }), "{error}");
        fs::remove_file(root.path().join("slos/loop")).unwrap();
        symlink(outside.path(), root.path().join("policies")).unwrap();
        let error = RepoFiles::read_directory(root.path()).unwrap_err();
        assert!(matches!(error, LoadError::Escape { .. }), "{error}");
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let error = RepoFiles::read_directory(&root.path().join("gone")).unwrap_err();
        assert!(matches!(error, LoadError::Io { .. }), "{error}");
        write(root.path(), "file", "");
        let error = RepoFiles::read_directory(&root.path().join("file")).unwrap_err();
        assert!(matches!(error, LoadError::NotADirectory { .. }), "{error}");
    }

    #[test]
    fn shows_the_line_of_a_problem() {
        let mut files = RepoFiles::default();
        files.files.insert("a.yaml".into(), "a: 1\nb: [é, x]\n".into());
        let problem = Problem {
            file: "a.yaml".into(),
            line: 2,
            column: 8,
            severity: Severity::Error,
            code: Code::SYNTAX,
            message: String::new(),
            hint: String::new(),
        };
        assert_eq!(files.excerpt(&problem).unwrap(), "2 | b: [é, x]\n  |        ^");
        assert_eq!(files.excerpt(&Problem { line: 9, ..problem }), None);
    }
}
