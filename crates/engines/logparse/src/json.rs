//! JSON objects (RFC 8259), one to a record. Numbers, booleans, arrays and objects keep their types.
//!
//! More lenient than the RFC in one thing: control characters inside strings are taken as they are.

use memchr::memchr2;
use model::{Attributes, Value};

use crate::{Format, Options, ParseError, Parsed, attributes::keep_last, fields, scan::Scan};

/// Objects and arrays nest no deeper.
const DEPTH_MAX: usize = 64;

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::Json, line);
    scan.expect("{", "expected an object")?;
    let attributes = object(&mut scan, 1)?;
    white(&mut scan);
    if !scan.is_empty() {
        return Err(scan.fail("expected nothing more after the object"));
    }
    Ok(fields::lift(attributes, line, options))
}

fn white(scan: &mut Scan<'_>) {
    let white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if scan.peek().as_ref().is_some_and(white) {
        scan.take(scan.rest().bytes().take_while(white).count());
    }
}

/// What is after `{`.
fn object(scan: &mut Scan<'_>, depth: usize) -> Result<Attributes, ParseError> {
    let mut attributes = Attributes::new();
    white(scan);
    if scan.eat("}") {
        return Ok(attributes);
    }
    loop {
        white(scan);
        scan.expect("\"", "expected a key in quotes")?;
        let key = string(scan)?;
        white(scan);
        scan.expect(":", "expected a colon after the key")?;
        let value = value(scan, depth)?;
        attributes.push((key, value));
        white(scan);
        if scan.eat("}") {
            keep_last(&mut attributes);
            return Ok(attributes);
        }
        scan.expect(",", "expected a comma or the end of the object")?;
    }
}

/// What is after `[`.
fn array(scan: &mut Scan<'_>, depth: usize) -> Result<Vec<Value>, ParseError> {
    let mut values = Vec::new();
    white(scan);
    if scan.eat("]") {
        return Ok(values);
    }
    loop {
        values.push(value(scan, depth)?);
        white(scan);
        if scan.eat("]") {
            return Ok(values);
        }
        scan.expect(",", "expected a comma or the end of the array")?;
    }
}

fn value(scan: &mut Scan<'_>, depth: usize) -> Result<Value, ParseError> {
    white(scan);
    match scan.peek() {
        Some(b'{' | b'[') if depth >= DEPTH_MAX => Err(scan.fail("nested deeper than 64")),
        Some(b'"') => {
            scan.take(1);
            string(scan).map(Value::String)
        }
        Some(b'{') => {
            scan.take(1);
            object(scan, depth + 1).map(Value::Map)
        }
        Some(b'[') => {
            scan.take(1);
            array(scan, depth + 1).map(Value::Array)
        }
        Some(b'-' | b'0'..=b'9') => number(scan),
        _ if scan.eat("true") => Ok(Value::Bool(true)),
        _ if scan.eat("false") => Ok(Value::Bool(false)),
        _ if scan.eat("null") => Ok(Value::Empty),
        _ => Err(scan.fail("expected a value")),
    }
}

/// The number that is next. One that neither an `i64` nor a finite double holds stays text, to the last digit.
fn number(scan: &mut Scan<'_>) -> Result<Value, ParseError> {
    let length = number_length(scan.rest().as_bytes());
    if length == 0 {
        return Err(scan.fail("expected a number"));
    }
    let text = scan.take(length);
    let integer = !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    Ok(number_value(text, integer))
}

pub(crate) fn number_value(text: &str, integer: bool) -> Value {
    if integer {
        return text.parse().map_or_else(|_| Value::string(text), Value::Int);
    }
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map_or_else(|| Value::string(text), Value::Double)
}

/// How many bytes are a number of RFC 8259, section 6; 0 when none begins here.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes
            .get(from..)
            .map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(start);
    if whole == 0 || (whole > 1 && bytes.get(start) == Some(&b'0')) {
        return 0;
    }
    let mut end = start + whole;
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    end
}

/// What is after a quote, to the quote that closes it.
pub(crate) fn string(scan: &mut Scan<'_>) -> Result<Box<str>, ParseError> {
    let mut text = String::new();
    loop {
        let at = memchr2(b'"', b'\\', scan.rest().as_bytes())
            .ok_or_else(|| scan.fail("expected a closing quote"))?;
        let part = scan.take(at);
        if scan.eat("\"") {
            if text.is_empty() {
                return Ok(part.into());
            }
            text.push_str(part);
            return Ok(text.into());
        }
        text.push_str(part);
        text.push(escape(scan)?);
    }
}

