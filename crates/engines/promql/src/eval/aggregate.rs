//! Aggregations: many series become one for each group.

use std::collections::{BTreeMap, btree_map::Entry};

use model::Labels;

use super::{Column, Context, EvalError, Value, range};
use crate::{
    ast::{Aggregate, AggregateOp, Grouping},
    span::Span,
};

impl AggregateOp {
    /// Whether it picks series in place of merging them.
    pub(super) const fn keeps_series(self) -> bool {
        matches!(self, Self::TopK | Self::BottomK | Self::LimitK | Self::LimitRatio)
    }
}

impl Context<'_> {
    pub(super) fn aggregate(
        &mut self,
        aggregate: &Aggregate,
        span: Span,
    ) -> Result<Vec<Column>, EvalError> {
        let columns = self.vector(&aggregate.expr)?;
        let steps = self.query.steps();
        let mut groups: BTreeMap<Labels, Vec<Column>> = BTreeMap::new();
        for column in columns {
            groups
                .entry(group_labels(&column.labels, aggregate.grouping.as_ref()))
                .or_default()
                .push(column);
        }
        if aggregate.op == AggregateOp::CountValues {
            let label = self.param_string(aggregate)?;
            return self.count_values(groups, &label, span);
        }
        let param = match &aggregate.param {
            Some(param) => self.scalar(param)?,
            None => vec![f64::NAN; steps],
        };
        let mut merged = Vec::new();
        for (labels, group) in groups {
            if aggregate.op.keeps_series() {
                self.tick(group.len().saturating_mul(steps))?;
                merged.extend(choose(aggregate.op, group, &param));
                continue;
            }
            self.spend(steps)?;
            let mut values = Vec::with_capacity(steps);
            for (step, param) in param.iter().enumerate() {
                self.tick(group.len())?;
                values.push(merge(aggregate.op, &group, step, *param));
            }
            merged.push(Column { labels, values });
        }
        Ok(merged)
    }

    fn count_values(
        &mut self,
        groups: BTreeMap<Labels, Vec<Column>>,
        label: &str,
        span: Span,
    ) -> Result<Vec<Column>, EvalError> {
        if label.is_empty() {
            return Err(EvalError::Invalid { span, message: "invalid label name \"\"".to_owned() });
        }
        let steps = self.query.steps();
        let mut counts: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
        for (labels, group) in groups {
            for column in group {
                for (step, value) in column.values.iter().enumerate() {
                    let Some(value) = value else { continue };
                    self.tick(1)?;
                    let pairs = labels.iter().chain([(label, "")]);
                    let text = super::call::number_text(*value);
                    let labels = Labels::from_pairs(pairs.map(|(name, value)| {
                        (name, if name == label { text.as_str() } else { value })
                    }));
                    let values = match counts.entry(labels) {
                        Entry::Occupied(there) => there.into_mut(),
                        Entry::Vacant(free) => {
                            self.spend(steps)?;
                            free.insert(vec![None; steps])
                        }
                    };
                    values[step] = Some(values[step].unwrap_or(0.0) + 1.0);
                }
            }
        }
        Ok(counts.into_iter().map(|(labels, values)| Column { labels, values }).collect())
    }

    fn param_string(&mut self, aggregate: &Aggregate) -> Result<String, EvalError> {
        match &aggregate.param {
            Some(param) => match self.evaluate(param)? {
                Value::String(text) => Ok(text),
                Value::Scalar(_) | Value::Vector(_) | Value::Matrix(_) => Ok(String::new()),
            },
            None => Ok(String::new()),
        }
    }
}

fn group_labels(labels: &Labels, grouping: Option<&Grouping>) -> Labels {
    match grouping {
        None => Labels::default(),
        Some(Grouping { without: false, labels: by }) => {
            labels.filtered(|name| by.iter().any(|label| **label == *name))
        }
        Some(Grouping { without: true, labels: out }) => labels.filtered(|name| {
            name != Labels::METRIC_NAME && !out.iter().any(|label| **label == *name)
        }),
    }
}

fn merge(op: AggregateOp, group: &[Column], step: usize, param: f64) -> Option<f64> {
    let values: Vec<f64> = group.iter().filter_map(|column| column.values[step]).collect();
    if values.is_empty() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 series")]
    let count = values.len() as f64;
    let best = |better: fn(f64, f64) -> bool| {
        values.iter().copied().fold(f64::NAN, |best, value| {
            if best.is_nan() || better(value, best) { value } else { best }
        })
    };
    let mean = || range::sum(values.iter().copied()) / count;
    let variance = || {
        let mean = mean();
        range::sum(values.iter().map(|value| (value - mean).powi(2))) / count
    };
    Some(match op {
        AggregateOp::Sum => range::sum(values.into_iter()),
        AggregateOp::Avg => {
            let mean = mean();
            if mean.is_finite() {
                mean
            } else {
                range::sum(values.iter().map(|value| value / count))
            }
        }
        AggregateOp::Count => count,
        AggregateOp::Min => best(|value, best| value < best),
        AggregateOp::Max => best(|value, best| value > best),
        AggregateOp::Group => 1.0,
        AggregateOp::Stddev => variance().sqrt(),
        AggregateOp::Stdvar => variance(),
        AggregateOp::Quantile => range::quantile(param, values),
        AggregateOp::TopK
        | AggregateOp::BottomK
        | AggregateOp::LimitK
        | AggregateOp::LimitRatio
        | AggregateOp::CountValues => return None,
    })
}

/// Keeps, at each step, the values of the series that the operator picks.
fn choose(op: AggregateOp, mut group: Vec<Column>, param: &[f64]) -> Vec<Column> {
    for (step, param) in param.iter().enumerate() {
        let mut ranked: Vec<(usize, f64)> = group
            .iter()
            .enumerate()
            .filter_map(|(at, column)| column.values[step].map(|value| (at, value)))
            .collect();
        match op {
            // NaN is the worst of all.
            AggregateOp::TopK => {
                ranked.sort_by(|a, b| a.1.is_nan().cmp(&b.1.is_nan()).then(b.1.total_cmp(&a.1)))
            }
            AggregateOp::BottomK => {
                ranked.sort_by(|a, b| a.1.is_nan().cmp(&b.1.is_nan()).then(a.1.total_cmp(&b.1)))
            }
            _ => ranked.sort_by(|a, b| group[a.0].labels.cmp(&group[b.0].labels)),
        }
        let kept = kept(op, *param, ranked.len());
        for (at, _) in ranked.drain(kept..) {
            group[at].values[step] = None;
        }
    }
    group.retain(|column| column.values.iter().any(Option::is_some));
    if let (AggregateOp::TopK | AggregateOp::BottomK, 1) = (op, param.len()) {
        let value = |column: &Column| column.values[0].unwrap_or(f64::NAN);
        let down = op == AggregateOp::TopK;
        group.sort_by(|a, b| {
            let order = value(a).total_cmp(&value(b));
            value(a).is_nan().cmp(&value(b).is_nan()).then(if down {
                order.reverse()
            } else {
                order
            })
        });
    }
    group
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=count first"
)]
#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 series")]
fn kept(op: AggregateOp, param: f64, count: usize) -> usize {
    let wanted =
        if op == AggregateOp::LimitRatio { (param.abs() * count as f64).ceil() } else { param };
    if wanted >= 1.0 { wanted.min(count as f64) as usize } else { 0 }
}
