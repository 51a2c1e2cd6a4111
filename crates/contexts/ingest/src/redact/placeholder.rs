//! What stands in a secret's place: `[redacted:RULE]` or `[token:RULE:KEY:HEX]`.

use std::{fmt::Write, ops::Range, sync::LazyLock};

use hmac::{Hmac, KeyInit, Mac};
use regex::Regex;
use sha2::Sha256;

use super::policy::{Action, KEY_ID_BYTES_MAX, NAME_BYTES_MAX, TokenKey};

/// Bytes of the HMAC that a token shows: two of 2^32 different secrets share one with a chance of a half.
const TOKEN_BYTES: usize = 8;
/// Bytes of the longest placeholder.
const BYTES_MAX: usize =
    "[redacted:::]".len() + NAME_BYTES_MAX + KEY_ID_BYTES_MAX + 2 * TOKEN_BYTES;

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\[(?:redacted:[a-z0-9_]{1,40}|token:[a-z0-9_]{1,40}:[A-Za-z0-9]{1,16}:[0-9a-f]{16})\]",
    )
    .expect("a constant that a test compiles")
});

/// Whether a placeholder covers the range, so that what is there has been hidden already.
pub(super) fn covers(text: &str, range: &Range<usize>) -> bool {
    // A placeholder has one bracket, its first byte.
    let from = range.start.saturating_sub(BYTES_MAX);
    let before = text.as_bytes().get(from..=range.start.min(text.len().saturating_sub(1)));
    let Some(start) = before.and_then(|bytes| bytes.iter().rposition(|byte| *byte == b'[')) else {
        return false;
    };
    let start = from + start;
    let found = text.get(start..).and_then(|rest| PLACEHOLDER.find(rest));
    found.is_some_and(|found| start + found.end() >= range.end)
}

/// Whether all of the text is one placeholder.
pub(super) fn is_one(text: &str) -> bool {
    text.starts_with('[') && !text.is_empty() && covers(text, &(0..text.len()))
}

/// Makes placeholders.
#[derive(Clone, Debug, Default)]
pub(super) struct Cover {
    key: Option<(Box<str>, Hmac<Sha256>)>,
}

impl Cover {
    pub(super) fn new(key: &TokenKey) -> Self {
        let mac = Hmac::new_from_slice(&key.secret).expect("a key of any length is one for HMAC");
        Self { key: Some((key.id.clone(), mac)) }
    }

    /// Writes what stands in the place of `secret`.
    pub(super) fn write(&self, out: &mut String, rule: &str, action: Action, secret: &str) {
        match (&self.key, action) {
            (Some((id, mac)), Action::Token) => {
                // With quotes or without, it is one secret.
                let bare = secret.trim_matches(['"', '\'', '\\', ' ']);
                let digest = mac.clone().chain_update(bare).finalize().into_bytes();
                let parts = ["[token:", rule, ":", id, ":"];
                parts.iter().for_each(|part| out.push_str(part));
                for byte in digest.iter().take(TOKEN_BYTES) {
                    // No writer into a `String` fails.
                    write!(out, "{byte:02x}").unwrap_or_default();
                }
            }
            _ => ["[redacted:", rule].iter().for_each(|part| out.push_str(part)),
        }
        out.push(']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_hidden_already() {
        let text = "a [redacted:key] b [token:email:k1:0123456789abcdef]";
        assert!(covers(text, &(2..16)) && covers(text, &(3..10)) && covers(text, &(30..40)));
        assert!(!covers(text, &(0..3)) && !covers(text, &(2..18)) && !covers("", &(0..0)));
        assert!(is_one("[redacted:key]") && !is_one("[redacted:key] x") && !is_one(""));
        assert!(!is_one("[redacted:key") && !is_one("[token:email:k1:0123456789abcdeg]"));
    }

    #[test]
    fn a_token_is_the_hmac_of_the_bare_secret() {
        // RFC 4231, test case 2.
        let key = TokenKey { id: "a".into(), secret: b"Jefe".as_slice().into() };
        let mut out = String::new();
        Cover::new(&key).write(&mut out, "r", Action::Token, "\"what do ya want for nothing?\"");
        assert_eq!(out, "[token:r:a:5bdcc146bf60754e]");
    }
}
