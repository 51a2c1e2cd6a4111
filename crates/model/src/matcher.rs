//! Label matchers: `name="value"`, `!=`, `=~`, `!~` as Prometheus and Alertmanager have them.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::{Labels, Quoted};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Regex,
    NotRegex,
}

/// A condition on one label; an absent label has the empty value.
#[derive(Clone)]
pub struct Matcher {
    name: Box<str>,
    op: MatchOp,
    value: Box<str>,
    /// Compiled and anchored at both ends, for the two regular expression operators.
    regex: Option<Regex>,
}

/// Why a matcher's regular expression is refused.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a regular expression within the size limit")]
pub struct PatternError {
    pattern: Box<str>,
    #[source]
    source: regex::Error,
}

impl Matcher {
    /// The most that a compiled pattern may take, in bytes.
    const PATTERN_BYTES_MAX: usize = 1 << 20;

    pub fn new(
        name: impl Into<Box<str>>,
        op: MatchOp,
        value: impl Into<Box<str>>,
    ) -> Result<Self, PatternError> {
        let (name, value) = (name.into(), value.into());
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(
                RegexBuilder::new(&format!("^(?s:{value})$"))
                    .size_limit(Self::PATTERN_BYTES_MAX)
                    .dfa_size_limit(Self::PATTERN_BYTES_MAX)
                    .build()
                    .map_err(|source| PatternError { pattern: value.clone(), source })?,
            ),
        };
        Ok(Self { name, op, value, regex })
    }

    /// `name="value"`.
    pub fn equal(name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), regex: None }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn op(&self) -> MatchOp {
        self.op
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label with this value passes; absent is `""`.
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => *self.value == *value,
            (MatchOp::NotEqual, _) => *self.value != *value,
            (MatchOp::Regex, regex) => regex.as_ref().is_some_and(|regex| regex.is_match(value)),
            (MatchOp::NotRegex, regex) => {
                !regex.as_ref().is_some_and(|regex| regex.is_match(value))
            }
        }
    }

    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name).unwrap_or(""))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        };
        write!(f, "{}{op}{}", self.name, Quoted(&self.value))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored_and_absent_is_empty() {
        let labels = Labels::from_pairs([("code", "500")]);
        let check = |name: &str, op, value: &str| {
            Matcher::new(name, op, value).unwrap().matches_labels(&labels)
        };
        assert!(check("code", MatchOp::Regex, "5.."));
        assert!(!check("code", MatchOp::Regex, "5"));
        assert!(!check("code", MatchOp::Regex, "0|5"));
        assert!(check("code", MatchOp::NotRegex, "4.."));
        assert!(check("gone", MatchOp::Equal, ""));
        assert!(check("gone", MatchOp::NotEqual, "x"));
    }

    #[test]
    fn refuses_a_bomb() {
        assert!(Matcher::new("a", MatchOp::Regex, "(((a{100}){100}){100})").is_err());
        assert!(Matcher::new("a", MatchOp::Regex, "(").is_err());
    }
}
