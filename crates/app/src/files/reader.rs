//! A cursor over a tree that reads it as a format says, and reports what does not fit.
//!
//! Every read that fails has been reported when it returns `None`: the caller goes on with the next field, so that all problems
//! of a file are found in one pass.

mod map;

use std::{ops::RangeInclusive, time::Duration};

use model::Timestamp;
use url::Url;

pub use map::Map;

use super::{
    problem::{Code, Position, Report},
    text::{self, shorten, suggestion},
    yaml::{Node, Scalar, ScalarStyle, Value},
};

/// How strictly scalars are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// YAML 1.2: text is text, `true` and `false` are the booleans.
    Core,
    /// As Go's YAML library reads into a typed field: any scalar is text, `yes` and `on` are booleans.
    Go,
}

/// A node, the name of its field, and where to report.
#[derive(Clone, Copy, Debug)]
pub struct Field<'r> {
    node: &'r Node,
    name: &'r str,
    dialect: Dialect,
    report: &'r Report,
}

impl<'r> Field<'r> {
    /// The cursor at the top of a document.
    pub fn document(node: &'r Node, dialect: Dialect, report: &'r Report) -> Self {
        Self { node, name: "the document", dialect, report }
    }

    pub fn node(self) -> &'r Node {
        self.node
    }

    pub fn at(self) -> Position {
        self.node.at
    }

    pub fn report(self) -> &'r Report {
        self.report
    }

    pub fn name(self) -> &'r str {
        self.name
    }

    pub fn error(self, code: Code, message: impl Into<String>, hint: impl Into<String>) {
        self.report.error(self.node.at, code, message, hint);
    }

    pub fn warning(self, code: Code, message: impl Into<String>, hint: impl Into<String>) {
        self.report.warning(self.node.at, code, message, hint);
    }

    /// An error at the character `offset` of this text, as far as its style lets one tell where that is.
    pub fn error_inside(
        self,
        offset: usize,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.report.error(self.position_inside(offset), code, message, hint);
    }

    fn position_inside(self, offset: usize) -> Position {
        let Value::Scalar { text, style } = &self.node.value else { return self.node.at };
        let before = text.chars().take(offset);
        let columns: usize = match style {
            ScalarStyle::Plain => before.count(),
            ScalarStyle::SingleQuoted => {
                1 + before.map(|c| if c == '\'' { 2 } else { 1 }).sum::<usize>()
            }
            ScalarStyle::DoubleQuoted => {
                1 + before.map(|c| if matches!(c, '"' | '\\') { 2 } else { 1 }).sum::<usize>()
            }
            ScalarStyle::Literal | ScalarStyle::Folded => 0,
        };
        let Position { line, column } = self.node.at;
        Position { line, column: column.saturating_add(u32::try_from(columns).unwrap_or(0)) }
    }

    /// A mapping whose every key is among `allowed`.
    pub fn map(self, allowed: &[&str]) -> Option<Map<'r>> {
        let map = self.any_map()?;
        for (key, _) in map.entries() {
            let name = key.text().unwrap_or_default();
            if !allowed.contains(&name) {
                let message = format!("unknown field `{}` in {}", shorten(name), self.quoted());
                self.report.error(key.at, Code::UNKNOWN_FIELD, message, suggestion(name, allowed));
            }
        }
        Some(map)
    }

    /// A mapping with any keys.
    pub fn any_map(self) -> Option<Map<'r>> {
        match &self.node.value {
            Value::Mapping(entries) => Some(Map::new(self, entries)),
            Value::Sequence(_) | Value::Scalar { .. } => self.mismatch("a mapping"),
        }
    }

    /// A list; none of its items is null.
    pub fn list(self) -> Option<Vec<Self>> {
        match &self.node.value {
            Value::Sequence(items) => {
                Some(items.iter().map(|node| Self { node, ..self }).collect())
            }
            Value::Mapping(_) | Value::Scalar { .. } => self.mismatch("a list"),
        }
    }

    /// A text, possibly empty.
    pub fn text(self) -> Option<&'r str> {
        match (self.node.scalar(), self.dialect) {
            (Some(Scalar::Text(text)), _) => Some(text),
            (Some(Scalar::Null), Dialect::Go) => Some(""),
            (Some(_), Dialect::Go) => self.node.text(),
            (Some(_), Dialect::Core) => {
                let message =
                    format!("{} must be text, not {}", self.quoted(), self.node.describe());
                self.error(Code::WRONG_TYPE, message, "put it in quotes");
                None
            }
            (None, _) => self.mismatch("text"),
        }
    }

    /// A text of 1 to `max` characters.
    pub fn text_up_to(self, max: usize) -> Option<&'r str> {
        let text = self.text()?;
        let chars = text.chars().count();
        if (1..=max).contains(&chars) {
            return Some(text);
        }
        if chars == 0 {
            let message = format!("{} is empty", self.quoted());
            self.error(Code::MISSING_FIELD, message, format!("write 1 to {max} characters"));
        } else {
            let message = format!("{} has {chars} characters", self.quoted());
            self.error(Code::OUT_OF_RANGE, message, format!("at most {max} are allowed"));
        }
        None
    }

    /// A text that is not empty.
    pub fn filled(self) -> Option<&'r str> {
        let text = self.text()?;
        if text.is_empty() {
            self.error(Code::MISSING_FIELD, format!("{} is empty", self.quoted()), "");
            return None;
        }
        Some(text)
    }

    pub fn bool(self) -> Option<bool> {
        let text = self.node.text().unwrap_or_default();
        match (self.node.scalar(), self.dialect) {
            (Some(Scalar::Bool(value)), _) => Some(value),
            (
                Some(Scalar::Text("y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON")),
                Dialect::Go,
            ) => Some(true),
            (
                Some(Scalar::Text("n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF")),
                Dialect::Go,
            ) => Some(false),
            _ => {
                let message = format!(
                    "{} must be `true` or `false`, not {}",
                    self.quoted(),
                    self.node.describe()
                );
                let hint = match text {
                    "yes" | "on" | "y" | "Yes" | "On" => "write `true`",
                    "no" | "off" | "n" | "No" | "Off" => "write `false`",
                    _ => "",
                };
                self.error(Code::WRONG_TYPE, message, hint);
                None
            }
        }
    }

    pub fn integer(self, allowed: RangeInclusive<i64>) -> Option<i64> {
        let value = match self.node.scalar() {
            Some(Scalar::Int(value)) => value,
            _ => return self.mismatch("a whole number"),
        };
        if allowed.contains(&value) {
            return Some(value);
        }
        let message = format!("{} is {value}", self.quoted());
        let hint = format!("{} to {} are allowed", allowed.start(), allowed.end());
        self.error(Code::OUT_OF_RANGE, message, hint);
        None
    }

    /// A finite number.
    pub fn number(self) -> Option<f64> {
        match self.node.scalar() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a whole number in a field of fractions"
            )]
            Some(Scalar::Int(value)) => Some(value as f64),
            Some(Scalar::Float(value)) if value.is_finite() => Some(value),
            _ => self.mismatch("a number"),
        }
    }

    /// A number that `fits`, which `allowed` puts in words.
    pub fn number_where(self, allowed: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
        let value = self.number()?;
        if fits(value) {
            return Some(value);
        }
        let message = format!("{} is {value}", self.quoted());
        self.error(Code::OUT_OF_RANGE, message, format!("allowed: {allowed}"));
        None
    }

    /// One of the texts in `choices`.
    pub fn choice<T: Copy>(self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let message = format!("{} is `{}`", self.quoted(), shorten(text));
        self.error(Code::NOT_ALLOWED, message, suggestion(text, &names));
        None
    }

    /// A duration as Prometheus writes it.
    pub fn duration(self) -> Option<Duration> {
        // A bare number is read as text, so that the error speaks of the unit that it lacks.
        let Some(text) = self.node.text() else { return self.mismatch("a duration") };
        let duration = text::prometheus_duration(text);
        if duration.is_none() {
            let message =
                format!("{} is `{}`, which is not a duration", self.quoted(), shorten(text));
            let hint = "write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`";
            self.error(Code::DURATION, message, hint);
        }
        duration
    }

    /// A duration between two limits.
    pub fn duration_within(self, allowed: RangeInclusive<Duration>) -> Option<Duration> {
        let duration = self.duration()?;
        if allowed.contains(&duration) {
            return Some(duration);
        }
        let [value, from, to] =
            [duration, *allowed.start(), *allowed.end()].map(text::print_duration);
        let message = format!("{} is {value}", self.quoted());
        self.error(Code::OUT_OF_RANGE, message, format!("{from} to {to} are allowed"));
        None
    }

    /// An RFC 3339 time.
    pub fn time(self) -> Option<Timestamp> {
        let text = self.text()?;
        // Unix seconds are fine on a command line; in a file that people read they are not.
        let readable = text.contains('T').then(|| text.parse().ok()).flatten();
        if readable.is_none() {
            let message = format!("{} is `{}`, which is not a time", self.quoted(), shorten(text));
            self.error(Code::TIME, message, "write RFC 3339, such as `2026-11-23T03:00:00Z`");
        }
        readable
    }

    /// An absolute URL over http or https.
    pub fn http_url(self) -> Option<Url> {
        let text = self.filled()?;
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
        if url.is_none() {
            // The text is not quoted: a webhook's URL is a secret.
            let message = format!("{} is not an absolute http or https URL", self.quoted());
            self.error(Code::URL, message, "write it like `https://example.com/path`");
        }
        url
    }

    /// A name as RFC 1123 has labels.
    pub fn dns_label(self) -> Option<&'r str> {
        let text = self.filled()?;
        if text::is_dns_label(text) {
            return Some(text);
        }
        let message = format!("{} `{}` is not a valid name", self.quoted(), shorten(text));
        let hint = "1 to 63 lowercase letters, digits and `-`, with a letter or digit at both ends";
        self.error(Code::NAME, message, hint);
        None
    }

    /// Reports that this is not `expected`.
    fn mismatch<T>(self, expected: &str) -> Option<T> {
        let message = format!("{} must be {expected}, not {}", self.quoted(), self.node.describe());
        self.error(Code::WRONG_TYPE, message, "");
        None
    }

    /// `` `name` `` for a field, bare words for a document.
    pub fn quoted(self) -> String {
        if self.name.contains(' ') { self.name.into() } else { format!("`{}`", self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::yaml;

    fn check(text: &str, read: impl Fn(Map<'_>)) -> String {
        let report = Report::new("f.yaml");
        let documents = yaml::parse(text.as_bytes(), &report);
        if let Some(map) = documents.first().and_then(|node| {
            Field::document(node, Dialect::Core, &report).map(&["name", "spec", "on"])
        }) {
            read(map);
        }
        let lines: Vec<String> = report.into_problems().iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn reports_every_field_that_does_not_fit() {
        let problems = check("name: 12\nspce: 1\non: yes\n", |map| {
            map.required("name").and_then(Field::text);
            map.required("spec").and_then(Field::any_map);
            map.optional("on").and_then(Field::bool);
        });
        insta::assert_snapshot!(problems, @r"
        f.yaml:1:1: error[E0102]: the field `spec` is missing in the document; write `spec:`
        f.yaml:1:7: error[E0103]: `name` must be text, not the number 12; put it in quotes
        f.yaml:2:1: error[E0101]: unknown field `spce` in the document; allowed: `name`, `spec` or `on`
        f.yaml:3:5: error[E0103]: `on` must be `true` or `false`, not the text `yes`; write `true`
        ");
    }

    #[test]
    fn reads_ranges_durations_and_urls() {
        let problems = check("name: 1x\nspec: ftp://x\non: [1]\n", |map| {
            map.required("name").and_then(Field::duration);
            map.required("spec").and_then(Field::http_url);
            map.required("on").and_then(|field| field.integer(1..=3));
        });
        insta::assert_snapshot!(problems, @r"
        f.yaml:1:7: error[E0108]: `name` is `1x`, which is not a duration; write whole numbers with `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `5m` or `1h30m`
        f.yaml:2:7: error[E0110]: `spec` is not an absolute http or https URL; write it like `https://example.com/path`
        f.yaml:3:5: error[E0103]: `on` must be a whole number, not a list
        ");
    }
}
