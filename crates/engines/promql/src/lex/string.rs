//! Quoted strings: Go's escapes in `"` and `'`, none in backquotes.

use crate::quote::{printable, text_of};

/// How many bytes the string takes after its opening quote, with the closing one; the error says what is wrong in it.
pub(crate) fn length(rest: &str, quote: char) -> Result<usize, String> {
    let raw = quote == '`';
    let mut at = 0;
    loop {
        let tail = rest.get(at..).unwrap_or("");
        let Some(char) = tail.chars().next() else {
            let what = if raw { "unterminated raw string" } else { "unterminated quoted string" };
            return Err(what.to_owned());
        };
        at += char.len_utf8();
        match char {
            _ if char == quote => return Ok(at),
            '\\' if !raw => at += escape(rest.get(at..).unwrap_or(""), quote)?.1,
            '\n' if !raw => return Err("unterminated quoted string".to_owned()),
            // What was no UTF-8 has become this character before.
            char::REPLACEMENT_CHARACTER => return Err("invalid UTF-8 rune".to_owned()),
            _ => {}
        }
    }
}

/// The text inside the quotes of `quoted`, a string that [`length`] accepted; the error says what is wrong in it.
pub(crate) fn unquote(quoted: &str) -> Result<String, String> {
    let quote = quoted.chars().next().unwrap_or('"');
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if quote == '`' || !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (value, used) = escape(after, quote)?;
        match value {
            Escape::Byte(byte) => bytes.push(byte),
            Escape::Char(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = after.get(used..).unwrap_or("");
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(text_of(&bytes))
}

enum Escape {
    Byte(u8),
    Char(char),
}

/// What the escape at the start of `rest`, after its backslash, stands for, and how many bytes it takes.
fn escape(rest: &str, quote: char) -> Result<(Escape, usize), String> {
    let Some(code) = rest.chars().next() else {
        return Err("escape sequence not terminated".to_owned());
    };
    let (start, digits, radix) = match code {
        'a' => return Ok((Escape::Byte(0x07), 1)),
        'b' => return Ok((Escape::Byte(0x08), 1)),
        'f' => return Ok((Escape::Byte(0x0c), 1)),
        'n' => return Ok((Escape::Byte(b'\n'), 1)),
        'r' => return Ok((Escape::Byte(b'\r'), 1)),
        't' => return Ok((Escape::Byte(b'\t'), 1)),
        'v' => return Ok((Escape::Byte(0x0b), 1)),
        '\\' => return Ok((Escape::Byte(b'\\'), 1)),
        _ if code == quote => return Ok((Escape::Char(quote), 1)),
        '0'..='7' => (0, 3, 8),
        'x' => (1, 2, 16),
        'u' => (1, 4, 16),
        'U' => (1, 8, 16),
        _ => return Err(format!("unknown escape sequence {}", code_point(code))),
    };
    let mut chars = rest.get(start..).unwrap_or("").chars();
    let mut value = 0_u32;
    for _ in 0..digits {
        let char = chars.next().ok_or_else(|| "escape sequence not terminated".to_owned())?;
        let digit = char
            .to_digit(radix)
            .ok_or_else(|| format!("illegal character {} in escape sequence", code_point(char)))?;
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    let invalid = || "escape sequence is an invalid Unicode code point".to_owned();
    let escape = if matches!(code, 'u' | 'U') {
        Escape::Char(char::from_u32(value).ok_or_else(invalid)?)
    } else {
        Escape::Byte(u8::try_from(value).map_err(|_| invalid())?)
    };
    Ok((escape, start + digits))
}

/// `U+0063 'c'`
fn code_point(char: char) -> String {
    let code = format!("U+{:04X}", u32::from(char));
    if printable(char) { format!("{code} '{char}'") } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_escapes() {
        assert_eq!(unquote(r#""a\n\"\x41\u00e9\101""#).unwrap(), "a\n\"AéA");
        assert_eq!(unquote(r"`\n`").unwrap(), r"\n");
        assert_eq!(unquote(r#""\xc3\xa9""#).unwrap(), "é");
        assert_eq!(unquote(r#""\xc3""#).unwrap(), "\u{10ffc3}");
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |rest, expected: &str| assert_eq!(length(rest, '"').unwrap_err(), expected);
        check("a", "unterminated quoted string");
        check("a\nb\"", "unterminated quoted string");
        check("\\", "escape sequence not terminated");
        check("\\q\"", "unknown escape sequence U+0071 'q'");
        check("\\'\"", "unknown escape sequence U+0027 '''");
        check("\\u12\"", "illegal character U+0022 '\"' in escape sequence");
        check("\\ud800\"", "escape sequence is an invalid Unicode code point");
        check("\\777\"", "escape sequence is an invalid Unicode code point");
        assert_eq!(length("a\\\"b\" c", '"').unwrap(), 5);
    }
}
