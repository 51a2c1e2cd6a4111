//! What is computed for one series at a time, from its samples to its cells.
//!
//! A pipeline is a selector, perhaps a function over its windows, and stages that change each cell by itself. Series
//! are read by several threads in chunks of a fixed size, and chunks are joined in their order: the outcome does not
//! depend on the number of threads.

mod instant;
mod stage;
mod work;

use std::sync::Arc;

use model::{Histogram, Points, ResetHint};

pub(super) use self::{
    instant::{InstantCall, InstantKind},
    stage::Stage,
    work::chunked,
};
use super::{
    Brief, Context, EvalError,
    cells::Cells,
    item::{Id, Item, Items, Selected},
    limits::Budget,
    notes::{Kind, Notes},
    range::{About, Moments, RangeCall, RangeFunction, Ticker},
    select::looked_back,
    subquery::drop_stale,
};
use crate::{
    ast::{Expr, ExprKind, Extension, Selector, Type},
    histogram::detect_reset,
    span::Span,
};

/// How many series a thread takes at a time.
pub(super) const CHUNK: usize = 256;

/// Where samples come from.
pub(super) enum Input<'s> {
    Selected(Arc<Selected<'s>>),
    /// Values of a subquery.
    Computed(Vec<(Id<'s>, Points)>),
}

impl<'s> Input<'s> {
    fn len(&self) -> usize {
        match self {
            Self::Selected(selected) => selected.set.len(),
            Self::Computed(list) => list.len(),
        }
    }

    fn id(&self, at: usize) -> Id<'s> {
        match self {
            Self::Selected(set) => Id::Of { set: Arc::clone(set), at, bare: false },
            Self::Computed(list) => list[at].0.clone(),
        }
    }
}

/// What is made of a series' samples.
pub(super) enum Leaf {
    Instant(InstantCall),
    Range(RangeCall),
}

/// A selector with what is done to each of its series.
pub(super) struct Pipeline<'s> {
    pub(super) input: Input<'s>,
    pub(super) leaf: Leaf,
    pub(super) stages: Vec<Stage>,
    pub(super) steps: usize,
    /// Names are removed.
    pub(super) drops_name: bool,
    /// All series have the same name.
    pub(super) one_name: bool,
    /// Histograms are told whether counting began anew since the sample before.
    pub(super) hints: bool,
}

/// What a thread needs for itself.
#[derive(Default)]
pub(super) struct Scratch {
    points: Points,
    floats: Points,
    pub(super) cells: Cells,
    /// Samples that each step looked at, where they are counted.
    pub(super) per_step: Vec<u64>,
}

