//! Numbers and durations as PromQL writes them.

use super::Kind;

/// How much of a text was looked at as a number, and what it is.
pub(super) struct Scan {
    pub(super) length: usize,
    /// `None`: neither a number nor a duration.
    pub(super) kind: Option<Kind>,
}

/// Reads a number or a duration at the start of `text`. Not every accepted text has a value: see [`number`].
pub(super) fn scan(text: &str) -> Scan {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    let kind = if cursor.number() {
        Some(Kind::Number)
    } else if cursor.units() {
        Some(Kind::Duration)
    } else {
        None
    };
    // What stopped the reading is shown, too, and may be any character.
    let mut length = cursor.at.min(text.len());
    while !text.is_char_boundary(length) {
        length += 1;
    }
    Scan { length, kind }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn is(&self, accept: impl Fn(u8) -> bool) -> bool {
        self.peek().is_some_and(accept)
    }

    fn accept(&mut self, accept: impl Fn(u8) -> bool) -> bool {
        let there = self.is(accept);
        self.at += usize::from(there);
        there
    }

    fn accept_all(&mut self, accept: impl Fn(u8) -> bool) {
        while self.accept(&accept) {}
    }

    /// `[digits][.digits][e[+-]digits]` or `0x` and hexadecimal digits, with single underscores between digits.
    fn number(&mut self) -> bool {
        let exponent = |byte| matches!(byte, b'e' | b'E');
        let after_underscore = |byte| matches!(byte, b'.' | b'_' | b'e' | b'E');
        let mut hex = false;
        if self.accept(|byte| byte == b'0') && self.accept(|byte| matches!(byte, b'x' | b'X')) {
            self.accept(|byte| byte == b'_');
            hex = true;
        }
        let digit =
            move |byte: u8| if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
        self.accept(|byte| byte == b'.');
        self.accept(digit);
        let (mut dots, mut exponents) = (0, 0);
        while self.is(|byte| digit(byte) || after_underscore(byte)) {
            if self.accept(|byte| byte == b'.') {
                dots += 1;
                if dots > 1 || self.accept(|byte| matches!(byte, b'_' | b'.')) || hex {
                    return false;
                }
            } else if self.is(exponent) && !hex {
                self.at += 1;
                exponents += 1;
                if exponents > 1 {
                    return false;
                }
                self.accept(|byte| matches!(byte, b'+' | b'-'));
                if self.accept(after_underscore) || self.peek().is_none() {
                    return false;
                }
            } else if self.accept(|byte| byte == b'_') {
                if self.accept(after_underscore) || self.peek().is_none() {
                    return false;
                }
            } else {
                self.accept_all(digit);
            }
        }
        self.at > 0 && !self.is(alphanumeric)
    }

    /// The units of a duration, and further digits with theirs, after its first digits.
    fn units(&mut self) -> bool {
        let unit = |byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w');
        if !self.accept(|byte| unit(byte) || byte == b'y') {
            return false;
        }
        self.accept(|byte| byte == b's');
        while self.accept(|byte| byte.is_ascii_digit()) {
            self.accept_all(|byte| byte.is_ascii_digit());
            if !self.accept(unit) {
                return false;
            }
            self.accept(|byte| byte == b's');
        }
        !self.accept(alphanumeric)
    }
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The value of a text that was scanned as a number: decimal with `_` between digits, hexadecimal (`0x1f`), octal with a
/// leading 0 (`017`), exponents, `inf` and `nan` in any case. The error ends a sentence.
pub(crate) fn number(text: &str) -> Result<f64, &'static str> {
    if text.eq_ignore_ascii_case("inf") {
        return Ok(f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    let digits = text.replace('_', "").to_ascii_lowercase();
    #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16)
            .map(|value| value as f64)
            .map_err(|_| "invalid syntax");
    }
    #[expect(clippy::cast_precision_loss, reason = "PromQL's numbers are floats")]
    if digits.len() > 1
        && digits.starts_with('0')
        && let Ok(value) = i64::from_str_radix(&digits, 8)
    {
        return Ok(value as f64);
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err("value out of range"),
        Err(_) => Err("invalid syntax"),
    }
}

/// Units from the largest, with their milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The longest duration, in milliseconds: what fits into 63 bits of nanoseconds.
const DURATION_MS_MAX: u64 = (i64::MAX / 1_000_000) as u64;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DurationProblem {
    /// Units that are out of order or repeated, or no digits or no unit.
    Form,
    Unit(String),
    Range,
}

/// `1d12h`, `5m`, `30s500ms`: each unit at most once, the larger first; in milliseconds.
pub(crate) fn duration_ms(text: &str) -> Result<i64, DurationProblem> {
    let (mut rest, mut total, mut units) = (text, 0_u64, &UNITS[..]);
    if rest.is_empty() {
        return Err(DurationProblem::Form);
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        let (count, tail) = rest.split_at(digits);
        let count: u64 = count.parse().map_err(|_| DurationProblem::Form)?;
        let (unit, tail) =
            tail.split_at(tail.find(|char: char| char.is_ascii_digit()).unwrap_or(tail.len()));
        if unit.is_empty() {
            return Err(DurationProblem::Form);
        }
        let Some(at) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return Err(DurationProblem::Unit(unit.to_owned()));
        };
        let skipped = UNITS.len() - units.len();
        let Some(at) = at.checked_sub(skipped) else { return Err(DurationProblem::Form) };
        let product = count.checked_mul(units[at].1).ok_or(DurationProblem::Range)?;
        total = total.saturating_add(product);
        if total > DURATION_MS_MAX {
            return Err(DurationProblem::Range);
        }
        units = &units[at + 1..];
        rest = tail;
    }
    i64::try_from(total).map_err(|_| DurationProblem::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        let check = |text, value| assert_eq!(number(text), value, "{text}");
        check("1", Ok(1.0));
        check("0x1F", Ok(31.0));
        check("0755", Ok(493.0));
        check("0789", Ok(789.0));
        check("1_000.5", Ok(1000.5));
        check(".5", Ok(0.5));
        check("1e-3", Ok(0.001));
        check("Inf", Ok(f64::INFINITY));
        check("1e999", Err("value out of range"));
        check("0x", Err("invalid syntax"));
    }

    #[test]
    fn shows_how_far_it_read() {
        let check = |text, length, number: bool| {
            let scanned = scan(text);
            assert_eq!(
                (scanned.length, scanned.kind == Some(Kind::Number)),
                (length, number),
                "{text}"
            );
        };
        check("1.5 ", 3, true);
        check("0deadbeef", 3, false);
        check("100..4", 5, false);
        check("2.5.", 4, false);
        check("5mm", 3, false);
        check("1é", 1, true);
        assert_eq!(scan("5m30s ").kind, Some(Kind::Duration));
    }

    #[test]
    fn reads_durations() {
        let check = |text, ms| assert_eq!(duration_ms(text), ms, "{text}");
        check("5m", Ok(300_000));
        check("1d12h", Ok(129_600_000));
        check("1s500ms", Ok(1500));
        check("0s", Ok(0));
        for bad in ["", "5", "m", "5m1h", "5m5m"] {
            check(bad, Err(DurationProblem::Form));
        }
        check("5x", Err(DurationProblem::Unit("x".to_owned())));
        check("300y", Err(DurationProblem::Range));
        check("99999999999999999y", Err(DurationProblem::Range));
    }
}
