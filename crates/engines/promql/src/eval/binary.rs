//! Binary operators: arithmetic, comparison, sets, and the matching of series on both sides.

use std::collections::{BTreeMap, btree_map::Entry};

use model::Labels;

use super::{Column, Context, EvalError, Value, without_name};
use crate::{
    ast::{Binary, BinaryOp, Group, Matching, Side},
    span::Span,
};

impl Context<'_> {
    pub(super) fn binary(&mut self, binary: &Binary) -> Result<Value, EvalError> {
        let left = self.evaluate(&binary.left)?;
        let right = self.evaluate(&binary.right)?;
        let op = binary.op;
        match (left, right) {
            (Value::Scalar(left), Value::Scalar(right)) => Ok(Value::Scalar(
                left.into_iter().zip(right).map(|(a, b)| scalar(op, a, b)).collect(),
            )),
            (Value::Vector(columns), Value::Scalar(values)) => {
                Ok(Value::Vector(with_scalar(columns, &values, binary, |vector, scalar| {
                    (vector, scalar)
                })))
            }
            (Value::Scalar(values), Value::Vector(columns)) => {
                Ok(Value::Vector(with_scalar(columns, &values, binary, |vector, scalar| {
                    (scalar, vector)
                })))
            }
            (Value::Vector(left), Value::Vector(right)) if op.is_set() => {
                Ok(Value::Vector(set(op, left, right, binary.matching.as_ref())))
            }
            (Value::Vector(left), Value::Vector(right)) => {
                self.matched(binary, left, right).map(Value::Vector)
            }
            _ => Err(invalid(binary.op_span, "operands must be numbers or instant vectors")),
        }
    }

    fn matched(
        &mut self,
        binary: &Binary,
        left: Vec<Column>,
        right: Vec<Column>,
    ) -> Result<Vec<Column>, EvalError> {
        let matching = binary.matching.as_ref();
        let group = matching.and_then(|matching| matching.group.as_ref());
        // The side called `many` gives the result its labels; without grouping that is the left one.
        let many_is_right = group.is_some_and(|group| group.side == Side::Right);
        let (many, one) = if many_is_right { (right, left) } else { (left, right) };
        let one = self.one_side(one, matching, binary.op_span, many_is_right)?;
        let mut results: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
        for column in many {
            let Some(candidates) = one.get(&signature(&column.labels, matching)) else { continue };
            for other in candidates {
                let labels = result_labels(&column.labels, &other.labels, binary, group);
                let steps = column.values.len();
                self.tick(steps)?;
                let slot = match results.entry(labels) {
                    Entry::Occupied(there) => there.into_mut(),
                    Entry::Vacant(free) => {
                        self.spend(steps)?;
                        free.insert(vec![None; steps])
                    }
                };
                for (step, slot) in slot.iter_mut().enumerate() {
                    let (Some(many), Some(one)) = (column.values[step], other.values[step]) else {
                        continue;
                    };
                    let (a, b) = if many_is_right { (one, many) } else { (many, one) };
                    let Some(value) = compute(binary.op, binary.bool, a, b, a) else { continue };
                    if slot.replace(value).is_some() {
                        return Err(invalid(
                            binary.op_span,
                            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                        ));
                    }
                }
            }
        }
        Ok(results.into_iter().map(|(labels, values)| Column { labels, values }).collect())
    }

    /// The side of which each group may have one series a step, by signature.
    fn one_side(
        &mut self,
        columns: Vec<Column>,
        matching: Option<&Matching>,
        span: Span,
        is_left: bool,
    ) -> Result<BTreeMap<Labels, Vec<Column>>, EvalError> {
        let mut by_signature: BTreeMap<Labels, Vec<Column>> = BTreeMap::new();
        for column in columns {
            let group = by_signature.entry(signature(&column.labels, matching)).or_default();
            self.tick(group.len().saturating_mul(column.values.len()))?;
            let clash = group.iter().any(|other| {
                other.values.iter().zip(&column.values).any(|(a, b)| a.is_some() && b.is_some())
            });
            if clash {
                let side = if is_left { "left" } else { "right" };
                let message = format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: {} and {}; \
                     many-to-many matching not allowed: matching labels must be unique on one side",
                    signature(&column.labels, matching),
                    group[0].labels,
                    column.labels
                );
                return Err(invalid(span, &message));
            }
            group.push(column);
        }
        Ok(by_signature)
    }
}

fn invalid(span: Span, message: &str) -> EvalError {
    EvalError::Invalid { span, message: message.to_owned() }
}

