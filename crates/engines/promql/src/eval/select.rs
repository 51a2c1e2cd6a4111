//! Selections from the source, and what can be told of selectors before.

use std::sync::{Arc, OnceLock};

use model::{MatchOp, Matcher};

use super::{Context, EvalError, Hints, item::Selected, range::Moments};
use crate::ast::{Expr, ExprKind, Selector};

impl<'s> Context<'s> {
    /// The series of a selector that may have samples from `start_ms` to `end_ms`.
    pub(super) fn select(
        &mut self,
        selector: &Selector,
        (start_ms, end_ms): (i64, i64),
        range_ms: i64,
        function: Option<&'static str>,
    ) -> Result<Arc<Selected<'s>>, EvalError> {
        let step_ms = self.query.step_ms;
        let hints = Hints { start_ms, end_ms, step_ms, range_ms, function };
        self.selection(&selector.matchers, &hints, &key(selector, range_ms))
    }

    /// As [`Context::select`], for matchers of one's own.
    pub(super) fn selection(
        &mut self,
        matchers: &[Matcher],
        hints: &Hints,
        shared_as: &str,
    ) -> Result<Arc<Selected<'s>>, EvalError> {
        let mut name = format!("{}\0{}", hints.start_ms, hints.end_ms);
        for matcher in matchers {
            name.push('\0');
            name.push_str(&matcher.to_string());
        }
        if let Some(found) = self.selected.get(&name) {
            return Ok(Arc::clone(found));
        }
        let set = self
            .source
            .select(matchers, hints)
            .map_err(|error| EvalError::Source(error.message))?;
        self.budget.select(set.len())?;
        let one_name = matchers
            .iter()
            .find(|one| one.name() == "__name__" && one.op() == MatchOp::Equal)
            .map(Matcher::value)
            .filter(|name| !name.is_empty());
        let read = if self.keeps(&*set, shared_as) {
            (0..set.len()).map(|_| OnceLock::new()).collect()
        } else {
            Vec::new()
        };
        let selected = Arc::new(Selected { name: one_name.map(Into::into), set, read });
        self.selected.insert(name, Arc::clone(&selected));
        Ok(selected)
    }

    /// Whether samples are kept for the next time the selector is met: when there is one, and memory for them.
    fn keeps(&self, set: &dyn super::SeriesSet, shared_as: &str) -> bool {
        if set.is_empty() || !self.shared.iter().any(|text| text == shared_as) {
            return false;
        }
        let samples: usize = (0..set.len().min(64)).map(|at| set.samples_hint(at)).sum();
        let bytes = (samples / set.len().min(64) + 8).saturating_mul(16 * set.len());
        // A quarter of what is free at most: the rest of the query needs memory, too.
        let free = self.limits.memory_max_bytes.saturating_sub(self.budget.held());
        bytes < free / 4 && self.budget.hold(bytes).is_ok()
    }
}

/// What selectors that read the same samples have in common.
fn key(selector: &Selector, range_ms: i64) -> String {
    let mut key = format!("{range_ms}\0{:?}\0{:?}", selector.shift, selector.extension);
    for matcher in &selector.matchers {
        key.push('\0');
        key.push_str(&matcher.to_string());
    }
    key
}

/// The keys of those selectors that stand in `expr` more than once.
pub(super) fn shared(expr: &Expr) -> Vec<String> {
    let mut keys = Vec::new();
    visit(expr, &mut |expr| match &expr.kind {
        ExprKind::Selector(selector) => keys.push(key(selector, 0)),
        ExprKind::Matrix { selector, range_ms, .. } => keys.push(key(selector, *range_ms)),
        _ => {}
    });
    keys.sort();
    let mut repeated: Vec<String> =
        keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect();
    repeated.dedup();
    repeated
}

/// Shows an expression and all its parts.
pub(super) fn visit(expr: &Expr, seen: &mut dyn FnMut(&Expr)) {
    seen(expr);
    match &expr.kind {
        ExprKind::Number { .. }
        | ExprKind::String(_)
        | ExprKind::Selector(_)
        | ExprKind::Matrix { .. } => {}
        ExprKind::Subquery { expr, .. } => visit(expr, seen),
        ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
            visit(inner, seen);
        }
        ExprKind::Binary(binary) => {
            visit(&binary.left, seen);
            visit(&binary.right, seen);
        }
        ExprKind::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                visit(param, seen);
            }
            visit(&aggregate.expr, seen);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| visit(arg, seen)),
    }
}

/// Whether an expression reads samples, and all at a time of its own: it is the same at every step.
pub(super) fn is_step_invariant(expr: &Expr) -> bool {
    let (mut reads, mut invariant) = (false, true);
    invariance(expr, &mut reads, &mut invariant);
    reads && invariant
}

fn invariance(expr: &Expr, reads: &mut bool, invariant: &mut bool) {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) => {}
        ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
            *reads = true;
            *invariant &= selector.shift.at.is_some();
        }
        ExprKind::Subquery { shift, .. } => {
            *reads = true;
            *invariant &= shift.at.is_some();
        }
        ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
            invariance(inner, reads, invariant);
        }
        ExprKind::Binary(binary) => {
            invariance(&binary.left, reads, invariant);
            invariance(&binary.right, reads, invariant);
        }
        ExprKind::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                let mut reads_param = false;
                invariance(param, &mut reads_param, invariant);
            }
            invariance(&aggregate.expr, reads, invariant);
        }
        ExprKind::Call { function, args, .. } => {
            *invariant &= !depends_on_time(function.name);
            args.iter().for_each(|arg| invariance(arg, reads, invariant));
        }
    }
}

/// Functions whose value depends on the step although what they are given does not.
fn depends_on_time(name: &str) -> bool {
    matches!(
        name,
        "day_of_month"
            | "day_of_week"
            | "day_of_year"
            | "days_in_month"
            | "hour"
            | "minute"
            | "month"
            | "year"
            | "predict_linear"
            | "time"
            | "timestamp"
    )
}

/// The times of which an instant selector needs samples.
pub(super) fn looked_back(moments: Moments, lookback_ms: i64, ahead_ms: i64) -> (i64, i64) {
    let start = moments.first().saturating_sub(lookback_ms).saturating_add(1);
    (start, moments.last().saturating_add(ahead_ms))
}
