//! What no compiler checks: the layers, a `//!` on every file, sizes, and words that do not belong in the project.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use serde::Deserialize;

/// A file longer than this is two subjects.
const FILE_LINES_MAX: usize = 600;
/// Text that names a machine or leaves work undone.
const BANNED: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "finish it, or file it"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("todo", "!("), "finish it"),
    (concat!("unimplemented", "!("), "finish it"),
    (concat!("#[ign", "ore"), "a test that does not run is no test"),
    (concat!("#[should_", "panic"), "check the error itself"),
    (concat!("/ro", "ot/"), "a machine's path"),
    (concat!("/wo", "rk/"), "a machine's path"),
];
const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", "dist", ".git", "book", ".claude"];

#[derive(Deserialize)]
struct Edges {
    ours: BTreeMap<String, Vec<String>>,
    pure: Pure,
}

#[derive(Deserialize)]
struct Pure {
    crates: Vec<String>,
    allowed: Vec<String>,
}

pub(crate) fn run() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec().context("cannot read the workspace")?;
    let root = metadata.workspace_root.as_std_path().to_owned();
    let mut problems = layers(&metadata, &root)?;
    for file in files(&root)? {
        problems.extend(check_file(&root, &file)?);
    }
    if problems.is_empty() {
        println!("tidy: no problem");
        return Ok(());
    }
    problems.iter().for_each(|problem| println!("{problem}"));
    bail!("tidy: {} problems", problems.len())
}

/// Each crate's direct dependencies against `xtask/edges.toml`.
fn layers(metadata: &Metadata, root: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(root.join("xtask/edges.toml"))?;
    let edges: Edges = toml::from_str(&text).context("cannot read xtask/edges.toml")?;
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(allowed) = edges.ours.get(name) else {
            problems.push(format!("xtask/edges.toml: crate `{name}` is not listed"));
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Normal {
                continue;
            }
            let to = &dependency.name;
            let ours = edges.ours.contains_key(to);
            if ours && !allowed.contains(to) {
                problems.push(format!("{name}: imports `{to}`, which its layer may not"));
            }
            if !ours
                && edges.pure.crates.iter().any(|pure| pure == name)
                && !edges.pure.allowed.contains(to)
            {
                problems.push(format!("{name}: imports `{to}`, but this layer is pure"));
            }
        }
    }
    Ok(problems)
}

fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name) {
                folders.push(path);
            } else if kind.is_file() && has_text(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn has_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension, "rs" | "ts" | "tsx" | "mjs" | "css" | "md" | "toml" | "sh" | "html")
}

fn check_file(root: &Path, path: &Path) -> anyhow::Result<Vec<String>> {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (word, why) in BANNED {
            if line.contains(word) && name != "CHANGELOG.md" {
                problems.push(format!("{name}:{}: `{word}`: {why}", number + 1));
            }
        }
    }
    if name.ends_with(".rs") {
        if !text.starts_with("//!") {
            problems.push(format!("{name}:1: no `//!` that says what the file is"));
        }
        if name.ends_with("/mod.rs") {
            problems.push(format!("{name}: write `foo.rs` beside `foo/`"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            problems.push(format!(
                "{name}: {lines} lines; at most {FILE_LINES_MAX}: one file, one subject"
            ));
        }
    }
    Ok(problems)
}
