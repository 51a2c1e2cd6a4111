//! Texts with `*` (any characters, or none) and `?` (one character).

/// A pattern that a whole text has to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    pieces: Vec<Piece>,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Not empty; never next to another text.
    Text(Box<str>),
    /// `?`
    One,
    /// `*`; never next to another.
    Many,
}

/// The longest wildcard or regular expression, in bytes.
pub const PATTERN_BYTES_MAX: usize = 4 << 10;

impl Wildcard {
    /// Joins neighbouring texts, and neighbouring `*`.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(more)) => {
                    *last = format!("{last}{more}").into()
                }
                (Some(Piece::Many), Piece::Many) => {}
                (_, Piece::Text(text)) if text.is_empty() => {}
                (_, piece) => joined.push(piece),
            }
        }
        Self { pieces: joined }
    }

    /// What it is made of.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text that it begins with, if nothing but `*` follows: `pre*`.
    pub fn prefix(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(prefix), Piece::Many] => Some(prefix),
            _ => None,
        }
    }

    /// Whether it begins with `*` or `?`, so that no order of texts helps to find what matches.
    pub fn is_open(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::One | Piece::Many))
    }

    /// Whether only `*` and `?` are in it.
    pub(crate) fn has_no_text(&self) -> bool {
        !self.pieces.iter().any(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The same with each text changed.
    pub(crate) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self::new(self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Piece::Text(change(text).into()),
            Piece::One => Piece::One,
            Piece::Many => Piece::Many,
        }))
    }

    /// Whether the whole of `text` matches; takes time by the product of both lengths at the worst.
    pub fn matches(&self, text: &str) -> bool {
        let mut runs = self.pieces.split(|piece| *piece == Piece::Many);
        let first = runs.next().unwrap_or_default();
        let Some(mut rest) = after(first, text) else { return false };
        let mut runs: Vec<&[Piece]> = runs.collect();
        // Without a `*` the first run has to be all of it.
        let Some(last) = runs.pop() else { return rest.is_empty() };
        for run in runs {
            match first_place(run, rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        ends_with(last, rest)
    }
}

/// What follows a run without `*` at the start of `text`; `None` when it does not stand there.
fn after<'t>(run: &[Piece], mut text: &'t str) -> Option<&'t str> {
    for piece in run {
        text = match piece {
            Piece::Text(part) => text.strip_prefix(&**part)?,
            Piece::One | Piece::Many => {
                let mut chars = text.chars();
                chars.next()?;
                chars.as_str()
            }
        };
    }
    Some(text)
}

/// What follows the first place in `text` where the run stands.
fn first_place<'t>(run: &[Piece], text: &'t str) -> Option<&'t str> {
    if let [Piece::Text(part)] = run {
        return text.split_once(&**part).map(|(_, rest)| rest);
    }
    let mut chars = text.chars();
    loop {
        if let Some(rest) = after(run, chars.as_str()) {
            return Some(rest);
        }
        chars.next()?;
    }
}

fn ends_with(run: &[Piece], mut text: &str) -> bool {
    for piece in run.iter().rev() {
        let before = match piece {
            Piece::Text(part) => text.strip_suffix(&**part),
            Piece::One | Piece::Many => {
                let mut chars = text.chars();
                chars.next_back().map(|_| chars.as_str())
            }
        };
        let Some(before) = before else { return false };
        text = before;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wildcard(pattern: &str) -> Wildcard {
        Wildcard::new(pattern.chars().map(|char| match char {
            '*' => Piece::Many,
            '?' => Piece::One,
            other => Piece::Text(other.to_string().into()),
        }))
    }

    #[test]
    fn matches_whole_texts() {
        let check = |pattern, text| wildcard(pattern).matches(text);
        assert!(check("pre*", "pre") && check("pre*", "prefix\nmore") && !check("pre*", "a pre"));
        assert!(check("?x*", "éx") && !check("?x*", "x"));
        assert!(check("a*b*a", "aba") && !check("a*a", "a"));
        assert!(check("*", "") && check("", "") && !check("", "a"));
    }

    proptest! {
        #[test]
        fn agrees_with_regular_expressions(pattern in "[ab?*]{0,8}", text in "[ab]{0,10}") {
            let regex = pattern.replace('*', ".*").replace('?', ".");
            let regex = regex::Regex::new(&format!("^(?s:{regex})$")).unwrap();
            prop_assert_eq!(wildcard(&pattern).matches(&text), regex.is_match(&text));
        }
    }
}
