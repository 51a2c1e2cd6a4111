//! Values as a query writes them: a text, and the number that it reads as, if it does.

use std::{cmp::Ordering, fmt};

use model::Timestamp;

/// A whole number or one with a fraction; compared exactly with each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    /// Never NaN, may be infinite.
    Double(f64),
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A plain number.
    None,
    /// A duration, in nanoseconds.
    Nanoseconds,
    /// A size, in bytes.
    Bytes,
}

/// Units of durations, with their nanoseconds; the longest of those that begin alike first.
const DURATIONS: [(&str, i64); 10] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Units of sizes, with their bytes; case does not matter.
const SIZES: [(&str, i64); 9] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// The units, as an error lists them.
pub(crate) const UNITS: &str = "ns, us, ms, s, m, h, d, w, B, KB, MB, GB, TB, KiB, MiB, GiB, TiB";

impl Number {
    /// Reads a decimal number: digits with an optional sign, fraction and exponent, and nothing else around them.
    ///
    /// What is whole and fits is an [`Int`](Self::Int); `inf`, `NaN` and hexadecimal digits are no numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let (length, whole) = decimal(text)?;
        if length != text.len() {
            return None;
        }
        if whole && let Ok(int) = text.parse() {
            return Some(Self::Int(int));
        }
        text.parse().ok().map(Self::Double)
    }

    /// The order of the two; an integer is not rounded to compare it. `None` for a NaN.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(&other)),
            (Self::Double(one), Self::Double(other)) => one.partial_cmp(&other),
            (Self::Int(int), Self::Double(double)) => int_and_double(int, double),
            (Self::Double(double), Self::Int(int)) => {
                int_and_double(int, double).map(Ordering::reverse)
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::Double(double) => write!(f, "{double}"),
        }
    }
}

fn int_and_double(int: i64, double: f64) -> Option<Ordering> {
    const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= TOO_LARGE {
        return Some(Ordering::Less);
    }
    if double < -TOO_LARGE {
        return Some(Ordering::Greater);
    }
    let floor = double.floor();
    #[expect(clippy::cast_possible_truncation, reason = "whole and in the range of an i64")]
    let whole = int.cmp(&(floor as i64));
    let below = if double > floor { Ordering::Less } else { Ordering::Equal };
    Some(whole.then(below))
}

/// How many bytes a decimal number takes at the start of `text`, and whether it is written as a whole one.
fn decimal(text: &str) -> Option<(usize, bool)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let mut at = sign + digits(sign);
    let mut any = at > sign;
    let mut whole = true;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction > 0 {
            (at, any, whole) = (at + 1 + fraction, true, false);
        }
    }
    if any && matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            (at, whole) = (at + 1 + sign + exponent, false);
        }
    }
    any.then_some((at, whole))
}

/// The number that a literal reads as, with its unit: `5`, `-1.5e3`, `300ms`, `1h30m`, `10KB`.
pub(crate) fn quantity(text: &str) -> Option<(Number, Unit)> {
    if let Some(number) = Number::parse(text) {
        return Some((number, Unit::None));
    }
    if let Some(nanos) = duration_nanos(text) {
        return Some((Number::Int(nanos), Unit::Nanoseconds));
    }
    let (length, _) = decimal(text)?;
    let (amount, unit) = text.split_at_checked(length)?;
    let (_, bytes) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    times(amount, *bytes).map(|bytes| (Number::Int(bytes), Unit::Bytes))
}

/// A duration: numbers with units in a row, `1h30m`, `1.5s`, `-5m`; a fraction of a nanosecond is rounded.
pub(crate) fn duration_nanos(text: &str) -> Option<i64> {
    let (mut rest, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut sum = 0i64;
    loop {
        // Only the first may have a sign, which is gone.
        let (length, _) = decimal(rest).filter(|_| !rest.starts_with(['-', '+']))?;
        let (amount, after) = rest.split_at_checked(length)?;
        let unit = after.find(|char: char| !char.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let (_, nanos) = DURATIONS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(times(amount, *nanos)?)?;
        if after.is_empty() {
            return Some(if negative { -sum } else { sum });
        }
        rest = after;
    }
}

/// `amount` of a unit; `None` when it does not fit.
fn times(amount: &str, unit: i64) -> Option<i64> {
    match Number::parse(amount)? {
        Number::Int(amount) => amount.checked_mul(unit),
        Number::Double(amount) => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the units are small or powers of two and ten"
            )]
            let product = (amount * unit as f64).round();
            #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
            (product.abs() < 9.2e18).then_some(product as i64)
        }
    }
}

