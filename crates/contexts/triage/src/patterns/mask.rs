//! Masking: a line as text with typed parameters. Each line is masked by itself.

use super::{
    LINE_BYTES_MAX, SHAPE_BYTES_MAX,
    kind::{Kind, MARK},
    scan::{self, is_joint, is_word},
};

/// A masked line. Reused from line to line, it allocates nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Masked {
    /// The text with marks.
    pub(super) text: Vec<u8>,
    /// Where in the line each parameter is, in order.
    pub(super) spans: Vec<(usize, usize)>,
}

/// Constructors whose contents are a collection, however many items it has.
const COLLECTIONS: [&[u8]; 16] = [
    b"List",
    b"Set",
    b"Map",
    b"Array",
    b"ArrayBuffer",
    b"ListBuffer",
    b"Buffer",
    b"Vector",
    b"Seq",
    b"HashMap",
    b"HashSet",
    b"TreeMap",
    b"Queue",
    b"Stream",
    b"WrappedArray",
    b"ArraySeq",
];

/// Searches for a closing quote or bracket that may fail in a line.
const SEARCHES_MAX: usize = 8;

/// Keys whose quoted value is the statement and no parameter.
const SPEAKING_KEYS: [&[u8]; 12] = [
    b"msg",
    b"message",
    b"event",
    b"error",
    b"err",
    b"level",
    b"lvl",
    b"severity",
    b"log",
    b"reason",
    b"exception",
    b"logger",
];

impl Masked {
    /// Masks `line` in place of what was masked before.
    pub(super) fn mask(&mut self, line: &str) {
        self.text.clear();
        self.spans.clear();
        let bytes = line.as_bytes();
        let limit = line.floor_char_boundary(LINE_BYTES_MAX);
        let end = memchr::memchr(b'\n', &bytes[..limit]).unwrap_or(limit);
        let rest =
            Line { bytes: &bytes[..end], at: 0, quote: None, searches: SEARCHES_MAX }.run(self);
        if rest < bytes.len() {
            self.parameter(Kind::Rest, rest, bytes.len());
        }
    }

    fn parameter(&mut self, kind: Kind, from: usize, to: usize) {
        self.text.extend([MARK, kind.letter()]);
        self.spans.push((from, to));
    }
}

/// A line being masked.
struct Line<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where a quoted text ends whose content is being masked.
    quote: Option<usize>,
    /// Searches for a closing quote or bracket that may still fail: a line of opening ones is no reason to go slow.
    searches: usize,
}

