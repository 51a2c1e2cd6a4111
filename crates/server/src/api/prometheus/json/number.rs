//! Numbers as Go prints them: shortest that reads back the same; where an exponent begins differs by format.

/// As Prometheus' JSON has values (`strconv.FormatFloat` with `f`, and `e` below a millionth and from 1e21 on).
pub(in super::super) fn go_float(out: &mut Vec<u8>, value: f64) {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    let abs = value.abs();
    if abs < WHOLE_MAX && value.trunc().to_bits() == value.to_bits() {
        if value.is_sign_negative() {
            out.push(b'-');
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, below 2^53"
        )]
        return digits(out, abs as u64);
    }
    if !value.is_finite() {
        return not_finite(out, value);
    }
    if !(1e-6..1e21).contains(&abs) {
        return scientific(out, value);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if text.contains('e') {
        // Display has no exponent.
        out.extend_from_slice(value.to_string().as_bytes());
    } else {
        out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    }
}

/// `d.ddde±dd`
fn scientific(out: &mut Vec<u8>, value: f64) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    out.extend_from_slice(format!("{mantissa}e{sign}{exponent:0>2}").as_bytes());
}

fn not_finite(out: &mut Vec<u8>, value: f64) {
    let text: &[u8] = match value {
        f64::INFINITY => b"+Inf",
        f64::NEG_INFINITY => b"-Inf",
        _ => b"NaN",
    };
    out.extend_from_slice(text);
}

/// A whole number.
pub(super) fn digits(out: &mut Vec<u8>, mut value: u64) {
    let mut buffer = [0_u8; 20];
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(value % 10).expect("a digit");
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Milliseconds as seconds.
pub(super) fn seconds(out: &mut Vec<u8>, at_ms: i64) {
    if at_ms < 0 {
        out.push(b'-');
    }
    let at = at_ms.unsigned_abs();
    digits(out, at / 1000);
    let fraction = at % 1000;
    if fraction != 0 {
        let digit = |value: u64| b'0' + u8::try_from(value % 10).expect("a digit");
        out.extend_from_slice(&[
            b'.',
            digit(fraction / 100),
            digit(fraction / 10),
            digit(fraction),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (2.1415, "2.1415"),
            (1e6, "1000000"),
            (123_456_789.125, "123456789.125"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (9.9e-7, "9.9e-07"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (1.234_567_890_123_456_7e17, "123456789012345660"),
        ] {
            assert_eq!(text(|out| go_float(out, value)), expected);
        }
    }

    #[test]
    fn times_have_three_digits_or_none() {
        for (at_ms, expected) in [
            (0, "0"),
            (1_435_781_451_781, "1435781451.781"),
            (1_050, "1.050"),
            (1_005, "1.005"),
            (-1_500, "-1.500"),
            (123_400, "123.400"),
        ] {
            assert_eq!(text(|out| seconds(out, at_ms)), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            let written = text(|out| go_float(out, value));
            let read: f64 = written.parse().unwrap();
            proptest::prop_assert!(read.to_bits() == value.to_bits() || value.is_nan(), "{written}");
        }
    }
}
