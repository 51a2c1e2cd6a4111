//! Full text: what a word is, and when a text holds it.
//!
//! A word is a run of letters, numbers and `_`, as Unicode has them; case is ignored. An index over texts uses [`words`]
//! and [`fold`], so that it and the evaluation of a query agree.

use std::borrow::Cow;

use crate::wildcard::Wildcard;

/// Whether `char` is part of words.
pub fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The words of a text, as they stand.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char| !is_word(char)).filter(|word| !word.is_empty())
}

/// The word in the form in which words are compared: each character in lower case.
pub fn fold(word: &str) -> Cow<'_, str> {
    if word.chars().any(|char| !char.to_lowercase().eq([char])) {
        Cow::Owned(word.chars().flat_map(char::to_lowercase).collect())
    } else {
        Cow::Borrowed(word)
    }
}

/// Words that stand in a row in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// At least one; folded.
    pub(crate) words: Vec<WordTest>,
}

/// What one word of a text has to be; all texts are folded.
#[derive(Clone, Debug, PartialEq)]
pub enum WordTest {
    Is(Box<str>),
    /// Only the last of a phrase.
    Prefix(Box<str>),
    /// Only alone.
    Like(Wildcard),
}

impl WordTest {
    /// Whether a word, which need not be folded, passes.
    pub fn matches(&self, word: &str) -> bool {
        let word = fold(word);
        match self {
            Self::Is(is) => *word == **is,
            Self::Prefix(prefix) => word.starts_with(&**prefix),
            Self::Like(wildcard) => wildcard.matches(&word),
        }
    }
}

impl Phrase {
    /// In their order, at least one.
    pub fn words(&self) -> &[WordTest] {
        &self.words
    }

    /// Whether the words stand in a row in `text`.
    pub fn matches(&self, text: &str) -> bool {
        if let [word] = self.words.as_slice() {
            return words(text).any(|other| word.matches(other));
        }
        let words: Vec<&str> = words(text).collect();
        words
            .windows(self.words.len())
            .any(|row| row.iter().zip(&self.words).all(|(word, test)| test.matches(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_all_but_letters_numbers_and_underscores() {
        let check = |text| words(text).collect::<Vec<_>>();
        assert_eq!(
            check("GET /api/cart_items?id=42 Œuvre-naïve"),
            ["GET", "api", "cart_items", "id", "42", "Œuvre", "naïve"]
        );
        assert!(check(" -- ").is_empty());
        assert_eq!(fold("ÀBc_9"), "àbc_9");
        assert_eq!(fold("ΣΑΣ"), "σασ", "each character for itself");
    }

    #[test]
    fn finds_words_in_a_row() {
        let is = |text: &str| WordTest::Is(text.into());
        let phrase = Phrase { words: vec![is("card"), WordTest::Prefix("decl".into())] };
        assert!(phrase.matches("The Card, declined."));
        assert!(!phrase.matches("card was declined"));
        assert!(!phrase.matches("card"));
        assert!(!Phrase { words: vec![is("card")] }.matches("cards"));
    }
}
