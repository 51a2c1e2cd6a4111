//! What is likely wrong in a query that can be read.

use crate::{
    ast::{Comparison, Expr, ExprKind, Query, StageKind, Term, Test, Words},
    field::{Field, KNOWN, Known, Origin, Signal, Type},
    literal::{Unit, quantity, units, unknown_unit},
    span::{Fix, Span, nearest},
    token::is_word,
    wildcard::Wildcard,
};

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    pub span: Span,
    /// What was found, for machines: `word-order`.
    pub code: &'static str,
    /// What was found and what to do, for people: lowercase, without a period.
    pub message: String,
    pub fix: Option<Fix>,
}

/// What is to be said about a query that was parsed from `text`, in the order of places.
///
/// `signal` says which records are asked, where that is known.
pub fn lint(query: &Query, text: &str, signal: Option<Signal>) -> Vec<Lint> {
    let mut linter = Linter { text, signal, found: Vec::new() };
    linter.expr(&query.filter);
    linter.only_negated(&query.filter);
    for stage in &query.stages {
        if let (StageKind::Patterns, Some(Signal::Spans)) = (&stage.kind, signal) {
            let message = "`patterns` groups log bodies, which spans have not".to_owned();
            linter.say(stage.span, "other-signal", message, None);
        }
    }
    linter.found.sort_by_key(|lint| (lint.span.start, lint.span.end));
    linter.found
}

struct Linter<'t> {
    text: &'t str,
    signal: Option<Signal>,
    found: Vec<Lint>,
}

