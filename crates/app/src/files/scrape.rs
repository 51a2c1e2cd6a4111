//! Prometheus' configuration file, checked as strictly as Prometheus does: what is scraped, how often, how it is relabelled.
//!
//! Source: Prometheus' documentation of its configuration and its loader. Of the file, `global`, `scrape_configs` and
//! `scrape_config_files` have an effect here; the parts that belong to others (`rule_files`, `alerting`, `remote_write`, …) are checked and
//! named in a warning. Static, file, HTTP and DNS discovery are spoken; other kinds are refused by name, because targets that silently
//! do not exist are worse than a configuration that is not accepted.

mod client;
mod discovery;
mod global;
pub(crate) mod groups;
mod include;
mod job;
mod others;
mod rule;
mod show;
mod value;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use scrape::{Config, Job};

use super::{
    problem::{Code, Problem, Report, Severity},
    reader::{Dialect, Field, Map},
    text::shorten,
    yaml,
};
use crate::remote::forward::RelabelRules;

const FIELDS: [&str; 11] = [
    "global",
    "runtime",
    "alerting",
    "rule_files",
    "scrape_config_files",
    "scrape_configs",
    "storage",
    "remote_write",
    "remote_read",
    "tracing",
    "otlp",
];

/// A configuration that was read.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// `None` when a problem is an error.
    pub config: Option<Config>,
    /// All of them, those of included files too.
    pub problems: Vec<Problem>,
    /// The file as YAML, its secrets masked.
    pub shown: String,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    /// How many problems are errors.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }
}

/// Where a file's relative paths start, and what its variables are.
#[derive(Clone, Copy)]
struct Origin<'a> {
    folder: &'a Path,
    variable: Variable,
}

impl Origin<'_> {
    /// Relative paths start at the file's own folder.
    fn path(self, text: &str) -> Box<str> {
        self.folder.join(text).to_string_lossy().into_owned().into()
    }
}

/// Jobs by their names, with the place of each.
type Names = BTreeMap<Arc<str>, (Arc<str>, u32)>;

/// The relabelling rules of the list `name`, as a configuration of our own may have them.
pub fn relabel_rules(map: Map<'_>, name: &str) -> RelabelRules {
    RelabelRules(rule::read(map, name, scrape::name::Scheme::default(), "relabeling rule"))
}

/// A variable of the environment, for `external_labels`.
pub type Variable = fn(&str) -> Option<String>;

/// Reads a configuration and the files that it includes.
///
/// # Errors
/// When the file itself cannot be read; all else is a problem.
pub fn load(path: &Path, variable: Variable) -> io::Result<Loaded> {
    let bytes = read_file(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let origin = Origin { folder, variable };
    let mut loaded = parse(&path.to_string_lossy(), &bytes, origin);
    loaded.files.insert(0, path.to_owned());
    Ok(loaded)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    if metadata.len() > yaml::FILE_BYTES_MAX as u64 {
        let text = format!("it has more than {} bytes", yaml::FILE_BYTES_MAX);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    fs::read(path)
}

fn parse(name: &str, bytes: &[u8], origin: Origin<'_>) -> Loaded {
    let report = Report::new(name);
    let documents = yaml::parse(bytes, &report);
    let mut loaded = Loaded::default();
    if let Some(second) = documents.get(1) {
        report.error(second.at, Code::KIND, "a second document", "one file has one document");
    }
    let mut config = Config::default();
    if let Some(document) = documents.first().filter(|node| !node.is_null()) {
        loaded.shown = show::masked(document);
        let field = Field::document(document, Dialect::Go, &report);
        read(field, origin, &mut config, &mut loaded);
    }
    loaded.problems.extend(report.into_problems());
    loaded.problems.sort();
    loaded.config = (loaded.errors() == 0).then_some(config);
    loaded
}

fn read(document: Field<'_>, origin: Origin<'_>, config: &mut Config, loaded: &mut Loaded) {
    let Some(map) = document.map(&FIELDS) else { return };
    let global = global::read(map.optional("global"), origin);
    config.external_labels = global.external_labels.clone();
    let mut names = Names::new();
    if let Some(field) = map.optional("scrape_configs") {
        config.jobs = jobs(field, &global, origin, &mut names);
    }
    if let Some(field) = map.optional("scrape_config_files") {
        include::read(field, &global, origin, &mut names, config, loaded);
    }
    others::check(map, &global);
}

/// The items of `scrape_configs`.
fn jobs(
    field: Field<'_>,
    global: &global::Global,
    origin: Origin<'_>,
    names: &mut Names,
) -> Vec<Arc<Job>> {
    let Some(items) = field.list() else { return Vec::new() };
    let mut jobs = Vec::new();
    for item in items {
        if item.node().is_null() {
            item.error(
                Code::MISSING_FIELD,
                "empty or null scrape config section",
                "write `job_name:` at least",
            );
            continue;
        }
        let Some((name, job)) = job::read(item, global, origin) else { continue };
        let place = (Arc::clone(item.report().file()), name.at().line);
        let text: Arc<str> = name.text().unwrap_or_default().into();
        if let Some((file, line)) = names.get(&text) {
            let short = shorten(&text);
            let message = format!(
                "found multiple scrape configs with job name `{short}`: the first is in {file}:{line}"
            );
            name.error(Code::DUPLICATE_NAME, message, "rename one of them");
        } else {
            names.insert(text, place);
        }
        jobs.extend(job.map(Arc::new));
    }
    jobs
}
