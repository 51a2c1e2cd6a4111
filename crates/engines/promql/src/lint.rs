//! What is likely wrong in an expression that parses: for editors, and for checks of rules.
//!
//! Every finding names its place, and says by which edit it goes away where one is safe to offer. Nothing here reads
//! samples: what kind a metric is comes from its metadata, through [`Known`].

mod counters;
mod histograms;
mod joins;
mod matchers;
mod operators;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use model::MetricKind;

use crate::{
    ast::{Expr, ExprKind, Selector},
    span::Span,
};

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    pub span: Span,
    pub severity: Severity,
    /// What was found, for machines: `rate-of-gauge`.
    pub code: &'static str,
    /// What was found, for people: lowercase, without a period.
    pub message: String,
    pub fix: Option<Fix>,
}

/// How sure it is that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The result cannot be what is meant.
    Error,
    /// The result is most likely not what is meant.
    Warning,
    /// It could be simpler or faster, or may surprise.
    Hint,
}

/// What makes a finding go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does: "use `deriv`".
    pub title: String,
    /// In the order of their places, which do not overlap.
    pub edits: Vec<Edit>,
}

/// The text that replaces what stands at a place; an empty place inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// What is known about the series that an expression reads.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The kind of the metric of this name, from its metadata.
    pub kind: &'a dyn Fn(&str) -> Option<MetricKind>,
    /// How often samples of the metric of this name come, in milliseconds.
    pub interval_ms: &'a dyn Fn(&str) -> Option<i64>,
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Severity {
    /// The word for it: `error`, `warning`, `hint`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

impl Fix {
    /// `text`, which the expression was parsed from, with the edits made.
    pub fn apply(&self, text: &str) -> String {
        let (mut fixed, mut at) = (String::new(), 0);
        for edit in &self.edits {
            fixed += text.get(at..edit.span.start).unwrap_or("");
            fixed += &edit.text;
            at = edit.span.end;
        }
        fixed + text.get(at..).unwrap_or("")
    }

    fn replace(title: String, span: Span, text: impl Into<String>) -> Option<Self> {
        Some(Self { title, edits: vec![Edit { span, text: text.into() }] })
    }

    fn around(title: String, span: Span, before: &str, after: &str) -> Option<Self> {
        let insert =
            |at: usize, text: &str| Edit { span: Span::new(at, at), text: text.to_owned() };
        Some(Self { title, edits: vec![insert(span.start, before), insert(span.end, after)] })
    }
}

/// What is to be said about `expr`, in the order of places; `kind` gives the kind of a metric from its metadata.
pub fn lint(expr: &Expr, kind: &dyn Fn(&str) -> Option<MetricKind>) -> Vec<Lint> {
    lint_with(expr, &Known { kind, interval_ms: &|_| None })
}

/// What is to be said about `expr`, in the order of places.
pub fn lint_with(expr: &Expr, known: &Known<'_>) -> Vec<Lint> {
    let mut linter = Linter { known, parents: Vec::new(), found: Vec::new() };
    linter.visit(expr);
    let mut found = linter.found;
    found.sort_by_key(|lint| (lint.span.start, lint.severity, lint.span.end));
    found
}

struct Linter<'e> {
    known: &'e Known<'e>,
    /// From the whole expression to what holds the one at hand.
    parents: Vec<&'e Expr>,
    found: Vec<Lint>,
}

impl<'e> Linter<'e> {
    fn visit(&mut self, expr: &'e Expr) {
        match &expr.kind {
            ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
                self.matchers(selector);
                self.counter(expr, selector);
            }
            ExprKind::Call { function, name_span, args } => {
                self.rates(expr, function.name, *name_span, args);
                self.histogram(function.name, args);
                self.call(function.name, *name_span, args);
            }
            ExprKind::Binary(binary) => {
                self.binary(expr, binary);
                self.growth(expr, binary);
                self.join(expr, binary);
            }
            ExprKind::Aggregate(_)
            | ExprKind::Number { .. }
            | ExprKind::String(_)
            | ExprKind::Subquery { .. }
            | ExprKind::Negate(_)
            | ExprKind::Plus(_)
            | ExprKind::Paren(_) => {}
        }
        self.parents.push(expr);
        for child in expr.children() {
            self.visit(child);
        }
        self.parents.pop();
    }

    fn say(
        &mut self,
        span: Span,
        severity: Severity,
        code: &'static str,
        message: String,
        fix: Option<Fix>,
    ) {
        self.found.push(Lint { span, severity, code, message, fix });
    }
}

/// The metrics that an expression names, each once, in the order in which they first stand; at most `max`.
pub fn names(expr: &Expr, max: usize) -> Vec<&str> {
    fn visit<'e>(expr: &'e Expr, seen: &mut HashSet<&'e str>, into: &mut Vec<&'e str>, max: usize) {
        if into.len() >= max {
            return;
        }
        if let ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } = &expr.kind
            && let Some(name) = name_of(selector)
            && seen.insert(name)
        {
            into.push(name);
        }
        expr.children().into_iter().for_each(|child| visit(child, seen, into, max));
    }
    let mut names = Vec::new();
    visit(expr, &mut HashSet::new(), &mut names, max);
    names
}

/// The families that a sample of this name may belong to, its own name first: `x_bucket` may be of the histogram `x`.
pub fn families(name: &str) -> impl Iterator<Item = &str> {
    let of_suffix = SUFFIXES.into_iter().filter_map(|suffix| name.strip_suffix(suffix));
    std::iter::once(name).chain(of_suffix)
}

/// What formats write behind a family's name.
const SUFFIXES: [&str; 4] = ["_bucket", "_count", "_sum", "_total"];

/// The name of the metric, where there is exactly one.
fn name_of(selector: &Selector) -> Option<&str> {
    selector.name.as_deref().or_else(|| {
        let named = |matcher: &&model::Matcher| {
            matcher.name() == "__name__" && matcher.op() == model::MatchOp::Equal
        };
        selector.matchers.iter().find(named).map(model::Matcher::value)
    })
}
