//! Values of an expression, column by column: each node gives every series' value at every step of the query.
//!
//! What works on one series at a time (a selector, a function over its window, arithmetic with scalars) is a
//! `pipeline`: series are decoded, computed and, under an aggregation, summed by worker threads without being held.
//! Windows are open on the left (`start < t <= end`), as in Prometheus 3.

mod aggregate;
mod answer;
mod binary;
mod call;
mod cells;
mod hash;
mod item;
mod limits;
mod loaded;
mod notes;
mod pipeline;
mod query;
mod range;
mod select;
mod source;
mod subquery;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use self::{
    answer::{Annotations, Answer, Cell, Column, MatrixSeries, PlanNode, Stats, Value},
    limits::{EvalError, Limits},
    loaded::Loaded,
    query::Query,
    source::{Hints, SeriesSet, SeriesSource, SourceError},
};
use self::{
    cells::Cells,
    item::{Item, Items, SameLabels, Selected},
    limits::Budget,
    notes::Notes,
    range::Moments,
};
use crate::{
    ast::{At, Expr, ExprKind, Shift, Type},
    span::Span,
};

/// Evaluates `expr` at every step of `query`.
///
/// # Errors
/// When a limit is met, the source fails, or series cannot be matched as the expression asks.
pub fn evaluate(
    expr: &Expr,
    query: Query,
    source: &dyn SeriesSource,
    limits: &Limits<'_>,
) -> Result<Answer, EvalError> {
    let steps = query.steps();
    if steps > limits.points_max {
        return Err(EvalError::Points { points: steps, max: limits.points_max });
    }
    if let Some(answer) = source.query(expr, query) {
        return answer;
    }
    let range_ms = query.end_ms.saturating_sub(query.start_ms);
    let expr = expr
        .resolve(query.step_ms, range_ms)
        .map_err(|error| EvalError::invalid(error.span, error.message))?;
    if !query.is_instant() && matches!(expr.value_type(), Type::Matrix | Type::String) {
        let message = format!(
            "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
            expr.value_type().as_str()
        );
        return Err(EvalError::invalid(expr.span, message));
    }
    let budget = Budget::new(limits);
    let mut context = Context {
        source,
        limits,
        budget: &budget,
        query,
        top: query,
        notes: Notes::default(),
        warnings: Vec::new(),
        selected: BTreeMap::new(),
        shared: select::shared(&expr),
        plan: Vec::new(),
        per_step: if limits.samples_per_step { vec![0; steps] } else { Vec::new() },
        counting: limits.samples_per_step,
        stats: Brief::Off,
        depth: 0,
    };
    let value = context.answer(&expr)?;
    budget.check()?;
    let mut annotations = std::mem::take(&mut context.notes).annotations(limits.text);
    let mut warnings = std::mem::take(&mut context.warnings);
    for set in context.selected.values() {
        warnings.extend(set.set.warnings());
    }
    warnings.sort();
    warnings.dedup();
    annotations.warnings.extend(warnings);
    Ok(Answer {
        value,
        annotations,
        stats: Stats {
            samples: budget.samples(),
            peak_samples: budget.peak_samples(),
            series: budget.series(),
            samples_per_step: std::mem::take(&mut context.per_step),
        },
        plan: context.plan.pop(),
    })
}

/// What a node gives while the query runs.
enum Computed<'s> {
    Scalar(Vec<f64>),
    String(String),
    Vector(Items<'s>),
}

impl Computed<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::Scalar(values) => 8 * values.len(),
            Self::String(text) => text.len(),
            Self::Vector(items) => items.bytes(),
        }
    }

    fn series(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::String(_) => 0,
            Self::Vector(items) => items.list.len(),
        }
    }
}

/// What evaluation carries along.
struct Context<'s> {
    source: &'s dyn SeriesSource,
    limits: &'s Limits<'s>,
    budget: &'s Budget<'s>,
    /// The steps of the node at hand: a subquery has its own.
    query: Query,
    /// The steps of the whole query: what `@ start()` means.
    top: Query,
    notes: Notes,
    /// What the source said.
    warnings: Vec<String>,
    /// What was selected already.
    selected: BTreeMap<String, Arc<Selected<'s>>>,
    /// The selectors that stand in the expression more than once.
    shared: Vec<String>,
    /// The plan of the nodes that were evaluated for the node at hand.
    plan: Vec<PlanNode>,
    per_step: Vec<u64>,
    /// Whether samples are counted at each step: not within a subquery.
    counting: bool,
    /// Whether only counts and sums of histograms are looked at.
    stats: Brief,
    depth: usize,
}

