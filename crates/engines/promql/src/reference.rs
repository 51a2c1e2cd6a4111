//! The words of the language as a table: for the completion and the help of editors.

mod words;

use std::fmt::Write;

use crate::{
    ast::{AggregateOp, Function},
    functions,
};

/// A word and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    pub kind: EntryKind,
    /// With parameters and types: `rate(v range vector) instant vector`.
    pub signature: String,
    /// One line, lowercase, without a period.
    pub doc: &'static str,
    /// Known only with its feature flag.
    pub experimental: bool,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Function,
    Aggregation,
    /// Between two vectors or numbers.
    Operator,
    /// Changes what stands before or after it.
    Keyword,
}

impl EntryKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Aggregation => "aggregation",
            Self::Operator => "operator",
            Self::Keyword => "keyword",
        }
    }
}

/// All words: functions, aggregations, operators and keywords, each kind by name.
pub fn entries() -> Vec<Entry> {
    let functions = functions::all().iter().filter_map(|function| {
        let (_, params, doc) = words::FUNCTIONS.iter().find(|(name, ..)| *name == function.name)?;
        Some(Entry {
            name: function.name,
            kind: EntryKind::Function,
            signature: signature(function, params),
            doc,
            experimental: function.experimental,
        })
    });
    let aggregations = words::AGGREGATIONS.iter().filter_map(|(name, params, doc)| {
        let op = AggregateOp::parse(name)?;
        Some(Entry {
            name,
            kind: EntryKind::Aggregation,
            signature: format!("{name} by (labels) ({params}) instant vector"),
            doc,
            experimental: op.is_experimental(),
        })
    });
    let other = |kind| {
        move |(name, form, doc, experimental): &(&'static str, &str, &'static str, bool)| Entry {
            name,
            kind,
            signature: (*form).to_owned(),
            doc,
            experimental: *experimental,
        }
    };
    functions
        .chain(aggregations)
        .chain(words::OPERATORS.iter().map(other(EntryKind::Operator)))
        .chain(words::KEYWORDS.iter().map(other(EntryKind::Keyword)))
        .collect()
}

/// `round(v instant vector, [to_nearest scalar]) instant vector`
fn signature(function: &Function, names: &str) -> String {
    let mut text = format!("{}(", function.name);
    let mut names = names.split_whitespace();
    for (at, kind) in function.args.iter().enumerate() {
        let name = names.next().unwrap_or("x");
        let last = at + 1 == function.args.len();
        let separator = if at > 0 { ", " } else { "" };
        let dots = if last && !(0..=1).contains(&function.variadic) { ", …" } else { "" };
        let (open, close) = if last && function.variadic != 0 { ("[", "]") } else { ("", "") };
        // Writing to a string cannot fail.
        let _written = write!(text, "{separator}{open}{name} {}{dots}{close}", kind.as_str());
    }
    text + ") " + function.returns.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_and_aggregation_has_its_line() {
        let entries = entries();
        let of = |kind| entries.iter().filter(move |entry| entry.kind == kind);
        assert_eq!(of(EntryKind::Function).count(), functions::all().len());
        assert_eq!(words::FUNCTIONS.len(), functions::all().len());
        assert_eq!(of(EntryKind::Aggregation).count(), AggregateOp::ALL.len());
        for function in functions::all() {
            let (_, params, _) =
                words::FUNCTIONS.iter().find(|(name, ..)| *name == function.name).unwrap();
            let names = params.split_whitespace().count();
            assert_eq!(names, function.args.len(), "{}", function.name);
        }
        for entry in &entries {
            assert!(!entry.doc.is_empty() && !entry.doc.ends_with('.'), "{entry:?}");
        }
    }

    #[test]
    fn every_keyword_has_its_line() {
        for (word, keyword) in crate::lex::Keyword::ALL {
            let named = |entry: &Entry| entry.name == word;
            assert!(entries().iter().any(named), "{word} {keyword:?}");
        }
    }

    #[test]
    fn signatures_show_what_may_be_left_out() {
        let check = |name, shown: &str| {
            let entries = entries();
            let entry = entries.iter().find(|entry| entry.name == name).unwrap();
            assert_eq!(entry.signature, shown);
        };
        check("rate", "rate(v range vector) instant vector");
        check("round", "round(v instant vector, [to_nearest scalar]) instant vector");
        check(
            "label_join",
            "label_join(v instant vector, dst string, separator string, [src string, …]) instant vector",
        );
        check("topk", "topk by (labels) (k, v) instant vector");
        check("offset", "selector offset duration");
    }
}
