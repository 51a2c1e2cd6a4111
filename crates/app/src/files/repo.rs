//! A production repo: all its files parsed, and what one says of another checked.
//!
//! ```text
//! services/*.yaml, catalog-info.yaml   the catalogue        slos/*.yaml      SLOs
//! policies/*.yaml                      gates and rollback   runbooks/*.md    runbooks
//! routing.yaml                         who is told
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::{
    archive::is_path,
    catalog::Declared,
    load::{CATALOG, FOLDERS, LATER, ROUTING, RepoFiles},
    openslo, policy,
    problem::{Code, Position, Problem, Report, Severity},
    reader::{Dialect, Field},
    routing,
    runbook::{self, Runbook},
    text::shorten,
    yaml::{self, Node},
};

/// What a repo says, in the contexts' own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Repo {
    /// In the order of the files.
    pub slos: Vec<slo::Slo>,
    pub routing: Option<alert::routing::Routing>,
    /// In the order of the files: the first that names a service holds for it.
    pub policies: Vec<deploy::Policy>,
    /// By name.
    pub services: Vec<catalog::Entry>,
    pub runbooks: Vec<Runbook>,
    /// The repo's address: see [`RepoFiles::hash`].
    pub hash: [u8; 32],
}

/// A repo without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub repo: Repo,
    pub warnings: Vec<Problem>,
}

/// The most nodes of all files together.
pub const NODES_MAX: usize = 1_000_000;
/// The most YAML documents of all files together.
pub const DOCUMENTS_MAX: usize = 20_000;

/// Parses all files.
///
/// # Errors
/// Every problem of every file, warnings among them, when at least one is an error.
pub fn parse(files: &RepoFiles) -> Result<Parsed, Vec<Problem>> {
    match check(files) {
        (Some(repo), warnings) => Ok(Parsed { repo, warnings }),
        (None, problems) => Err(problems),
    }
}

/// Parses all files; the repo, unless a problem is an error, and every problem in the order of the files.
pub fn check(files: &RepoFiles) -> (Option<Repo>, Vec<Problem>) {
    let sources = read(files);
    let own = Report::new(".");
    within_limits(files, &own);
    let (repo, incomplete) = {
        let mut all = All::default();
        sources.iter().for_each(|source| all.add(source));
        all.finish(files, &own)
    };
    ignored(files, &own);
    let mut problems = own.into_problems();
    problems.extend(sources.into_iter().flat_map(|source| source.report.into_problems()));
    let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
    ((!failed && !incomplete).then_some(repo), problems)
}

/// What is applied is stored, and must be read again: so nothing is accepted that the archive would refuse.
fn within_limits(files: &RepoFiles, own: &Report) {
    let whole = Position::default();
    for path in files.files.keys().filter(|path| !is_path(path)) {
        let message = format!("`{}` is not a path inside a repo", shorten(path).escape_debug());
        let hint = format!(
            "write names between `/` that do not begin with a dot, at most {} bytes in all",
            RepoFiles::PATH_BYTES_MAX
        );
        own.error(whole, Code::PATH, message, hint);
    }
    let (count, bytes) = (files.files.len(), files.files.values().map(Vec::len).sum::<usize>());
    for (found, what, max) in
        [(count, "files", RepoFiles::FILES_MAX), (bytes, "bytes", RepoFiles::BYTES_MAX)]
    {
        if found > max {
            let message = format!("the repo has {found} {what}; at most {max} are allowed");
            own.error(whole, Code::TOO_LARGE, message, "leave out what Evenkeel does not read");
        }
    }
}

/// One file, read but not understood yet.
struct Source<'b> {
    role: Role,
    report: Report,
    documents: Vec<Node>,
    bytes: &'b [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Catalog,
    Slos,
    Policies,
    Routing,
    Runbook,
    /// Text beside the files that mean something.
    Beside,
    Unknown,
}

fn role(path: &str) -> Role {
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let yaml = matches!(extension, "yaml" | "yml" | "json");
    match folder {
        "" if ROUTING.contains(&name) => Role::Routing,
        "" if CATALOG.contains(&name) => Role::Catalog,
        "services" if yaml => Role::Catalog,
        "slos" if yaml => Role::Slos,
        "policies" if yaml => Role::Policies,
        "runbooks" if extension == "md" && !name.ends_with("README.md") => Role::Runbook,
        "runbooks" => Role::Beside,
        folder if FOLDERS.contains(&folder) && matches!(extension, "md" | "txt") => Role::Beside,
        _ => Role::Unknown,
    }
}

