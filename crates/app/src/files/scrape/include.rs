//! `scrape_config_files`: further files that hold `scrape_configs` and nothing else.

use std::path::Path;

use scrape::Config;

use super::{Loaded, Names, Origin, global::Global, jobs, read_file, value};
use crate::files::{
    problem::{Code, Problem, Report, Severity},
    reader::{Dialect, Field},
    text::shorten,
    yaml,
};

/// The most files that may be included.
const FILES_MAX: usize = 1000;

pub(super) fn read(
    field: Field<'_>,
    global: &Global,
    origin: Origin<'_>,
    names: &mut Names,
    config: &mut Config,
    loaded: &mut Loaded,
) {
    let Some(items) = field.list() else { return };
    for item in items {
        let Some(pattern) = item.text() else { continue };
        if !value::is_include_pattern(pattern) {
            let message = format!("invalid scrape config file path `{}`", shorten(pattern));
            item.error(Code::NOT_ALLOWED, message, "`*` may stand in the file's name alone");
            continue;
        }
        let path = origin.path(pattern);
        let found = match glob::glob(&path) {
            Ok(paths) => paths.filter_map(Result::ok).collect::<Vec<_>>(),
            Err(error) => {
                item.error(Code::PATTERN, format!("invalid pattern: {error}"), "");
                continue;
            }
        };
        for path in found {
            if loaded.files.len() >= FILES_MAX {
                item.error(
                    Code::OUT_OF_RANGE,
                    format!("more than {FILES_MAX} files are included"),
                    "",
                );
                return;
            }
            one(&path, global, origin, names, config, loaded);
        }
    }
}

fn one(
    path: &Path,
    global: &Global,
    origin: Origin<'_>,
    names: &mut Names,
    config: &mut Config,
    loaded: &mut Loaded,
) {
    let name = path.to_string_lossy();
    let bytes = match read_file(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            loaded.problems.push(Problem {
                file: name.as_ref().into(),
                line: 0,
                column: 0,
                severity: Severity::Error,
                code: Code::UNREADABLE,
                message: format!("cannot read the file: {error}"),
                hint: String::new(),
            });
            return;
        }
    };
    loaded.files.push(path.to_owned());
    let report = Report::new(&name);
    let folder = path.parent().unwrap_or(Path::new(""));
    let origin = Origin { folder, ..origin };
    if let Some(document) = yaml::parse(&bytes, &report).first().filter(|node| !node.is_null()) {
        let field = Field::document(document, Dialect::Go, &report);
        if let Some(field) =
            field.map(&["scrape_configs"]).and_then(|map| map.optional("scrape_configs"))
        {
            config.jobs.extend(jobs(field, global, origin, names));
        }
    }
    loaded.problems.extend(report.into_problems());
}
