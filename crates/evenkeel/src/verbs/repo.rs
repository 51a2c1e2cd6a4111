//! `evenkeel check`, `diff` and `apply`: check is offline, the others ask the server.

use app::files::{self, Problem, RepoFiles, Severity};
use camino::Utf8Path;
use server::wire::api::{
    ChangeKind, ProblemSeverity, RepoApply, RepoChange, RepoCheck, RepoDiff, RepoFile,
    RepoFiles as Upload, RepoProblem,
};

use crate::{
    cli::{CheckVerb, Remote, RepoArgs},
    client::Client,
    config,
    exit::{Exit, Failure},
    output::{self, Human, table},
};

pub(super) fn check(remote: &Remote, verb: &CheckVerb) -> Result<Exit, Failure> {
    match verb {
        CheckVerb::Repo { dir, strict } => {
            let files = read(dir)?;
            let (_, problems) = files::check(&files);
            let excerpt = |problem: &Problem| files.excerpt(problem);
            report(remote, &problems, files.files.len(), *strict, &excerpt)
        }
        CheckVerb::Scrape { file, strict } => {
            let loaded =
                files::scrape::load(file.as_std_path(), config::variable).map_err(|error| {
                    let error = anyhow::Error::new(error).context(format!("cannot read `{file}`"));
                    Failure::new(Exit::Usage, error)
                })?;
            report(remote, &loaded.problems, loaded.files.len(), *strict, &|_| None)
        }
    }
}

/// Prints problems, and says how it went by the exit code.
fn report(
    remote: &Remote,
    problems: &[Problem],
    files: usize,
    strict: bool,
    excerpt: &dyn Fn(&Problem) -> Option<String>,
) -> Result<Exit, Failure> {
    let (errors, warnings) = count(problems);
    let exit = match (errors, warnings) {
        (1.., _) => Exit::Failed,
        (0, 1..) if strict => Exit::Lint,
        _ => Exit::Ok,
    };
    if remote.output == output::Format::Table {
        for problem in problems {
            output::say(&problem.to_string())?;
            if let Some(excerpt) = excerpt(problem) {
                output::say(&excerpt)?;
            }
        }
        output::note(&summary(files, errors, warnings));
        return Ok(exit);
    }
    let problems = problems.iter().map(problem).collect();
    output::print(remote.output, &RepoCheck { ok: errors == 0, problems })?;
    Ok(exit)
}

/// For `doctor`: a summary, or what keeps the repo from being applied.
pub(super) fn finding(dir: &Utf8Path, fallback: Option<&str>) -> Result<String, String> {
    let files = RepoFiles::read_directory(dir.as_std_path()).map_err(|error| error.to_string())?;
    let (repo, problems) = files::check(&files);
    let (errors, warnings) = count(&problems);
    let routing = repo.as_ref().and_then(|repo| repo.routing.as_ref());
    if let (Some(name), 0) = (fallback, errors)
        && routing.is_none_or(|routing| routing.receiver(name).is_none())
    {
        return Err(format!(
            "`{dir}`: `notify.fallback_receiver` is `{name}`, which routing.yaml does not have"
        ));
    }
    let text = format!("`{dir}`: {}", summary(files.files.len(), errors, warnings));
    if errors == 0 { Ok(text) } else { Err(format!("{text}; see `evenkeel check repo {dir}`")) }
}

/// For `doctor`: a summary, or what keeps the scrape configuration from being in force.
pub(super) fn scrape_finding(file: &Utf8Path) -> Result<String, String> {
    let loaded = files::scrape::load(file.as_std_path(), config::variable)
        .map_err(|error| format!("`{file}`: {error}"))?;
    let (errors, warnings) = count(&loaded.problems);
    let text = format!("`{file}`: {}", summary(loaded.files.len(), errors, warnings));
    let hint = || format!("{text}; see `evenkeel check scrape {file}`");
    if errors == 0 { Ok(text) } else { Err(hint()) }
}

pub(super) async fn diff(
    client: &Client,
    remote: &Remote,
    args: &RepoArgs,
) -> Result<Exit, Failure> {
    let answer: RepoDiff = client.post("evenkeel/v1/repo/diff", &upload(&args.dir)?).await?;
    output::print(remote.output, &answer)?;
    let same = answer.changes.is_empty() && !has_errors(&answer.problems);
    Ok(if same { Exit::Ok } else { Exit::Failed })
}

