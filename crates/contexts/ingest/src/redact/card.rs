//! Payment card numbers: 14 to 19 digits of a known issuer whose check digit is right (ISO/IEC 7812, Luhn).

use crate::Counts;

/// The fewest digits of a card's number.
const DIGITS_MIN: usize = 14;
const DIGITS_MAX: usize = 19;

/// The text without card numbers; `None` when there was none.
pub(super) fn redact(text: &str, counts: &mut Counts) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out: Option<String> = None;
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (end, digits) = run(bytes, at);
        let bounded = at == 0
            || !(bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'.' | b'_'));
        let ends =
            bytes.get(end).is_none_or(|next| !(next.is_ascii_alphanumeric() || *next == b'_'));
        if bounded && ends && is_card(&digits) {
            let out = out.get_or_insert_default();
            out.push_str(text.get(copied..at).unwrap_or_default());
            out.push_str("[redacted:credit_card]");
            copied = end;
            *counts.entry("credit_card").or_default() += 1;
        }
        at = end;
    }
    out.map(|mut out| {
        out.push_str(text.get(copied..).unwrap_or_default());
        out
    })
}

/// The same for a number that stands alone.
pub(super) fn redact_number(number: i64, counts: &mut Counts) -> Option<String> {
    // The smallest number that has 14 digits.
    const LEAST: i64 = 10_000_000_000_000;
    if number < LEAST { None } else { redact(&number.to_string(), counts) }
}

/// Where the digits that begin at `at` end, and the digits, which single blanks or hyphens may part into groups of three or more.
fn run(bytes: &[u8], at: usize) -> (usize, Vec<u8>) {
    let mut digits = Vec::with_capacity(DIGITS_MAX);
    let mut end = at;
    loop {
        while let Some(digit) = bytes.get(end).filter(|byte| byte.is_ascii_digit()) {
            if digits.len() <= DIGITS_MAX {
                digits.push(digit - b'0');
            }
            end += 1;
        }
        let parted = matches!(bytes.get(end), Some(b' ' | b'-'));
        let group =
            bytes.get(end + 1..end + 4).is_some_and(|next| next.iter().all(u8::is_ascii_digit));
        if !(parted && group && digits.len() < DIGITS_MAX) {
            return (end, digits);
        }
        end += 1;
    }
}

fn is_card(digits: &[u8]) -> bool {
    let count = digits.len();
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&count) {
        return false;
    }
    let prefix =
        |digits: &[u8]| digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    let (two, four) = (prefix(&digits[..2]), prefix(&digits[..4]));
    let issued = match two {
        40..=49 | 51..=55 | 35 | 65 => count == 16,
        34 | 37 => count == 15,
        30 | 36 | 38 | 39 => count == 14,
        60 => count == 16 && four == 6011,
        62 => count >= 16,
        22..=27 => count == 16 && (2221..=2720).contains(&four),
        _ => false,
    };
    issued && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) => digit * 2 - if digit > 4 { 9 } else { 0 },
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_card_numbers_and_leaves_other_numbers() {
        let check =
            |text: &str| redact(text, &mut Counts::new()).unwrap_or_else(|| text.to_owned());
        assert_eq!(
            check("card 4111 1111 1111 1111 declined"),
            "card [redacted:credit_card] declined"
        );
        assert_eq!(check("4111-1111-1111-1111"), "[redacted:credit_card]");
        assert_eq!(redact_number(4_111_111_111_111_112, &mut Counts::new()), None);
        assert_eq!(redact_number(-4_111_111_111_111_111, &mut Counts::new()), None);
        assert_eq!(
            redact_number(4_111_111_111_111_111, &mut Counts::new()).as_deref(),
            Some("[redacted:credit_card]")
        );
        assert_eq!(check("amex=378282246310005;x"), "amex=[redacted:credit_card];x");
        for kept in [
            "4111111111111112",
            "1795402800250000000",
            "trace 4111111111111111ab",
            "order_4111111111111111",
            "12 34 56",
            "",
            "é 4",
            "2026-11-23 03:00:00.123456789",
        ] {
            assert_eq!(check(kept), kept);
        }
    }
}
