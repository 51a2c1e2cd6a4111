//! Runbooks: Markdown with a YAML front matter that says what it is for.
//!
//! ```text
//! ---
//! title: Checkout fails
//! service: checkout
//! ---
//! # What to look at first
//! ```

use super::{
    problem::{Code, Position, Report},
    reader::{Dialect, Field},
    yaml,
};

/// One runbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    pub title: Box<str>,
    /// The service that it is about; none is for all.
    pub service: Option<Box<str>>,
    /// The SLO whose burn it helps with.
    pub slo: Option<Box<str>>,
    /// Its path in the repo.
    pub path: Box<str>,
    /// The text after the front matter.
    pub markdown: Box<str>,
}

const FIELDS: [&str; 4] = ["title", "service", "slo", "tags"];

/// Reads a runbook; what is wrong with it is told to `report`.
pub fn read(bytes: &[u8], report: &Report) -> Option<Runbook> {
    /// Characters of a title.
    const TITLE_MAX: usize = 200;
    let text = yaml::text_of(bytes, report)?;
    let (front, markdown) = split(text, report)?;
    // A line before it keeps the line numbers.
    let documents = yaml::parse(format!("\n{front}").as_bytes(), report);
    let Some(document) = documents.first() else {
        if report.errors() == 0 {
            let at = Position { line: 1, column: 1 };
            report.error(at, Code::FRONT_MATTER, "the front matter is empty", "write `title:`");
        }
        return None;
    };
    let map = Field::document(document, Dialect::Core, report).map(&FIELDS)?;
    for tag in map.optional("tags").and_then(Field::list).unwrap_or_default() {
        tag.filled();
    }
    let title = map.required("title").and_then(|field| field.text_up_to(TITLE_MAX));
    let text = |name: &str| map.optional(name).and_then(Field::filled).map(Box::from);
    let (service, slo) = (text("service"), text("slo"));
    let path = report.file().as_ref().into();
    Some(Runbook { title: title?.into(), service, slo, path, markdown: markdown.into() })
}

/// The front matter and what follows it.
fn split<'t>(text: &'t str, report: &Report) -> Option<(&'t str, &'t str)> {
    let hint = "start the file with `---`, `title: ...` and `---`, each on a line of its own";
    let at = Position { line: 1, column: 1 };
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        report.error(at, Code::FRONT_MATTER, "the runbook has no front matter", hint);
        return None;
    };
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((rest.get(..end)?, rest.get(end + line.len()..)?));
        }
        end += line.len();
    }
    report.error(at, Code::FRONT_MATTER, "the front matter is not closed", hint);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        let report = Report::new("runbooks/a.md");
        let runbook = read(text.as_bytes(), &report);
        let mut lines: Vec<String> = runbook.iter().map(|runbook| format!("{runbook:?}")).collect();
        lines.extend(report.into_problems().iter().map(ToString::to_string));
        lines.join("\n")
    }

    #[test]
    fn reads_the_front_matter_and_the_text() {
        insta::assert_snapshot!(check("---\ntitle: Checkout fails\nservice: checkout\n---\n# First\n"), @r##"
        Runbook { title: "Checkout fails", service: Some("checkout"), slo: None, path: "runbooks/a.md", markdown: "# First\n" }
        "##);
        insta::assert_snapshot!(check("---\r\ntitle: a\r\n---"), @r#"Runbook { title: "a", service: None, slo: None, path: "runbooks/a.md", markdown: "" }"#);
    }

    #[test]
    fn says_what_is_wrong_with_it() {
        insta::assert_snapshot!(check("# Title\n"), @"runbooks/a.md:1:1: error[E0601]: the runbook has no front matter; start the file with `---`, `title: ...` and `---`, each on a line of its own");
        insta::assert_snapshot!(check("---\ntitle: a\n"), @"runbooks/a.md:1:1: error[E0601]: the front matter is not closed; start the file with `---`, `title: ...` and `---`, each on a line of its own");
        insta::assert_snapshot!(check("---\n---\n"), @"runbooks/a.md:1:1: error[E0601]: the front matter is empty; write `title:`");
        insta::assert_snapshot!(check("---\ntitel: a\nservice: [a]\n---\n"), @r"
        runbooks/a.md:2:1: error[E0101]: unknown field `titel` in the document; did you mean `title`? allowed: `title`, `service`, `slo` or `tags`
        runbooks/a.md:2:1: error[E0102]: the field `title` is missing in the document; write `title:`
        runbooks/a.md:3:10: error[E0103]: `service` must be text, not a list
        ");
    }
}