pub(super) async fn apply(
    client: &Client,
    remote: &Remote,
    args: &RepoArgs,
) -> Result<Exit, Failure> {
    let answer: RepoApply = client.post("evenkeel/v1/repo/apply", &upload(&args.dir)?).await?;
    output::print(remote.output, &answer)?;
    Ok(if answer.applied.is_some() { Exit::Ok } else { Exit::Failed })
}

fn read(dir: &Utf8Path) -> Result<RepoFiles, Failure> {
    RepoFiles::read_directory(dir.as_std_path()).map_err(|error| Failure::new(Exit::Usage, error))
}

/// The repo as the API takes it: text alone.
fn upload(dir: &Utf8Path) -> Result<Upload, Failure> {
    let text = |(path, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
        Ok(content) => Ok(RepoFile { path, content }),
        Err(_) => Err(Failure::text(
            Exit::Failed,
            format!("{path}:1:1: the file is not UTF-8; save it as UTF-8"),
        )),
    };
    let files = read(dir)?.files.into_iter().map(text).collect::<Result<_, _>>()?;
    Ok(Upload { files })
}

fn count(problems: &[Problem]) -> (usize, usize) {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    (errors, problems.len() - errors)
}

fn summary(files: usize, errors: usize, warnings: usize) -> String {
    format!("{files} files, {errors} errors, {warnings} warnings")
}

fn problem(problem: &Problem) -> RepoProblem {
    RepoProblem {
        file: problem.file.to_string(),
        line: problem.line,
        column: problem.column,
        severity: match problem.severity {
            Severity::Error => ProblemSeverity::Error,
            Severity::Warning => ProblemSeverity::Warning,
        },
        message: format!("[{}] {}", problem.code, problem.message),
        allowed: (!problem.hint.is_empty()).then(|| problem.hint.clone()),
    }
}

fn has_errors(problems: &[RepoProblem]) -> bool {
    problems.iter().any(|problem| problem.severity == ProblemSeverity::Error)
}

fn line(problem: &RepoProblem) -> String {
    let severity = match problem.severity {
        ProblemSeverity::Error => "error",
        ProblemSeverity::Warning => "warning",
    };
    let hint = problem.allowed.as_deref().map(|allowed| format!("; {allowed}")).unwrap_or_default();
    format!(
        "{}:{}:{}: {severity}: {}{hint}",
        problem.file, problem.line, problem.column, problem.message
    )
}

fn changes(changes: &[RepoChange]) -> String {
    table(
        ["", "KIND", "NAME", "EFFECT"],
        changes.iter().map(|change| {
            let sign = match change.change {
                ChangeKind::Added => "+",
                ChangeKind::Changed => "~",
                ChangeKind::Removed => "-",
            };
            [sign.to_owned(), change.kind.clone(), change.name.clone(), change.effect.clone()]
        }),
    )
}

impl Human for RepoCheck {
    fn human(&self) -> String {
        self.problems.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Human for RepoDiff {
    fn human(&self) -> String {
        let problems = self.problems.iter().map(line);
        let changes = if self.changes.is_empty() {
            "nothing would change".to_owned()
        } else {
            changes(&self.changes)
        };
        problems.chain([changes]).collect::<Vec<_>>().join("\n")
    }
}

impl Human for RepoApply {
    fn human(&self) -> String {
        let problems = self.problems.iter().map(line);
        let end = match &self.applied {
            None => "refused: nothing was applied".to_owned(),
            Some(applied) => match applied.fact {
                Some(seq) => format!(
                    "{}\napplied {} (fact {seq})",
                    changes(&self.changes),
                    applied.config_hash
                ),
                None => format!("{} is in force already", applied.config_hash),
            },
        };
        problems.chain([end]).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_that_routing_does_not_have_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let routing = "route: {receiver: ops}\nreceivers: [{name: ops}, {name: boss}]\n";
        std::fs::write(folder.path().join("routing.yaml"), routing).unwrap();
        let dir = Utf8Path::from_path(folder.path()).unwrap();
        let check = |fallback| finding(dir, fallback);
        assert!(check(None).is_ok() && check(Some("boss")).is_ok());
        let error = check(Some("bos")).unwrap_err();
        assert!(error.contains("`notify.fallback_receiver` is `bos`"), "{error}");
    }
}
