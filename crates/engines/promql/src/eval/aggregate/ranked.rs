//! `topk`, `bottomk`, `limitk` and `limit_ratio`: aggregations that give some of the series they were given.

use std::cmp::Ordering;

use super::group::Grouper;
use crate::{
    ast::{Aggregate, AggregateOp},
    eval::{
        Context, EvalError,
        cells::Cells,
        hash::{SignatureMap, xxh64},
        item::{Id, Item, Items},
        notes::Kind,
        pipeline::unwrapped,
        range::Ticker,
    },
    number::General,
    span::Span,
};

/// The most that fits into 64 bits with a sign.
const INTEGER_MAX: f64 = 9_223_372_036_854_774_784.0;
const INTEGER_MIN: f64 = -9_223_372_036_854_775_808.0;

impl<'s> Context<'s> {
    pub(super) fn ranked(
        &mut self,
        aggregate: &Aggregate,
        span: Span,
    ) -> Result<Items<'s>, EvalError> {
        let op = aggregate.op;
        let param_expr = aggregate.param.as_ref().map(unwrapped);
        let param = match param_expr {
            Some(param) => self.scalar(param)?,
            None => Vec::new(),
        };
        let items = self.vector(unwrapped(&aggregate.expr))?;
        let param_span = param_expr.map_or(span, |param| param.span);
        if !self.checked(op, &param, param_span)? {
            return Ok(Items::default());
        }
        let grouper = Grouper::new(aggregate);
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut by_signature: SignatureMap<usize> = SignatureMap::default();
        for (at, item) in items.list.iter().enumerate() {
            let group = *by_signature.entry(grouper.signature(&item.id)).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(at);
        }
        let steps = self.query.steps();
        let offsets = if op == AggregateOp::LimitRatio {
            items.list.iter().map(|item| offset(&item.id)).collect()
        } else {
            Vec::new()
        };
        let mut chosen = Chosen { of: vec![None; items.list.len()], list: Vec::new() };
        let mut ticker = Ticker::new(self.budget);
        let mut candidates = Vec::new();
        for group in &groups {
            for step in 0..steps {
                ticker.tick(group.len())?;
                let value = param.get(step).copied().unwrap_or(f64::NAN);
                if op == AggregateOp::LimitRatio {
                    let ratio = value.clamp(-1.0, 1.0);
                    for at in group {
                        let takes = takes(ratio, offsets[*at]);
                        if takes && items.list[*at].cells.has(step) {
                            chosen.take(*at, step, &items.list[*at], self.budget)?;
                        }
                    }
                    continue;
                }
                let count = whole(value).min(items.list.len());
                if count == 0 {
                    continue;
                }
                if op == AggregateOp::LimitK {
                    let there = group.iter().filter(|at| items.list[**at].cells.has(step));
                    for at in there.take(count) {
                        chosen.take(*at, step, &items.list[*at], self.budget)?;
                    }
                    continue;
                }
                candidates.clear();
                for at in group {
                    let cells = &items.list[*at].cells;
                    if let Some(value) = cells.float(step) {
                        candidates.push((value, *at));
                    } else if cells.has(step) {
                        self.notes.add(Kind::IgnoredInAggregation(op.as_str()), span, "");
                    }
                }
                let order = |a: &(f64, usize), b: &(f64, usize)| rank(op, a, b);
                if candidates.len() > count {
                    candidates.select_nth_unstable_by(count - 1, order);
                    candidates.truncate(count);
                }
                candidates.sort_by(order);
                for (_, at) in &candidates {
                    chosen.take(*at, step, &items.list[*at], self.budget)?;
                }
            }
        }
        let ordered = matches!(op, AggregateOp::TopK | AggregateOp::BottomK);
        Ok(Items { list: chosen.list, ordered, one_name: items.one_name })
    }

    /// Whether the parameter chooses anything.
    fn checked(&self, op: AggregateOp, param: &[f64], span: Span) -> Result<bool, EvalError> {
        let max = param.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let min = param.iter().copied().fold(f64::INFINITY, f64::min);
        let has_nan = param.iter().any(|value| value.is_nan());
        let invalid = |message: String| Err(EvalError::invalid(span, message));
        if op == AggregateOp::LimitRatio {
            if max == 0.0 && min == 0.0 {
                return Ok(false);
            }
            if has_nan {
                return invalid("Ratio value is NaN".to_owned());
            }
            if max > 1.0 {
                self.notes.add(Kind::InvalidRatio(max.to_bits(), 1), span, "");
            }
            if min < -1.0 {
                self.notes.add(Kind::InvalidRatio(min.to_bits(), -1), span, "");
            }
            return Ok(true);
        }
        if max < 1.0 && !(has_nan && max == f64::NEG_INFINITY) {
            return Ok(false);
        }
        if has_nan {
            return invalid("Parameter value is NaN".to_owned());
        }
        if min <= INTEGER_MIN {
            return invalid(format!("Scalar value {} underflows int64", General(min)));
        }
        if max >= INTEGER_MAX {
            return invalid(format!("Scalar value {} overflows int64", General(max)));
        }
        Ok(true)
    }
}

/// A count, cut towards zero.
fn whole(value: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion of floats saturates, and no number is zero"
    )]
    let whole = value as usize;
    whole
}

/// The better first; what is no number last; of the same the earlier first.
fn rank(op: AggregateOp, a: &(f64, usize), b: &(f64, usize)) -> Ordering {
    let by_value = match (a.0.is_nan(), b.0.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let order = a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal);
            if op == AggregateOp::TopK { order.reverse() } else { order }
        }
    };
    by_value.then(a.1.cmp(&b.1))
}

/// The chosen cells of those series of which some were chosen.
struct Chosen<'s> {
    /// Where a series stands in `list`.
    of: Vec<Option<usize>>,
    list: Vec<Item<'s>>,
}

impl<'s> Chosen<'s> {
    fn take(
        &mut self,
        at: usize,
        step: usize,
        item: &Item<'s>,
        budget: &crate::eval::limits::Budget<'_>,
    ) -> Result<(), EvalError> {
        let to = match self.of[at] {
            Some(to) => to,
            None => {
                budget.hold(8 * item.cells.len() + crate::eval::item::ITEM_BYTES)?;
                let cells = Cells::absent(item.cells.len());
                let (id, drop_name) = (item.id.clone(), item.drop_name);
                self.list.push(Item { id, cells, drop_name });
                self.of[at] = Some(self.list.len() - 1);
                self.list.len() - 1
            }
        };
        self.list[to].cells.take(step, &item.cells);
        Ok(())
    }
}

/// Where a series lies between 0 and 1, by Prometheus' hash of its labels.
fn offset(id: &Id<'_>) -> f64 {
    let mut bytes = Vec::new();
    let mut text = |text: &str| {
        let len = text.len();
        match u8::try_from(len) {
            Ok(short) if short < 255 => bytes.push(short),
            _ => bytes.extend([255_u8].into_iter().chain(len.to_le_bytes().into_iter().take(3))),
        }
        bytes.extend(text.as_bytes());
    };
    id.visit(&mut |name, value| {
        text(name);
        text(value);
    });
    #[expect(clippy::cast_precision_loss, reason = "as Prometheus computes it")]
    let offset = xxh64(&bytes) as f64 / u64::MAX as f64;
    offset
}

fn takes(ratio: f64, offset: f64) -> bool {
    (ratio >= 0.0 && offset < ratio) || (ratio < 0.0 && offset >= 1.0 + ratio)
}
