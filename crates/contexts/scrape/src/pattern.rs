//! Regular expressions and replacement templates as Go's `regexp` (RE2) has them, which is what relabelling is written in.
//!
//! The two dialects are close, not equal: in Go `\d`, `\w`, `\s` and `\b` are ASCII, `\Q…\E` quotes, a brace that is no repetition is a
//! brace, and a repetition of a repetition is an error. A pattern is translated into what means the same here.

mod template;
mod translate;

use std::fmt;

use regex::{Regex, RegexBuilder};

pub use template::Template;

/// An anchored pattern, and what it captured.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    /// `None` for `(.*)`, which captures all of any text.
    regex: Option<Regex>,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct PatternError(Box<str>);

impl Pattern {
    /// What a rule has that names none.
    pub const DEFAULT: &'static str = "(.*)";
    /// The most bytes of a pattern's text.
    pub const TEXT_BYTES_MAX: usize = 64 << 10;
    /// The most bytes that a compiled pattern may take.
    const COMPILED_BYTES_MAX: usize = 4 << 20;

    /// # Errors
    /// When Go's `regexp` would refuse it, or it compiles to more than 4 MiB.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text == Self::DEFAULT {
            return Ok(Self::default());
        }
        if text.len() > Self::TEXT_BYTES_MAX {
            let what =
                format!("{} bytes; at most {} are allowed", text.len(), Self::TEXT_BYTES_MAX);
            return Err(PatternError(what.into()));
        }
        let translated = translate::to_rust(text).map_err(|what| PatternError(what.into()))?;
        // Compiled by itself first: a pattern must not close the group that it is put into.
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(Self::COMPILED_BYTES_MAX)
                .dfa_size_limit(Self::COMPILED_BYTES_MAX)
                .build()
                .map_err(|error| PatternError(last_line(&error.to_string()).into()))
        };
        build(&translated)?;
        let regex = build(&format!("^(?s:{translated})$"))?;
        Ok(Self { text: text.into(), regex: Some(regex) })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_default(&self) -> bool {
        self.regex.is_none()
    }

    /// Whether all of `value` fits.
    pub fn is_match(&self, value: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(value))
    }

    /// What the groups captured, when all of `value` fits.
    pub fn captures<'v>(&self, value: &'v str) -> Option<Captures<'_, 'v>> {
        match &self.regex {
            None => Some(Captures::All(value)),
            Some(regex) => Some(Captures::Groups { regex, groups: regex.captures(value)? }),
        }
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self { text: Self::DEFAULT.into(), regex: None }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.text)
    }
}

/// What the groups of a pattern captured of a value.
#[derive(Debug)]
pub enum Captures<'p, 'v> {
    /// The one group and the whole.
    All(&'v str),
    Groups {
        regex: &'p Regex,
        groups: regex::Captures<'v>,
    },
}

impl Captures<'_, '_> {
    /// A group by its number; empty when it captured nothing or does not exist.
    fn numbered(&self, number: usize) -> &str {
        match self {
            Self::All(value) => {
                if number <= 1 {
                    value
                } else {
                    ""
                }
            }
            Self::Groups { groups, .. } => groups.get(number).map_or("", |found| found.as_str()),
        }
    }

    fn named(&self, name: &str) -> &str {
        match self {
            Self::All(_) => "",
            Self::Groups { groups, regex } => {
                // Of two groups with one name the last that captured wins.
                let numbers = regex.capture_names().enumerate();
                let of_name = numbers.filter(|(_, known)| *known == Some(name));
                of_name
                    .filter_map(|(number, _)| groups.get(number))
                    .last()
                    .map_or("", |found| found.as_str())
            }
        }
    }
}

/// The regex crate draws the place of an error over several lines; the last says what it is.
fn last_line(text: &str) -> &str {
    let line = text.lines().last().unwrap_or(text).trim();
    line.strip_prefix("error: ").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, value: &str) -> bool {
        Pattern::new(pattern).unwrap().is_match(value)
    }

    #[test]
    fn patterns_are_anchored_at_both_ends_and_dots_match_lines() {
        assert!(check("a.c", "a\nc") && check("a|b", "b") && check("", ""));
        assert!(!check("a|b", "ab") && !check("a", "xa") && !check("", "x"));
        assert!(check("(.*)", "") && check("(?i)ABC", "abc"));
    }

    #[test]
    fn what_no_regexp_is_is_refused() {
        for bad in [
            "(", ")", "a)(b", "[a", "a**", "a+*", "a{2}{3}", r"\q", r"\C", "(?x)a", "a{1001}",
            "*a", r"\8", "(?P<n", "[b-a]",
        ] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
        let error = Pattern::new("abc(def").unwrap_err();
        assert_eq!(error.to_string(), "error parsing regexp: unclosed group");
        assert!(Pattern::new("(((a{100}){100}){100})").is_err(), "a bomb");
    }
}
