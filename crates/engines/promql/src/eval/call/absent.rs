//! `absent` and `absent_over_time`.

use model::{Labels, MatchOp, Matcher};

use crate::{
    ast::{Expr, ExprKind},
    eval::{
        Context, EvalError,
        cells::Cells,
        item::{Id, Item, Items},
        pipeline::{Pipeline, unwrapped},
        range::RangeFunction,
    },
};

impl<'s> Context<'s> {
    pub(super) fn absent(&mut self, arg: &Expr) -> Result<Items<'s>, EvalError> {
        let items = self.vector(arg)?;
        let mut there = vec![false; self.query.steps()];
        for item in &items.list {
            there.iter_mut().enumerate().for_each(|(step, there)| *there |= item.cells.has(step));
        }
        Ok(absence(arg, &there))
    }

    pub(super) fn absent_over_time(
        &mut self,
        args: &[Expr],
        expr: &Expr,
    ) -> Result<Items<'s>, EvalError> {
        let mut there = vec![false; self.query.steps()];
        let pipeline: Option<Pipeline<'s>> = self.ranged(RangeFunction::Present, args, expr)?;
        if let Some(pipeline) = pipeline {
            let steps = pipeline.steps;
            self.run(
                &pipeline,
                || vec![false; steps],
                |there, _, cells: &mut Cells, _| {
                    there.iter_mut().enumerate().for_each(|(step, one)| *one |= cells.has(step));
                    Ok(())
                },
                |found| {
                    there.iter_mut().zip(found).for_each(|(there, found)| *there |= found);
                    Ok(())
                },
            )?;
        }
        Ok(args.first().map_or_else(Items::default, |arg| absence(unwrapped(arg), &there)))
    }
}

/// 1 at all steps where nothing is there, with the labels that the selector asks for.
fn absence(arg: &Expr, there: &[bool]) -> Items<'static> {
    let cells: Cells = there.iter().map(|there| (!there).then_some(1.0)).collect();
    if cells.is_empty() {
        return Items::default();
    }
    let labels = match &arg.kind {
        ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
            asked_for(&selector.matchers)
        }
        _ => Labels::default(),
    };
    let item = Item { id: Id::Own(labels), cells, drop_name: false };
    Items { one_name: true, ..Items::new(vec![item]) }
}

/// The labels that matchers ask to be equal to a value, once.
fn asked_for(matchers: &[Matcher]) -> Labels {
    let others = |at: usize, name: &str| {
        matchers.iter().enumerate().any(|(other, one)| other != at && one.name() == name)
    };
    let equal = matchers.iter().enumerate().filter(|(at, one)| {
        one.op() == MatchOp::Equal && one.name() != Labels::METRIC_NAME && !others(*at, one.name())
    });
    Labels::from_pairs(equal.map(|(_, one)| (one.name(), one.value())))
}
