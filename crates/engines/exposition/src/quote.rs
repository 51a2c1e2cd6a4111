//! Bytes in quotes, as Go's `%q` prints them in Prometheus' messages.

use std::fmt;

/// Bytes of a message that are printed; what is longer ends in `…`.
const SHOWN_BYTES_MAX: usize = 512;

/// Prints bytes in double quotes; those that are no UTF-8 as `\x..`.
#[derive(Clone, Copy)]
pub(crate) struct QuotedBytes<'a>(pub(crate) &'a [u8]);

/// The text that [`QuotedBytes`] prints.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    QuotedBytes(bytes).to_string()
}

impl fmt::Display for QuotedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let shown = self.0.get(..SHOWN_BYTES_MAX).unwrap_or(self.0);
        for chunk in shown.utf8_chunks() {
            chunk.valid().chars().try_for_each(|char| one(char, f))?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        f.write_str(if shown.len() < self.0.len() { "…\"" } else { "\"" })
    }
}

fn one(char: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match char {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\u{7}' => f.write_str("\\a"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{b}' => f.write_str("\\v"),
        control if control.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(control)),
        control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control)),
        other => write!(f, "{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_go_does() {
        assert_eq!(quoted(b"a\"\\\n\x00\xff\xc3\xa9"), r#""a\"\\\n\x00\xffé""#);
        assert_eq!(quoted(&[b'a'; 600]).len(), SHOWN_BYTES_MAX + 2 + '…'.len_utf8());
    }
}
