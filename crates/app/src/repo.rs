//! The production repo in force: stored content-addressed, applied all or nothing, found again after a restart.

use std::{
    fs,
    io::{self, Write as _},
    sync::Arc,
};

use camino::Utf8Path;

use crate::files::{Problem, Repo, RepoFiles, diff, diff::Change};

/// Why a stored repo cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum StoredRepoError {
    #[error("cannot read the stored production repo `{path}`")]
    Read {
        path: Box<str>,
        #[source]
        source: io::Error,
    },
    #[error("the stored production repo `{path}` is damaged; apply it again from its source")]
    Damaged { path: Box<str> },
}

/// A repo that may be applied, and what that would change.
#[derive(Debug)]
pub struct Candidate {
    pub files: RepoFiles,
    pub repo: Arc<Repo>,
    pub warnings: Vec<Problem>,
    pub changes: Vec<Change>,
}

impl Candidate {
    /// # Errors
    /// Every problem of the repo, when one of them is an error.
    pub fn new(files: RepoFiles, in_force: &Repo) -> Result<Self, Vec<Problem>> {
        let parsed = crate::files::parse(&files)?;
        let changes = diff::diff(Some(in_force), &parsed.repo);
        Ok(Self { repo: Arc::new(parsed.repo), warnings: parsed.warnings, files, changes })
    }

    /// What changes, a sentence each.
    pub(crate) fn sentences(&self) -> Vec<Box<str>> {
        let sentence = |change: &Change| {
            let effects = change.effects.join("; ");
            format!("{} {} {}: {effects}", change.object, change.name, change.kind.as_str()).into()
        };
        self.changes.iter().map(sentence).collect()
    }

    /// The services that the changes are about.
    pub(crate) fn services(&self, in_force: &Repo) -> Vec<Box<str>> {
        let of_slo = |name: &str| {
            let all = self.repo.slos.iter().chain(&in_force.slos);
            all.into_iter().find(|slo| *slo.name == *name).map(|slo| slo.service.clone())
        };
        let mut services: Vec<Box<str>> = self
            .changes
            .iter()
            .filter_map(|change| match change.object {
                "SLO" => of_slo(&change.name),
                "service" => Some(change.name.clone()),
                _ => None,
            })
            .collect();
        services.sort();
        services.dedup();
        services
    }
}

/// Keeps the files, so that any verdict can be replayed with the configuration that it saw.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn store(dir: &Utf8Path, files: &RepoFiles, hash: &[u8; 32]) -> io::Result<()> {
    let name = hex::encode(hash);
    let path = dir.join(&name);
    // One that is damaged is written anew.
    if load_files(dir, hash).is_ok() {
        return Ok(());
    }
    let bytes = files.to_bytes();
    if RepoFiles::from_bytes(&bytes).is_err() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it could not be read again"));
    }
    let new = dir.join(format!("{name}.new"));
    let mut file = fs::File::create(&new)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    fs::File::open(dir)?.sync_all()
}

/// # Errors
/// When the files are not there, or are not what their name says.
pub fn load(dir: &Utf8Path, hash: &[u8; 32]) -> Result<Repo, StoredRepoError> {
    let files = load_files(dir, hash)?;
    let damaged =
        |_| StoredRepoError::Damaged { path: dir.join(hex::encode(hash)).as_str().into() };
    crate::files::parse(&files).map(|parsed| parsed.repo).map_err(damaged)
}

/// # Errors
/// As [`load`].
pub(crate) fn load_files(dir: &Utf8Path, hash: &[u8; 32]) -> Result<RepoFiles, StoredRepoError> {
    let path = dir.join(hex::encode(hash));
    let name = || Box::from(path.as_str());
    let bytes = fs::read(&path).map_err(|source| StoredRepoError::Read { path: name(), source })?;
    let files =
        RepoFiles::from_bytes(&bytes).map_err(|_| StoredRepoError::Damaged { path: name() })?;
    if files.hash() != *hash {
        return Err(StoredRepoError::Damaged { path: name() });
    }
    Ok(files)
}

/// A document of the repo and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSource {
    pub path: String,
    /// Of its first line, from 1.
    pub line: u32,
    pub text: String,
}

/// The document that declares an SLO.
pub(crate) fn slo_source(files: &RepoFiles, name: &str) -> Option<DocumentSource> {
    let texts = files.files.iter().filter_map(|(path, bytes)| {
        let text = std::str::from_utf8(bytes).ok()?;
        path.ends_with("yaml")
            .then_some((path, text))
            .or(path.ends_with("yml").then_some((path, text)))
    });
    texts.into_iter().find_map(|(path, text)| {
        let (line, document) = documents(text).into_iter().find(|(_, lines)| {
            let says = |key: &str, value: &str| {
                // In block style a field is a line of its own, in flow style a part of one.
                lines.iter().flat_map(|line| line.split(['{', ',', '}'])).any(|field| {
                    let said =
                        field.trim().strip_prefix(key).and_then(|rest| rest.strip_prefix(':'));
                    said.is_some_and(|said| said.trim().trim_matches(['"', '\'']) == value)
                })
            };
            says("kind", "SLO") && says("name", name)
        })?;
        Some(DocumentSource { path: path.clone(), line, text: document.join("\n") })
    })
}

/// The documents of a YAML file, each with the number of its first line.
fn documents(text: &str) -> Vec<(u32, Vec<&str>)> {
    let mut documents: Vec<(u32, Vec<&str>)> = vec![(1, Vec::new())];
    for (number, line) in (1_u32..).zip(text.lines()) {
        match documents.last_mut() {
            Some((_, lines)) if !line.starts_with("---") => lines.push(line),
            _ => documents.push((number + 1, Vec::new())),
        }
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_slo_is_found_in_its_document() {
        let text = "kind: Service\nmetadata:\n  name: checkout\n---\nkind: SLO\nmetadata:\n  name: \"fast\"\n";
        let files = RepoFiles {
            files: [("slos/a.yaml".to_owned(), text.as_bytes().to_vec())].into(),
            ..RepoFiles::default()
        };
        let found = slo_source(&files, "fast").unwrap();
        assert_eq!((&*found.path, found.line), ("slos/a.yaml", 5));
        assert_eq!(found.text, "kind: SLO\nmetadata:\n  name: \"fast\"");
        assert_eq!(slo_source(&files, "checkout"), None);
    }
}
