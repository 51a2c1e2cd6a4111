//! Names of metrics and labels: which are valid, and how a target is asked to escape those that are not.

/// Which names are valid: `metric_name_validation_scheme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Any text but the empty one.
    #[default]
    Utf8,
    /// Letters, digits and `_` (in a metric's name `:` too), not starting with a digit.
    Legacy,
}

/// How names that are not of the old form are written: `metric_name_escaping_scheme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// As they are.
    #[default]
    AllowUtf8,
    Underscores,
    Dots,
    Values,
}

impl Scheme {
    pub fn is_label_name(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy(name, false),
        }
    }

    pub fn is_metric_name(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy(name, true),
        }
    }
}

impl Escaping {
    /// As the `Accept` header writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

fn is_legacy(name: &str, colons: bool) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || (colons && b == b':'))
}

/// Whether a target of relabelling is a valid name once its references are replaced: `foo_${1}_bar`.
pub fn is_legacy_template(text: &str) -> bool {
    let mut rest = text;
    let mut first = true;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '$' {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, tail) = match after.strip_prefix('{') {
                Some(inner) => match inner.split_once('}') {
                    Some(found) => found,
                    None => return false,
                },
                None => {
                    let end = after.find(|c| !is_word(c)).unwrap_or(after.len());
                    after.split_at(end)
                }
            };
            if name.is_empty() || !name.chars().all(is_word) {
                return false;
            }
            rest = tail;
        } else if c == '_' || c.is_ascii_alphabetic() || (!first && c.is_ascii_digit()) {
            rest = after;
        } else {
            return false;
        }
        first = false;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_differ_in_what_a_name_may_hold() {
        let legacy = Scheme::Legacy;
        assert!(legacy.is_label_name("_a1") && legacy.is_metric_name("a:b"));
        for bad in ["", "1a", "a:b", "a.b", "é"] {
            assert!(!legacy.is_label_name(bad), "{bad}");
        }
        assert!(Scheme::Utf8.is_label_name("a.b é") && !Scheme::Utf8.is_label_name(""));
    }

    #[test]
    fn targets_may_have_references() {
        for good in ["a", "${1}", "foo_$1", "foo_${1}_bar", "$1$2", "__meta_${x}"] {
            assert!(is_legacy_template(good), "{good}");
        }
        for bad in ["", "1a", "foo-${bar}", "${1", "$", "a b", "${a-b}"] {
            assert!(!is_legacy_template(bad), "{bad}");
        }
    }
}
