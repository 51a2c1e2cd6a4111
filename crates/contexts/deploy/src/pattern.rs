//! Which services or environments a policy or a freeze is about: `checkout`, `pay*`, `*`.

use std::{fmt, str::FromStr};

/// A name in which each `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Box<str>);

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("a pattern is empty; write a name, or `*` for all")]
    Empty,
    #[error("the pattern `{pattern}` has more than {max} `*`", max = Pattern::STARS_MAX)]
    Stars { pattern: String },
}

impl Pattern {
    /// Matching is linear in the text for each star.
    pub const STARS_MAX: usize = 8;

    /// Matches everything.
    pub fn all() -> Self {
        Self("*".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names one thing.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return *self.0 == *text };
        let Some(mut text) = text.strip_prefix(first) else { return false };
        let mut parts = rest.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return text.ends_with(part);
            }
            match text.split_once(part) {
                Some((_, after)) => text = after,
                None => return false,
            }
        }
        true
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.matches('*').count() > Self::STARS_MAX {
            return Err(PatternError::Stars { pattern: text.to_owned() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let check = |pattern: &str, text: &str| pattern.parse::<Pattern>().unwrap().matches(text);
        for (pattern, text) in [
            ("*", ""),
            ("*", "cart"),
            ("pay*", "payment"),
            ("*ment", "payment"),
            ("p*m*t", "payment"),
            ("a**b", "ab"),
        ] {
            assert!(check(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("cart", "carts"),
            ("pay*", "repay"),
            ("*ment", "mental"),
            ("a*b*c", "acb"),
            ("ab*ba", "aba"),
        ] {
            assert!(!check(pattern, text), "{pattern} {text}");
        }
        assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
        assert!("*".repeat(9).parse::<Pattern>().is_err());
    }
}