impl<'s> Context<'s> {
    /// The pipeline that computes `expr`, where one does.
    pub(super) fn pipeline(&mut self, expr: &Expr) -> Result<Option<Pipeline<'s>>, EvalError> {
        let stage = |pipeline: Option<Pipeline<'s>>, stage: Stage| {
            pipeline.map(|mut pipeline| {
                pipeline.drops_name |= stage.drops_name();
                pipeline.stages.push(stage);
                pipeline
            })
        };
        Ok(match &expr.kind {
            ExprKind::Selector(selector) => Some(self.instant(selector, InstantKind::Value)?),
            ExprKind::Paren(inner) | ExprKind::Plus(inner) if is_pipeline(inner) => {
                self.pipeline(inner)?
            }
            ExprKind::Negate(inner) if is_pipeline(inner) => {
                stage(self.pipeline(inner)?, Stage::Negate)
            }
            ExprKind::Binary(binary) if is_pipeline(expr) => {
                let swapped = binary.left.value_type() == Type::Scalar;
                let (vector, scalar) = if swapped {
                    (&binary.right, &binary.left)
                } else {
                    (&binary.left, &binary.right)
                };
                let scalar = self.scalar(scalar)?;
                let found = self.pipeline(vector)?;
                let (op, bool) = (binary.op, binary.bool);
                stage(found, Stage::Scalar { op, scalar, swapped, bool, span: expr.span })
            }
            ExprKind::Call { function, args, .. } if is_pipeline(expr) => {
                if let Some(function) = RangeFunction::of(function.name) {
                    return self.ranged(function, args, expr);
                }
                match (function.name, args.first()) {
                    ("timestamp", Some(arg)) => Some(self.timed(arg, InstantKind::Time)?),
                    ("start_timestamp", Some(arg)) => {
                        Some(self.timed(arg, InstantKind::StartTime)?)
                    }
                    (name, Some(arg)) => {
                        let mut params = Vec::new();
                        for param in &args[1..] {
                            params.push(self.scalar(param)?);
                        }
                        let Some(found) = Stage::function(name, params) else { return Ok(None) };
                        let inner = self.within(name, |context| context.pipeline(arg))?;
                        stage(inner, found)
                    }
                    (_, None) => None,
                }
            }
            _ => None,
        })
    }

    fn instant(
        &mut self,
        selector: &Selector,
        kind: InstantKind,
    ) -> Result<Pipeline<'s>, EvalError> {
        let moments = self.moments(selector.shift);
        let lookback_ms = self.limits.lookback_ms;
        let smoothed = selector.extension == Some(Extension::Smoothed);
        let ahead = if smoothed { lookback_ms } else { 0 };
        let span = looked_back(moments, lookback_ms, ahead);
        let selected = self.select(selector, span, 0, None)?;
        let kind =
            if smoothed && kind == InstantKind::Value { InstantKind::Smoothed } else { kind };
        let one_name = selected.name.is_some();
        Ok(Pipeline {
            leaf: Leaf::Instant(InstantCall { moments, lookback_ms, kind, span: selector.span }),
            input: Input::Selected(selected),
            stages: Vec::new(),
            steps: moments.len(),
            drops_name: kind != InstantKind::Value && kind != InstantKind::Smoothed,
            one_name,
            hints: self.stats == Brief::On,
        })
    }

    /// `timestamp` of a selector: the times of the samples themselves.
    fn timed(&mut self, arg: &Expr, kind: InstantKind) -> Result<Pipeline<'s>, EvalError> {
        match &arg.kind {
            ExprKind::Paren(inner) => self.timed(inner, kind),
            ExprKind::Selector(selector) => self.instant(selector, kind),
            _ => Err(EvalError::invalid(arg.span, "a selector is expected")),
        }
    }

    /// A function over the windows of a selector or subquery.
    pub(super) fn ranged(
        &mut self,
        function: RangeFunction,
        args: &[Expr],
        expr: &Expr,
    ) -> Result<Option<Pipeline<'s>>, EvalError> {
        let ExprKind::Call { function: named, .. } = &expr.kind else { return Ok(None) };
        let mut params = Vec::new();
        let mut range = None;
        for arg in args {
            if arg.value_type() == Type::Matrix {
                range = Some(unwrapped(arg));
            } else {
                params.push(self.scalar(arg)?);
            }
        }
        let Some(range) = range else { return Ok(None) };
        let asked = self.query.moments();
        // What is said of a function is said of its first argument.
        let span = args.first().map_or(range.span, |first| unwrapped(first).span);
        let call = |moments: Moments, range_ms, extension, span| RangeCall {
            function,
            moments,
            range_ms,
            extension,
            lookback_ms: self.limits.lookback_ms,
            asked,
            params,
            span,
            start_timestamps: self.limits.start_timestamps,
        };
        let (input, call, one_name) = match &range.kind {
            ExprKind::Matrix { selector, range_ms, .. } => {
                if let Some(message) = function.refuses(selector.extension, named.name) {
                    return Err(EvalError::invalid(expr.span, message));
                }
                let moments = self.moments(selector.shift);
                let call = call(moments, *range_ms, selector.extension, span);
                let selected =
                    self.select(selector, call.span_ms(), *range_ms, Some(named.name))?;
                let one_name = selected.name.is_some();
                (Input::Selected(selected), call, one_name)
            }
            ExprKind::Subquery { range_ms, .. } => {
                let range_ms = *range_ms;
                let moments = match &range.kind {
                    ExprKind::Subquery { shift, .. } => self.moments(*shift),
                    _ => asked,
                };
                let call = call(moments, range_ms, None, span);
                let (list, _, one_name) = self.subquery(range)?;
                (Input::Computed(list), call, one_name)
            }
            _ => return Ok(None),
        };
        Ok(Some(Pipeline {
            input,
            steps: call.moments.len(),
            leaf: Leaf::Range(call),
            stages: Vec::new(),
            drops_name: !function.keeps_name(),
            one_name,
            hints: self.stats == Brief::On,
        }))
    }

    /// The cells of all series of a pipeline.
    pub(super) fn collect(
        &mut self,
        pipeline: &Pipeline<'s>,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let mut list = Vec::new();
        let delayed = self.limits.delayed_name_removal;
        let budget = self.budget;
        let cell_bytes = 8 * pipeline.steps + super::item::ITEM_BYTES;
        self.run(
            pipeline,
            Vec::new,
            |found: &mut Vec<Item<'s>>, id, cells, _| {
                budget.hold(cell_bytes)?;
                let (id, drop_name) = named(id, pipeline.drops_name, delayed);
                found.push(Item { id, cells: cells.clone(), drop_name });
                Ok(())
            },
            |found| {
                list.extend(found);
                Ok(())
            },
        )?;
        let mut items = Items { one_name: pipeline.one_name, ..Items::new(list) };
        if pipeline.drops_name && !items.one_name && !delayed {
            self.distinct(pipeline, &mut items, span)?;
        }
        Ok(items)
    }

    /// Joins series that are the same without their names; what a function over windows gives may not be the same.
    fn distinct(
        &self,
        pipeline: &Pipeline<'s>,
        items: &mut Items<'s>,
        span: Span,
    ) -> Result<(), EvalError> {
        let before = items.list.len();
        items.merge_same().map_err(|super::SameLabels| super::same_labels(span))?;
        if matches!(pipeline.leaf, Leaf::Range(_)) && items.list.len() < before {
            return Err(super::same_labels(span));
        }
        Ok(())
    }
}

