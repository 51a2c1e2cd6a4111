//! Arithmetic and comparison of two vectors: series are matched by the signature of their labels.

use std::collections::HashMap;
use std::sync::Arc;

use model::Labels;

use super::{Element, Operand, apply, compare, compute};
use crate::{
    ast::{Binary, BinaryOp, Matching, Side},
    eval::{
        Context, EvalError, SameLabels,
        cells::{ABSENT, Cells, is_absent},
        hash::SignatureMap,
        item::{Id, Item, Items, is_metadata},
        pipeline::Stage,
        range::Ticker,
        same_labels,
    },
    span::Span,
};

/// Whether a label takes part in matching.
pub(super) fn matched(matching: &Matching, name: &str) -> bool {
    let named = matching.labels.iter().any(|label| **label == *name);
    if matching.on { named } else { !named && name != Labels::METRIC_NAME }
}

/// Series of both sides with one signature.
#[derive(Default)]
struct Group {
    many: Vec<usize>,
    one: Vec<usize>,
}

/// One operation between two vectors. In one-to-one matching, the left is the side of many.
struct Join<'a, 's> {
    binary: &'a Binary,
    matching: &'a Matching,
    many: &'a [Item<'s>],
    one: &'a [Item<'s>],
    /// The side of many stands on the right.
    swapped: bool,
    one_to_one: bool,
    steps: usize,
    span: Span,
    fill_many: Option<f64>,
    fill_one: Option<f64>,
    /// At which steps the side of many has any value.
    there: Vec<bool>,
}

impl<'s> Context<'s> {
    pub(super) fn join(
        &mut self,
        binary: &Binary,
        left: Items<'s>,
        right: Items<'s>,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let default = Matching::default();
        let matching = binary.matching.as_ref().unwrap_or(&default);
        let group = matching.group.as_ref();
        let swapped = group.is_some_and(|group| group.side == Side::Right);
        let (fill_left, fill_right) = (matching.fill.left, matching.fill.right);
        let (many, one) = if swapped { (&right, &left) } else { (&left, &right) };
        // As in Prometheus, `fill_left` stands for the side of many, on whichever side that is.
        let (fill_many, fill_one) = (fill_left, fill_right);
        let steps = self.query.steps();
        self.budget.hold(steps)?;
        let mut there = vec![false; steps];
        for item in &many.list {
            there.iter_mut().enumerate().for_each(|(step, there)| *there |= item.cells.has(step));
        }
        let join = Join {
            binary,
            matching,
            many: &many.list,
            one: &one.list,
            swapped,
            one_to_one: group.is_none(),
            steps,
            span,
            fill_many,
            fill_one,
            there,
        };
        let mut items = Items::new(self.joined(&join)?);
        let grouped = !join.one_to_one;
        items.merge_same().map_err(|SameLabels| {
            if grouped {
                let message =
                    "multiple matches for labels: grouping labels must ensure unique matches";
                EvalError::invalid(span, message)
            } else {
                same_labels(span)
            }
        })?;
        Ok(items)
    }

    fn joined(&mut self, join: &Join<'_, 's>) -> Result<Vec<Item<'s>>, EvalError> {
        let mut groups: Vec<Group> = Vec::new();
        let mut by_signature: SignatureMap<usize> = SignatureMap::default();
        for (is_one, items) in [(false, join.many), (true, join.one)] {
            for (at, item) in items.iter().enumerate() {
                let signature = item.id.signature(|name| matched(join.matching, name));
                let group = *by_signature.entry(signature).or_insert_with(|| {
                    groups.push(Group::default());
                    groups.len() - 1
                });
                let group = &mut groups[group];
                if is_one { group.one.push(at) } else { group.many.push(at) }
            }
        }
        let mut out = Vec::new();
        let mut ticker = Ticker::new(self.budget);
        for group in &groups {
            join.group(group, &mut out, self, &mut ticker)?;
        }
        Ok(out)
    }
}