fn read(files: &RepoFiles) -> Vec<Source<'_>> {
    let (mut nodes, mut documents_in_all) = (0, 0);
    let mut sources = Vec::new();
    for (path, bytes) in &files.files {
        let (role, report) = (role(path), Report::new(path));
        let is_yaml = !matches!(role, Role::Runbook | Role::Beside | Role::Unknown);
        let mut documents = Vec::new();
        if is_yaml && nodes <= NODES_MAX && documents_in_all <= DOCUMENTS_MAX {
            documents = yaml::parse(bytes, &report);
            nodes += documents.iter().map(Node::count).sum::<usize>();
            documents_in_all += documents.len();
            if nodes > NODES_MAX || documents_in_all > DOCUMENTS_MAX {
                let message = format!(
                    "the repo has more than {NODES_MAX} nodes or {DOCUMENTS_MAX} documents up to here"
                );
                report.error(
                    Position::default(),
                    Code::COMPLEXITY,
                    message,
                    "the files after this one were not read",
                );
            }
        }
        sources.push(Source { role, report, documents, bytes });
    }
    sources
}

fn ignored(files: &RepoFiles, own: &Report) {
    for name in &files.ignored {
        let folder = name.strip_suffix('/');
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let (message, hint) = match folder {
            Some(folder) if LATER.contains(&folder) => {
                (format!("the folder `{folder}` is not read yet"), String::new())
            }
            Some(folder) => (
                format!("the folder `{}` is not part of a production repo", shorten(folder)),
                super::text::suggestion(folder, &FOLDERS),
            ),
            None if yaml => (
                format!("the file `{}` is not part of a production repo", shorten(name)),
                super::text::suggestion(name, &[ROUTING[0], CATALOG[0]]),
            ),
            None => continue,
        };
        own.warning(Position::default(), Code::UNKNOWN_FOLDER, message, hint);
    }
}

/// What the files say, before they are compared.
#[derive(Default)]
struct All<'r> {
    declared: Declared<'r>,
    objects: openslo::Objects<'r>,
    policies: Vec<policy::Read<'r>>,
    routing: Option<alert::routing::Routing>,
    routing_file: Option<&'r Report>,
    runbooks: Vec<(Runbook, &'r Report)>,
}

impl<'r> All<'r> {
    fn add(&mut self, source: &'r Source<'_>) {
        let report = &source.report;
        match source.role {
            Role::Runbook => {
                self.runbooks
                    .extend(runbook::read(source.bytes, report).map(|runbook| (runbook, report)));
            }
            Role::Unknown => {
                let hint = "a repo has YAML in `services`, `slos` and `policies`, Markdown in `runbooks`, and `routing.yaml`";
                report.warning(
                    Position::default(),
                    Code::UNKNOWN_FOLDER,
                    "the file is not read",
                    hint,
                );
            }
            Role::Beside => {}
            Role::Catalog | Role::Slos | Role::Policies | Role::Routing => self.add_yaml(source),
        }
    }

    fn add_yaml(&mut self, source: &'r Source<'_>) {
        let report = &source.report;
        if source.documents.is_empty() && report.errors() == 0 && source.role != Role::Routing {
            report.warning(Position::default(), Code::EMPTY_FILE, "the file has no document", "");
        }
        if source.role == Role::Routing {
            return self.add_routing(source);
        }
        for document in &source.documents {
            let field = Field::document(document, Dialect::Core, report);
            if document.is_null() {
                continue;
            }
            match source.role {
                Role::Catalog => self.declared.read(field),
                Role::Slos => self.objects.read(field),
                _ => self.policies.extend(policy::read(field)),
            }
        }
    }

    fn add_routing(&mut self, source: &'r Source<'_>) {
        let report = &source.report;
        if let Some(first) = self.routing_file.replace(report) {
            let message = format!("there is a second routing file beside {}", first.file());
            report.error(Position::default(), Code::DUPLICATE_NAME, message, "keep `routing.yaml`");
        }
        match source.documents.as_slice() {
            [] if report.errors() == 0 => {
                let hint = "write `route:` and `receivers:`";
                report.error(
                    Position::default(),
                    Code::MISSING_FIELD,
                    "the file has no document",
                    hint,
                );
            }
            [] => {}
            [document, rest @ ..] => {
                if let Some(second) = rest.first() {
                    report.error(second.at, Code::ROUTE, "there is a second document", "keep one");
                }
                self.routing = routing::read(Field::document(document, Dialect::Go, report));
            }
        }
    }

