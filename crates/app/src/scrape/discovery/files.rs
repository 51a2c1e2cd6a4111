//! `file_sd_configs`: JSON and YAML files, read again when they change.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use scrape::Group;

use super::{Found, Looker};
use crate::files::scrape::groups;

/// How often files are looked at; they are read only when they changed, or when `refresh_interval` is over.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What tells that a file is another one: its inode, size and time.
type Stamp = (u64, u64, i64, i64);

/// What was found, and by which state of the files.
#[derive(Debug, Default)]
struct State {
    found: Found,
    stamps: BTreeMap<PathBuf, Stamp>,
    errors: BTreeMap<PathBuf, Arc<str>>,
}

pub(super) async fn look(looker: Looker, patterns: Vec<Box<str>>, refresh: Duration) {
    let patterns: Arc<[Box<str>]> = patterns.into();
    let mut state = State::default();
    let mut read_at = tokio::time::Instant::now();
    let mut first = true;
    loop {
        let anew = read_at.elapsed() >= refresh;
        if anew {
            read_at = tokio::time::Instant::now();
        }
        let patterns = Arc::clone(&patterns);
        let looking = tokio::task::spawn_blocking(move || {
            let changed = state.look(&patterns, anew);
            (state, changed)
        });
        let Ok((next, changed)) = looking.await else { return };
        state = next;
        if changed || first {
            first = false;
            let error =
                state.errors.iter().next().map(|(path, error)| {
                    format!("cannot read `{}`: {error}", path.display()).into()
                });
            if !looker.say(state.found.groups(), error).await {
                return;
            }
        }
        tokio::time::sleep(LOOK_EVERY.min(refresh)).await;
    }
}

impl State {
    /// Reads what changed, or everything; whether something is different now.
    fn look(&mut self, patterns: &[Box<str>], anew: bool) -> bool {
        let mut stamps = BTreeMap::new();
        for path in groups::paths(patterns) {
            if let Some(stamp) = stamp(&path) {
                stamps.insert(path, stamp);
            }
        }
        let mut changed = false;
        for (path, stamp) in &stamps {
            if !anew && self.stamps.get(path) == Some(stamp) {
                continue;
            }
            changed = true;
            match read(path) {
                Ok(groups) => {
                    self.found.0.insert(path.to_string_lossy().into(), groups);
                    self.errors.remove(path);
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), error, "a file of targets cannot be read");
                    self.errors.insert(path.clone(), error.into());
                }
            }
        }
        for path in self.stamps.keys().filter(|path| !stamps.contains_key(*path)) {
            changed = true;
            self.found.0.remove(&*path.to_string_lossy());
            self.errors.remove(path);
        }
        self.stamps = stamps;
        changed
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
}

fn read(path: &Path) -> Result<Vec<Group>, String> {
    let mut groups = groups::from_file(path)?;
    for group in &mut groups {
        group.labels.set("__meta_filepath", &path.to_string_lossy());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_change_break_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let patterns: Vec<Box<str>> = ["*.json", "*.yml"]
            .map(|end| format!("{}/{end}", folder.path().display()).into())
            .into();
        let mut state = State::default();
        let addresses = |state: &State| {
            let groups = state.found.groups();
            let targets = groups.iter().flat_map(|group| group.targets.iter());
            targets.map(|target| target.get("__address__").to_owned()).collect::<Vec<_>>()
        };
        assert!(!state.look(&patterns, false));
        write("a.json", r#"[{"targets": ["a:1"]}]"#);
        write("b.yml", "- targets: [b:1, b:2]\n");
        assert!(state.look(&patterns, false));
        assert_eq!(addresses(&state), ["a:1", "b:1", "b:2"]);
        assert!(state.found.groups()[0].labels.get("__meta_filepath").ends_with("/a.json"));
        assert!(!state.look(&patterns, false), "nothing changed");
        write("a.json", "[{]");
        assert!(state.look(&patterns, false));
        assert_eq!((addresses(&state).len(), state.errors.len()), (3, 1), "the old ones stand");
        write("a.json", r#"[{"targets": ["a:22"]}]"#);
        fs::remove_file(folder.path().join("b.yml")).unwrap();
        assert!(state.look(&patterns, false));
        assert_eq!((addresses(&state), state.errors.len()), (vec!["a:22".to_owned()], 0));
    }
}