/// A series' labels after a pipeline, and whether its name is to be removed at the end.
pub(super) fn named<'s>(id: Id<'s>, drops: bool, delayed: bool) -> (Id<'s>, bool) {
    match (drops, delayed) {
        (false, _) => (id, false),
        (true, true) => (id, true),
        (true, false) => (id.bare(), false),
    }
}

/// Without parentheses.
pub(super) fn unwrapped(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) => unwrapped(inner),
        _ => expr,
    }
}

/// Whether a pipeline computes `expr`; told without evaluating anything.
pub(super) fn is_pipeline(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Selector(_) => true,
        ExprKind::Paren(inner) | ExprKind::Plus(inner) | ExprKind::Negate(inner) => {
            is_pipeline(inner)
        }
        ExprKind::Binary(binary) => {
            let scalar = |expr: &Expr| expr.value_type() == Type::Scalar;
            !binary.op.is_set()
                && ((scalar(&binary.left) && is_pipeline(&binary.right))
                    || (scalar(&binary.right) && is_pipeline(&binary.left)))
        }
        ExprKind::Call { function, args, .. } => {
            if RangeFunction::of(function.name).is_some() {
                return function.name != "absent_over_time";
            }
            let Some(first) = args.first() else { return false };
            if matches!(function.name, "timestamp" | "start_timestamp") {
                return matches!(unwrapped(first).kind, ExprKind::Selector(_));
            }
            Stage::is_function(function.name) && is_pipeline(first)
        }
        _ => false,
    }
}

impl Pipeline<'_> {
    /// Computes the cells of series `at` into `scratch`; `false` when there are none.
    fn compute(
        &self,
        at: usize,
        scratch: &mut Scratch,
        notes: &Notes,
        ticker: &mut Ticker<'_>,
        budget: &Budget<'_>,
    ) -> Result<bool, EvalError> {
        let Scratch { points, floats, cells, per_step } = scratch;
        cells.reset(self.steps);
        let name = || self.input.id(at).name();
        let about = About { notes, name: &name };
        let source = |error: super::SourceError| EvalError::Source(error.message);
        let samples = match &self.input {
            Input::Selected(selected) => {
                // One series alone may be more than there is memory for.
                let bytes = selected.set.samples_hint(at).saturating_mul(16);
                budget.hold(bytes)?;
                let (samples, read) = selected.points(at, points).map_err(source)?;
                budget.release(bytes);
                budget.read(read)?;
                samples
            }
            Input::Computed(list) => &list[at].1,
        };
        if samples.is_empty() {
            return Ok(false);
        }
        let mut hinted = Points::default();
        let samples = if self.hints && !samples.histograms.is_empty() {
            hinted.clone_from(samples);
            hint(&mut hinted);
            &hinted
        } else {
            samples
        };
        match &self.leaf {
            Leaf::Instant(call) => {
                ticker.tick(samples.len() + self.steps)?;
                call.fill(samples, cells, &about, per_step);
            }
            Leaf::Range(call) => {
                let clean = if has_stale(samples) {
                    floats.clone_from(samples);
                    drop_stale(floats);
                    floats
                } else {
                    samples
                };
                if !per_step.is_empty() {
                    for window in call.windows_of(clean) {
                        per_step[window.step] += window.len() as u64;
                    }
                }
                call.fill(clean, cells, &about, ticker)?;
            }
        }
        for stage in &self.stages {
            stage.apply(cells, notes);
        }
        Ok(!cells.is_empty())
    }

    /// Says of a metric that its name does not look like that of a counter.
    fn say_non_counter(&self, id: &Id<'_>, cells: &Cells, notes: &Notes, by_label: bool) {
        let Leaf::Range(call) = &self.leaf else { return };
        if !call.function.is_counter() || !cells.has_floats() {
            return;
        }
        let name = id.name();
        if name.is_empty() {
            return;
        }
        if by_label {
            let kind = id.get("__type__");
            if kind != "counter" && kind != "histogram" {
                let about = format!("{name}\0{kind}");
                notes.add(Kind::PossibleNonCounterLabel, call.span, &about);
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|end| name.ends_with(end)) {
            notes.add(Kind::PossibleNonCounter, call.span, &name);
        }
    }
}

/// Tells each histogram of which it is not known whether counting began anew since the one before.
fn hint(points: &mut Points) {
    let mut before: Option<Arc<Histogram>> = None;
    for sample in points.histograms.iter_mut().filter(|sample| !sample.histogram.is_stale()) {
        let after = Arc::clone(&sample.histogram);
        if let Some(before) = before.filter(|_| after.reset_hint == ResetHint::Unknown) {
            let reset = detect_reset(&after, &before);
            let hint = if reset { ResetHint::Reset } else { ResetHint::NotReset };
            Arc::make_mut(&mut sample.histogram).reset_hint = hint;
        }
        before = Some(after);
    }
}

fn has_stale(points: &Points) -> bool {
    let stale = |value: &f64| value.to_bits() == model::Sample::STALE;
    points.values.iter().fold(false, |any, value| any | stale(value))
        || points.histograms.iter().any(|one| one.histogram.is_stale())
}
