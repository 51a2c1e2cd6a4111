//! Secrets within percent-encoded text, as in `next=%2Fin%3Ftoken%3Dabc`.

use std::ops::Range;

/// How often a text may have been encoded.
const LEVELS_MAX: usize = 2;

/// The next encoded run at or after `at`: it begins with the word that its first `%` is in and ends where a query's value would.
pub(super) fn next_run(text: &str, mut at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    loop {
        let sign = at + memchr::memchr(b'%', bytes.get(at..)?)?;
        let digits = bytes.get(sign + 1..sign + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            at = sign + 1;
            continue;
        }
        let of_word = |byte: &u8| {
            byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_.~+*-".contains(byte)
        };
        let before = bytes[at..sign].iter().rposition(|byte| !of_word(byte));
        let start = before.map_or(at, |before| at + before + 1);
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&<>;\"'\\`|".contains(byte);
        let end = bytes[sign..].iter().position(ends).map_or(bytes.len(), |end| sign + end);
        return Some(start..end);
    }
}

/// The texts that a run stands for, one for each level.
pub(super) fn decoded(run: &str) -> impl Iterator<Item = String> {
    let mut text = run.to_owned();
    (0..LEVELS_MAX).map_while(move |_| {
        let plain = decode(&text)?;
        text.clone_from(&plain);
        Some(plain)
    })
}

/// `None` where nothing was encoded; bytes that are no UTF-8 become U+FFFD.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut was_encoded) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            was_encoded = true;
            at += 3;
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
            at += 1;
        }
    }
    was_encoded.then(|| String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_and_decodes_runs() {
        let check = |text: &str| {
            let run = next_run(text, 0)?;
            Some((
                text.get(run.clone()).unwrap().to_owned(),
                decoded(text.get(run).unwrap()).collect::<Vec<_>>().join(" | "),
            ))
        };
        let both = |run: &str, plain: &str| Some((run.to_owned(), plain.to_owned()));
        assert_eq!(check("GET /in?next=%2Fa%3Ft%3Db&x"), both("%2Fa%3Ft%3Db", "/a?t=b"));
        assert_eq!(check("100% of a%zz b%20c\""), both("b%20c", "b c"));
        assert_eq!(check("x=a%253Db"), both("a%253Db", "a%3Db | a=b"));
        assert_eq!(check("é%C3%A9%ff"), both("é%C3%A9%ff", "éé\u{fffd}"));
        for none in ["", "%", "%4", "100%", "a b"] {
            assert_eq!(check(none), None, "{none}");
        }
    }
}
