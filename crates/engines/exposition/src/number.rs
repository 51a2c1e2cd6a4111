//! Numbers as the text formats write them: Go's floats, without what Go has added since its version 1.13.

use std::fmt::Write;

use model::Sample;

/// Why a text is no number; worded as Prometheus words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("unsupported character in float")]
    Character,
    #[error("invalid syntax")]
    Syntax,
    #[error("value out of range")]
    Range,
}

/// NaN as Prometheus stores one that was measured; other patterns, such as [`Sample::STALE`], mean something else.
const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;

/// From this power of ten on a float is written with an exponent.
const EXPONENT_MIN: i32 = 6;
/// Digits that a float holds without rounding.
const EXACT_DIGITS: usize = 15;

/// Reads a float; `inf` and `infinity` may have a sign, `nan` may not, in any case.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    if let Some(value) = small_integer(text) {
        return Ok(value);
    }
    if text.iter().any(|byte| matches!(byte, b'p' | b'P' | b'_')) {
        return Err(NumberError::Character);
    }
    let text = std::str::from_utf8(text).map_err(|_| NumberError::Syntax)?;
    let value: f64 = text.parse().map_err(|_| NumberError::Syntax)?;
    if value.is_finite() {
        return Ok(value);
    }
    if value.is_nan() {
        // Rust reads a sign before it, Go does not.
        return if text.len() == 3 { Ok(normal_nan()) } else { Err(NumberError::Syntax) };
    }
    let word = text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'i'));
    if word { Ok(value) } else { Err(NumberError::Range) }
}

/// NaN in the bit pattern of a measured one.
pub fn normal_nan() -> f64 {
    debug_assert_ne!(NORMAL_NAN, Sample::STALE);
    f64::from_bits(NORMAL_NAN)
}

#[expect(clippy::cast_precision_loss, reason = "15 digits fit into a float")]
fn small_integer(text: &[u8]) -> Option<f64> {
    if text.is_empty() || text.len() > EXACT_DIGITS {
        return None;
    }
    let mut value = 0_u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value as f64)
}

/// Appends `value` as OpenMetrics writes floats, so that bounds of buckets read the same whatever wrote them: `1` is `1.0`.
pub fn push_open_metrics(value: f64, into: &mut String) {
    let start = into.len();
    push_general(value, into);
    let written = into.as_bytes().get(start..).unwrap_or_default();
    if value.is_finite() && !written.iter().any(|byte| matches!(byte, b'e' | b'.')) {
        into.push_str(".0");
    }
}

/// Appends `value` in the fewest digits that read back as it, with an exponent below `1e-4` and from `1e+06` on (Go's `'g'` with
/// the shortest precision).
pub fn push_general(value: f64, into: &mut String) {
    if value.is_nan() {
        into.push_str("NaN");
    } else if value.is_infinite() {
        into.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        push_finite(value, into);
    }
}

fn push_finite(value: f64, into: &mut String) {
    let mut scientific = String::with_capacity(24);
    if write!(scientific, "{value:e}").is_err() {
        return;
    }
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        into.push_str(&scientific);
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..EXPONENT_MIN).contains(&exponent) {
        // No writer into a `String` fails.
        write!(into, "{value}").unwrap_or_default();
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(into, "{mantissa}e{sign}{:02}", exponent.unsigned_abs()).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let check = |text: &str, expected: Result<f64, NumberError>| {
            let read = parse_float(text.as_bytes());
            assert_eq!(read.map(f64::to_bits), expected.map(f64::to_bits), "{text}");
        };
        check("1", Ok(1.0));
        check("-0", Ok(-0.0));
        check("1e3", Ok(1000.0));
        check("+Inf", Ok(f64::INFINITY));
        check("-infinity", Ok(f64::NEG_INFINITY));
        check("nAn", Ok(normal_nan()));
        check("12345678901234567890", Ok(12_345_678_901_234_567_890.0));
        check("-nan", Err(NumberError::Syntax));
        check("1e999", Err(NumberError::Range));
        check("1_0", Err(NumberError::Character));
        check("0x1p3", Err(NumberError::Character));
        check("0x1", Err(NumberError::Syntax));
        check("", Err(NumberError::Syntax));
        check("true", Err(NumberError::Syntax));
    }

    #[test]
    fn bounds_are_written_as_open_metrics_has_them() {
        let check = |value: f64, expected: &str| {
            let mut text = String::new();
            push_open_metrics(value, &mut text);
            assert_eq!(text, expected);
        };
        check(1.0, "1.0");
        check(0.005, "0.005");
        check(-0.00048, "-0.00048");
        check(1e-5, "1e-05");
        check(100_000.0, "100000.0");
        check(1_000_000.0, "1e+06");
        check(1_234_567.0, "1.234567e+06");
        check(f64::INFINITY, "+Inf");
        check(f64::NAN, "NaN");
    }
}
