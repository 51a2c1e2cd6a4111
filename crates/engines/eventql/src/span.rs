//! Where a piece of a query stands, what is wrong there, and the edit that mends it.

use std::fmt;

/// Byte offsets `start..end` into the query's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The bytes from `start` to before `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of `self` to the end of `other`.
    pub const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// The text that stands here.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// Line and column of the start, both from 1; columns in characters.
    pub fn line_and_column(self, text: &str) -> (usize, usize) {
        let before = text.get(..self.start).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or("");
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub span: Span,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong or what was expected: lowercase, without a period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The edit that most likely says what was meant.
    pub fix: Option<Box<Fix>>,
}

impl Error {
    pub(crate) fn new(text: &str, problem: Problem) -> Self {
        let Problem { span, message, hint, fix } = problem;
        let (line, column) = span.line_and_column(text);
        let (message, hint) = (shorten(message), hint.map(shorten));
        Self { span, line, column, message, hint, fix }
    }
}

/// The longest message, in characters: some quote what was written.
const MESSAGE_CHARS_MAX: usize = 400;

fn shorten(message: String) -> String {
    match message.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or("")),
        None => message,
    }
}

impl fmt::Display for Error {
    /// `1:17: unknown stage `cuont`; did you mean `count`?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for Error {}

/// An [`Error`] before its place is counted in lines and columns.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) fix: Option<Box<Fix>>,
}

impl Problem {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None, fix: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn fix(self, fix: Fix) -> Self {
        Self { fix: Some(Box::new(fix)), ..self }
    }

    /// Names the known word that is most like the one that stands at the problem's place, and offers it.
    pub(crate) fn nearest<'w>(self, word: &str, known: impl Iterator<Item = &'w str>) -> Self {
        match nearest(word, known) {
            Some(near) => {
                let span = self.span;
                self.hint(format!("did you mean `{near}`?")).fix(Fix::replace(
                    format!("write `{near}`"),
                    span,
                    near,
                ))
            }
            None => self,
        }
    }
}

/// An edit that makes an error or a finding go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does: "write `count`".
    pub title: String,
    /// What is replaced.
    pub span: Span,
    pub text: String,
}

impl Fix {
    pub(crate) fn replace(title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        Self { title: title.into(), span, text: text.into() }
    }

    /// `text`, which the query was parsed from, with the edit made.
    pub fn apply(&self, text: &str) -> String {
        let before = text.get(..self.span.start).unwrap_or("");
        let after = text.get(self.span.end..).unwrap_or("");
        format!("{before}{}{after}", self.text)
    }
}

/// The longest word that is compared with the known ones, in characters.
const NEAREST_CHARS_MAX: usize = 40;

/// The known word that takes the fewest edits to reach, if that is at most a third of the word.
pub(crate) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word: Vec<char> = word.chars().take(NEAREST_CHARS_MAX).collect();
    let far = (word.len() / 3).max(1);
    let near = known.map(|known| (edits(&word, known), known)).min_by_key(|(edits, _)| *edits);
    near.filter(|(edits, _)| *edits <= far && *edits < word.len()).map(|(_, known)| known)
}

/// How many insertions, removals, replacements and swaps of neighbours make `word` into `known`, ignoring case.
fn edits(word: &[char], known: &str) -> usize {
    let word: Vec<char> = word.iter().map(char::to_ascii_lowercase).collect();
    let known: Vec<char> = known.chars().map(|char| char.to_ascii_lowercase()).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=known.len()).collect();
    for (row, char) in word.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in known.iter().enumerate() {
            let replace = last[column] + usize::from(char != other);
            let mut best = replace.min(last[column + 1] + 1).min(next[column] + 1);
            let swapped =
                row > 0 && column > 0 && word[row - 1] == *other && *char == known[column - 1];
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[known.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters() {
        let text = "é x\nfoo";
        assert_eq!(Span::new(3, 4).line_and_column(text), (1, 3));
        assert_eq!(Span::new(6, 7).line_and_column(text), (2, 2));
        assert_eq!(Span::new(99, 100).line_and_column(text), (2, 4));
    }

    #[test]
    fn names_the_nearest_word_if_any_is_near() {
        let check = |word| nearest(word, ["count", "top", "sort", "limit"].into_iter());
        assert_eq!(check("cuont"), Some("count"));
        assert_eq!(check("COUNT"), Some("count"));
        assert_eq!(check("limits"), Some("limit"));
        assert_eq!(check("srt"), Some("sort"));
        assert_eq!(check("x"), None);
        assert_eq!(check("histogram"), None);
    }
}