impl Line<'_> {
    /// Masks up to the end or a limit; where it stopped.
    fn run(mut self, out: &mut Masked) -> usize {
        while self.at < self.bytes.len() {
            if out.text.len() > SHAPE_BYTES_MAX {
                // Every step takes whole characters: what is not ASCII is taken by the word.
                break;
            }
            self.step(out);
        }
        self.at
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn search(&mut self, find: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        let found = if self.searches > 0 { find(self.rest()) } else { None };
        self.searches -= usize::from(found.is_none() && self.searches > 0);
        found
    }

    fn literal(&mut self, length: usize, out: &mut Masked) {
        out.text.extend(&self.bytes[self.at..self.at + length]);
        self.at += length;
    }

    fn parameter(&mut self, kind: Kind, length: usize, out: &mut Masked) {
        out.parameter(kind, self.at, self.at + length);
        self.at += length;
    }

    fn step(&mut self, out: &mut Masked) {
        let byte = self.bytes[self.at];
        match byte {
            b'"' => self.quoted(out),
            b'(' => self.parenthesis(out),
            b'{' => self.brace(out),
            b'[' => self.bracket(out),
            b'/' => match path(self.rest()) {
                Some(length) => self.parameter(Kind::Path, length, out),
                None => self.literal(1, out),
            },
            b'-' | b'+' if self.is_sign() => match scan::number(self.rest()) {
                Some((length, kind)) => self.parameter(kind, length, out),
                None => self.literal(1, out),
            },
            _ if is_word(byte) => self.word(out),
            _ => self.literal(1, out),
        }
    }

    fn is_sign(&self) -> bool {
        let after_word = self.bytes[..self.at].last().is_some_and(|byte| is_word(*byte));
        !after_word && self.rest().get(1).is_some_and(u8::is_ascii_digit)
    }

    /// A word, or several with joints between them; a list when more follow after commas and all have digits.
    fn word(&mut self, out: &mut Masked) {
        let rest = self.rest();
        let first = rest[0];
        let may_be_time = first.is_ascii_digit() || first.is_ascii_uppercase();
        if may_be_time && let Some(length) = scan::time(rest) {
            return self.parameter(Kind::Time, length, out);
        }
        if first.is_ascii_hexdigit() {
            if let Some(length) = scan::uuid(rest) {
                return self.parameter(Kind::Uuid, length, out);
            }
            if let Some(length) = scan::ip(rest) {
                return self.parameter(Kind::Ip, length, out);
            }
        }
        let length = name(rest);
        if rest[length..].starts_with(b"://") && length > 0 {
            let length = rest.iter().take_while(|byte| !ends_address(**byte)).count();
            return self.parameter(Kind::Url, length, out);
        }
        let word = &rest[..length];
        if !word.iter().any(u8::is_ascii_digit) {
            if memchr::memchr(b'@', word)
                .is_some_and(|at| memchr::memchr(b'.', &word[at..]).is_some())
            {
                return self.parameter(Kind::Email, length, out);
            }
            if matches!(word, b"true" | b"false") && self.follows_sign(b"=:") {
                return self.parameter(Kind::Bool, length, out);
            }
            return self.literal(length, out);
        }
        let list = list(rest, length);
        if list > length {
            return self.parameter(Kind::List, list, out);
        }
        match scan::number(rest) {
            Some((number, kind)) => self.parameter(kind, number, out),
            None => self.parts(length, out),
        }
    }

    /// A name that has digits: its parts between joints one by one.
    fn parts(&mut self, length: usize, out: &mut Masked) {
        let end = self.at + length;
        while self.at < end {
            let rest = &self.bytes[self.at..end];
            let part = rest.iter().take_while(|byte| !is_joint(**byte)).count();
            if part == 0 {
                self.literal(1, out);
                continue;
            }
            let letters = rest[..part].iter().take_while(|byte| !byte.is_ascii_digit()).count();
            let digits =
                rest[letters..part].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if letters + digits == part {
                self.literal(letters, out);
                if digits > 0 {
                    self.parameter(Kind::Num, digits, out);
                }
            } else if part >= 8 && rest[..part].iter().all(u8::is_ascii_hexdigit) {
                self.parameter(Kind::Hex, part, out);
            } else {
                self.parameter(Kind::Id, part, out);
            }
        }
    }

    fn quoted(&mut self, out: &mut Masked) {
        if self.quote == Some(self.at) {
            self.quote = None;
            return self.literal(1, out);
        }
        // Inside a speaking value a quote begins nothing that could pass its end.
        let end = if self.quote.is_none() { self.search(scan::closing_quote) } else { None };
        let Some(end) = end else {
            return self.literal(1, out);
        };
        if self.rest().get(end + 1) == Some(&b':') {
            return self.literal(end + 1, out);
        }
        let speaks = self.is_speaking();
        self.literal(1, out);
        if speaks {
            self.quote = Some(self.at + end - 1);
        } else {
            self.parameter(Kind::Str, end - 1, out);
            self.literal(1, out);
        }
    }

    /// Whether what follows is the value of a key of [`SPEAKING_KEYS`].
    fn is_speaking(&self) -> bool {
        let before = self.bytes[..self.at].trim_ascii_end();
        let Some((b'=' | b':', key)) = before.split_last() else { return false };
        let key = key.strip_suffix(b"\"").unwrap_or(key);
        let start = key.iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
        SPEAKING_KEYS.iter().any(|word| key[start..].eq_ignore_ascii_case(word))
    }

    fn parenthesis(&mut self, out: &mut Masked) {
        let before = &self.bytes[..self.at];
        let start = before.iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
        let is_collection = COLLECTIONS.contains(&&before[start..]);
        if !is_collection {
            return self.literal(1, out);
        }
        match self.search(|text| scan::closing(text, b'(', b')')) {
            Some(end) => self.inner(Kind::List, end, out),
            None if self.bytes.len() >= LINE_BYTES_MAX - 3 => {
                // Its end is beyond what is looked at.
                self.literal(1, out);
                self.parameter(Kind::List, self.rest().len(), out);
            }
            None => self.literal(1, out),
        }
    }

    /// Braces hold a map, but for JSON, whose keys tell something.
    fn brace(&mut self, out: &mut Masked) {
        let is_json = self.rest().get(1) == Some(&b'"');
        match if is_json { None } else { self.search(|text| scan::closing(text, b'{', b'}')) } {
            Some(end) => self.inner(Kind::Map, end, out),
            None => self.literal(1, out),
        }
    }

    /// Brackets are a list where they are a value, or several with commas between them.
    fn bracket(&mut self, out: &mut Masked) {
        let Some(end) = self.search(|text| scan::closing(text, b'[', b']')) else {
            return self.literal(1, out);
        };
        let before = &self.bytes[..self.at];
        if before.ends_with(b"=") || before.ends_with(b":") || before.ends_with(b"\": ") {
            return self.inner(Kind::List, end, out);
        }
        let mut all = end + 1;
        while let Some(next) = self.rest()[all..].strip_prefix(b",").map(<[u8]>::trim_ascii_start)
            && let Some(length) = scan::closing(next, b'[', b']').filter(|_| next.starts_with(b"["))
        {
            all = self.rest().len() - next.len() + length + 1;
        }
        if all > end + 1 { self.parameter(Kind::List, all, out) } else { self.literal(1, out) }
    }

    /// Whether one of `signs` is before this place, or before the blank before it.
    fn follows_sign(&self, signs: &[u8]) -> bool {
        let before = &self.bytes[..self.at];
        let before = before.strip_suffix(b" ").unwrap_or(before);
        before.last().is_some_and(|byte| signs.contains(byte))
    }

    /// One parameter between brackets, of which the closing one is at `end`.
    fn inner(&mut self, kind: Kind, end: usize, out: &mut Masked) {
        self.literal(1, out);
        self.parameter(kind, end - 1, out);
        self.literal(1, out);
    }
}

