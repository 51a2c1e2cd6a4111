//! What a scalar means: the core schema of YAML 1.2.2 (section 10.3).

use saphyr_parser::ScalarStyle;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'t> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'t str),
}

impl<'t> Scalar<'t> {
    /// Only a plain scalar can be other than text.
    pub fn resolve(text: &'t str, style: ScalarStyle) -> Self {
        if style != ScalarStyle::Plain {
            return Self::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ => integer(text)
                .map(Self::Int)
                .or_else(|| float(text).map(Self::Float))
                .unwrap_or(Self::Text(text)),
        }
    }

    /// For an error: `the number 3`, `the text "a"`.
    pub fn describe(self) -> String {
        match self {
            Self::Null => "nothing".into(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Text(text) => format!("the text `{}`", super::super::text::shorten(text)),
        }
    }
}

/// Decimal, `0o17` or `0x1f`; what does not fit 64 bits is a float.
fn integer(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    all_digits(digits).then(|| text.parse().ok()).flatten()
}

fn radix(digits: &str, radix: u32) -> Option<i64> {
    // `from_str_radix` would take a sign as well, which YAML does not have here.
    digits
        .chars()
        .all(|c| c.is_digit(radix))
        .then(|| i64::from_str_radix(digits, radix).ok())
        .flatten()
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent
        .is_none_or(|exponent| all_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)));
    let form = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    (form && exponent_fits).then(|| text.parse().ok()).flatten()
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_the_core_schema() {
        let check = |text: &'static str| Scalar::resolve(text, ScalarStyle::Plain);
        assert_eq!(check("~"), Scalar::Null);
        assert_eq!(check("yes"), Scalar::Text("yes"));
        assert_eq!(check("-12"), Scalar::Int(-12));
        assert_eq!(check("0o17"), Scalar::Int(15));
        assert_eq!(check("0x1F"), Scalar::Int(31));
        assert_eq!(check("0x+1"), Scalar::Text("0x+1"));
        assert_eq!(check("1."), Scalar::Float(1.0));
        assert_eq!(check("-.5e3"), Scalar::Float(-500.0));
        assert_eq!(check("-.inf"), Scalar::Float(f64::NEG_INFINITY));
        assert_eq!(check("99999999999999999999"), Scalar::Float(1e20));
        for text in [".", "-", "e3", "1e", "inf", "nan", "1_000", "0b1", "12h", "1.2.3", "+.nan"] {
            assert_eq!(check(text), Scalar::Text(text));
        }
    }

    #[test]
    fn a_quoted_scalar_is_text() {
        assert_eq!(Scalar::resolve("12", ScalarStyle::SingleQuoted), Scalar::Text("12"));
        assert_eq!(Scalar::resolve("", ScalarStyle::DoubleQuoted), Scalar::Text(""));
    }
}