/// The character that an escape (section 7) stands for; half of a surrogate pair stands for U+FFFD.
fn escape(scan: &mut Scan<'_>) -> Result<char, ParseError> {
    let start = scan.clone();
    scan.take(1);
    Ok(match scan.take(1) {
        "\"" => '"',
        "\\" => '\\',
        "/" => '/',
        "b" => '\u{8}',
        "f" => '\u{c}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "u" => {
            let unit =
                hex(scan).ok_or_else(|| start.fail("expected four hex digits after `\\u`"))?;
            let mut ahead = scan.clone();
            let low = if (0xd800..0xdc00).contains(&unit) && ahead.eat("\\u") {
                hex(&mut ahead).filter(|low| (0xdc00..0xe000).contains(low))
            } else {
                None
            };
            match low {
                Some(low) => {
                    *scan = ahead;
                    char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
                }
                None => char::from_u32(unit),
            }
            .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => return Err(start.fail("unknown escape")),
    })
}

fn hex(scan: &mut Scan<'_>) -> Option<u32> {
    let digits = scan.rest().get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    scan.take(4);
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn read(line: &str) -> Result<Attributes, ParseError> {
        parse(line, &Options::new(Timestamp::EPOCH)).map(|parsed| parsed.attributes)
    }

    #[test]
    fn values_keep_their_types() {
        let line = r#"{"a":1,"b":-0.5,"c":1e3,"d":true,"e":null,"f":[1,"x",{}],"g":{"h":{"i":9223372036854775807}},
            "j":18446744073709551615,"k":1e999, "l":"","m":[]}"#;
        let shown = Value::Map(read(line).unwrap());
        assert_eq!(
            shown,
            Value::Map(vec![
                ("a".into(), Value::Int(1)),
                ("b".into(), Value::Double(-0.5)),
                ("c".into(), Value::Double(1000.0)),
                ("d".into(), Value::Bool(true)),
                ("e".into(), Value::Empty),
                (
                    "f".into(),
                    Value::Array(vec![Value::Int(1), Value::string("x"), Value::Map(vec![])])
                ),
                (
                    "g".into(),
                    Value::Map(vec![(
                        "h".into(),
                        Value::Map(vec![("i".into(), Value::Int(i64::MAX))])
                    )])
                ),
                ("j".into(), Value::string("18446744073709551615")),
                ("k".into(), Value::string("1e999")),
                ("l".into(), Value::string("")),
                ("m".into(), Value::Array(vec![])),
            ])
        );
    }

    #[test]
    fn escapes_stand_for_their_characters() {
        let line = r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\udE00","é\u0041":"ü	tab"}"#;
        let attributes = read(line).unwrap();
        assert_eq!(attributes[0].1, Value::string("\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}x\u{fffd}"));
        assert_eq!(attributes[1], ("éA".into(), Value::string("ü\ttab")));
    }

    #[test]
    fn the_last_of_equal_keys_stays() {
        let last = ("a".into(), Value::Int(3));
        assert_eq!(
            read(r#"{"a":1,"a":2,"b":0,"a":3}"#).unwrap(),
            [("b".into(), Value::Int(0)), last.clone()]
        );
        let many: String = (0..40).map(|n| format!(r#""k{n}":{n},"a":{n},"#)).collect();
        let attributes = read(&format!("{{{many}\"a\":3}}")).unwrap();
        assert_eq!(attributes.len(), 41);
        assert_eq!(attributes.last(), Some(&last));
    }

    #[test]
    fn faults_have_their_column() {
        let check = |line: &str, what, column| {
            let error = read(line).unwrap_err();
            assert_eq!((error.what, error.column), (what, column), "{line}");
        };
        check("[1]", "expected an object", 1);
        check("{", "expected a key in quotes", 2);
        check("{ INVALID }", "expected a key in quotes", 3);
        check(r#"{"a" 1}"#, "expected a colon after the key", 6);
        check(r#"{"a":}"#, "expected a value", 6);
        check(r#"{"a":NaN}"#, "expected a value", 6);
        check(r#"{"a":-}"#, "expected a number", 6);
        check(r#"{"a":01}"#, "expected a number", 6);
        check(r#"{"a":1."#, "expected a comma or the end of the object", 7);
        check(r#"{"a":[1 2]}"#, "expected a comma or the end of the array", 9);
        check(r#"{"a":"x}"#, "expected a closing quote", 7);
        check(r#"{"a":"x\y"}"#, "unknown escape", 8);
        check(r#"{"a":"\u12g4"}"#, "expected four hex digits after `\\u`", 7);
        check(r#"{"a":1} x"#, "expected nothing more after the object", 9);
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        check(&deep, "nested deeper than 64", 69);
    }
}
