//! Structured data (RFC 5424, section 6.3): `[id name="value" …][id …]`.

use model::{Attributes, Value};

use crate::{
    attributes::{collect_repeated, keep_last},
    scan::{Scan, find_unescaped},
};

/// The elements that are next; `None`, and nothing is taken, when they are not written as they must be.
pub(super) fn elements(scan: &mut Scan<'_>) -> Option<Attributes> {
    let mut ahead = scan.clone();
    let mut elements = Attributes::new();
    while ahead.eat("[") {
        elements.push(element(&mut ahead)?);
    }
    // A message that begins with a bracket is told from data by what follows: a space, or nothing.
    let ends = ahead.is_empty() || ahead.peek() == Some(b' ');
    if elements.is_empty() || !ends {
        return None;
    }
    keep_last(&mut elements);
    *scan = ahead;
    Some(elements)
}

fn element(scan: &mut Scan<'_>) -> Option<(Box<str>, Value)> {
    let id = name(scan)?;
    let mut params = Attributes::new();
    loop {
        scan.blanks();
        if scan.eat("]") {
            // A name may be repeated (section 6.3.3).
            collect_repeated(&mut params);
            return Some((id.into(), Value::Map(params)));
        }
        let name = name(scan)?;
        scan.eat("=").then_some(())?;
        // Not allowed, but written by some.
        scan.blanks();
        scan.eat("\"").then_some(())?;
        let value = scan.take(find_unescaped(scan.rest(), b'"')?);
        scan.take(1);
        params.push((name.into(), Value::String(unescape(value))));
    }
}

/// Printable ASCII but `=`, space, `]` and `"`.
fn name<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    let fits = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"');
    let name = scan.take(scan.rest().bytes().take_while(fits).count());
    (!name.is_empty()).then_some(name)
}

/// A backslash escapes `"`, `\` and `]`; before anything else it is itself.
fn unescape(text: &str) -> Box<str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let escaped = if char == '\\' {
            chars.next_if(|next| matches!(next, '"' | '\\' | ']'))
        } else {
            None
        };
        plain.push(escaped.unwrap_or(char));
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    fn shown(text: &str) -> String {
        let mut scan = Scan::new(Format::Syslog, text);
        let found = elements(&mut scan).map(|elements| Value::Map(elements).to_string());
        format!("{} rest {:?}", found.unwrap_or("none".to_owned()), scan.rest())
    }

    #[test]
    fn elements_and_their_escapes() {
        assert_eq!(
            shown(r#"[a x="1" x="2" y=""][b] m"#),
            r#"{"a":{"x":["1","2"],"y":""},"b":{}} rest " m""#
        );
        assert_eq!(
            shown(r#"[a x="q\" s\\ b\] n\n [é]"]"#),
            r#"{"a":{"x":"q\" s\\ b] n\\n [é]"}} rest """#
        );
        for none in ["[a b] m", "[a x=1]", "[a x=\"1]", "[]", "[a", "[a]x", "m"] {
            assert_eq!(shown(none), format!("none rest {none:?}"));
        }
    }
}
