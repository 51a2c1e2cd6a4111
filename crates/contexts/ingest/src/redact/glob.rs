//! Patterns of keys: `*` is any run of characters, `?` is one, and case does not count.

/// A key's pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Box<[u8]>);

impl Glob {
    /// `None` where all is wildcards, which would take every key.
    pub(super) fn new(text: &str) -> Option<Self> {
        let says_something = text.bytes().any(|byte| !matches!(byte, b'*' | b'?'));
        says_something.then(|| Self(text.to_ascii_lowercase().into_bytes().into()))
    }

    /// Bytes are compared, so that `?` is one byte of a key that is not ASCII.
    pub(super) fn matches(&self, key: &str) -> bool {
        let (glob, key) = (&self.0, key.as_bytes());
        let (mut at, mut from) = (0, 0);
        // Where the last `*` is, and where in the key the text after it is tried.
        let mut star: Option<(usize, usize)> = None;
        while from < key.len() {
            match glob.get(at) {
                Some(b'*') => {
                    star = Some((at, from));
                    at += 1;
                }
                Some(byte) if *byte == b'?' || *byte == key[from].to_ascii_lowercase() => {
                    at += 1;
                    from += 1;
                }
                _ => match &mut star {
                    Some((star, tried)) => {
                        *tried += 1;
                        (at, from) = (*star + 1, *tried);
                    }
                    None => return false,
                },
            }
        }
        glob.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
    }

    /// The longest part without wildcards.
    pub(super) fn literal(&self) -> &str {
        let parts = self.0.split(|byte| matches!(byte, b'*' | b'?'));
        let longest = parts.max_by_key(|part| part.len()).unwrap_or_default();
        // The wildcards are ASCII, so that what is between them is whole characters.
        std::str::from_utf8(longest).unwrap_or_default()
    }

    /// The same as a regular expression.
    pub(super) fn regex(&self) -> String {
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        let escaped = regex::escape(text);
        escaped.replace(r"\*", "[A-Za-z0-9_.-]*").replace(r"\?", "[A-Za-z0-9_.-]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_and_case_does_not_count() {
        let check = |glob: &str, key: &str| Glob::new(glob).unwrap().matches(key);
        for (glob, key) in [
            ("ssn", "SSN"),
            ("user.*", "user.email"),
            ("*.ssn", "a.b.ssn"),
            ("a*b*c", "aXbYbZc"),
            ("x-?-key", "X-1-Key"),
            ("a*", "a"),
            ("größe", "größe"),
        ] {
            assert!(check(glob, key), "{glob} {key}");
        }
        for (glob, key) in
            [("ssn", "assn"), ("ssn", "ssn2"), ("user.*", "user"), ("a*b*c", "abcd"), ("a?", "a")]
        {
            assert!(!check(glob, key), "{glob} {key}");
        }
        assert_eq!(Glob::new("*?"), None);
        assert_eq!(Glob::new("").map(|_| ()), None);
        assert_eq!(Glob::new("a*longest?b").unwrap().literal(), "longest");
        let many = format!("{}b", "a*".repeat(40));
        assert!(!check(&many, &"a".repeat(1000)), "and it ends");
    }
}