/// The word that follows a number where a unit would stand: `parsec` of `5parsec`.
pub(crate) fn unknown_unit(text: &str) -> Option<&str> {
    if quantity(text).is_some() {
        return None;
    }
    let (length, _) = decimal(text)?;
    let unit = text.get(length..)?;
    unit.chars().all(char::is_alphabetic).then_some(unit)
}

/// The names of all units.
pub(crate) fn units() -> impl Iterator<Item = &'static str> {
    UNITS.split(", ")
}

/// A time: RFC 3339, a date for its start in UTC, or Unix seconds.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let is_date = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    if is_date { format!("{text}T00:00:00Z").parse().ok() } else { text.parse().ok() }
}

/// A duration as a query writes it, in the largest units that say it exactly: `1m30s`.
pub(crate) fn show_duration(nanos: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const UNITS: [(&str, u64); 8] = [
        ("w", 604_800_000_000_000),
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    if nanos == 0 {
        return f.write_str("0s");
    }
    if nanos < 0 {
        f.write_str("-")?;
    }
    let mut rest = nanos.unsigned_abs();
    for (unit, size) in UNITS {
        if rest >= size {
            write!(f, "{}{unit}", rest / size)?;
            rest %= size;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_numbers_with_and_without_units() {
        let check = |text, number, unit| assert_eq!(quantity(text), Some((number, unit)), "{text}");
        check("5", Number::Int(5), Unit::None);
        check("-1.5e3", Number::Double(-1500.0), Unit::None);
        check(".5", Number::Double(0.5), Unit::None);
        check("9223372036854775808", Number::Double(9_223_372_036_854_775_808.0), Unit::None);
        check("300ms", Number::Int(300_000_000), Unit::Nanoseconds);
        check("1.5s", Number::Int(1_500_000_000), Unit::Nanoseconds);
        check("1h30m", Number::Int(5_400_000_000_000), Unit::Nanoseconds);
        check("10us", Number::Int(10_000), Unit::Nanoseconds);
        check("-5m", Number::Int(-300_000_000_000), Unit::Nanoseconds);
        check("10KB", Number::Int(10_000), Unit::Bytes);
        check("5MiB", Number::Int(5 << 20), Unit::Bytes);
        check("1.5kb", Number::Int(1_500), Unit::Bytes);
        for text in
            ["", "-", ".", "e5", "1.2.3", "0x10", "inf", "NaN", "5parsec", "1h-30m", "99999w9", "s"]
        {
            assert_eq!(quantity(text), None, "{text}");
        }
        assert_eq!(unknown_unit("5parsec"), Some("parsec"));
        assert_eq!(unknown_unit("1.2.3"), None);
    }

    #[test]
    fn compares_integers_and_doubles_exactly() {
        let check = |one, other| Number::Int(one).compare(Number::Double(other));
        assert_eq!(check(5, 5.0), Some(Ordering::Equal));
        assert_eq!(check(5, 5.5), Some(Ordering::Less));
        assert_eq!(check(-5, -5.5), Some(Ordering::Greater));
        assert_eq!(check((1 << 53) + 1, 9_007_199_254_740_992.0), Some(Ordering::Greater));
        assert_eq!(check(i64::MAX, 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(check(i64::MIN, -9_223_372_036_854_775_808.0), Some(Ordering::Equal));
        assert_eq!(check(0, f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(check(0, f64::NAN), None);
    }

    #[test]
    fn reads_times() {
        let day = time("2026-11-23").unwrap();
        assert_eq!(day.to_string(), "2026-11-23T00:00:00Z");
        assert_eq!(time("2026-11-23T01:00:00+01:00"), Some(day));
        assert_eq!(time("1795392000"), Some(day));
        assert_eq!(time("2026-13-01"), None);
    }

    struct Shown(i64);
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            show_duration(self.0, f)
        }
    }

    proptest! {
        #[test]
        fn durations_are_read_as_they_are_shown(nanos in -i64::MAX..i64::MAX) {
            prop_assert_eq!(duration_nanos(&Shown(nanos).to_string()), Some(nanos));
        }
    }
}
