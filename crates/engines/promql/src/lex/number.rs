//! Numbers and durations as PromQL writes them.

/// Decimal with `_` between digits, hexadecimal (`0x1f`), octal with a leading 0 (`017`), exponents.
pub(crate) fn number(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    if lower == "inf" {
        return Some(f64::INFINITY);
    }
    if lower == "nan" {
        return Some(f64::NAN);
    }
    if !well_separated(&lower) {
        return None;
    }
    let digits = lower.replace('_', "");
    #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(|value| value as f64);
    }
    let first = digits.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.')
        || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-'))
    {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
    if digits.len() > 1 && first == b'0' && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
    {
        return i64::from_str_radix(&digits, 8).ok().map(|value| value as f64);
    }
    digits.parse().ok()
}

/// An underscore stands only between two digits.
fn well_separated(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'_'
            || (at > 0
                && bytes[at - 1].is_ascii_hexdigit()
                && bytes.get(at + 1).is_some_and(u8::is_ascii_hexdigit))
    })
}

/// Units from the largest, with their milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// `1d12h`, `5m`, `30s500ms`: each unit at most once, the larger first; in milliseconds.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut total, mut units) = (text, 0_i64, &UNITS[..]);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = rest.get(..letters)?;
        let at = units.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(units[at].1)?)?;
        units = &units[at + 1..];
        rest = rest.get(letters..)?;
    }
    // What does not fit into nanoseconds is refused, as Prometheus does.
    (total <= i64::MAX / 1_000_000).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        let check = |text, value| assert_eq!(number(text), value, "{text}");
        check("1", Some(1.0));
        check("0x1F", Some(31.0));
        check("0755", Some(493.0));
        check("1_000.5", Some(1000.5));
        check(".5", Some(0.5));
        check("1e-3", Some(0.001));
        check("Inf", Some(f64::INFINITY));
        for bad in ["1_", "1__0", "0x", "5m", "e5", "", "1.2.3"] {
            check(bad, None);
        }
    }

    #[test]
    fn reads_durations() {
        let check = |text, ms| assert_eq!(duration_ms(text), ms, "{text}");
        check("5m", Some(300_000));
        check("1d12h", Some(129_600_000));
        check("1s500ms", Some(1500));
        check("0s", Some(0));
        for bad in ["", "5", "m", "5x", "5m1h", "5m5m", "300y"] {
            check(bad, None);
        }
    }
}
