//! logfmt: `key=value key="quoted value" flag` (brandur.org/logfmt; github.com/go-logfmt/logfmt has the grammar).
//!
//! A key without a value is `true`; a key that comes again makes a list. Bare numbers and booleans have their types, quoted ones are text.

use memchr::memchr3;
use model::{Attributes, Value};

use crate::{
    Format, Options, ParseError, Parsed,
    attributes::collect_repeated,
    fields,
    json::{self, number_value},
    scan::Scan,
};

pub(crate) fn parse(line: &str, options: &Options) -> Result<Parsed, ParseError> {
    let mut scan = Scan::new(Format::Logfmt, line);
    let attributes = pairs(&mut scan, true)?;
    if attributes.iter().all(|(_, value)| *value == Value::Bool(true)) {
        return Err(Scan::new(Format::Logfmt, line).fail("expected `key=value`"));
    }
    Ok(fields::lift(attributes, line, options))
}

/// All pairs to the end of the line; a key may lack a value only when `flags` says so.
pub(crate) fn pairs(scan: &mut Scan<'_>, flags: bool) -> Result<Attributes, ParseError> {
    let mut attributes = Attributes::new();
    loop {
        scan.blanks();
        if scan.is_empty() {
            collect_repeated(&mut attributes);
            return Ok(attributes);
        }
        let key = key(scan)?;
        let value = match scan.eat("=") {
            true => value(scan)?,
            false if flags => Value::Bool(true),
            false => return Err(scan.fail("expected `=` after the key")),
        };
        attributes.push((key, value));
    }
}

fn key(scan: &mut Scan<'_>) -> Result<Box<str>, ParseError> {
    let start = scan.clone();
    let key = if scan.eat("\"") {
        json_like(scan)?
    } else {
        let ends = |byte: u8| matches!(byte, b'=' | b' ' | b'\t' | b'"' | b'\n');
        scan.take(scan.rest().bytes().take_while(|byte| !ends(*byte)).count()).into()
    };
    if key.is_empty() {
        return Err(start.fail("expected a key"));
    }
    Ok(key)
}

fn value(scan: &mut Scan<'_>) -> Result<Value, ParseError> {
    if scan.eat("\"") {
        let text = json_like(scan)?;
        return if scan.is_empty() || scan.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            Ok(Value::String(text))
        } else {
            Err(scan.fail("expected a space after the closing quote"))
        };
    }
    let end = memchr3(b' ', b'\t', b'\n', scan.rest().as_bytes());
    Ok(typed(scan.take(end.unwrap_or(scan.rest().len()))))
}

/// A quoted text. An escape that JSON does not know stands for itself, backslash and all.
fn json_like(scan: &mut Scan<'_>) -> Result<Box<str>, ParseError> {
    let mut strict = scan.clone();
    if let Ok(text) = json::string(&mut strict) {
        *scan = strict;
        return Ok(text);
    }
    let length = crate::scan::find_unescaped(scan.rest(), b'"')
        .ok_or_else(|| scan.fail("expected a closing quote"))?;
    let text = scan.take(length);
    scan.take(1);
    Ok(text.replace("\\\"", "\"").replace("\\\\", "\\").into())
}

/// A bare value: an integer, a decimal number, a boolean or a text. `1e5`, `007` and `+1` are texts: they may be names.
fn typed(text: &str) -> Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if number(whole) && number(fraction) && !padded => {
            number_value(text, !text.contains('.'))
        }
        _ => Value::string(text),
    }
}

/// Whether a line is shaped like this: it begins with two pairs, or is one.
pub(crate) fn looks_like(line: &str) -> bool {
    /// A key in a log is a name, and short.
    const KEY_BYTES_MAX: usize = 64;
    let mut rest = line;
    for _ in 0..2 {
        let name = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'/' | b'#')
        };
        let key = rest.bytes().take(KEY_BYTES_MAX).take_while(name).count();
        let Some(value) =
            rest.get(key..).and_then(|rest| rest.strip_prefix('=')).filter(|_| key > 0)
        else {
            return false;
        };
        let end = match value.strip_prefix('"') {
            Some(text) => crate::scan::find_unescaped(text, b'"').map(|at| at + 2),
            None => Some(value.find(' ').unwrap_or(value.len())),
        };
        let Some(after) = end.and_then(|end| value.get(end..)) else { return false };
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            return true;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn check(line: &str, expected: &str) {
        let attributes = pairs(&mut Scan::new(Format::Logfmt, line), true).unwrap();
        assert_eq!(Value::Map(attributes).to_string(), expected, "{line}");
    }

    #[test]
    fn pairs_are_read_with_their_types() {
        check("a=1 b=-2.5 c=true d=x e= f", r#"{"a":1,"b":-2.5,"c":true,"d":"x","e":"","f":true}"#);
        check(
            "a=007 b=1e5 c=1.2.3 d=1ms e=0 f=+1 g=-",
            r#"{"a":"007","b":"1e5","c":"1.2.3","d":"1ms","e":0,"f":"+1","g":"-"}"#,
        );
        check(
            r#"a="1" b="x \"y\" \\ z=1" c="tab\there" d="""#,
            r#"{"a":"1","b":"x \"y\" \\ z=1","c":"tab\there","d":""}"#,
        );
        check(
            r#"a="C:\work" "key one"=v tag#p=x u=http://h/?a=b"#,
            r#"{"a":"C:\\work","key one":"v","tag#p":"x","u":"http://h/?a=b"}"#,
        );
        check("  a=1\tb=2  ", r#"{"a":1,"b":2}"#);
        check("n=99999999999999999999", r#"{"n":"99999999999999999999"}"#);
    }

    #[test]
    fn a_key_that_comes_again_makes_a_list() {
        check("t=a x=1 t=b t=3", r#"{"t":["a","b",3],"x":1}"#);
        check("t t=b", r#"{"t":"b"}"#);
        check("t t", r#"{"t":true}"#);
    }

    #[test]
    fn faults_have_their_column() {
        let fault = |line: &str| {
            let error = parse(line, &Options::new(Timestamp::EPOCH)).unwrap_err();
            (error.what, error.column)
        };
        assert_eq!(fault("level=info =x"), ("expected a key", 12));
        assert_eq!(fault("a=\"x"), ("expected a closing quote", 4));
        assert_eq!(fault("a=\"x\"y"), ("expected a space after the closing quote", 6));
        assert_eq!(fault("just some words"), ("expected `key=value`", 1));
        assert_eq!(fault(""), ("expected `key=value`", 1));
    }

    #[test]
    fn well_known_keys_are_lifted() {
        let line = r#"time="2024-05-06T07:08:09Z" level=warning msg="disk is full" free=0.5 trace_id=4bf92f3577b34da6a3ce929d0e0e4736"#;
        let parsed = parse(line, &Options::new(Timestamp::EPOCH)).unwrap();
        assert_eq!(parsed.at.unwrap().to_string(), "2024-05-06T07:08:09Z");
        assert_eq!((parsed.severity, parsed.severity_text.as_ref()), (Some(13), "warning"));
        assert_eq!(parsed.body, Value::string("disk is full"));
        assert_eq!(parsed.attributes, [("free".into(), Value::Double(0.5))]);
        assert!(parsed.trace_id.is_some());
    }
}
