//! `and`, `or` and `unless`.

use super::join::matched;
use crate::{
    ast::{Binary, BinaryOp, Matching},
    eval::{
        Context, EvalError, SameLabels,
        hash::{Signature, SignatureMap},
        item::{Item, Items},
        range::Ticker,
        same_labels,
    },
    span::Span,
};

/// At which steps a signature is there.
fn present(items: &[Item<'_>], signatures: &[Signature], steps: usize) -> SignatureMap<Vec<bool>> {
    let mut present: SignatureMap<Vec<bool>> = SignatureMap::default();
    for (item, signature) in items.iter().zip(signatures) {
        let there = present.entry(*signature).or_insert_with(|| vec![false; steps]);
        for (step, there) in there.iter_mut().enumerate() {
            *there |= item.cells.has(step);
        }
    }
    present
}

impl<'s> Context<'s> {
    pub(super) fn set_operation(
        &mut self,
        binary: &Binary,
        mut left: Items<'s>,
        mut right: Items<'s>,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let default = Matching::default();
        let matching = binary.matching.as_ref().unwrap_or(&default);
        let steps = self.query.steps();
        let signatures = |items: &Items<'s>| -> Vec<Signature> {
            let of = |item: &Item<'s>| item.id.signature(|name| matched(matching, name));
            items.list.iter().map(of).collect()
        };
        let (of_left, of_right) = (signatures(&left), signatures(&right));
        let mut ticker = Ticker::new(self.budget);
        self.budget.hold(steps.saturating_mul(left.list.len().max(right.list.len())))?;
        ticker.tick(steps.saturating_mul(left.list.len() + right.list.len()))?;
        let keep_where = |items: &mut Items<'s>,
                          of: &[Signature],
                          other: &SignatureMap<Vec<bool>>,
                          wanted: bool| {
            for (item, signature) in items.list.iter_mut().zip(of) {
                let there = other.get(signature);
                for step in 0..steps {
                    let there = there.is_some_and(|there| there[step]);
                    if there != wanted {
                        item.cells.clear(step);
                    }
                }
            }
            items.list.retain(|item| !item.cells.is_empty());
        };
        let mut ordered = false;
        if binary.op == BinaryOp::Or {
            let there = present(&left.list, &of_left, steps);
            keep_where(&mut right, &of_right, &there, false);
            // As in Prometheus' answers, the left side's series come first.
            ordered = self.query.is_instant();
            if ordered {
                left.arrange();
                right.arrange();
            }
            left.one_name = false;
            left.list.extend(right.list);
            left.merge_same().map_err(|SameLabels| same_labels(span))?;
        } else {
            let there = present(&right.list, &of_right, steps);
            keep_where(&mut left, &of_left, &there, binary.op == BinaryOp::And);
        }
        left.ordered = ordered;
        Ok(left)
    }
}