/// Whether an expression looks only at counts and sums of histograms. There, Prometheus tells from one sample to the next
/// whether counting began anew, which sums over series then warn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brief {
    Off,
    On,
    /// Within a subquery or a function that looks at buckets.
    Never,
}

/// How deep expressions may nest to be evaluated; the parser allows no more.
const DEPTH_MAX: usize = 1000;

impl<'s> Context<'s> {
    /// The value of the whole expression.
    fn answer(&mut self, expr: &Expr) -> Result<Value, EvalError> {
        if expr.value_type() == Type::Matrix {
            return self.matrix(expr).map(Value::Matrix);
        }
        let mut items = match self.evaluate(expr)? {
            Computed::Scalar(values) => return Ok(Value::Scalar(values)),
            Computed::String(text) => return Ok(Value::String(text)),
            Computed::Vector(items) => items,
        };
        if self.limits.delayed_name_removal {
            for item in items.list.iter_mut().filter(|item| item.drop_name) {
                let id = std::mem::replace(&mut item.id, item::Id::Own(model::Labels::default()));
                item.id = id.bare();
            }
            items.merge_same().map_err(|SameLabels| same_labels(expr.span))?;
        }
        items.list.retain(|item| !item.cells.is_empty());
        // Their labels are built now.
        self.budget.hold(items.list.len().saturating_mul(2 * item::ITEM_BYTES))?;
        let mut columns: Vec<Column> =
            items.list.into_iter().map(|item| Column::new(item.id.labels(), item.cells)).collect();
        if !(items.ordered && self.query.is_instant()) {
            columns.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Ok(Value::Vector(columns))
    }

    /// The value of `expr`; of all that its parts took, only the value itself stays counted.
    fn evaluate(&mut self, expr: &Expr) -> Result<Computed<'s>, EvalError> {
        self.budget.check()?;
        if self.depth >= DEPTH_MAX {
            return Err(EvalError::Depth);
        }
        self.depth += 1;
        let held = self.budget.held();
        let node = self.begin();
        let value = if self.query.steps() > 1 && select::is_step_invariant(expr) {
            self.once(expr)
        } else {
            self.node(expr)
        };
        self.depth -= 1;
        let value = value?;
        self.end(node, expr, value.series());
        self.budget.settle(held.saturating_add(value.bytes()))?;
        Ok(value)
    }

