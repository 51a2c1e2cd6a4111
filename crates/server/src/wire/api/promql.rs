//! The words of PromQL, for editors.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /evenkeel/v1/promql/functions`: functions, aggregations, operators and keywords, each kind by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlWords {
    pub items: Vec<PromqlWord>,
}

/// One word of the language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlWord {
    pub name: String,
    /// `function`, `aggregation`, `operator` or `keyword`.
    pub kind: String,
    /// With parameters and types: `rate(v range vector) instant vector`.
    pub signature: String,
    /// One line.
    pub doc: String,
    /// Known only with its feature flag (`query.features`).
    pub experimental: bool,
}

/// `POST /evenkeel/v1/promql/lint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromqlLintRequest {
    /// The expression, at most 128 KiB.
    pub query: String,
}

/// What is likely wrong in an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlFindings {
    /// In the order of their places; an expression that cannot be read has one, `syntax`.
    pub items: Vec<PromqlFinding>,
    /// How many more there are than are listed.
    pub more: u64,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlFinding {
    /// What was found, for machines: `rate-of-gauge`.
    pub code: String,
    pub severity: PromqlSeverity,
    /// What was found, for people.
    pub message: String,
    #[serde(flatten)]
    pub place: PromqlPlace,
    /// Line of the start, from 1.
    pub line: u64,
    /// Column of the start, from 1, in bytes of UTF-8 as in Prometheus' errors.
    pub column: u64,
    /// The edit by which it goes away, where one is safe to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<PromqlFix>,
}

/// How sure it is that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PromqlSeverity {
    /// It cannot be read, or its result cannot be what is meant.
    Error,
    /// Its result is most likely not what is meant.
    Warning,
    /// It could be simpler or faster, or may surprise.
    Hint,
}

/// A piece of the expression, in UTF-16 code units from its beginning, as editors and JavaScript count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromqlPlace {
    pub start: u64,
    /// Behind its last unit.
    pub end: u64,
}

/// What makes a finding go away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlFix {
    /// What it does: "use `deriv`".
    pub title: String,
    /// In the order of their places, which are those of the expression as it was sent, and do not overlap.
    pub edits: Vec<PromqlEdit>,
}

/// The text that replaces what stands at a place; an empty place inserts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromqlEdit {
    #[serde(flatten)]
    pub place: PromqlPlace,
    pub text: String,
}

impl PromqlFix {
    /// `query`, which the fix was found for, with the edits made; an edit that is not within it is left out.
    pub fn apply(&self, query: &str) -> String {
        let units: Vec<u16> = query.encode_utf16().collect();
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let (mut fixed, mut done) = (Vec::with_capacity(units.len()), 0);
        for PromqlEdit { place: PromqlPlace { start, end }, text } in &self.edits {
            let (start, end) = (place(*start), place(*end));
            let Some(before) =
                units.get(done..start).filter(|_| (start..=units.len()).contains(&end))
            else {
                continue;
            };
            fixed.extend(before);
            fixed.extend(text.encode_utf16());
            done = end;
        }
        fixed.extend(units.get(done..).unwrap_or_default());
        String::from_utf16_lossy(&fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_made_where_editors_count() {
        let edit = |start, end, text: &str| PromqlEdit {
            place: PromqlPlace { start, end },
            text: text.to_owned(),
        };
        let check = |edits: Vec<PromqlEdit>, expected: &str| {
            let fix = PromqlFix { title: String::new(), edits };
            assert_eq!(fix.apply("x{a=\"é😀\"}"), expected);
        };
        check(vec![], "x{a=\"é😀\"}");
        check(vec![edit(0, 0, "rate("), edit(10, 10, "[5m])")], "rate(x{a=\"é😀\"}[5m])");
        check(vec![edit(4, 9, "'b'")], "x{a='b'}");
        check(vec![edit(5, 99, "-"), edit(3, 2, "-"), edit(0, 1, "y")], "y{a=\"é😀\"}");
    }
}
