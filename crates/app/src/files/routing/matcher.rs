//! Label matchers as Alertmanager reads them: `foo="bar"`, `{foo=~"a|b", baz!=x}`.
//!
//! There are two grammars: the classic one, and the UTF-8 one that replaced it. Like Alertmanager in its default mode, both are
//! tried; what only one takes is taken, and where they disagree the classic one wins.

use model::{MatchOp, Matcher};

use crate::files::text::{is_label_name, shorten};

/// The most matchers of one text.
const MATCHERS_MAX: usize = 64;

/// Why a text is not a list of matchers. `at` counts characters from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {}", .at + 1)]
pub struct MatcherError {
    pub at: usize,
    message: String,
}

/// The matchers of `text`, all of which must hold.
pub fn matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    match (classic::matchers(text), utf8::matchers(text)) {
        (Some(classic), _) => Ok(classic),
        (None, result) => result,
    }
}

fn new(name: &str, op: MatchOp, value: &str, at: usize) -> Result<Matcher, MatcherError> {
    Matcher::new(name, op, value).map_err(|error| MatcherError { at, message: error.to_string() })
}

const OPERATORS: [(&str, MatchOp); 4] = [
    ("=~", MatchOp::Regex),
    ("!~", MatchOp::NotRegex),
    ("!=", MatchOp::NotEqual),
    ("=", MatchOp::Equal),
];

mod classic {
    //! The grammar of Alertmanager 0.26 and older.

    use super::*;

    pub(super) fn matchers(text: &str) -> Option<Vec<Matcher>> {
        let text = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}').unwrap_or(rest),
            None => text,
        };
        tokens(text).iter().map(|token| matcher(token)).collect()
    }

    /// Splits at commas outside of quotes; a trailing comma starts no token.
    fn tokens(text: &str) -> Vec<String> {
        let (mut tokens, mut token) = (Vec::new(), String::new());
        let (mut quoted, mut escaped) = (false, false);
        for c in text.chars() {
            match c {
                ',' if !quoted => {
                    tokens.push(std::mem::take(&mut token));
                    continue;
                }
                '"' if !escaped => quoted = !quoted,
                '\\' => {
                    escaped = !escaped;
                    token.push(c);
                    continue;
                }
                _ => {}
            }
            escaped = false;
            token.push(c);
        }
        if !token.is_empty() {
            tokens.push(token);
        }
        tokens
    }

    fn matcher(token: &str) -> Option<Matcher> {
        let token = token.trim();
        let end = token.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')))?;
        let (name, rest) = token.split_at_checked(end)?;
        let valid = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
        let rest = rest.trim_start();
        let (value, op) =
            OPERATORS.iter().find_map(|(text, op)| Some((rest.strip_prefix(text)?, *op)))?;
        let value = unquoted(value.trim())?;
        (valid).then(|| new(name, op, &value, 0).ok()).flatten()
    }

    /// Of escapes, `\n`, `\"` and `\\` are known; before any other letter a backslash stands for itself.
    fn unquoted(raw: &str) -> Option<String> {
        let (raw, mut open) = match raw.strip_prefix('"') {
            Some(rest) => (rest, true),
            None => (raw, false),
        };
        let (mut value, mut escaped) = (String::new(), false);
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            let last = chars.peek().is_none();
            match c {
                'n' if escaped => value.push('\n'),
                '"' | '\\' if escaped => value.push(c),
                _ if escaped => value.extend(['\\', c]),
                '\\' if !last => {
                    escaped = true;
                    continue;
                }
                '"' if open && last => open = false,
                '"' => return None,
                _ => value.push(c),
            }
            escaped = false;
        }
        (!open).then_some(value)
    }
}

mod utf8 {
    //! The grammar of Alertmanager 0.27 and newer: names and values are any words, or Go's quoted strings.

    use super::*;

    pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
        let mut cursor = Cursor { chars: text.chars().collect(), at: 0 };
        cursor.space();
        let braces = cursor.take('{');
        let mut matchers = Vec::new();
        loop {
            cursor.space();
            match cursor.peek() {
                Some('}') if braces => break,
                None if !braces => break,
                _ => {}
            }
            matchers.push(cursor.matcher()?);
            if matchers.len() > MATCHERS_MAX {
                return Err(cursor.error(&format!("more than {MATCHERS_MAX} matchers")));
            }
            cursor.space();
            if !cursor.take(',') && !matches!(cursor.peek(), Some('}') | None) {
                return Err(cursor.error("a comma or the end was expected"));
            }
        }
        if braces && !cursor.take('}') {
            return Err(cursor.error("`}` was expected"));
        }
        cursor.space();
        match cursor.peek() {
            Some(_) => Err(cursor.error("nothing more was expected")),
            None => Ok(matchers),
        }
    }

    struct Cursor {
        chars: Vec<char>,
        at: usize,
    }

    impl Cursor {
        fn matcher(&mut self) -> Result<Matcher, MatcherError> {
            let name = self.word("a label's name")?;
            if name.is_empty() {
                return Err(self.error("the label's name is empty"));
            }
            self.space();
            let found = OPERATORS.iter().find(|(text, _)| {
                text.chars().enumerate().all(|(at, c)| self.chars.get(self.at + at) == Some(&c))
            });
            let (text, op) =
                found.ok_or_else(|| self.error("`=`, `!=`, `=~` or `!~` was expected"))?;
            self.at += text.len();
            self.space();
            let at = self.at;
            let value = self.word("a label's value")?;
            new(&name, *op, &value, at)
        }

        fn word(&mut self, expected: &str) -> Result<String, MatcherError> {
            if self.peek() == Some('"') {
                return self.quoted();
            }
            let reserved = |c: &char| c.is_whitespace() || "{}!=~,\\\"'`".contains(*c);
            let word: String =
                self.chars.iter().skip(self.at).take_while(|c| !reserved(c)).collect();
            if word.is_empty() {
                return Err(self.error(&format!("{expected} was expected")));
            }
            self.at += word.chars().count();
            Ok(word)
        }

        /// A string of Go's; its escapes may spell out the bytes of UTF-8.
        fn quoted(&mut self) -> Result<String, MatcherError> {
            let start = self.at;
            self.at += 1;
            let mut bytes = Vec::new();
            loop {
                match self.peek() {
                    Some('"') => break,
                    Some('\\') => self.escape(&mut bytes)?,
                    Some('\n') | None => {
                        self.at = start;
                        return Err(self.error("the quoted text is not closed"));
                    }
                    Some(c) => {
                        self.at += 1;
                        bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                    }
                }
            }
            self.at += 1;
            String::from_utf8(bytes).map_err(|_| {
                self.at = start;
                self.error("the quoted text is not UTF-8")
            })
        }

        fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), MatcherError> {
            let letter = self.chars.get(self.at + 1).copied();
            let plain = match letter {
                Some('n') => Some(b'\n'),
                Some('t') => Some(b'\t'),
                Some('r') => Some(b'\r'),
                Some('a') => Some(7),
                Some('b') => Some(8),
                Some('f') => Some(12),
                Some('v') => Some(11),
                Some('\\') => Some(b'\\'),
                Some('"') => Some(b'"'),
                _ => None,
            };
            if let Some(byte) = plain {
                bytes.push(byte);
                self.at += 2;
                return Ok(());
            }
            let (skip, digits, radix) = match letter {
                Some('x') => (2, 2, 16),
                Some('u') => (2, 4, 16),
                Some('U') => (2, 8, 16),
                Some('0'..='7') => (1, 3, 8),
                _ => return Err(self.error("the escape is not known")),
            };
            let number: String = self.chars.iter().skip(self.at + skip).take(digits).collect();
            let fits = number.len() == digits && number.chars().all(|c| c.is_digit(radix));
            let number = fits.then(|| u32::from_str_radix(&number, radix).ok()).flatten();
            let spelled = match (number, digits) {
                (Some(number), 2 | 3) => u8::try_from(number).ok().map(|byte| vec![byte]),
                (Some(number), _) => char::from_u32(number).map(|c| c.to_string().into_bytes()),
                (None, _) => None,
            };
            bytes.extend(spelled.ok_or_else(|| self.error("the escape is not known"))?);
            self.at += skip + digits;
            Ok(())
        }

        fn space(&mut self) {
            while self.peek().is_some_and(char::is_whitespace) {
                self.at += 1;
            }
        }

        fn peek(&self) -> Option<char> {
            self.chars.get(self.at).copied()
        }

        fn take(&mut self, expected: char) -> bool {
            let found = self.peek() == Some(expected);
            self.at += usize::from(found);
            found
        }

        fn error(&self, message: &str) -> MatcherError {
            MatcherError { at: self.at, message: message.into() }
        }
    }
}

