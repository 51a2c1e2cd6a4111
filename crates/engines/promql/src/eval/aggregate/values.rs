//! `count_values`: how many series have each value.

use std::collections::HashMap;

use model::Labels;

use super::group::Grouper;
use crate::{
    ast::{Aggregate, ExprKind},
    eval::{
        Context, EvalError,
        cells::Cells,
        hash::SignatureMap,
        item::{ITEM_BYTES, Id, Item, Items},
        pipeline::unwrapped,
        range::Ticker,
    },
    histogram::Shown,
    number::Plain,
    quote::{Quoted, is_utf8},
    span::Span,
};

impl<'s> Context<'s> {
    pub(super) fn count_values(
        &mut self,
        aggregate: &Aggregate,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let label = match aggregate.param.as_ref().map(|param| &unwrapped(param).kind) {
            Some(ExprKind::String(label)) => label.clone(),
            _ => return Err(EvalError::invalid(span, "count_values needs the name of a label")),
        };
        if label.is_empty() || !is_utf8(&label) {
            let message = format!("invalid label name {}", Quoted(&label));
            return Err(EvalError::invalid(span, message));
        }
        let items = self.vector(unwrapped(&aggregate.expr))?;
        let grouper = Grouper::new(aggregate).with(&label);
        let steps = self.query.steps();
        let mut out: Vec<Item<'s>> = Vec::new();
        let mut by_signature: SignatureMap<usize> = SignatureMap::default();
        let mut ticker = Ticker::new(self.budget);
        for item in &items.list {
            // Each value that a series has is looked up once.
            let mut floats: HashMap<u64, usize> = HashMap::new();
            for step in 0..steps {
                ticker.tick(1)?;
                let text = match (item.cells.float(step), item.cells.histogram(step)) {
                    (Some(value), _) => {
                        if let Some(at) = floats.get(&value.to_bits()) {
                            increment(&mut out[*at].cells, step);
                            continue;
                        }
                        Plain(value).to_string()
                    }
                    (None, Some(histogram)) => Shown(histogram).to_string(),
                    (None, None) => continue,
                };
                let labels = with(&item.id.labels(), &label, &text);
                let id = Id::Own(labels);
                let at = match by_signature.get(&grouper.signature(&id)) {
                    Some(at) => *at,
                    None => {
                        self.budget.hold(ITEM_BYTES + 8 * steps)?;
                        by_signature.insert(grouper.signature(&id), out.len());
                        let id = Id::Own(grouper.labels(&id));
                        out.push(Item { id, cells: Cells::absent(steps), drop_name: false });
                        out.len() - 1
                    }
                };
                if let Some(value) = item.cells.float(step) {
                    floats.insert(value.to_bits(), at);
                }
                increment(&mut out[at].cells, step);
            }
        }
        Ok(Items { one_name: !grouper.keeps_names(), ..Items::new(out) })
    }
}

fn increment(cells: &mut Cells, step: usize) {
    let count = cells.float(step).unwrap_or(0.0);
    cells.set(step, count + 1.0);
}

/// Labels with one set.
pub(crate) fn with(labels: &Labels, name: &str, value: &str) -> Labels {
    let kept = labels.iter().filter(|(found, _)| *found != name);
    let set = std::iter::once((name, value));
    Labels::from_pairs(kept.chain(set))
}
