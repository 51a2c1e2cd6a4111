//! Templates: how they read, what their parameters are in a line, and the line again.

use std::{fmt, iter};

use model::Timestamp;
use twox_hash::XxHash3_64;

use super::{
    kind::{Kind, MARK},
    mask::Masked,
    miner::{Severities, Stats},
    word::{Freedom, freedom, is_separator, sole},
};

/// A hash of a template's text: equal texts have equal ids, in every process and at every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(pub u64);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What lines of one statement have in common, and how often and when they came.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub(super) text: Box<[u8]>,
    pub(super) stats: Stats,
}

/// A part of a line that a template leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

impl fmt::Display for Template {
    /// The text with parameters as `<num>`. A line that holds such characters itself looks the same; see [`TemplateId`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&readable(&self.text))
    }
}

impl Template {
    pub fn id(&self) -> TemplateId {
        TemplateId(XxHash3_64::oneshot(&self.text))
    }

    /// Lines counted.
    pub fn count(&self) -> u64 {
        self.stats.count
    }

    pub fn severities(&self) -> Severities {
        self.stats.severities
    }

    pub fn first(&self) -> Timestamp {
        self.stats.first
    }

    pub fn last(&self) -> Timestamp {
        self.stats.last
    }

    /// The earliest line, cut to [`super::EXAMPLE_BYTES_MAX`].
    pub fn example(&self) -> &str {
        &self.stats.example
    }

    /// The parameters of a line in order; `None` when the line is not of this template.
    pub fn parameters<'a>(&self, line: &'a str) -> Option<Vec<Parameter<'a>>> {
        let mut masked = Masked::default();
        masked.mask(line);
        self.aligned(&masked, line)
    }

    fn aligned<'a>(&self, masked: &Masked, line: &'a str) -> Option<Vec<Parameter<'a>>> {
        let spans = align(&self.text, masked)?;
        let parameter = |(kind, from, to)| Some(Parameter { kind, text: line.get(from..to)? });
        spans.into_iter().map(parameter).collect()
    }

    /// The line that has these parameters; one that lacks is empty.
    pub fn fill<'a>(&self, parameters: impl IntoIterator<Item = &'a str>) -> String {
        fill(&self.text, parameters)
    }
}

/// The templates that a line is of, with its parameters. There is one, but for lines that only a template of another
/// statement covers too.
pub fn matching<'t, 'l>(
    templates: &'t [Template],
    line: &'l str,
) -> impl Iterator<Item = (&'t Template, Vec<Parameter<'l>>)> {
    let mut masked = Masked::default();
    masked.mask(line);
    templates.iter().filter_map(move |template| Some((template, template.aligned(&masked, line)?)))
}

/// Masked text as people read it.
pub(super) fn readable(text: &[u8]) -> String {
    let kinds = pieces(text).filter_map(|piece| match piece {
        Piece::Parameter(kind) => Some(kind.to_string()),
        Piece::Literal(_) => None,
    });
    let kinds: Vec<String> = kinds.collect();
    fill(text, kinds.iter().map(String::as_str))
}

/// Masked text with its parameters replaced.
pub(super) fn fill<'a>(text: &[u8], parameters: impl IntoIterator<Item = &'a str>) -> String {
    let mut parameters = parameters.into_iter();
    let mut line = Vec::with_capacity(text.len() * 2);
    for piece in pieces(text) {
        match piece {
            Piece::Literal(literal) => line.extend(literal),
            Piece::Parameter(_) => line.extend(parameters.next().unwrap_or_default().bytes()),
        }
    }
    // Literals are whole runs between parameters, and parameters whole texts.
    String::from_utf8_lossy(&line).into_owned()
}

#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    Literal(&'a [u8]),
    Parameter(Kind),
}

fn pieces(text: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    iter::from_fn(move || match rest {
        [] => None,
        [MARK, letter, after @ ..] => {
            rest = after;
            Some(Piece::Parameter(Kind::of_letter(*letter)))
        }
        _ => {
            let (literal, after) = rest.split_at(memchr::memchr(MARK, rest).unwrap_or(rest.len()));
            rest = after;
            Some(Piece::Literal(literal))
        }
    })
}

/// Whether a template's word stands for another word, which is not equal.
pub(super) fn stands_for(general: &[u8], word: &[u8]) -> bool {
    match sole(general) {
        Some(Kind::Any) => freedom(word) != Freedom::Fixed,
        Some(Kind::List) => matches!(sole(word), Some(Kind::Num | Kind::List)),
        _ => false,
    }
}

/// Whether all that `text` is, `general` is too.
pub(super) fn covers(general: &[u8], text: &[u8]) -> bool {
    let (mut general, mut text) = (general, text);
    loop {
        match (general.first(), text.first()) {
            (None, None) => return true,
            (Some(a), Some(b)) if is_separator(*a) || is_separator(*b) => {
                if a != b {
                    return false;
                }
                (general, text) = (&general[1..], &text[1..]);
            }
            (Some(_), Some(_)) => {
                let (one, general_rest) = next_word(general);
                let (other, text_rest) = next_word(text);
                if one != other && !stands_for(one, other) {
                    return false;
                }
                (general, text) = (general_rest, text_rest);
            }
            _ => return false,
        }
    }
}

fn next_word(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| is_separator(*byte)).unwrap_or(text.len()))
}

/// Where in a masked line the parameters of a template are; `None` when it is not of the template.
fn align(template: &[u8], line: &Masked) -> Option<Vec<(Kind, usize, usize)>> {
    if !covers(template, &line.text) {
        return None;
    }
    let mut found = Vec::new();
    let (mut general, mut text) = (template, line.text.as_slice());
    let (mut spans, mut at) = (line.spans.iter(), 0);
    while !general.is_empty() {
        if is_separator(general[0]) {
            (general, text, at) = (&general[1..], &text[1..], at + 1);
            continue;
        }
        let (one, general_rest) = next_word(general);
        let (other, text_rest) = next_word(text);
        let start = at;
        for piece in pieces(other) {
            match piece {
                Piece::Literal(literal) => at += literal.len(),
                Piece::Parameter(kind) => {
                    let (from, to) = spans.next()?;
                    at = *to;
                    if one == other {
                        found.push((kind, *from, *to));
                    }
                }
            }
        }
        if one != other {
            found.push((sole(one)?, start, at));
        }
        (general, text) = (general_rest, text_rest);
    }
    Some(found)
}
