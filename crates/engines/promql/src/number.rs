//! Numbers as Go writes them, for texts that must read as Prometheus'.

use std::fmt;

/// `%g`: the shortest digits, with an exponent when that is below -4 or from 6 on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct General(pub(crate) f64);

/// `strconv.FormatFloat(x, 'f', -1, 64)`: the shortest digits without an exponent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain(pub(crate) f64);

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("+Inf")
    } else if value == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match special(self.0) {
            Some(word) => f.write_str(word),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(word) = special(self.0) {
            return f.write_str(word);
        }
        scientific(f, &format!("{:e}", self.0), 6)
    }
}

/// Writes what Rust wrote as `d.ddde-7` as Go would, with an exponent from 10^`limit` on.
fn scientific(f: &mut fmt::Formatter<'_>, text: &str, limit: i32) -> fmt::Result {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= limit {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(f, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    f.write_str(sign)?;
    if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        return write!(f, "0.{}{digits}", "0".repeat(zeros));
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if digits.len() <= whole {
        return write!(f, "{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (before, after) = digits.split_at(whole);
    write!(f, "{before}.{after}")
}

/// `%.2g`: two significant digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoDigits(pub(crate) f64);

impl fmt::Display for TwoDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(word) = special(self.0) {
            return f.write_str(word);
        }
        let text = format!("{:.1e}", self.0);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.strip_suffix(".0").unwrap_or(mantissa);
        scientific(f, &format!("{mantissa}e{exponent}"), 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_as_go_does() {
        let check = |value: f64, general: &str, plain: &str, two: &str| {
            assert_eq!(General(value).to_string(), general);
            assert_eq!(Plain(value).to_string(), plain);
            assert_eq!(TwoDigits(value).to_string(), two);
        };
        check(0.0, "0", "0", "0");
        check(1.0, "1", "1", "1");
        check(-1.5, "-1.5", "-1.5", "-1.5");
        check(0.25, "0.25", "0.25", "0.25");
        check(0.000_123_4, "0.0001234", "0.0001234", "0.00012");
        check(0.000_012_34, "1.234e-05", "0.00001234", "1.2e-05");
        check(1e21, "1e+21", "1000000000000000000000", "1e+21");
        check(123_456.0, "123456", "123456", "1.2e+05");
        check(1_234_567.0, "1.234567e+06", "1234567", "1.2e+06");
        check(f64::INFINITY, "+Inf", "+Inf", "+Inf");
        check(f64::NAN, "NaN", "NaN", "NaN");
    }
}
