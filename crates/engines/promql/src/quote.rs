//! Text in quotes as Prometheus shows it: the rules of Go's `strconv.Quote`, which the lexer reads back.

use std::fmt::{self, Display, Formatter, Write};

/// Go's strings hold any bytes, ours do not: a byte that is no UTF-8 (from an escape like `\\xff`) is carried as this
/// private character plus the byte, and shown as that escape.
const STRAY: u32 = 0x10_ff00;

/// The text of bytes that need not be UTF-8.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let stray = |byte: &u8| char::from_u32(STRAY + u32::from(*byte));
        text.extend(chunk.invalid().iter().filter_map(stray));
    }
    text
}

/// Whether all of a text from [`text_of`] was UTF-8: otherwise it is no name and no value of a label.
pub(crate) fn is_utf8(text: &str) -> bool {
    !text.chars().any(|char| stray(char).is_some())
}

fn stray(char: char) -> Option<u32> {
    u32::from(char).checked_sub(STRAY).filter(|byte| *byte >= 0x80)
}

/// A text in double quotes: `"a\"b"`.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

/// A character in single quotes: `'a'`.
pub(crate) struct QuotedChar(pub(crate) char);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for char in self.0.chars() {
            match (char, stray(char)) {
                (_, Some(byte)) => write!(f, "\\x{byte:02x}")?,
                // The lexer takes it, as Prometheus' does, for what was no UTF-8.
                (char::REPLACEMENT_CHARACTER, _) => f.write_str("\\ufffd")?,
                _ => escaped(char, '"', f)?,
            }
        }
        f.write_char('"')
    }
}

impl Display for QuotedChar {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        escaped(self.0, '\'', f)?;
        f.write_char('\'')
    }
}

fn escaped(char: char, quote: char, f: &mut Formatter<'_>) -> fmt::Result {
    let short = match char {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        '\\' => '\\',
        _ if char == quote => quote,
        _ if printable(char) => return f.write_char(char),
        _ => {
            return match u32::from(char) {
                code @ (0..=0x1f | 0x7f) => write!(f, "\\x{code:02x}"),
                code @ 0..=0xffff => write!(f, "\\u{code:04x}"),
                code => write!(f, "\\U{code:08x}"),
            };
        }
    };
    f.write_char('\\')?;
    f.write_char(short)
}

/// A letter, mark, number, symbol or punctuation, or the plain space.
pub(crate) fn printable(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char, ' '..='~');
    }
    // The standard library knows this only of its own escaping, which treats a mark after another character as such.
    let mut bytes = [b'x'; 5];
    let shown = char.encode_utf8(&mut bytes[1..]).len();
    std::str::from_utf8(&bytes[..=shown]).is_ok_and(|text| text.escape_debug().eq(text.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_go_does() {
        let check = |text, shown: &str| assert_eq!(Quoted(text).to_string(), shown);
        check("a\"b'c\\\n", r#""a\"b'c\\\n""#);
        check("\0\u{7f}\u{80}\u{a0}", r#""\x00\x7f\u0080\u00a0""#);
        check("é台e\u{301}\u{fffd}", "\"é台e\u{301}\\ufffd\"");
        check("\u{e000}\u{10fffe}", r#""\ue000\xfe""#);
        let text = text_of(b"a\xc5z\xff\xc3\xa9");
        check(&text, r#""a\xc5z\xffé""#);
        assert!(!is_utf8(&text) && is_utf8("a\u{10ff7f}"));
        assert_eq!(QuotedChar('\'').to_string(), r"'\''");
        assert_eq!(QuotedChar('"').to_string(), "'\"'");
    }
}
