//! Payment card numbers: 14 to 19 digits of a known issuer whose check digit is right (ISO/IEC 7812, Luhn).

use std::ops::Range;

/// The fewest digits of a card's number.
const DIGITS_MIN: usize = 14;
const DIGITS_MAX: usize = 19;
/// The smallest number that has [`DIGITS_MIN`] digits.
pub(super) const NUMBER_MIN: i64 = 10_000_000_000_000;

/// Where the text has card numbers.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = candidate(bytes, at) {
        let (end, digits) = run(bytes, start);
        let bounded = start == 0
            || !(bytes[start - 1].is_ascii_alphanumeric()
                || matches!(bytes[start - 1], b'.' | b'_'));
        let ends =
            bytes.get(end).is_none_or(|next| !(next.is_ascii_alphanumeric() || *next == b'_'));
        if bounded && ends && is_card(&digits) {
            found.push(start..end);
        }
        at = end;
    }
    found
}

/// Where at or after `at` digits begin that may be a card's.
///
/// Of any two bytes of a number one is a digit, so that where neither of two is no number of 14 bytes begins in the 14 up to them.
fn candidate(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some([one, two]) = bytes.get(at + DIGITS_MIN - 2..at + DIGITS_MIN) {
        if !one.is_ascii_digit() && !two.is_ascii_digit() {
            at += DIGITS_MIN;
            continue;
        }
        let window = &bytes[at..at + DIGITS_MIN];
        match window.iter().position(u8::is_ascii_digit) {
            Some(first) => return Some(at + first),
            None => at += DIGITS_MIN,
        }
    }
    None
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
        let check = |text: &str| {
            let mut out = text.to_owned();
            for range in find(text).into_iter().rev() {
                out.replace_range(range, "[redacted:credit_card]");
            }
            out
        };
        assert_eq!(
            check("card 4111 1111 1111 1111 declined"),
            "card [redacted:credit_card] declined"
        );
        assert_eq!(check("4111-1111-1111-1111"), "[redacted:credit_card]");
        assert_eq!(check("amex=378282246310005;x"), "amex=[redacted:credit_card];x");
        let far = format!("{} 4111111111111111", "words of prose, then a card".repeat(9));
        assert!(check(&far).ends_with(" [redacted:credit_card]"));
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
