//! Which texts that stand where a secret would are one.

use std::sync::LazyLock;

use regex::Regex;

use super::Candidate;

/// Words that say that there is no value.
const NOTHING: [&str; 6] = ["null", "none", "nil", "undefined", "true", "false"];

/// Texts that stand for a value, each as a whole; what a delimiter may have cut off at the end is optional.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^(?:
            \?+ | \*+ | \.+ | [xX]{3,}                      # `?` in SQL, what is masked
          | %[sdvq] | %\([A-Za-z_]+\)?s?                    # formats
          | \$[A-Z_][A-Z0-9_]* | \$[0-9]+ | [$\#]\{[^{}]*\}? | \$\([^()]*\)?
          | \{\{[^{}]*\}{0,2} | \{[A-Za-z_][A-Za-z0-9_.]*\}?
          | <[^<>]*>? | :[A-Za-z_]+ | %[A-Z_]+%
          | \[?(?i:filtered|redacted|hidden|masked)\]?
        )$",
    )
    .expect("a constant that a test compiles")
});

/// Placeholders and brackets that open what is nested tell nothing.
pub(super) fn is_value(found: &Candidate<'_>) -> bool {
    tells(found.secret())
}

fn tells(text: &str) -> bool {
    let bare = text.trim_matches(['"', '\'', ' ', '\\']);
    let opens = bare.bytes().all(|byte| matches!(byte, b'{' | b'[' | b'(' | b'<' | b'>' | b'|'));
    !(opens || NOTHING.contains(&bare) || PLACEHOLDER.is_match(bare))
}

/// A word such as `expired` behind `token:` is prose; a secret has a digit or is long.
pub(super) fn is_opaque(found: &Candidate<'_>) -> bool {
    let text = found.secret();
    tells(text)
        && (text.len() >= 20 || (text.len() >= 6 && text.bytes().any(|byte| byte.is_ascii_digit())))
}

/// `pass=12` counts what passed.
pub(super) fn is_no_count(found: &Candidate<'_>) -> bool {
    let text = found.secret();
    let bare = text.trim_matches(['"', '\'', ' ', '\\']);
    tells(text) && !bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether it is base64 of `user:password`, as the header `Authorization: Basic` has it.
pub(super) fn is_basic(found: &Candidate<'_>) -> bool {
    is_pair(found.secret())
}

fn is_pair(text: &str) -> bool {
    let bytes = base64(text).unwrap_or_default();
    str::from_utf8(&bytes)
        .is_ok_and(|pair| pair.contains(':') && !pair.chars().any(char::is_control))
}

/// Of both alphabets, padded or not.
pub(in crate::redact) fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let (mut bits, mut held, mut out) = (0_u32, 0_u32, Vec::with_capacity(digits.len() * 3 / 4));
    for byte in digits.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(out)
}

pub(super) fn any(_: &Candidate<'_>) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_one_as_a_whole() {
        for text in [
            "?",
            "$1",
            "$PASSWORD",
            "${PASSWORD}",
            "${PASSWORD",
            "{{ secret }}",
            "{{x}}",
            "<token>",
            "%s",
            "%(password)s",
            "***",
            ":password",
            "'?'",
            "null",
            "{",
            "[",
            "",
            "{name}",
            "[FILTERED]",
            "xxxx",
        ] {
            assert!(!tells(text), "{text}");
        }
        for text in [
            "$x",
            "$ecret",
            "?abc",
            "%41x",
            "***x",
            ":p4ss",
            "{a:b",
            "<a>b",
            "[x]",
            "\"$VAR1x\"",
            "hunter2",
        ] {
            assert!(tells(text), "{text}");
        }
    }

    #[test]
    fn knows_credentials_in_base64() {
        for text in ["dXNlcjpwYXNz", "YTpi", "dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"] {
            assert!(is_pair(text), "{text}");
        }
        for text in ["authentication", "plan", "Auth", "settings", "2024", "Configuration"] {
            assert!(!is_pair(text), "{text}");
        }
    }
}
