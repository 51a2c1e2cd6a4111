//! What is wrong with a file, where, and what to do about it.
//!
//! Codes are stable: a code is never given a second meaning, and one that is no longer used is not given out again.
//! `E` is an error, `W` a warning; `00` is about files and YAML, `01` about any format's shape, `02` OpenSLO, `03` routing,
//! `04` policies, `05` the catalogue, `06` runbooks, `07` scraping, `09` what one file says of another.

use std::{cell::RefCell, fmt, sync::Arc};

/// A stable name for a kind of problem, such as `E0101`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        impl Code {
            $(#[doc = $title] pub const $name: Self = Self($code);)*

            /// Every code with what it means, in order.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self($code), $title)),*];
        }
    };
}

codes! {
    UNREADABLE = "E0001", "the file cannot be read";
    TOO_LARGE = "E0002", "the file is larger than the limit";
    NOT_TEXT = "E0003", "the file is not UTF-8 text";
    SYNTAX = "E0004", "the file is not YAML";
    DUPLICATE_KEY = "E0005", "a key stands twice in one mapping";
    ALIAS = "E0006", "an alias names no anchor before it, or one that contains it";
    COMPLEXITY = "E0007", "the document is too deep or too large, its aliases expanded";
    TAG = "E0008", "the tag is not one of YAML's core schema";
    TOO_MANY = "E0009", "the file has more problems than are shown";
    PATH = "E0010", "the path is not one inside a repo";
    UNKNOWN_FIELD = "E0101", "the field does not exist in this format";
    MISSING_FIELD = "E0102", "a field that is required is absent or empty";
    WRONG_TYPE = "E0103", "the value has the wrong type";
    NOT_ALLOWED = "E0104", "the value is not one of those allowed";
    OUT_OF_RANGE = "E0105", "the number or length is outside its range";
    EXCLUSIVE = "E0106", "fields that exclude each other, or of which one must stand";
    NAME = "E0107", "the name does not have the form that is required";
    DURATION = "E0108", "the text is not a duration";
    TIME = "E0109", "the text is not a time, or the times are out of order";
    URL = "E0110", "the text is not an absolute http or https URL";
    KIND = "E0111", "the document's apiVersion or kind is not one that belongs here";
    DUPLICATE_NAME = "E0112", "two objects of one kind have the same name";
    PATTERN = "E0113", "the text is not a pattern or regular expression";
    SELECTOR = "E0201", "the query is not a PromQL selector";
    REFERENCE = "E0203", "a reference names an object that does not exist";
    MATCHER = "E0301", "the text is not a label matcher";
    ROUTE = "E0302", "the route breaks a rule of the routing tree";
    RECEIVER_KIND = "E0303", "this kind of receiver is not supported yet";
    UNKNOWN_RECEIVER = "E0304", "a route names a receiver or time interval that does not exist";
    ADDRESS = "E0305", "the text is not an address";
    SECRET = "E0306", "a secret stands in the repo";
    POLICY = "E0401", "the policy contradicts itself";
    ENTITY_REF = "E0501", "the text is not an entity reference";
    FRONT_MATTER = "E0601", "the front matter is missing or not closed";
    NOT_SUPPORTED = "E0701", "a way to make requests that is not supported yet";
    DISCOVERY = "E0702", "a kind of discovery that is not supported yet";
    RELABEL = "E0703", "the rule of relabelling has not what its action needs, or more than it takes";
    TARGET = "E0704", "a target that cannot be scraped";
    UNKNOWN_FOLDER = "W0001", "the folder or file is not part of a production repo";
    EMPTY_FILE = "W0002", "the file has no document";
    NOT_EVALUATED = "W0201", "accepted, but not evaluated";
    NOT_USED = "W0202", "accepted, but without effect here";
    CANNOT_ALERT = "W0203", "an alert that the objective can never reach";
    NOT_APPLIED = "W0301", "accepted, but without effect on notifications yet";
    NO_ROUTING = "W0302", "nothing says who is told of an alert";
    NOT_HERE = "W0701", "accepted, but without effect here: another part of the server has it";
    NOT_THERE = "W0702", "a file that requests need is not there";
    LONG_INTERVAL = "W0703", "scrapes are so far apart that series have gaps between them";
    SERVICE_UNKNOWN = "W0901", "the service is not in the catalogue";
    MATCHES_NOTHING = "W0902", "a pattern matches no service of the catalogue";
    DANGLING = "W0903", "the entity refers to one that the repo does not hold";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The repo is refused.
    Error,
    /// The repo is accepted, and this part of it does less than it says.
    Warning,
}

/// A line and a column, both from 1; the column counts characters. Line 0 stands for the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The path inside the repo, with `/`.
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
    pub severity: Severity,
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What is allowed, or what to do; empty when the message says it all.
    pub hint: String,
}

impl fmt::Display for Problem {
    /// `file:line:column: error[E0101]: message; hint`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {severity}[{}]: {}", self.code, self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Report {
    file: Arc<str>,
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    /// More problems than this of one file are counted, not kept.
    pub const PROBLEMS_MAX: usize = 500;

    pub fn new(file: &str) -> Self {
        Self { file: file.into(), problems: RefCell::default() }
    }

    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub fn error(
        &self,
        at: Position,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(at, Severity::Error, code, message.into(), hint.into());
    }

    pub fn warning(
        &self,
        at: Position,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(at, Severity::Warning, code, message.into(), hint.into());
    }

    /// How many errors were reported so far.
    pub fn errors(&self) -> usize {
        let problems = self.problems.borrow();
        problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// The problems in the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems.dedup();
        problems
    }

    fn push(&self, at: Position, severity: Severity, code: Code, message: String, hint: String) {
        let mut problems = self.problems.borrow_mut();
        let file = self.file.clone();
        let Position { line, column } = at;
        match problems.len() {
            count if count < Self::PROBLEMS_MAX => {
                problems.push(Problem { file, line, column, severity, code, message, hint });
            }
            count if count == Self::PROBLEMS_MAX => problems.push(Problem {
                file,
                line,
                column,
                severity: Severity::Error,
                code: Code::TOO_MANY,
                message: format!(
                    "more than {} problems; the rest is not shown",
                    Self::PROBLEMS_MAX
                ),
                hint: "repair those above first".into(),
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(Code::ALL.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn prints_where_what_and_what_is_allowed() {
        let report = Report::new("slos/a.yaml");
        let at = Position { line: 3, column: 5 };
        report.error(at, Code::UNKNOWN_FIELD, "unknown field `servce`", "did you mean `service`?");
        assert_eq!(
            report.into_problems()[0].to_string(),
            "slos/a.yaml:3:5: error[E0101]: unknown field `servce`; did you mean `service`?"
        );
    }

    #[test]
    fn keeps_no_more_than_the_limit() {
        let report = Report::new("a");
        for line in 0..2 * u32::try_from(Report::PROBLEMS_MAX).unwrap() {
            report.error(Position { line, column: 1 }, Code::SYNTAX, format!("{line}"), "");
        }
        let problems = report.into_problems();
        assert_eq!(problems.len(), Report::PROBLEMS_MAX + 1);
        assert_eq!(problems.last().unwrap().code, Code::TOO_MANY);
    }
}