impl<'s> Join<'_, 's> {
    fn group(
        &self,
        group: &Group,
        out: &mut Vec<Item<'s>>,
        context: &Context<'s>,
        ticker: &mut Ticker<'_>,
    ) -> Result<(), EvalError> {
        ticker.tick(self.steps.saturating_mul(group.many.len() + group.one.len()))?;
        if group.one.len() > 1 {
            self.check_one(group, ticker)?;
        }
        if self.one_to_one && group.many.len() > 1 {
            self.check_many(group)?;
        }
        let mut filled =
            if self.fill_many.is_some() { vec![false; self.steps] } else { Vec::new() };
        for many in &group.many {
            let item = &self.many[*many];
            for one in &group.one {
                ticker.tick(self.steps)?;
                self.pair(item, &self.one[*one], out, context)?;
            }
            for (step, filled) in filled.iter_mut().enumerate() {
                *filled |= item.cells.has(step);
            }
            if let Some(fill) = self.fill_one {
                let mut cells = item.cells.clone();
                for one in &group.one {
                    ticker.tick(self.steps)?;
                    clear_where(&mut cells, &self.one[*one].cells);
                }
                if !cells.is_empty() {
                    let left = Item { cells, ..item.clone() };
                    self.pair(&left, &self.constant(&item.id, fill), out, context)?;
                }
            }
        }
        if let Some(fill) = self.fill_many {
            for one in &group.one {
                let item = &self.one[*one];
                let mut cells = item.cells.clone();
                for (step, filled) in filled.iter().enumerate() {
                    if *filled {
                        cells.clear(step);
                    }
                }
                if !cells.is_empty() {
                    let right = Item { cells, ..item.clone() };
                    self.pair(&self.constant(&item.id, fill), &right, out, context)?;
                }
            }
        }
        Ok(())
    }

    /// A series that stands for one that is not there.
    fn constant(&self, like: &Id<'s>, value: f64) -> Item<'s> {
        let labels = like.labels().filtered(|name| matched(self.matching, name));
        let cells = Cells { floats: vec![value; self.steps], histograms: Vec::new() };
        Item { id: Id::Own(labels), cells, drop_name: false }
    }

    /// The operation between two series, at all steps where both are.
    fn pair(
        &self,
        many: &Item<'s>,
        one: &Item<'s>,
        out: &mut Vec<Item<'s>>,
        context: &Context<'s>,
    ) -> Result<(), EvalError> {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        let op = self.binary.op;
        let simple = left.cells.histograms.is_empty()
            && right.cells.histograms.is_empty()
            && !matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
        let cells = if simple {
            self.floats(&left.cells.floats, &right.cells.floats)
        } else {
            self.mixed(&left.cells, &right.cells, context)
        };
        if cells.is_empty() {
            return Ok(());
        }
        context.budget.hold(crate::eval::item::ITEM_BYTES + 8 * self.steps)?;
        let drop_name = self.binary.bool || many.drop_name;
        let labels = self.labels(&many.id, &one.id);
        let delayed = context.limits.delayed_name_removal;
        let (id, drop_name) =
            crate::eval::pipeline::named(Id::Own(labels), self.binary.bool, delayed && drop_name);
        out.push(Item { id, cells, drop_name: delayed && (drop_name || many.drop_name) });
        Ok(())
    }

    fn floats(&self, left: &[f64], right: &[f64]) -> Cells {
        let (op, bool) = (self.binary.op, self.binary.bool);
        let pairs = left.iter().zip(right);
        let floats = if op.is_comparison() {
            pairs
                .map(|(left, right)| {
                    if is_absent(*left) || is_absent(*right) {
                        return ABSENT;
                    }
                    let holds = compare(op, *left, *right);
                    if bool {
                        f64::from(u8::from(holds))
                    } else if holds {
                        *left
                    } else {
                        ABSENT
                    }
                })
                .collect()
        } else {
            pairs
                .map(|(left, right)| {
                    if is_absent(*left) || is_absent(*right) {
                        ABSENT
                    } else {
                        compute(op, *left, *right)
                    }
                })
                .collect()
        };
        Cells { floats, histograms: Vec::new() }
    }

    fn mixed(&self, left: &Cells, right: &Cells, context: &Context<'s>) -> Cells {
        let mut cells = Cells::absent(self.steps);
        for step in 0..self.steps {
            let (Some(a), Some(b)) = (operand(left, step), operand(right, step)) else { continue };
            let say = &mut |kind| context.notes.add(kind, self.span, "");
            let Some(element) = apply(self.binary.op, a, b, say) else { continue };
            if self.binary.bool {
                cells.set(step, f64::from(u8::from(element.keep())));
                continue;
            }
            match element {
                Element::Float(value) => cells.set(step, value),
                Element::Histogram(histogram) => cells.set_histogram(step, histogram),
                Element::Filter { keep: true } => cells.take(step, left),
                Element::Filter { keep: false } => {}
            }
        }
        cells
    }

    /// The labels of the outcome: those of the side of many, less what does not take part in one-to-one matching.
    fn labels(&self, many: &Id<'s>, one: &Id<'s>) -> Labels {
        let changes = Stage::Scalar {
            op: self.binary.op,
            scalar: Vec::new(),
            swapped: false,
            bool: false,
            span: self.span,
        }
        .drops_name();
        let matching = self.matching;
        let named = |name: &str| matching.labels.iter().any(|label| **label == *name);
        let include: &[Box<str>] = matching.group.as_ref().map_or(&[], |group| &group.include);
        let keep = |name: &str| {
            let goes = changes && is_metadata(name);
            let takes_part = !self.one_to_one || named(name) == matching.on;
            let included = include.iter().any(|label| **label == *name);
            takes_part && !goes && !included
        };
        let labels = many.labels();
        if include.is_empty() {
            return labels.filtered(keep);
        }
        let kept = labels.iter().filter(|(name, _)| keep(name));
        let mut pairs: Vec<(String, String)> =
            kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        one.visit(&mut |name, value| {
            if include.iter().any(|label| **label == *name) {
                pairs.push((name.to_owned(), value.to_owned()));
            }
        });
        Labels::from_pairs(pairs)
    }

    /// Two series of the side of one may not have values at the same step, when the other side has any.
    fn check_one(&self, group: &Group, ticker: &mut Ticker<'_>) -> Result<(), EvalError> {
        let mut first: HashMap<usize, usize> = HashMap::new();
        for one in &group.one {
            ticker.tick(self.steps)?;
            for step in 0..self.steps {
                if !self.one[*one].cells.has(step) {
                    continue;
                }
                let Some(before) = first.insert(step, *one) else { continue };
                let fills = self.fill_one.is_some() || self.fill_many.is_some();
                if !fills && !self.there[step] {
                    continue;
                }
                let mut pair = [*one, before].map(|at| self.one[at].id.labels());
                pair.sort();
                let side = if self.swapped { "left" } else { "right" };
                let group = self.one[*one].id.labels();
                let group = group.filtered(|name| matched(self.matching, name));
                return Err(EvalError::invalid(
                    self.span,
                    format!(
                        "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                        braced(&group),
                        braced(&pair[0]),
                        braced(&pair[1])
                    ),
                ));
            }
        }
        Ok(())
    }

    /// In one-to-one matching, two series of the left may not match at the same step.
    fn check_many(&self, group: &Group) -> Result<(), EvalError> {
        for step in 0..self.steps {
            let matches = self.fill_one.is_some()
                || group.one.iter().any(|one| self.one[*one].cells.has(step));
            let many = group.many.iter().filter(|many| self.many[**many].cells.has(step));
            if matches && many.take(2).count() > 1 {
                let message = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                return Err(EvalError::invalid(self.span, message));
            }
        }
        Ok(())
    }
}

/// Labels as Prometheus prints them in errors: `{__name__="x", a="b"}`.
fn braced(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", crate::quote::Quoted(value)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn operand(cells: &Cells, step: usize) -> Option<Operand<'_>> {
    let float = cells.float(step).map(Operand::Float);
    float.or_else(|| cells.histogram(step).map(|found: &Arc<_>| Operand::Histogram(found)))
}

/// Clears all cells where `other` has one.
fn clear_where(cells: &mut Cells, other: &Cells) {
    for step in 0..other.len() {
        if other.has(step) {
            cells.clear(step);
        }
    }
}
