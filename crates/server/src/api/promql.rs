//! What an editor of PromQL wants to know of the language, and of what is written in it.

use std::sync::Arc;

use app::{
    App,
    promql::{
        EXPRESSION_BYTES_MAX, ParseError, Span,
        lint::{Fix, Lint, Severity},
        reference,
    },
};
use axum::extract::State;

use super::{error::invalid, request::Json};
use crate::{Problem, wire::api as dto};

/// Findings of one answer; what is wrong so often is not read to the end.
const FINDINGS_MAX: usize = 100;

/// The table of all words.
pub(super) async fn functions() -> Json<dto::PromqlWords> {
    let word = |entry: reference::Entry| dto::PromqlWord {
        name: entry.name.to_owned(),
        kind: entry.kind.as_str().to_owned(),
        signature: entry.signature,
        doc: entry.doc.to_owned(),
        experimental: entry.experimental,
    };
    Json(dto::PromqlWords { items: reference::entries().into_iter().map(word).collect() })
}

/// What is likely wrong in an expression; one that cannot be read is a finding as well.
pub(super) async fn lint(
    State(app): State<Arc<App>>,
    Json(request): Json<dto::PromqlLintRequest>,
) -> Result<Json<dto::PromqlFindings>, Problem> {
    let text = &*request.query;
    if text.len() > EXPRESSION_BYTES_MAX {
        let length = text.len();
        return Err(invalid(format!(
            "the expression has {length} bytes; at most {EXPRESSION_BYTES_MAX} are read"
        )));
    }
    let found = match app.lint_query(text).await {
        Ok(found) => found,
        Err(error) => vec![syntax(text, error)],
    };
    let more = found.len().saturating_sub(FINDINGS_MAX) as u64;
    let units = Units::of(text);
    let items = found.into_iter().take(FINDINGS_MAX);
    let items = items.map(|one| finding(text, &units, one)).collect();
    Ok(Json(dto::PromqlFindings { items, more }))
}

fn syntax(text: &str, error: ParseError) -> Lint {
    let ParseError { span, message, .. } = error;
    // What is missing at the end is shown by what stands there.
    let start = span.start.min(text.len());
    let span = Span::new(start, span.end.clamp(start, text.len()));
    Lint { span, severity: Severity::Error, code: "syntax", message, fix: None }
}

fn finding(text: &str, units: &Units, found: Lint) -> dto::PromqlFinding {
    let Lint { span, severity, code, message, fix } = found;
    let (line, column) = span.line_and_column(text);
    dto::PromqlFinding {
        code: code.to_owned(),
        severity: match severity {
            Severity::Error => dto::PromqlSeverity::Error,
            Severity::Warning => dto::PromqlSeverity::Warning,
            Severity::Hint => dto::PromqlSeverity::Hint,
        },
        message,
        place: units.place(span),
        line: line as u64,
        column: column as u64,
        fix: fix.map(|Fix { title, edits }| dto::PromqlFix {
            title,
            edits: edits
                .into_iter()
                .map(|edit| dto::PromqlEdit { place: units.place(edit.span), text: edit.text })
                .collect(),
        }),
    }
}

/// Where characters of a text stand that take another number of UTF-16 units than of bytes.
struct Units(Vec<Wide>);

/// Behind such a character: its place in bytes, and how many fewer units than bytes stand before it.
#[derive(Clone, Copy)]
struct Wide {
    bytes: usize,
    fewer: usize,
}

impl Units {
    fn of(text: &str) -> Self {
        let mut fewer = 0;
        let wide = text.char_indices().filter(|(_, char)| !char.is_ascii()).map(|(at, char)| {
            fewer += char.len_utf8() - char.len_utf16();
            Wide { bytes: at + char.len_utf8(), fewer }
        });
        Self(wide.collect())
    }

    fn at(&self, bytes: usize) -> u64 {
        let before = self.0.partition_point(|wide| wide.bytes <= bytes);
        let fewer = before.checked_sub(1).and_then(|at| self.0.get(at)).map_or(0, |one| one.fewer);
        (bytes - fewer) as u64
    }

    fn place(&self, span: Span) -> dto::PromqlPlace {
        dto::PromqlPlace { start: self.at(span.start), end: self.at(span.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_editors_do() {
        let text = "a{b=\"é€😀\"} == x";
        let units = Units::of(text);
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let expected = text.get(..at).unwrap().encode_utf16().count() as u64;
            assert_eq!(units.at(at), expected, "{at}");
        }
        assert_eq!(Units::of("").at(0), 0);
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_a_finding() {
        let check = |text: &str, expected: (u64, u64, u64, u64)| {
            let error = app::promql::parse(text).unwrap_err();
            let found = finding(text, &Units::of(text), syntax(text, error));
            let place = (found.place.start, found.place.end, found.line, found.column);
            assert_eq!((&*found.code, place), ("syntax", expected), "{text}: {found:?}");
        };
        check("sum(", (4, 4, 1, 5));
        check("", (0, 0, 1, 1));
        // Behind the parenthesis, as Prometheus has it.
        check("\"é\" +\n)", (7, 7, 2, 2));
    }
}