    /// Compares the files; the flag says whether the repo is incomplete because of an error.
    fn finish(self, files: &RepoFiles, own: &Report) -> (Repo, bool) {
        self.declared.follow();
        if self.routing_file.is_none() {
            let hint = "add `routing.yaml`, in Alertmanager's format";
            own.warning(Position::default(), Code::NO_ROUTING, "nobody is told of an alert", hint);
        }
        let mut slos = openslo::lower(&self.objects);
        self.compare_services();
        self.compare_policies();
        self.compare_runbooks(&slos);
        let mut services = self.declared.entries;
        services.sort_by(|a, b| a.name.cmp(&b.name));
        for slo in slos.iter_mut().filter(|slo| slo.owner.is_none()) {
            let entry = services.binary_search_by(|entry| entry.name.cmp(&slo.service));
            slo.owner = entry.ok().and_then(|at| services.get(at)?.owner.clone());
        }
        let failed = self.routing_file.is_some() && self.routing.is_none();
        let repo = Repo {
            slos,
            routing: self.routing,
            policies: self.policies.into_iter().map(|read| read.policy).collect(),
            services,
            runbooks: self.runbooks.into_iter().map(|(runbook, _)| runbook).collect(),
            hash: files.hash(),
        };
        (repo, failed)
    }

    /// Names of all services that a file declares.
    fn known(&self) -> BTreeSet<&str> {
        self.declared.components().chain(self.objects.services.iter().copied()).collect()
    }

    fn compare_services(&self) {
        let known = self.known();
        for field in self.objects.services_of_slos() {
            let name = field.node().text().unwrap_or_default();
            if !name.is_empty() && !known.contains(name) {
                let (message, hint) = unknown_service(name, &known);
                field.warning(Code::SERVICE_UNKNOWN, message, hint);
            }
        }
    }

    fn compare_policies(&self) {
        /// Comparisons of a pattern with a name; a repo that needs more is not told of patterns without effect.
        const COMPARISONS_MAX: usize = 1_000_000;
        let known = self.known();
        let mut names: BTreeMap<&str, String> = BTreeMap::new();
        let mut comparisons = 0;
        for read in &self.policies {
            let Some(first) = read.patterns.first() else { continue };
            let place = format!("{} line {}", first.report().file(), first.at().line);
            if let Some(other) = names.insert(&read.policy.name, place) {
                let message =
                    format!("the policy `{}` exists already, in {other}", read.policy.name);
                first.error(Code::DUPLICATE_NAME, message, "rename one of them");
            }
            for pattern in read.patterns.iter().filter(|_| !known.is_empty()) {
                comparisons += known.len();
                let text = pattern.node().text().unwrap_or_default();
                let matches = |name: &&str| deploy::policy::wildcard(text, name);
                if comparisons <= COMPARISONS_MAX && !known.iter().any(matches) {
                    let message =
                        format!("`{}` matches no service of the catalogue", shorten(text));
                    pattern.warning(
                        Code::MATCHES_NOTHING,
                        message,
                        unknown_service(text, &known).1,
                    );
                }
            }
        }
    }

    fn compare_runbooks(&self, slos: &[slo::Slo]) {
        let known = self.known();
        let at = Position { line: 1, column: 1 };
        for (runbook, report) in &self.runbooks {
            if let Some(service) = runbook.service.as_deref().filter(|name| !known.contains(name)) {
                let (message, hint) = unknown_service(service, &known);
                report.warning(at, Code::SERVICE_UNKNOWN, message, hint);
            }
            if let Some(name) = runbook.slo.as_deref()
                && !slos.iter().any(|slo| *slo.name == *name)
            {
                let message = format!("there is no SLO `{}` that is evaluated", shorten(name));
                report.warning(at, Code::DANGLING, message, "repair the name, or leave it out");
            }
        }
    }
}

fn unknown_service(name: &str, known: &BTreeSet<&str>) -> (String, String) {
    let message = format!("the service `{}` is not in the catalogue", shorten(name));
    let hint = match super::text::nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "add a Component to `services/`".into(),
    };
    (message, hint)
}

#[cfg(test)]
mod tests;
