//! The facts that the journal writes about itself.
//!
//! Each names a range of numbers in its subject, as `12-15`; the subject is under the chain, and stays when a
//! payload goes. The payload says the same in JSON, with the reason.

use model::{Actor, Timestamp};

use crate::{
    chain::sha256,
    fact::{Draft, FactId},
};

/// Kinds that begin with this are written by the journal alone.
pub const RESERVED_PREFIX: &str = "journal.";
/// The payloads of the records in the subject's range are gone.
pub const PAYLOAD_ERASED: &str = "journal.payload_erased";
/// The records in the subject's range could not be verified and are skipped; the chain goes on here, from the last verified record.
pub const RESUMED_AFTER_BREAK: &str = "journal.resumed_after_break";
/// A person has accepted that the records in the subject's range are skipped.
pub const BREAK_ACCEPTED: &str = "journal.break_accepted";

const SCHEMA: u16 = 1;

/// Numbers from `first` to `last`; empty when `last` is just before `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What one of the journal's own facts says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Erased(Range),
    Resumed(Range),
    Accepted(Range),
}

impl Own {
    /// Reads the journal's own facts and passes over all others.
    pub(crate) fn parse(kind: &str, subject: &str) -> Option<Self> {
        let make = match kind {
            PAYLOAD_ERASED => Self::Erased,
            RESUMED_AFTER_BREAK => Self::Resumed,
            BREAK_ACCEPTED => Self::Accepted,
            _ => return None,
        };
        Range::parse(subject).map(make)
    }
}

impl Range {
    pub(crate) fn contains(self, seq: u64) -> bool {
        (self.first..=self.last).contains(&seq)
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let range = Self { first: first.parse().ok()?, last: last.parse().ok()? };
        (range.first >= 1 && range.last >= range.first - 1).then_some(range)
    }
}

/// A draft of one of the journal's own facts, to be written in a batch that begins with number `at.0`.
///
/// Its id is taken from what it says and from that number, which is never given twice: nobody outside asked for the fact, and the journal has no randomness.
pub(crate) fn draft(
    kind: &str,
    range: Range,
    reason: &str,
    actor: Actor,
    at: (u64, Timestamp),
) -> Draft {
    let (seq, now) = at;
    let digest = sha256(format!("{kind} {} {} {seq} {now}", range.first, range.last).as_bytes());
    let random = digest.iter().take(10).fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    let unix_ms = u64::try_from(now.as_millis()).unwrap_or(0);
    Draft {
        id: FactId::from_parts(unix_ms, random),
        kind: kind.into(),
        schema: SCHEMA,
        occurred_at: now,
        actor,
        cause: None,
        namespace: "default".into(),
        subject: format!("{}-{}", range.first, range.last).into(),
        payload: payload(range, reason).into_bytes(),
    }
}

/// The reason in the payload of one of the journal's own facts; `None` when it is not of that form.
pub(crate) fn reason(payload: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(payload).ok()?;
    let quoted = text.split_once(REASON)?.1.strip_suffix("\"}")?;
    let mut chars = quoted.chars();
    let mut reason = String::with_capacity(quoted.len());
    while let Some(char) = chars.next() {
        reason.push(if char == '\\' { unescape(&mut chars)? } else { char });
    }
    Some(reason)
}

const REASON: &str = ",\"reason\":\"";

fn payload(range: Range, reason: &str) -> String {
    let mut text = format!("{{\"first\":{},\"last\":{}{REASON}", range.first, range.last);
    for char in reason.chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            // JSON lets no control character stand in a string.
            _ if u32::from(char) < 0x20 => text.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => text.push(char),
        }
    }
    text.push_str("\"}");
    text
}

fn unescape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        'u' => (0..4)
            .try_fold(0, |code, _| Some(code << 4 | chars.next()?.to_digit(16)?))
            .and_then(char::from_u32),
        char => Some(char),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_from_the_subject() {
        let check = |subject| Own::parse(RESUMED_AFTER_BREAK, subject);
        assert_eq!(check("12-15"), Some(Own::Resumed(Range { first: 12, last: 15 })));
        assert_eq!(check("16-15"), Some(Own::Resumed(Range { first: 16, last: 15 })));
        for bad in ["", "-", "12", "0-3", "9-3", "1-2-3", "-1-3", "1-18446744073709551616"] {
            assert_eq!(check(bad), None, "{bad}");
        }
        assert_eq!(Own::parse("incident.opened", "1-2"), None);
    }

    proptest! {
        #[test]
        fn reasons_survive_in_valid_json(text in any::<String>()) {
            let payload = payload(Range { first: 3, last: 4 }, &text);
            let json: serde_json::Value = serde_json::from_str(&payload).unwrap();
            prop_assert_eq!(json["reason"].as_str(), Some(text.as_str()));
            prop_assert_eq!(json["last"].as_u64(), Some(4));
            prop_assert_eq!(reason(payload.as_bytes()), Some(text));
        }
    }
}