/// How long the name at the start is: words, and joints between words.
fn name(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(byte) = text.get(length) {
        let joins = is_joint(*byte) && text.get(length + 1).is_some_and(|next| is_word(*next));
        if !is_word(*byte) && !joins {
            break;
        }
        length += 1;
    }
    length
}

/// How long the names with commas between them are, as far as each has a digit and all, or none, begin with one.
fn list(text: &[u8], first: usize) -> usize {
    let mut end = first;
    while text.get(end) == Some(&b',') {
        let next = name(&text[end + 1..]);
        let item = &text[end + 1..end + 1 + next];
        let is_alike = item.first().map(u8::is_ascii_digit) == text.first().map(u8::is_ascii_digit);
        if !is_alike || !item.iter().any(u8::is_ascii_digit) {
            break;
        }
        end += 1 + next;
    }
    end
}

fn ends_address(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b',' | b';' | b')' | b']' | b'}' | b'|')
}

/// How long the absolute path at the start is. A full stop at its end is the sentence's.
fn path(text: &[u8]) -> Option<usize> {
    if !text.get(1).is_some_and(|byte| is_word(*byte) || *byte == b'.') {
        return None;
    }
    let end = text
        .iter()
        .take_while(|byte| !ends_address(**byte) && **byte != b':' && **byte != b'=')
        .count();
    Some(end - usize::from(text[end - 1] == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The masked line as people read it.
    fn check(line: &str) -> String {
        let mut masked = Masked::default();
        masked.mask(line);
        let text = super::super::template::readable(&masked.text);
        assert_eq!(
            super::super::template::fill(
                &masked.text,
                masked.spans.iter().map(|(from, to)| line.get(*from..*to).unwrap())
            ),
            line
        );
        text
    }

    #[test]
    fn masks_what_varies() {
        for (line, masked) in [
            ("", ""),
            (
                "Controller 0 epoch 36 elected leader 2",
                "Controller <num> epoch <num> elected leader <num>",
            ),
            (
                "for partition [__consumer_offsets,19] in 5ms",
                "for partition [__consumer_offsets,<num>] in <duration>",
            ),
            ("ISR:0,1,2,LeaderEpoch:49", "ISR:<list>,LeaderEpoch:<num>"),
            ("Assigned replicas are: [List(1, 0, 2)]", "Assigned replicas are: [List(<list>)]"),
            ("live Set() and List(", "live Set(<list>) and List("),
            (
                "response {error_code=0,x=[1]} to kafka0:9092",
                "response {<map>} to kafka<num>:<num>",
            ),
            (
                r#"is {"leader":0,"isr":[0,1],"name":"x y"}"#,
                r#"is {"leader":<num>,"isr":[<list>],"name":"<str>"}"#,
            ),
            (
                r#"level=info msg="card 12 declined" user="bob""#,
                r#"level=info msg="card <num> declined" user="<str>""#,
            ),
            ("Deleting index /tmp/kafka-logs/test-4/0.index.", "Deleting index <path>."),
            ("GET https://a.example/x?y=1 by a@b.example", "GET <url> by <email>"),
            ("from 10.0.0.1:80 and fe80::1", "from <ip> and <ip>"),
            (
                "id f47ac10b-58cc-4372-a567-0e02b2c3d479 of 7f9c6d8b5d x7y9z",
                "id <uuid> of <hex> <id>",
            ),
            ("[2016-12-19 16:31:47,437] INFO x (delete=false)", "[<time>] INFO x (delete=<bool>)"),
            (
                "[Controller-0-to-broker-1-send-thread], Starting",
                "[Controller-<num>-to-broker-<num>-send-thread], Starting",
            ),
            (
                "partitions [a,1], [b,2],[c,3] of [test2,0]",
                "partitions <list> of [test<num>,<num>]",
            ),
            ("(delete = true) is true", "(delete = <bool>) is true"),
            ("partitions test-1,__consumer_offsets-22 (x)", "partitions <list> (x)"),
            ("delta -5 +3 a-5 1.2.3", "delta <num> <num> a-<num> <version>"),
            ("first\nsecond", "first<rest>"),
            (r#"an open "quote"#, r#"an open "quote"#),
            ("literal <num> stays", "literal <num> stays"),
        ] {
            assert_eq!(check(line), masked);
        }
    }

    #[test]
    fn long_lines_end_in_one_parameter() {
        assert!(check(&"word ".repeat(10_000)).ends_with("<rest>"));
        assert!(check(&"é".repeat(10_000)).ends_with("<rest>"));
        assert!(check(&"[({".repeat(3000)).ends_with("<rest>"));
        assert_eq!(
            check(&format!("to Map({}) x", "[a,1] -> List(1), ".repeat(900))),
            "to Map(<list><rest>"
        );
    }
}
