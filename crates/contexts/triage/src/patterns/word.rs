//! Masked text as words and the separators between them.

use super::kind::{Kind, MARK};

/// A masked text's words, as places in it.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| is_separator(*byte)).filter(|word| !word.is_empty())
}

/// What the text is but for its words: shapes merge only when it is equal.
pub(super) fn skeleton(text: &[u8]) -> Vec<u8> {
    let mut skeleton = Vec::with_capacity(text.len() / 2);
    let mut in_word = false;
    for byte in text {
        let is_separator = is_separator(*byte);
        if is_separator {
            skeleton.push(*byte);
        } else if !in_word {
            skeleton.push(MARK);
        }
        in_word = !is_separator;
    }
    skeleton
}

/// Replaces the words of a text.
pub(super) fn with_words<'a>(
    skeleton: &[u8],
    words: impl IntoIterator<Item = &'a [u8]>,
) -> Box<[u8]> {
    let mut words = words.into_iter();
    let mut text = Vec::new();
    for byte in skeleton {
        if *byte == MARK {
            text.extend(words.next().unwrap_or_default());
        } else {
            text.push(*byte);
        }
    }
    text.into()
}

/// Separators are no letters of kinds, so that a parameter is always in a word.
pub(super) fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(
            byte,
            b',' | b';'
                | b':'
                | b'='
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'"'
                | b'\''
                | b'|'
                | b'<'
                | b'>'
                | b'/'
                | b'\\'
                | b'!'
                | b'?'
                | b'&'
                | b'#'
                | b'^'
                | b'~'
                | b'`'
                | b'\0'
        )
}

/// The kind of a word that is one parameter and nothing else.
pub(super) fn sole(word: &[u8]) -> Option<Kind> {
    match word {
        [MARK, letter] => Some(Kind::of_letter(*letter)),
        _ => None,
    }
}

/// How freely a word may vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freedom {
    /// A severity or an exception's name: what the line is about.
    Fixed,
    /// A word of a language, or one in capitals.
    Plain,
    /// A name, or with parameters in it.
    Free,
}

const SEVERITIES: [&[u8]; 11] = [
    b"trace",
    b"debug",
    b"info",
    b"notice",
    b"warn",
    b"warning",
    b"error",
    b"err",
    b"fatal",
    b"critical",
    b"panic",
];

pub(super) fn freedom(word: &[u8]) -> Freedom {
    let word = word.strip_suffix(b".").unwrap_or(word);
    if SEVERITIES.iter().any(|severity| word.eq_ignore_ascii_case(severity))
        || word.ends_with(b"Exception")
        || word.ends_with(b"Error")
    {
        return Freedom::Fixed;
    }
    let is_letter =
        |byte: &u8| byte.is_ascii_alphabetic() || (*byte >= 0x80 && *byte != MARK) || *byte == b'-';
    if !word.iter().all(is_letter) {
        return Freedom::Free;
    }
    // `Leader` and `ISR` are plain, `OnlinePartition` is not.
    let inner = word.split(|byte| *byte == b'-').any(|part| {
        let capitals = part.iter().skip(1).filter(|byte| byte.is_ascii_uppercase()).count();
        capitals > 0 && capitals + 1 < part.len()
    });
    if inner { Freedom::Free } else { Freedom::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_skeleton_make_the_text() {
        for text in ["", "a", " a  b", "x=[y,z] (q).", "::"] {
            let text = text.as_bytes();
            assert_eq!(&*with_words(&skeleton(text), words(text)), text);
        }
    }

    #[test]
    fn tells_names_from_words() {
        for (word, want) in [
            ("ERROR", Freedom::Fixed),
            ("Warn", Freedom::Fixed),
            ("NotLeaderForPartitionException", Freedom::Fixed),
            ("started", Freedom::Plain),
            ("Leader", Freedom::Plain),
            ("ISR", Freedom::Plain),
            ("become-leader", Freedom::Plain),
            ("deletion.", Freedom::Plain),
            ("größe", Freedom::Plain),
            ("OnlinePartition", Freedom::Free),
            ("__consumer_offsets", Freedom::Free),
            ("a.b", Freedom::Free),
        ] {
            assert_eq!(freedom(word.as_bytes()), want, "{word}");
        }
        assert_eq!(freedom(&[b'a', MARK, b'n']), Freedom::Free);
    }
}
