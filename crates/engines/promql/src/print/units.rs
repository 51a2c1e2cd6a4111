//! Numbers and durations as Prometheus shows them.

use std::fmt::{self, Display, Formatter};

/// A number in decimal digits without an exponent; `+Inf`, `-Inf`, `NaN`.
pub(crate) struct Number(pub(crate) f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value if value.is_nan() => f.write_str("NaN"),
            value => write!(f, "{value}"),
        }
    }
}

/// Seconds as `1h30m`, to the millisecond.
pub(crate) struct Seconds(pub(crate) f64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_sign_negative() {
            f.write_str("-")?;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
        let ms = (self.0.abs() * 1000.0).round() as i64;
        write!(f, "{}", Millis(ms))
    }
}

/// Milliseconds as `1h30m`.
pub(crate) struct Millis(pub(crate) i64);

/// Units from the largest, with their milliseconds. A year or a week is named only where nothing smaller is left.
const UNITS: [(&str, u64, bool); 7] = [
    ("y", 365 * 86_400_000, true),
    ("w", 7 * 86_400_000, true),
    ("d", 86_400_000, false),
    ("h", 3_600_000, false),
    ("m", 60_000, false),
    ("s", 1000, false),
    ("ms", 1, false),
];

impl Display for Millis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, size, whole) in UNITS {
            if rest >= size && (!whole || rest.is_multiple_of(size)) {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_units_from_the_largest() {
        let check = |ms, shown: &str| assert_eq!(Millis(ms).to_string(), shown);
        check(0, "0s");
        check(1, "1ms");
        check(90_061_001, "1d1h1m1s1ms");
        check(365 * 86_400_000, "1y");
        check(14 * 86_400_000, "2w");
        check(8 * 86_400_000, "8d");
        check(-60_000, "-1m");
        assert_eq!(Seconds(-0.29).to_string(), "-290ms");
        assert_eq!(Number(-0.0).to_string(), "-0");
        assert_eq!(Number(1e21).to_string(), "1000000000000000000000");
    }
}
