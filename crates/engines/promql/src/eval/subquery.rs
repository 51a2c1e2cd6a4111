//! Range vectors: the samples of a selector, or the values of an expression at steps of its own.

use std::sync::Arc;

use model::{Points, ResetHint, Sample};

use super::{
    Computed, Context, EvalError, MatrixSeries, Query,
    item::{ITEM_BYTES, Id},
    range::Moments,
};
use crate::ast::{Expr, ExprKind, Extension};

impl<'s> Context<'s> {
    /// The raw samples of a range vector, for an instant query that ends with it.
    pub(super) fn matrix(&mut self, expr: &Expr) -> Result<Vec<MatrixSeries>, EvalError> {
        let node = self.begin();
        let mut list = match &expr.kind {
            ExprKind::Paren(inner) => return self.matrix(inner),
            ExprKind::Matrix { selector, range_ms, .. } => {
                let moments = self.moments(selector.shift);
                let (before, after) = match selector.extension {
                    Some(Extension::Anchored) => (self.limits.lookback_ms, 0),
                    Some(Extension::Smoothed) => (self.limits.lookback_ms, self.limits.lookback_ms),
                    None => (0, 0),
                };
                let end = moments.last();
                let start = end.saturating_sub(*range_ms);
                let span =
                    (start.saturating_sub(before).saturating_add(1), end.saturating_add(after));
                let selected = self.select(selector, span, *range_ms, None)?;
                let mut list = Vec::new();
                for at in 0..selected.set.len() {
                    self.budget.read(selected.set.samples_hint(at))?;
                    self.budget.check()?;
                    let mut points = Points::default();
                    let read = selected.set.read(at, &mut points);
                    read.map_err(|error| EvalError::Source(error.message))?;
                    drop_stale(&mut points);
                    if let Some(extension) = selector.extension {
                        extend(&mut points, start, end, extension);
                    }
                    if points.is_empty() {
                        continue;
                    }
                    self.budget.hold(ITEM_BYTES + 16 * points.len())?;
                    list.push(MatrixSeries { labels: selected.set.labels(at), points });
                }
                list
            }
            ExprKind::Subquery { .. } => self
                .subquery(expr)?
                .0
                .into_iter()
                .map(|(id, points)| {
                    let labels = id.labels();
                    MatrixSeries { labels, points }
                })
                .collect(),
            _ => {
                return Err(EvalError::invalid(expr.span, "a range vector is expected"));
            }
        };
        list.sort_by(|a, b| a.labels.cmp(&b.labels));
        self.end(node, expr, list.len());
        Ok(list)
    }

    /// The values of a subquery at its own steps, as samples; and the moments at which its windows end.
    #[expect(clippy::type_complexity, reason = "used in one place")]
    pub(super) fn subquery(
        &mut self,
        expr: &Expr,
    ) -> Result<(Vec<(Id<'s>, Points)>, Moments, bool), EvalError> {
        let ExprKind::Subquery { expr: inner, range_ms, step_ms, shift, .. } = &expr.kind else {
            return Err(EvalError::invalid(expr.span, "a subquery is expected"));
        };
        let moments = self.moments(*shift);
        let step_ms = step_ms.filter(|step| *step > 0).unwrap_or(self.limits.subquery_step_ms);
        let step_ms = step_ms.max(1);
        let start = moments.first().saturating_sub(*range_ms);
        let aligned = step_ms.saturating_mul(start / step_ms);
        let start_ms = if aligned <= start { aligned.saturating_add(step_ms) } else { aligned };
        let query = Query { start_ms, end_ms: moments.last(), step_ms };
        if query.end_ms < query.start_ms {
            return Ok((Vec::new(), moments, true));
        }
        // What has no series takes a look at each step nonetheless.
        self.budget.hold(query.steps().saturating_mul(8))?;
        let held = self.budget.held();
        let outer = std::mem::replace(&mut self.query, query);
        let counting = std::mem::replace(&mut self.counting, false);
        let stats = std::mem::replace(&mut self.stats, super::Brief::Never);
        let value = self.evaluate(inner);
        self.stats = stats;
        self.query = outer;
        self.counting = counting;
        let items = match value? {
            Computed::Vector(items) => items,
            Computed::Scalar(values) => self.plain(values),
            Computed::String(_) => super::Items::default(),
        };
        let one_name = items.one_name;
        let mut list = Vec::with_capacity(items.list.len());
        let mut bytes = 0_usize;
        for item in items.list {
            let mut points = Points::default();
            for step in 0..item.cells.len() {
                if let Some(value) = item.cells.float(step) {
                    points.push(query.moment(step), value);
                } else if let Some(histogram) = item.cells.histogram(step) {
                    // The steps of a subquery may jump over samples: what a sample said of the one before holds no more.
                    let mut histogram = Arc::clone(histogram);
                    if matches!(histogram.reset_hint, ResetHint::Reset | ResetHint::NotReset) {
                        Arc::make_mut(&mut histogram).reset_hint = ResetHint::Unknown;
                    }
                    points.push_histogram(query.moment(step), histogram);
                }
            }
            bytes = bytes.saturating_add(ITEM_BYTES + 16 * points.len());
            if !points.is_empty() {
                list.push((item.id, points));
            }
        }
        self.budget.settle(held.saturating_add(bytes))?;
        Ok((list, moments, one_name))
    }
}

/// Leaves out the markers of a series' end.
pub(super) fn drop_stale(points: &mut Points) {
    if points.values.iter().any(|value| value.to_bits() == Sample::STALE) {
        let keep: Vec<bool> =
            points.values.iter().map(|value| value.to_bits() != Sample::STALE).collect();
        retain(&mut points.times, &keep);
        retain(&mut points.values, &keep);
        retain(&mut points.starts, &keep);
    }
    if points.histograms.iter().any(|one| one.histogram.is_stale()) {
        let keep: Vec<bool> =
            points.histograms.iter().map(|one| !one.histogram.is_stale()).collect();
        retain(&mut points.histograms, &keep);
        retain(&mut points.histogram_starts, &keep);
    }
}

fn retain<T>(list: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    list.retain(|_| keep.next().copied().unwrap_or(true));
}

/// Gives floats values at both edges of a range that is anchored or smoothed.
fn extend(points: &mut Points, start: i64, end: i64, extension: Extension) {
    let smoothed = extension == Extension::Smoothed;
    let (times, values) = (&points.times, &points.values);
    let Some(mut last) = times.len().checked_sub(1) else { return };
    let first = times[..last].partition_point(|at| *at <= start).saturating_sub(1);
    if smoothed {
        last = times[..last].partition_point(|at| *at < end);
    }
    let mut out =
        Points { histograms: std::mem::take(&mut points.histograms), ..Points::default() };
    if times[last] > start {
        let sample = |at: usize| (times[at], values[at]);
        let left = if smoothed && times[first] < start && first + 1 < times.len() {
            super::range::between(sample(first), sample(first + 1), start, false)
        } else {
            values[first]
        };
        let right = if smoothed && last > 0 && times[last] > end {
            super::range::between(sample(last - 1), sample(last), end, false)
        } else {
            values[last]
        };
        out.push(start, left);
        for at in 0..times.len() {
            if times[at] > start && times[at] < end && at >= first && at <= last {
                out.push(times[at], values[at]);
            }
        }
        out.push(end, right);
    }
    *points = out;
}
