//! From the tree to what it means: values get the types of their fields, and what makes no sense is refused.

mod stages;
mod values;

use crate::{
    ast::{Comparison, Expr, ExprKind, Query, Term, Test, Words},
    field::{Field, Known, Type},
    filter::{Condition, Filter, Pattern, ValueTest},
    parse::{self, Parsed},
    pipeline::Pipeline,
    span::{Error, Problem, Span},
    token::{Phrase, WordTest, fold, is_word, words},
    wildcard::{PATTERN_BYTES_MAX, Piece, Wildcard},
};

/// How many regular expressions a query may have: each may take 256 KiB, and again while it runs.
pub const PATTERNS_MAX: usize = 64;

/// How many words a phrase may have.
pub const PHRASE_WORDS_MAX: usize = 256;

/// What a query means.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub filter: Filter,
    pub pipeline: Pipeline,
}

/// Parses and checks a query.
///
/// # Errors
/// The first place where the text does not follow the grammar, or where a value, a column or the order of the stages makes
/// no sense.
pub fn plan(text: &str) -> Result<Plan, Error> {
    check(&parse::parse(text)?, text)
}

/// What a query means that was parsed from `text`.
///
/// # Errors
/// The first place where a value, a column or the order of the stages makes no sense.
pub fn check(query: &Query, text: &str) -> Result<Plan, Error> {
    let error = |problem| Error::new(text, problem);
    let filter = Checker { patterns: 0 }.filter(&query.filter).map_err(error)?;
    let pipeline = stages::pipeline(&query.stages).map_err(error)?;
    Ok(Plan { filter, pipeline })
}

struct Checker {
    /// Regular expressions seen so far.
    patterns: usize,
}

impl Checker {
    fn filter(&mut self, expr: &Expr) -> Parsed<Filter> {
        Ok(match &expr.kind {
            ExprKind::All => Filter::All,
            ExprKind::And(parts) => Filter::And(self.filters(parts)?),
            ExprKind::Or(parts) => Filter::Or(self.filters(parts)?),
            ExprKind::Not(inner) => Filter::Not(Box::new(self.filter(inner)?)),
            ExprKind::Text(words) => Filter::Text(phrase(words, expr.span)?),
            ExprKind::Term(term) => self.term(term)?,
        })
    }

    fn filters(&mut self, parts: &[Expr]) -> Parsed<Vec<Filter>> {
        parts.iter().map(|part| self.filter(part)).collect()
    }

    fn term(&mut self, term: &Term) -> Parsed<Filter> {
        let negated = match &term.test {
            Test::NotMatches(_) => true,
            Test::Compare(comparison, _) => *comparison == Comparison::NotEqual,
            Test::Exists | Test::Is(_) | Test::Has(_) | Test::Range(..) | Test::Matches(_) => false,
        };
        let filter = Filter::Field(term.field.clone(), self.condition(term)?);
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    /// What has to hold, or for a negative operator must not.
    fn condition(&mut self, term: &Term) -> Parsed<Condition> {
        if let Test::Exists = term.test {
            return Ok(Condition::Exists);
        }
        match (&term.field, &term.test) {
            (Field::Known(Known::Body), Test::Is(words)) => {
                phrase(words, term.value_span).map(Condition::Words)
            }
            (Field::Known(known), _)
                if !matches!(known.about().values, Type::Text | Type::FullText) =>
            {
                values::typed(*known, term)
            }
            (_, Test::Has(words)) => phrase(words, term.value_span).map(Condition::Words),
            _ => self.value(term).map(Condition::Value),
        }
    }

    fn value(&mut self, term: &Term) -> Parsed<ValueTest> {
        Ok(match &term.test {
            // Is dealt with before.
            Test::Exists | Test::Has(_) => ValueTest::Like(Wildcard::new([Piece::Many])),
            Test::Is(Words::Plain(text)) => values::is(text),
            Test::Is(Words::Like(wildcard)) => {
                short_enough(&wildcard_text(wildcard), term.value_span)?;
                ValueTest::Like(wildcard.clone())
            }
            Test::Compare(comparison, text) => values::compared(*comparison, text),
            Test::Range(low, high) => values::range(low, high, term.value_span)?,
            Test::Matches(pattern) | Test::NotMatches(pattern) => {
                ValueTest::Matches(self.pattern(pattern, term.value_span)?)
            }
        })
    }

    fn pattern(&mut self, text: &str, span: Span) -> Parsed<Pattern> {
        short_enough(text, span)?;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            let message = format!("the query has more than {PATTERNS_MAX} regular expressions");
            return Err(Problem::at(span, message));
        }
        Pattern::new(text).map_err(|error| {
            let message = match error {
                regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
                error => {
                    let text = error.to_string();
                    let reason = text.rsplit("error: ").next().unwrap_or("").trim();
                    format!("the regular expression cannot be read: {reason}")
                }
            };
            Problem::at(span, message)
        })
    }
}

fn short_enough(pattern: &str, span: Span) -> Parsed<()> {
    if pattern.len() > PATTERN_BYTES_MAX {
        let message = format!("a pattern has at most {PATTERN_BYTES_MAX} bytes");
        return Err(Problem::at(span, message));
    }
    Ok(())
}

fn wildcard_text(wildcard: &Wildcard) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.to_string(),
        Piece::One => "?".to_owned(),
        Piece::Many => "*".to_owned(),
    };
    wildcard.pieces().iter().map(text).collect()
}

/// The words of a full-text search.
fn phrase(text: &Words, span: Span) -> Parsed<Phrase> {
    let is = |word: &str| WordTest::Is(fold(word).into());
    let tests: Vec<WordTest> = match text {
        Words::Plain(text) => words(text).map(is).collect(),
        Words::Like(wildcard) => {
            short_enough(&wildcard_text(wildcard), span)?;
            match wildcard.prefix() {
                Some(prefix) if prefix.ends_with(is_word) => {
                    let mut tests: Vec<WordTest> = words(prefix).map(is).collect();
                    if let Some(WordTest::Is(last)) = tests.pop() {
                        tests.push(WordTest::Prefix(last));
                    }
                    tests
                }
                _ => vec![WordTest::Like(word_pattern(wildcard, span)?)],
            }
        }
    };
    if tests.len() > PHRASE_WORDS_MAX {
        let message = format!("a phrase has at most {PHRASE_WORDS_MAX} words");
        return Err(Problem::at(span, message));
    }
    if tests.is_empty() {
        return Err(Problem::at(span, "there is no letter or digit to search for")
            .hint("full text is searched by words; `body=~\".*…*\"` looks at every character"));
    }
    Ok(Phrase { words: tests })
}

/// A wildcard that one word has to match.
fn word_pattern(wildcard: &Wildcard, span: Span) -> Parsed<Wildcard> {
    let of_words = |piece: &Piece| match piece {
        Piece::Text(text) => text.chars().all(is_word),
        Piece::One | Piece::Many => true,
    };
    if !wildcard.pieces().iter().all(of_words) {
        let message = "a wildcard of full text matches one word, so that it has only letters, digits and `_` beside it";
        return Err(Problem::at(span, message).hint(
            "`body=~\".*…*\"` looks at every character; in quotes `*` and `?` stand for themselves",
        ));
    }
    Ok(wildcard.map(|text| fold(text).into_owned()))
}
