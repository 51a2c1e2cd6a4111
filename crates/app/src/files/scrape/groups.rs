//! Target groups: `targets` with common `labels`, as `static_configs`, files and HTTP discovery have them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use scrape::{Group, LabelSet};
use serde::Deserialize;

use super::value;
use crate::{
    control::chain,
    files::{
        problem::{Code, Report, Severity},
        reader::{Dialect, Field},
        yaml,
    },
};

/// The most targets of one file or answer.
pub(crate) const TARGETS_MAX: usize = 50_000;

/// Why discovered groups cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupsError {
    #[error("{0}")]
    Yaml(String),
    #[error("{0}")]
    Json(#[source] serde_json::Error),
    #[error("an address or label name is empty")]
    Empty,
    #[error("{have} targets; at most {TARGETS_MAX} of one source are allowed")]
    TooMany { have: usize },
}

/// One group in YAML; `source` names it.
pub(super) fn read(field: Field<'_>, source: Arc<str>) -> Option<Group> {
    let map = field.map(&["targets", "labels"])?;
    let mut group = Group { source, ..Group::default() };
    for item in map.optional("targets").and_then(Field::list).unwrap_or_default() {
        let Some(address) = item.text() else { continue };
        group.targets.push(LabelSet::from_pairs([("__address__", address)]));
    }
    group.labels = LabelSet::from_pairs(value::label_pairs(map, "labels"));
    Some(group)
}

/// All groups of a YAML file of discovery.
pub(crate) fn from_yaml(name: &str, bytes: &[u8]) -> Result<Vec<Group>, GroupsError> {
    let report = Report::new(name);
    let documents = yaml::parse(bytes, &report);
    let mut groups = Vec::new();
    if let Some(document) = documents.first().filter(|node| !node.is_null()) {
        let items = Field::document(document, Dialect::Go, &report).list().unwrap_or_default();
        for (at, item) in items.into_iter().enumerate() {
            if item.node().is_null() {
                item.error(Code::MISSING_FIELD, "an empty group", "write `targets:`");
            } else if let Some(group) = read(item, source(name, at)) {
                groups.push(group);
            }
        }
    }
    let problems = report.into_problems();
    match problems.iter().find(|problem| problem.severity == Severity::Error) {
        Some(problem) => Err(GroupsError::Yaml(problem.to_string())),
        None => bounded(groups),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    targets: Vec<String>,
    #[serde(default)]
    labels: Option<std::collections::BTreeMap<String, String>>,
}

/// All groups of a JSON file or answer of discovery.
pub(crate) fn from_json(name: &str, bytes: &[u8]) -> Result<Vec<Group>, GroupsError> {
    let raw: Vec<RawGroup> = serde_json::from_slice(bytes).map_err(GroupsError::Json)?;
    let mut groups = Vec::new();
    for (at, raw) in raw.into_iter().enumerate() {
        let labels = raw.labels.unwrap_or_default();
        if labels.keys().any(String::is_empty) {
            return Err(GroupsError::Empty);
        }
        groups.push(Group {
            source: source(name, at),
            targets: raw
                .targets
                .iter()
                .map(|address| LabelSet::from_pairs([("__address__", address)]))
                .collect(),
            labels: LabelSet::from_pairs(labels),
        });
    }
    bounded(groups)
}

/// Bytes of one file.
pub(crate) const FILE_BYTES_MAX: u64 = 16 << 20;
/// Files of one discovery.
const FILES_MAX: usize = 10_000;

/// The files that patterns name now.
pub(crate) fn paths(patterns: &[Box<str>]) -> Vec<PathBuf> {
    let found = patterns.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten();
    found.filter_map(Result::ok).take(FILES_MAX).collect()
}

/// The groups of a file, by its ending JSON or YAML.
///
/// # Errors
/// Why it cannot be read, in words.
pub(crate) fn from_file(path: &Path) -> Result<Vec<Group>, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes; at most {FILE_BYTES_MAX} are allowed"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let name = path.to_string_lossy();
    let is_json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let read = if is_json { from_json(&name, &bytes) } else { from_yaml(&name, &bytes) };
    read.map_err(|error| chain(&error))
}

/// Files that are there and cannot be read, with why.
pub(super) fn unreadable(patterns: &[Box<str>]) -> Vec<(String, String)> {
    let one = |path: PathBuf| Some((path.to_string_lossy().into_owned(), from_file(&path).err()?));
    paths(patterns).into_iter().filter_map(one).collect()
}

/// As Prometheus names them.
fn source(name: &str, at: usize) -> Arc<str> {
    format!("{name}:{at}").into()
}

fn bounded(groups: Vec<Group>) -> Result<Vec<Group>, GroupsError> {
    let have = groups.iter().map(|group| group.targets.len()).sum();
    if have > TARGETS_MAX { Err(GroupsError::TooMany { have }) } else { Ok(groups) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_say_the_same() {
        let json = br#"[{"targets": ["a:1", "b:2"], "labels": {"x": "y"}}, {"targets": []}]"#;
        let yaml = b"- targets: ['a:1', b:2]\n  labels: {x: y}\n- targets: []\n";
        let groups = from_json("f", json).unwrap();
        assert_eq!(groups, from_yaml("f", yaml).unwrap());
        assert_eq!(groups[0].targets[1].get("__address__"), "b:2");
        assert_eq!((&*groups[1].source, groups[0].labels.get("x")), ("f:1", "y"));
    }

    #[test]
    fn what_is_no_group_is_refused() {
        for bad in [
            "{}",
            r#"[{"target": ["a"]}]"#,
            r#"[{"targets": [1]}]"#,
            "[",
            r#"[{"targets": [], "labels": {"": "x"}}]"#,
        ] {
            assert!(from_json("f", bad.as_bytes()).is_err(), "{bad}");
        }
        let error = from_yaml("f.yml", b"- targets: [a]\n  label: {}\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "f.yml:2:3: error[E0101]: unknown field `label` in the document; did you mean `labels`? allowed: `targets` or `labels`"
        );
        assert!(from_yaml("f", b"a: b").is_err() && from_yaml("f", b"-\n").is_err());
    }
}