impl Linter<'_> {
    fn say(&mut self, span: Span, code: &'static str, message: String, fix: Option<Fix>) {
        self.found.push(Lint { span, code, message, fix });
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::All => {}
            ExprKind::And(parts) => {
                self.contradicting(parts);
                for (at, part) in parts.iter().enumerate() {
                    self.lowercase_operator(part, at > 0, at + 1 < parts.len());
                    self.expr(part);
                }
            }
            ExprKind::Or(parts) => parts.iter().for_each(|part| self.expr(part)),
            ExprKind::Not(inner) => self.expr(inner),
            ExprKind::Text(Words::Plain(_)) => {}
            ExprKind::Text(Words::Like(wildcard)) => self.wildcard(wildcard, expr.span),
            ExprKind::Term(term) => {
                self.name(term);
                self.other_signal(term);
                self.value(term);
            }
        }
    }

    /// A word between terms that would join them in capitals.
    fn lowercase_operator(&mut self, expr: &Expr, after: bool, before: bool) {
        let ExprKind::Text(Words::Plain(text)) = &expr.kind else { return };
        let joins = matches!(&**text, "and" | "or") && after || &**text == "not";
        // In quotes it is meant as a word.
        if joins && before && expr.span.of(self.text) == &**text {
            let right = text.to_uppercase();
            let message = format!("`{text}` is searched for as a word; the operator is `{right}`");
            let fix = Fix::replace(format!("write `{right}`"), expr.span, right);
            self.say(expr.span, "lowercase-operator", message, Some(fix));
        }
    }

    fn wildcard(&mut self, wildcard: &Wildcard, span: Span) {
        if wildcard.has_no_text() {
            let message =
                "a wildcard without text matches by length alone; `*` asks for any".to_owned();
            self.say(span, "wildcard-only", message, None);
        } else if wildcard.is_open() {
            let message = "a wildcard at the front reads every value".to_owned();
            self.say(span, "leading-wildcard", message, None);
        }
    }

    /// A name that is nearly a well-known one.
    fn name(&mut self, term: &Term) {
        let Field::Attribute { from: Origin::Any, name } = &term.field else { return };
        if name.len() < 4 || name.contains('.') || term.field_span.of(self.text).starts_with('"') {
            return;
        }
        let known = KNOWN.iter().flat_map(|about| about.names).copied();
        if let Some(near) = nearest(name, known) {
            let message =
                format!("`{name}` is read as an attribute's name; did you mean `{near}`?");
            let fix = Fix::replace(format!("write `{near}`"), term.field_span, near);
            self.say(term.field_span, "near-name", message, Some(fix));
        }
    }

    /// A field that the records asked for never have.
    fn other_signal(&mut self, term: &Term) {
        let (Field::Known(known), Some(signal)) = (&term.field, self.signal) else { return };
        if known.about().only.is_none_or(|only| only == signal) {
            return;
        }
        let name = known.name();
        let (have, have_not) = match signal {
            Signal::Logs => ("spans", "logs"),
            Signal::Spans => ("logs", "spans"),
        };
        let right = match (known, signal, &term.test) {
            (Known::Status, Signal::Logs, Test::Is(Words::Plain(text))) if &**text == "error" => {
                Some("has_error:true")
            }
            (Known::Level, Signal::Spans, Test::Is(Words::Plain(text))) if &**text == "error" => {
                Some("status:error")
            }
            _ => None,
        };
        let span = term.field_span.to(term.value_span);
        // A value of a group does not stand beside its field.
        let alone =
            !Span::new(term.field_span.end, term.value_span.start).of(self.text).contains('(');
        let right = right.filter(|_| alone);
        let fix = right.map(|right| Fix::replace(format!("write `{right}`"), span, right));
        let message = format!(
            "`{name}` is of {have}: {have_not} never have it; an attribute of this name is `attributes.{name}`"
        );
        self.say(term.field_span, "other-signal", message, fix);
    }

    fn value(&mut self, term: &Term) {
        let of_record = matches!(term.field.values(), None | Some(Type::Text | Type::FullText));
        let span = term.value_span;
        match &term.test {
            Test::Is(Words::Like(wildcard)) | Test::Has(Words::Like(wildcard)) => {
                self.wildcard(wildcard, span);
            }
            Test::Compare(comparison, text) if of_record && comparison.is_order() => {
                self.order(*comparison, text, term)
            }
            Test::Compare(_, text)
                if of_record
                    && text.contains('*')
                    && !span.of(self.text).starts_with(['"', '\'']) =>
            {
                let message = "`=` takes `*` as it stands; wildcards go with `:`".to_owned();
                self.say(span, "literal-wildcard", message, None);
            }
            Test::Matches(pattern) | Test::NotMatches(pattern) => self.pattern(pattern, term),
            _ => {}
        }
    }

    /// `>` and such with what is no number.
    fn order(&mut self, comparison: Comparison, text: &str, term: &Term) {
        let (span, field) = (term.value_span, &term.field);
        match (quantity(text), unknown_unit(text)) {
            (Some((number, Unit::Nanoseconds)), _) => {
                let message = format!(
                    "`{field}` is compared with {number}, the nanoseconds of `{text}`; attributes have no unit"
                );
                self.say(span, "unit-of-attribute", message, None);
            }
            (Some(_), _) => {}
            (None, Some(unit)) => {
                let near = nearest(unit, units());
                let fix = near.map(|near| {
                    let right = format!("{}{near}", text.strip_suffix(unit).unwrap_or(""));
                    Fix::replace(format!("write `{right}`"), span, right)
                });
                let message =
                    format!("`{unit}` is no unit, so that `{text}` is compared as a text");
                self.say(span, "unknown-unit", message, fix);
            }
            (None, None) => {
                let message = format!(
                    "`{text}` is no number: `{}` compares texts, in the order of their bytes",
                    comparison.as_str()
                );
                self.say(span, "word-order", message, None);
            }
        }
    }

    fn pattern(&mut self, pattern: &str, term: &Term) {
        let (span, written) = (term.value_span, term.value_span.of(self.text));
        let literal = pattern.chars().all(|char| is_word(char) || " /-".contains(char));
        if written.starts_with('/') && literal && pattern.contains('/') {
            let right = format!("\"{written}\"");
            let message =
                format!("`{written}` is read as a regular expression; a path goes in quotes");
            self.say(
                span,
                "path-or-regex",
                message,
                Some(Fix::replace(format!("write `{right}`"), span, right)),
            );
        } else if literal {
            let right =
                format!("{}\".*{pattern}.*\"", if written.starts_with('/') { "=~" } else { "" });
            let message = "a regular expression has to match the whole text, so that this one matches only itself".to_owned();
            let fix = (!written.starts_with('/'))
                .then(|| Fix::replace(format!("write `{right}`"), span, right));
            self.say(span, "whole-text", message, fix);
        }
    }

    /// `field:(a b)` asks for two values at once.
    fn contradicting(&mut self, parts: &[Expr]) {
        fn plain(expr: &Expr) -> Option<(&Term, &str)> {
            match &expr.kind {
                ExprKind::Term(term) if term.field != Field::Known(Known::Body) => match &term.test
                {
                    Test::Is(Words::Plain(text)) => Some((term, text)),
                    _ => None,
                },
                _ => None,
            }
        }
        let terms: Vec<_> = parts.iter().filter_map(plain).take(TERMS_COMPARED_MAX).collect();
        for (at, (term, text)) in terms.iter().enumerate() {
            let same = |(other, value): &&(&Term, &str)| other.field == term.field && value != text;
            if terms.iter().take(at).any(|pair| same(&pair)) {
                let message = format!(
                    "`{}` would have two values at once; alternatives are joined by `OR`",
                    term.field
                );
                self.say(term.value_span, "two-values", message, None);
            }
        }
    }

    /// A filter that only excludes reads everything.
    fn only_negated(&mut self, filter: &Expr) {
        fn negated(expr: &Expr) -> bool {
            match &expr.kind {
                ExprKind::Not(_) => true,
                ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(negated),
                ExprKind::Term(term) => {
                    matches!(
                        &term.test,
                        Test::NotMatches(_) | Test::Compare(Comparison::NotEqual, _)
                    )
                }
                ExprKind::All | ExprKind::Text(_) => false,
            }
        }
        if negated(filter) {
            let message =
                "everything but this is asked for; a term that asks for something makes it faster"
                    .to_owned();
            self.say(filter.span, "only-negated", message, None);
        }
    }
}

/// Of more terms in one row, the rest is not looked at.
const TERMS_COMPARED_MAX: usize = 64;
