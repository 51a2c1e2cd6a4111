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
    if path.exists() {
        return Ok(());
    }
    let new = dir.join(format!("{name}.new"));
    let mut file = fs::File::create(&new)?;
    file.write_all(&files.to_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    fs::File::open(dir)?.sync_all()
}

/// # Errors
/// When the files are not there, or are not what their name says.
pub fn load(dir: &Utf8Path, hash: &[u8; 32]) -> Result<Repo, StoredRepoError> {
    let path = dir.join(hex::encode(hash));
    let name = || Box::from(path.as_str());
    let bytes = fs::read(&path).map_err(|source| StoredRepoError::Read { path: name(), source })?;
    let files =
        RepoFiles::from_bytes(&bytes).map_err(|_| StoredRepoError::Damaged { path: name() })?;
    if files.hash() != *hash {
        return Err(StoredRepoError::Damaged { path: name() });
    }
    let parsed =
        crate::files::parse(&files).map_err(|_| StoredRepoError::Damaged { path: name() })?;
    Ok(parsed.repo)
}
