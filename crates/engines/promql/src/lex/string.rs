//! Quoted strings: Go's escapes in `"` and `'`, none in backquotes.

/// The text inside the quotes of `quoted`; the error says which escape is wrong.
pub(crate) fn unquote(quoted: &str) -> Result<String, String> {
    let quote = quoted.chars().next().unwrap_or('"');
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if quote == '`' {
        return Ok(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let rest = chars.as_str();
        let used = escape(rest, quote, &mut bytes)?;
        chars = rest.get(used..).unwrap_or("").chars();
    }
    String::from_utf8(bytes).map_err(|_| "the string is not UTF-8".to_owned())
}

/// Reads one escape after its backslash; gives how many bytes it took.
fn escape(rest: &str, quote: char, bytes: &mut Vec<u8>) -> Result<usize, String> {
    let bad = || {
        let shown: String = rest.chars().take(1).collect();
        format!("unknown escape sequence `\\{shown}`")
    };
    let code = rest.chars().next().ok_or_else(bad)?;
    let simple = match code {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' | '\'' if code == quote => code as u8,
        'x' => return hex(rest, 2, bytes).ok_or_else(bad),
        'u' => return hex(rest, 4, bytes).ok_or_else(bad),
        'U' => return hex(rest, 8, bytes).ok_or_else(bad),
        '0'..='7' => {
            let byte = rest
                .get(..3)
                .and_then(|digits| u8::from_str_radix(digits, 8).ok())
                .ok_or_else(bad)?;
            bytes.push(byte);
            return Ok(3);
        }
        _ => return Err(bad()),
    };
    bytes.push(simple);
    Ok(1)
}

/// `xhh` is a byte; `uhhhh` and `Uhhhhhhhh` are characters.
fn hex(rest: &str, digits: usize, bytes: &mut Vec<u8>) -> Option<usize> {
    let code = u32::from_str_radix(rest.get(1..=digits)?, 16).ok()?;
    if digits == 2 {
        bytes.push(u8::try_from(code).ok()?);
    } else {
        bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(digits + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_escapes() {
        assert_eq!(unquote(r#""a\n\"\x41\u00e9\101""#).unwrap(), "a\n\"AéA");
        assert_eq!(unquote(r"`\n`").unwrap(), r"\n");
        assert!(unquote(r#""\q""#).is_err());
        assert!(unquote(r#""\'""#).is_err());
        assert!(unquote(r#""\u12""#).is_err());
    }
}