/// Reads the three ways in which matchers are written: `matchers`, and the older `match` and `match_re`.
pub(super) mod fields {
    use super::*;
    use crate::files::{
        problem::Code,
        reader::{Field, Map},
    };

    /// All matchers of a route or a side of an inhibition.
    pub(in crate::files::routing) fn read(
        map: Map<'_>,
        [list, equal, regex]: [&str; 3],
    ) -> Vec<Matcher> {
        let mut found = Vec::new();
        for item in map.optional(list).and_then(Field::list).unwrap_or_default() {
            found.extend(text(item));
        }
        found.extend(pairs(map, equal, MatchOp::Equal));
        found.extend(pairs(map, regex, MatchOp::Regex));
        found
    }

    fn text(item: Field<'_>) -> Vec<Matcher> {
        let Some(text) = item.text() else { return Vec::new() };
        matchers(text).unwrap_or_else(|error| {
            let message = format!("`{}` is not a matcher: {error}", shorten(text));
            item.error_inside(
                error.at,
                Code::MATCHER,
                message,
                "write it like `service=\"checkout\"`",
            );
            Vec::new()
        })
    }

    fn pairs(map: Map<'_>, name: &str, op: MatchOp) -> Vec<Matcher> {
        let Some(pairs) = map.optional(name).and_then(Field::any_map) else { return Vec::new() };
        pairs.fields().filter_map(|(key, value)| pair(key, value, op)).collect()
    }

    fn pair(key: Field<'_>, value: Field<'_>, op: MatchOp) -> Option<Matcher> {
        if !is_label_name(key.name()) {
            let message = format!("`{}` is not a label's name", shorten(key.name()));
            key.error(Code::NAME, message, "letters, digits and `_`, not a digit first");
        }
        if op == MatchOp::Regex && value.node().is_null() {
            let message = format!("`{}` has no regular expression", shorten(key.name()));
            value.error(Code::PATTERN, message, "write one");
            return None;
        }
        let text = value.text()?;
        let matcher = Matcher::new(key.name(), op, text);
        if matcher.is_err() {
            let message = format!("`{}` is not a regular expression", shorten(text));
            value.error(Code::PATTERN, message, "write RE2 syntax; it matches the whole value");
        }
        matcher.ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> String {
        match matchers(text) {
            Ok(matchers) => format!("{matchers:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn reads_both_grammars() {
        insta::assert_snapshot!(check(r#"severity="page""#), @r#"[severity="page"]"#);
        insta::assert_snapshot!(check(r#"{a=~"x|y", b!=c,}"#), @r#"[a=~"x|y", b!="c"]"#);
        insta::assert_snapshot!(check(r#"{"with space"="\u00e9"}"#), @r#"[with space="é"]"#);
        insta::assert_snapshot!(check(r#"a=b c"#), @r#"[a="b c"]"#);
        insta::assert_snapshot!(check(""), @"[]");
    }

    #[test]
    fn says_where_a_matcher_ends_to_be_one() {
        insta::assert_snapshot!(check("severity"), @"`=`, `!=`, `=~` or `!~` was expected at character 9");
        insta::assert_snapshot!(check("severity == page"), @r#"[severity="= page"]"#);
        insta::assert_snapshot!(check("{a=b"), @r#"[a="b"]"#);
        insta::assert_snapshot!(check(r#"a=~"(""#), @"`(` is not a regular expression within the size limit at character 4");
        insta::assert_snapshot!(check(r#"🙂="x"#), @"the quoted text is not closed at character 3");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[ab{}=!~,"'\\ nxé]{0,20}"#) {
            drop(matchers(&text));
        }
    }
}