    /// Evaluates what is the same at all steps at the first, and repeats it.
    fn once(&mut self, expr: &Expr) -> Result<Computed<'s>, EvalError> {
        let steps = self.query.steps();
        let all = self.query;
        self.query = Query { end_ms: all.start_ms, ..all };
        let value = self.node(expr);
        self.query = all;
        let mut value = value?;
        self.budget.hold(value.bytes().saturating_mul(steps))?;
        match &mut value {
            Computed::Scalar(values) => {
                let first = values.first().copied().unwrap_or(f64::NAN);
                values.resize(steps, first);
            }
            Computed::String(_) => {}
            Computed::Vector(items) => {
                items.list.iter_mut().for_each(|item| item.cells.repeat(steps));
            }
        }
        Ok(value)
    }

    fn node(&mut self, expr: &Expr) -> Result<Computed<'s>, EvalError> {
        if let Some(pipeline) = self.pipeline(expr)? {
            return self.collect(&pipeline, expr.span).map(Computed::Vector);
        }
        match &expr.kind {
            ExprKind::Number { value, .. } => {
                let steps = self.query.steps();
                self.budget.hold(steps.saturating_mul(8))?;
                Ok(Computed::Scalar(vec![*value; steps]))
            }
            ExprKind::String(text) => Ok(Computed::String(text.clone())),
            ExprKind::Paren(inner) | ExprKind::Plus(inner) => self.evaluate(inner),
            ExprKind::Negate(inner) => match self.evaluate(inner)? {
                Computed::Scalar(values) => {
                    Ok(Computed::Scalar(values.into_iter().map(|value| -value).collect()))
                }
                Computed::Vector(items) => {
                    self.mapped(items, &[pipeline::Stage::Negate], expr.span)
                }
                Computed::String(text) => Ok(Computed::String(text)),
            },
            ExprKind::Binary(inner) => self.binary(inner, expr.span),
            ExprKind::Aggregate(inner) => self.aggregate(inner, expr.span).map(Computed::Vector),
            ExprKind::Call { function, args, .. } => self.call(function, args, expr),
            ExprKind::Selector(_) => Ok(Computed::Vector(Items::default())),
            ExprKind::Matrix { .. } | ExprKind::Subquery { .. } => {
                Err(EvalError::invalid(expr.span, "a range vector has no value of its own"))
            }
        }
    }

    /// Applies stages to what was computed, and joins series that become the same.
    fn mapped(
        &mut self,
        mut items: Items<'s>,
        stages: &[pipeline::Stage],
        span: Span,
    ) -> Result<Computed<'s>, EvalError> {
        for item in &mut items.list {
            for stage in stages {
                stage.apply(&mut item.cells, &self.notes);
            }
        }
        items.list.retain(|item| !item.cells.is_empty());
        if stages.iter().any(pipeline::Stage::drops_name) {
            items.drop_names(self.limits.delayed_name_removal);
            self.unique(&mut items, span)?;
        }
        Ok(Computed::Vector(items))
    }

    /// Joins series that became the same when their names were removed.
    fn unique(&self, items: &mut Items<'s>, span: Span) -> Result<(), EvalError> {
        if items.one_name || self.limits.delayed_name_removal {
            return Ok(());
        }
        items.merge_same().map_err(|SameLabels| same_labels(span))
    }

    fn vector(&mut self, expr: &Expr) -> Result<Items<'s>, EvalError> {
        match self.evaluate(expr)? {
            Computed::Vector(items) => Ok(items),
            Computed::Scalar(_) | Computed::String(_) => Ok(Items::default()),
        }
    }

    fn scalar(&mut self, expr: &Expr) -> Result<Vec<f64>, EvalError> {
        match self.evaluate(expr)? {
            Computed::Scalar(values) => Ok(values),
            Computed::Vector(_) | Computed::String(_) => Ok(vec![f64::NAN; self.query.steps()]),
        }
    }

    /// The moment that each step looks at, after `offset` and `@`.
    fn moments(&self, shift: Shift) -> Moments {
        let steps = self.query.steps();
        let (first, step) = match shift.at {
            Some(At::Time(ms)) => (ms, 0),
            Some(At::Start) => (self.top.start_ms, 0),
            Some(At::End) => (self.top.end_ms, 0),
            None => (self.query.start_ms, self.query.step_ms),
        };
        Moments::new(first.saturating_sub(shift.offset_ms), step, steps)
    }

    /// A series of floats without labels, at every step.
    fn plain(&self, values: Vec<f64>) -> Items<'s> {
        let cells = Cells { floats: values, histograms: Vec::new() };
        let id = item::Id::Own(model::Labels::default());
        Items { one_name: true, ..Items::new(vec![Item { id, cells, drop_name: false }]) }
    }

    /// Evaluates the arguments of a function, which may look at counts and sums of histograms only.
    fn within<T>(&mut self, function: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.stats;
        self.stats = match (before, function) {
            (Brief::Never, _) => Brief::Never,
            (_, "histogram_count" | "histogram_sum" | "histogram_avg") => Brief::On,
            (_, "histogram_quantile" | "histogram_quantiles" | "histogram_fraction") => {
                Brief::Never
            }
            (other, _) => other,
        };
        let out = work(self);
        self.stats = before;
        out
    }

    /// Begins a node of the plan.
    fn begin(&mut self) -> Option<(Vec<PlanNode>, Duration, u64)> {
        self.limits
            .explain
            .then(|| (std::mem::take(&mut self.plan), (self.limits.clock)(), self.budget.samples()))
    }

    /// Ends a node of the plan: what was evaluated since it began are its parts.
    fn end(&mut self, begun: Option<(Vec<PlanNode>, Duration, u64)>, expr: &Expr, series: usize) {
        let Some((before, started, samples)) = begun else { return };
        let children = std::mem::replace(&mut self.plan, before);
        self.plan.push(PlanNode {
            text: expr.to_string(),
            span: expr.span,
            time: (self.limits.clock)().saturating_sub(started),
            samples: self.budget.samples().saturating_sub(samples),
            series: series as u64,
            children,
        });
    }
}

fn same_labels(span: Span) -> EvalError {
    EvalError::invalid(span, SameLabels::TEXT)
}

/// The `q`-quantile by linear interpolation between ranks; no number counts as the smallest.
fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let order = |a: &f64, b: &f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal),
    };
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 values")]
    let rank = q * (values.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the length"
    )]
    let low = rank.floor() as usize;
    let weight = rank - rank.floor();
    let (_, &mut lower, above) = values.select_nth_unstable_by(low, order);
    let upper = above.iter().copied().min_by(order).unwrap_or(lower);
    lower * (1.0 - weight) + upper * weight
}

#[cfg(test)]
mod tests;
