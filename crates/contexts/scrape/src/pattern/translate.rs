//! From Go's syntax of regular expressions to that of the regex crate.

use std::{iter::Peekable, str::CharIndices};

/// The most that a repetition may count, as Go has it.
const REPEAT_MAX: u32 = 1000;

/// The same pattern for the regex crate.
///
/// # Errors
/// Says what Go's syntax does not have.
pub(super) fn to_rust(text: &str) -> Result<String, String> {
    Reader { text, chars: text.char_indices().peekable(), out: String::with_capacity(text.len()) }
        .read()
}

struct Reader<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    out: String,
}

impl Reader<'_> {
    fn read(mut self) -> Result<String, String> {
        let mut repeated = false;
        while let Some((at, c)) = self.chars.next() {
            let mut repeats = false;
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '*' | '+' | '?' => repeats = true,
                '{' => match self.counted(at)? {
                    Some(end) => {
                        self.out.push_str(self.text.get(at..end).unwrap_or_default());
                        while self.chars.next_if(|(next, _)| *next < end).is_some() {}
                        self.twice(repeated)?;
                        self.lazy();
                        repeated = true;
                        continue;
                    }
                    None => self.out.push('\\'),
                },
                '(' => self.flags(at)?,
                _ => {}
            }
            if repeats {
                self.twice(repeated)?;
                self.out.push(c);
                self.lazy();
            } else if !matches!(c, '\\' | '[') {
                self.out.push(c);
            }
            repeated = repeats;
        }
        Ok(self.out)
    }

    fn twice(&self, repeated: bool) -> Result<(), String> {
        if repeated { Err("invalid nested repetition operator".to_owned()) } else { Ok(()) }
    }

    /// A `?` behind a repetition makes it lazy and is no repetition itself.
    fn lazy(&mut self) {
        if self.chars.next_if(|(_, c)| *c == '?').is_some() {
            self.out.push('?');
        }
    }

    /// Where `{n}`, `{n,}` or `{n,m}` at `at` ends; `None` when the brace is one of these.
    fn counted(&self, at: usize) -> Result<Option<usize>, String> {
        let rest = self.text.get(at + 1..).unwrap_or_default();
        let Some(end) = rest.find('}') else { return Ok(None) };
        let inner = rest.get(..end).unwrap_or_default();
        let (min, max) = match inner.split_once(',') {
            None => (inner, inner),
            Some((min, "")) => (min, min),
            Some((min, max)) => (min, max),
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(min) || !is_number(max) {
            return Ok(None);
        }
        let read = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= REPEAT_MAX);
        match (read(min), read(max)) {
            (Some(min), Some(max)) if min <= max => Ok(Some(at + 1 + end + 1)),
            _ => Err(format!("invalid repeat count: `{{{inner}}}`")),
        }
    }

    /// Refuses flags that Go does not know.
    fn flags(&self, at: usize) -> Result<(), String> {
        let Some(rest) = self.text.get(at..).and_then(|rest| rest.strip_prefix("(?")) else {
            return Ok(());
        };
        if rest.starts_with("P<") || rest.starts_with('<') {
            return Ok(());
        }
        let flags = rest.split([':', ')']).next().unwrap_or_default();
        match flags.chars().find(|c| !matches!(c, 'i' | 'm' | 's' | 'U' | '-')) {
            None => Ok(()),
            Some(_) => Err(format!("invalid or unsupported Perl syntax: `(?{flags}`")),
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some((_, c)) = self.chars.next() else {
            return Err("trailing backslash at end of expression".to_owned());
        };
        let ascii = match c {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            's' => r"[\t\n\x0C\r ]",
            'S' => r"[^\t\n\x0C\r ]",
            'b' if !in_class => r"(?-u:\b)",
            '<' => "<",
            '>' => ">",
            'Q' if !in_class => {
                return {
                    self.quoted();
                    Ok(())
                };
            }
            '0'..='7' => return self.octal(c),
            'p' | 'P' => {
                return {
                    self.property(c);
                    Ok(())
                };
            }
            'A' | 'z' | 'B' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' => "",
            _ if c.is_ascii_alphanumeric() || !c.is_ascii() => {
                return Err(format!("invalid escape sequence: `\\{c}`"));
            }
            _ => "",
        };
        if ascii.is_empty() {
            self.out.push('\\');
            self.out.push(c);
        } else {
            self.out.push_str(ascii);
        }
        Ok(())
    }

    /// `\Q` to `\E` or the end: each character stands for itself.
    fn quoted(&mut self) {
        while let Some((at, c)) = self.chars.next() {
            if self.text.get(at..).is_some_and(|rest| rest.starts_with(r"\E")) {
                self.chars.next();
                return;
            }
            self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// `\0` to `\07`, `\100`: a single digit from 1 to 7 would be a back-reference, which there is not.
    fn octal(&mut self, first: char) -> Result<(), String> {
        let digit = |c: char| c.to_digit(8);
        let mut value = digit(first).unwrap_or_default();
        let mut digits = 1;
        while digits < 3 {
            let Some((_, c)) = self.chars.next_if(|(_, c)| digit(*c).is_some()) else { break };
            value = value * 8 + digit(c).unwrap_or_default();
            digits += 1;
        }
        if first != '0' && digits == 1 {
            return Err(format!("invalid escape sequence: `\\{first}`"));
        }
        self.out.push_str(&format!("\\x{{{value:X}}}"));
        Ok(())
    }

    /// `\p{^Greek}` is `\P{Greek}`.
    fn property(&mut self, p: char) {
        let mut rest = self.chars.clone();
        let negated = matches!((rest.next(), rest.next()), (Some((_, '{')), Some((_, '^'))));
        if negated {
            self.chars.next();
            self.chars.next();
            self.out.push_str(if p == 'p' { r"\P{" } else { r"\p{" });
        } else {
            self.out.push('\\');
            self.out.push(p);
        }
    }

    /// A character class: what the regex crate has beyond Go's (`&&`, `--`, `~~`, a class in a class) is made literal.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.chars.next_if(|(_, c)| *c == '^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        while let Some((at, c)) = self.chars.next() {
            match c {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                ']' => self.out.push_str(r"\]"),
                '[' => {
                    let rest = self.text.get(at..).unwrap_or_default();
                    match rest.strip_prefix("[:").and_then(|rest| rest.find(":]")) {
                        Some(length) => {
                            let end = at + 2 + length + 2;
                            self.out.push_str(self.text.get(at..end).unwrap_or_default());
                            while self.chars.next_if(|(next, _)| *next < end).is_some() {}
                        }
                        None => self.out.push_str(r"\["),
                    }
                }
                '\\' => self.escape(true)?,
                '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.chars.peek().is_some_and(|(_, next)| *next == '-') => {
                    self.out.push_str(r"\-")
                }
                _ => self.out.push(c),
            }
            first = false;
        }
        Err("missing closing ]".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_s_meaning_is_kept() {
        let check =
            |text: &str, expected: &str| assert_eq!(to_rust(text).unwrap(), expected, "{text}");
        check(r"a.*b|c", "a.*b|c");
        check(r"\d+\.\w", r"[0-9]+\.[0-9A-Za-z_]");
        check(r"[^\d_-]", "[^[0-9]_-]");
        check(r"\Qa.b\E.", r"a\.b.");
        check(r"\Q*", r"\*");
        check("a{2,3}?x{,2}{a}", r"a{2,3}?x\{,2}\{a}");
        check("[]a]", r"[\]a]");
        check("[[a&&~]", r"[\[a\&\&\~]");
        check("[[:alpha:]x]", "[[:alpha:]x]");
        check(r"\p{^Greek}\pL", r"\P{Greek}\pL");
        check(r"\101\0", r"\x{41}\x{0}");
        check(r"\b\/\<", r"(?-u:\b)\/<");
        check("(?i:a)(?P<x>b)(?:c)", "(?i:a)(?P<x>b)(?:c)");
        check("a??b*?c+?", "a??b*?c+?");
    }

    #[test]
    fn what_it_gives_compiles_wherever_the_text_did() {
        use proptest::prelude::*;
        proptest!(|(text in r"([a-z.|()\[\]{}*+?\\^$0-9:&~-]|\\[a-zA-Z0-9]){0,12}")| {
            // No panic and no endless loop is what is asked for; an error is a fine answer.
            if let Ok(translated) = to_rust(&text) {
                drop(regex::Regex::new(&translated));
            }
        });
    }
}
