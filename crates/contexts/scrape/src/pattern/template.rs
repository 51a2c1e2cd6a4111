//! Replacements: text with `$1`, `${1}`, `$name` and `${name}`, expanded as Go's `Regexp.Expand` does.

use super::Captures;

/// A replacement, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: Box<str>,
    parts: Box<[Part]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Number(usize),
    Name(Box<str>),
}

impl Template {
    /// What a rule has that names none.
    pub const DEFAULT: &'static str = "$1";

    /// Any text is a template: a `$` that starts no reference stands for itself, and `$$` for one `$`.
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                literal.push('$');
                rest = after;
            } else if let Some((name, after)) = reference(after) {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal).into()));
                }
                parts.push(Part::of(name));
                rest = after;
            } else {
                literal.push('$');
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal.into()));
        }
        Self { text: text.into(), parts: parts.into() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a reference stands in it, as Prometheus looks for one (`$1x` counts, `$$1` too).
    pub fn has_reference(&self) -> bool {
        self.text.contains('$')
    }

    /// The text with what the groups captured.
    pub fn expand(&self, captures: &Captures<'_, '_>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Number(number) => out.push_str(captures.numbered(*number)),
                Part::Name(name) => out.push_str(captures.named(name)),
            }
        }
        out
    }
}

impl Default for Template {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

impl Part {
    fn of(name: &str) -> Self {
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        // As in Go, a number has no leading zero.
        let plain = name == "0" || !name.starts_with('0');
        match name.parse() {
            Ok(number) if digits && plain => Self::Number(number),
            _ => Self::Name(name.into()),
        }
    }
}

/// The name behind a `$`, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match text.strip_prefix('{') {
        Some(inner) => {
            let (name, after) = inner.split_once('}')?;
            (!name.is_empty() && name.chars().all(is_word)).then_some((name, after))
        }
        None => {
            let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
            text.split_at_checked(end).filter(|(name, _)| !name.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    fn check(pattern: &str, value: &str, template: &str) -> String {
        let pattern = Pattern::new(pattern).unwrap();
        Template::new(template).expand(&pattern.captures(value).unwrap())
    }

    #[test]
    fn references_take_the_longest_name() {
        assert_eq!(check("(a)(b)", "ab", "$2-$1"), "b-a");
        assert_eq!(check("(a)(b)", "ab", "${2}x$1x"), "bx");
        assert_eq!(check("(a)(b)", "ab", "$0$3$01"), "ab");
        assert_eq!(check("(?P<n>a)(b)", "ab", "${n}$n$m"), "aa");
        assert_eq!(check("(a)|(b)", "b", "[$1$2]"), "[b]");
        assert_eq!(check("(.*)", "é", "<$1>"), "<é>");
    }

    #[test]
    fn other_dollars_are_dollars() {
        assert_eq!(check("(.*)", "v", "$$1 $ ${ ${} $- $"), "$1 $ ${ ${} $- $");
        assert!(!Template::new("plain").has_reference());
    }
}
