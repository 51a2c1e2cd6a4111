//! A cursor over a line, in bytes; every step it takes ends at an ASCII byte, so that it never splits a character.

use memchr::memchr;

use crate::{Format, ParseError};

/// What is left of a line.
#[derive(Clone)]
pub(crate) struct Scan<'a> {
    format: Format,
    length: usize,
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(format: Format, line: &'a str) -> Self {
        Self { format, length: line.len(), rest: line }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Takes `bytes` bytes; fewer when the line ends before, and none when they would split a character.
    pub(crate) fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) =
            self.rest.split_at_checked(bytes.min(self.rest.len())).unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    /// Takes `prefix` if it is next.
    pub(crate) fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(crate) fn expect(&mut self, prefix: &str, what: &'static str) -> Result<(), ParseError> {
        if self.eat(prefix) { Ok(()) } else { Err(self.fail(what)) }
    }

    /// Skips spaces and tabs, and says whether there were any.
    pub(crate) fn blanks(&mut self) -> bool {
        let length = self.rest.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.take(length);
        length > 0
    }

    /// Takes what is before the next `byte`, and `byte`; nothing when there is none.
    pub(crate) fn until(&mut self, byte: u8) -> Option<&'a str> {
        let at = memchr(byte, self.rest.as_bytes())?;
        let taken = self.take(at);
        self.take(1);
        Some(taken)
    }

    /// Takes what is before the next space or the end.
    pub(crate) fn token(&mut self) -> &'a str {
        self.take(memchr(b' ', self.rest.as_bytes()).unwrap_or(self.rest.len()))
    }

    /// Takes the ASCII digits that are next.
    pub(crate) fn digits(&mut self) -> &'a str {
        self.take(self.rest.bytes().take_while(u8::is_ascii_digit).count())
    }

    /// The fault `what`, at the place where the cursor is.
    pub(crate) fn fail(&self, what: &'static str) -> ParseError {
        ParseError { format: self.format, what, column: self.length - self.rest.len() + 1 }
    }
}

/// Where the first of `needles` that is not behind an odd number of backslashes is. Linear: each backslash is looked at once.
pub(crate) fn find_unescaped(text: &str, needle: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = memchr(needle, bytes.get(from..)?) {
        let at = from + found;
        let escapes = bytes.get(from..at)?.iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_quote_ends_nothing() {
        assert_eq!(find_unescaped(r#"a\"b" c"#, b'"'), Some(4));
        assert_eq!(find_unescaped(r#"a\\" c"#, b'"'), Some(3));
        assert_eq!(find_unescaped(r#"\"\""#, b'"'), None);
        assert_eq!(find_unescaped("", b'"'), None);
    }

    #[test]
    fn a_cursor_never_splits_a_character() {
        let mut scan = Scan::new(Format::Plain, "é ü");
        assert_eq!(scan.take(1), "");
        assert_eq!(scan.token(), "é");
        assert_eq!(scan.fail("x").column, 3);
    }
}
