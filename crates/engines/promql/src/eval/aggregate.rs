//! Aggregations over an instant vector.

mod group;
mod natives;
mod ranked;
mod totals;
pub(super) mod values;

use self::{
    group::{Grouped, Grouper},
    totals::Totals,
};
use super::{
    Context, EvalError,
    hash::SignatureMap,
    item::{Item, Items},
    notes::{Kind, Notes},
    pipeline::{CHUNK, chunked, is_pipeline, named, unwrapped},
};
use crate::{
    ast::{Aggregate, AggregateOp, Expr},
    span::Span,
};

impl<'s> Context<'s> {
    pub(super) fn aggregate(
        &mut self,
        aggregate: &Aggregate,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let op = aggregate.op;
        let inner = unwrapped(&aggregate.expr);
        match op {
            AggregateOp::TopK
            | AggregateOp::BottomK
            | AggregateOp::LimitK
            | AggregateOp::LimitRatio => return self.ranked(aggregate, span),
            AggregateOp::CountValues => return self.count_values(aggregate, span),
            AggregateOp::Quantile
            | AggregateOp::Sum
            | AggregateOp::Avg
            | AggregateOp::Count
            | AggregateOp::Min
            | AggregateOp::Max
            | AggregateOp::Group
            | AggregateOp::Stddev
            | AggregateOp::Stdvar => {}
        }
        let param = match &aggregate.param {
            Some(param) => self.scalar(unwrapped(param))?,
            None => Vec::new(),
        };
        if op == AggregateOp::Quantile {
            self.say_quantiles(&param, aggregate.param.as_ref());
        }
        let grouper = Grouper::new(aggregate);
        let mut grouped = if is_pipeline(inner) && !select_is_invariant(inner, self) {
            self.stream(op, inner, &grouper)?
        } else {
            let items = self.vector(inner)?;
            self.group_items(op, items, &grouper, inner.span)?
        };
        let mut list = Vec::new();
        for (labels, drop_name, totals) in grouped.take() {
            let cells = totals.finish(op, &param, &self.notes, inner.span);
            if !cells.is_empty() {
                let id = super::item::Id::Own(labels);
                list.push(Item { id, cells, drop_name });
            }
        }
        let one_name = !grouper.keeps_names();
        Ok(Items { one_name, ..Items::new(list) })
    }

    /// Says which quantiles are none.
    fn say_quantiles(&self, param: &[f64], expr: Option<&Expr>) {
        let span = expr.map_or(Span::default(), |expr| unwrapped(expr).span);
        let say = |q: f64| self.notes.add(Kind::InvalidQuantile(q.to_bits()), span, "");
        if param.iter().any(|q| q.is_nan()) {
            say(f64::NAN);
        }
        let max = param.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let min = param.iter().copied().fold(f64::INFINITY, f64::min);
        if max > 1.0 {
            say(max);
        }
        if min < 0.0 {
            say(min);
        }
    }

    /// Aggregates series as they are computed.
    fn stream(
        &mut self,
        op: AggregateOp,
        inner: &Expr,
        grouper: &Grouper<'_>,
    ) -> Result<Grouped, EvalError> {
        let held = self.budget.held();
        let node = self.begin();
        let Some(pipeline) = self.pipeline(inner)? else {
            return Err(EvalError::invalid(inner.span, "an instant vector is expected"));
        };
        let (budget, delayed) = (self.budget, self.limits.delayed_name_removal);
        let steps = pipeline.steps;
        let bytes = Totals::bytes(op, steps);
        // Without names, two metrics may have the same series: that is an error although their sum is not asked by name.
        let distinct = pipeline.drops_name && !pipeline.one_name && !delayed;
        let mut seen: SignatureMap<()> = SignatureMap::default();
        let mut all = Grouped::default();
        let series = self.run(
            &pipeline,
            || (Grouped::default(), Vec::new()),
            |(grouped, signatures), id, cells, notes| {
                let (id, drop_name) = named(id, pipeline.drops_name, delayed);
                if distinct {
                    signatures.push(id.signature(|_| true));
                }
                let name = || id.name();
                if op == AggregateOp::Quantile {
                    budget.hold(8 * steps)?;
                }
                let totals = grouped.at(grouper, &id, drop_name, || {
                    budget.hold(bytes)?;
                    Ok(Totals::new(op, steps))
                })?;
                totals.add(op, cells, notes, inner.span, &name);
                Ok(())
            },
            |(grouped, signatures)| {
                for signature in signatures {
                    if seen.insert(signature, ()).is_some() {
                        return Err(super::same_labels(inner.span));
                    }
                }
                let (before, found) = (all.len(), grouped.len());
                all.join(op, grouped);
                budget.release(bytes * (before + found - all.len()));
                Ok(())
            },
        )?;
        self.end(node, inner, series);
        let now = held.saturating_add(bytes.saturating_mul(all.len()));
        self.budget.settle(now)?;
        Ok(all)
    }

    /// Aggregates series that were computed.
    fn group_items(
        &mut self,
        op: AggregateOp,
        items: Items<'s>,
        grouper: &Grouper<'_>,
        span: Span,
    ) -> Result<Grouped, EvalError> {
        let budget = self.budget;
        let steps = self.query.steps();
        let bytes = Totals::bytes(op, steps);
        let mut all = Grouped::default();
        let list = &items.list;
        let cells = steps.saturating_mul(list.len());
        let threads = if cells > 200_000 { self.limits.threads } else { 1 };
        let notes = &self.notes;
        chunked(
            list.len().div_ceil(CHUNK),
            threads,
            |chunk, (): &mut ()| {
                budget.check()?;
                let notes = Notes::default();
                let mut grouped = Grouped::default();
                for item in list.iter().skip(chunk * CHUNK).take(CHUNK) {
                    let name = || item.id.name();
                    if op == AggregateOp::Quantile {
                        budget.hold(8 * steps)?;
                    }
                    let totals = grouped.at(grouper, &item.id, item.drop_name, || {
                        budget.hold(bytes)?;
                        Ok(Totals::new(op, steps))
                    })?;
                    totals.add(op, &item.cells, &notes, span, &name);
                }
                Ok((grouped, notes))
            },
            |(grouped, said)| {
                notes.join(said);
                all.join(op, grouped);
                Ok(())
            },
        )?;
        Ok(all)
    }
}

/// What is the same at every step is computed once and repeated, which a stream does not do.
fn select_is_invariant(expr: &Expr, context: &Context<'_>) -> bool {
    context.query.steps() > 1 && super::select::is_step_invariant(expr)
}