/// The labels by which two sides find each other.
fn signature(labels: &Labels, matching: Option<&Matching>) -> Labels {
    match matching {
        Some(Matching { on: true, labels: on, .. }) => {
            labels.filtered(|name| on.iter().any(|label| **label == *name))
        }
        Some(Matching { on: false, labels: ignoring, .. }) => labels.filtered(|name| {
            name != Labels::METRIC_NAME && !ignoring.iter().any(|label| **label == *name)
        }),
        None => without_name(labels),
    }
}

fn result_labels(many: &Labels, one: &Labels, binary: &Binary, group: Option<&Group>) -> Labels {
    let drops_name = !binary.op.is_comparison() || binary.bool;
    let kept = if drops_name { without_name(many) } else { many.clone() };
    match (group, &binary.matching) {
        (Some(group), _) => {
            let taken = group.include.iter().map(|label| (&**label, one.get(label).unwrap_or("")));
            Labels::from_pairs(kept.iter().chain(taken))
        }
        (None, Some(matching)) if matching.on => {
            kept.filtered(|name| matching.labels.iter().any(|label| **label == *name))
        }
        (None, Some(matching)) => {
            kept.filtered(|name| !matching.labels.iter().any(|label| **label == *name))
        }
        (None, None) => kept,
    }
}

fn with_scalar(
    columns: Vec<Column>,
    scalars: &[f64],
    binary: &Binary,
    order: fn(f64, f64) -> (f64, f64),
) -> Vec<Column> {
    let rename = !binary.op.is_comparison() || binary.bool;
    columns
        .into_iter()
        .map(|column| {
            let values = column.values.iter().zip(scalars).map(|(value, scalar)| {
                let (a, b) = order((*value)?, *scalar);
                compute(binary.op, binary.bool, a, b, (*value)?)
            });
            Column {
                values: values.collect(),
                labels: if rename { without_name(&column.labels) } else { column.labels },
            }
        })
        .collect()
}

/// `None` where a comparison filters the value out; `kept` is what passes.
fn compute(op: BinaryOp, bool: bool, a: f64, b: f64, kept: f64) -> Option<f64> {
    let result = scalar(op, a, b);
    if !op.is_comparison() || bool { Some(result) } else { (result == 1.0).then_some(kept) }
}

fn scalar(op: BinaryOp, a: f64, b: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        BinaryOp::Pow => a.powf(b),
        BinaryOp::Atan2 => a.atan2(b),
        BinaryOp::Equal => truth(a == b),
        BinaryOp::NotEqual => truth(a != b),
        BinaryOp::Less => truth(a < b),
        BinaryOp::LessEqual => truth(a <= b),
        BinaryOp::Greater => truth(a > b),
        BinaryOp::GreaterEqual => truth(a >= b),
        // The parser lets no set operator stand between numbers.
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Unless
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => f64::NAN,
    }
}

/// `and`, `or`, `unless`: which series are there, step by step.
fn set(
    op: BinaryOp,
    mut left: Vec<Column>,
    mut right: Vec<Column>,
    matching: Option<&Matching>,
) -> Vec<Column> {
    let presence = |columns: &[Column]| {
        let mut present: BTreeMap<Labels, Vec<bool>> = BTreeMap::new();
        for column in columns {
            let slots = present
                .entry(signature(&column.labels, matching))
                .or_insert_with(|| vec![false; column.values.len()]);
            slots.iter_mut().zip(&column.values).for_each(|(slot, value)| *slot |= value.is_some());
        }
        present
    };
    let keep = |columns: &mut Vec<Column>, present: &BTreeMap<Labels, Vec<bool>>, wanted: bool| {
        for column in columns {
            let there = present.get(&signature(&column.labels, matching));
            for (step, value) in column.values.iter_mut().enumerate() {
                if there.is_some_and(|there| there[step]) != wanted {
                    *value = None;
                }
            }
        }
    };
    match op {
        BinaryOp::And => keep(&mut left, &presence(&right), true),
        BinaryOp::Unless => keep(&mut left, &presence(&right), false),
        _ => {
            keep(&mut right, &presence(&left), false);
            return union(left, right);
        }
    }
    left
}

/// Both sides; a series that stands on both is one, each step from where it is.
fn union(left: Vec<Column>, right: Vec<Column>) -> Vec<Column> {
    let mut columns = left;
    let places: BTreeMap<Labels, usize> =
        columns.iter().enumerate().map(|(at, column)| (column.labels.clone(), at)).collect();
    for column in right {
        match places.get(&column.labels) {
            Some(at) => {
                for (slot, value) in columns[*at].values.iter_mut().zip(column.values) {
                    *slot = slot.or(value);
                }
            }
            None => columns.push(column),
        }
    }
    columns
}
