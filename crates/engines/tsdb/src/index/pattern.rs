//! What a regular expression says of how its values begin, so that not all need be looked at.

use regex_syntax::{
    ParserBuilder,
    hir::literal::{Extractor, Seq},
};

/// The most literals that an expression is taken apart into.
const LITERALS_MAX: usize = 4_096;
const LITERAL_BYTES_MAX: usize = 1_024;

/// A superset of what an expression matches; each candidate is still matched.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// These values and no other.
    Exactly(Vec<String>),
    /// Values with one of these beginnings.
    With(Vec<String>),
    /// Any value.
    Anyhow,
}

/// Takes an expression apart, anchored at both ends as matchers are.
pub(super) fn begins(pattern: &str) -> Begins {
    let parsed = ParserBuilder::new().dot_matches_new_line(true).build().parse(pattern);
    let Ok(parsed) = parsed else { return Begins::Anyhow };
    let mut extractor = Extractor::new();
    extractor.limit_total(LITERALS_MAX).limit_literal_len(LITERAL_BYTES_MAX);
    literals(&extractor.extract(&parsed))
}

fn literals(seq: &Seq) -> Begins {
    let Some(literals) = seq.literals() else { return Begins::Anyhow };
    let texts = literals.iter().map(|literal| String::from_utf8(literal.as_bytes().to_vec()));
    // A beginning that ends within a character is left to the expression.
    let Ok(mut texts) = texts.collect::<Result<Vec<String>, _>>() else { return Begins::Anyhow };
    texts.sort_unstable();
    texts.dedup();
    if seq.is_exact() {
        return Begins::Exactly(texts);
    }
    if texts.iter().any(String::is_empty) {
        return Begins::Anyhow;
    }
    // What begins with a longer one begins with the shorter: no value is found twice.
    let mut kept: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        if kept.last().is_none_or(|last| !text.starts_with(last.as_str())) {
            kept.push(text);
        }
    }
    Begins::With(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_sets_from_prefixes() {
        let set =
            |values: &[&str]| Begins::Exactly(values.iter().map(|v| (*v).to_owned()).collect());
        let with = |values: &[&str]| Begins::With(values.iter().map(|v| (*v).to_owned()).collect());
        assert_eq!(begins("a|b|c"), set(&["a", "b", "c"]));
        assert_eq!(begins("get|(put|post)"), set(&["get", "post", "put"]));
        assert_eq!(begins("ba[rz]"), set(&["bar", "baz"]));
        assert_eq!(begins("a\\.b"), set(&["a.b"]));
        assert_eq!(begins(""), set(&[""]));
        assert_eq!(begins("5.."), with(&["5"]));
        assert_eq!(begins("api-.*|api-v2.+|web.*"), with(&["api-", "web"]));
        assert_eq!(begins(".*"), Begins::Anyhow);
        assert_eq!(begins(".+foo"), Begins::Anyhow);
        assert_eq!(begins("(foo)?.*"), Begins::Anyhow);
        let many: Vec<String> = (1000..2500).map(|at| format!("host-{at}")).collect();
        assert!(begins(&many.join("|")) == Begins::Exactly(many));
    }
}
