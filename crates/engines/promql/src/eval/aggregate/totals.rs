//! What is known of a group at each step while its series are added.

use std::sync::Arc;

use super::natives::Natives;
use crate::{
    ast::AggregateOp,
    eval::{
        cells::{ABSENT, Cells, is_absent},
        notes::{Kind, Notes},
        quantile,
    },
    kahan::Kahan,
    span::Span,
};

/// One group's running values, one for each step. What they are depends on the aggregation.
pub(super) struct Totals {
    /// How many samples were added.
    count: Vec<u32>,
    /// The sum, the mean, the smallest or the largest.
    first: Vec<f64>,
    /// What the sum lost, or the sum of squares.
    second: Vec<f64>,
    /// Steps at which the mean follows each value, as the sum would overflow.
    follows: Vec<bool>,
    /// All series' values, for quantiles.
    columns: Vec<Vec<f64>>,
    natives: Natives,
}

impl Totals {
    pub(super) fn new(op: AggregateOp, steps: usize) -> Self {
        let (first, second) = match op {
            AggregateOp::Sum | AggregateOp::Avg => (vec![-0.0; steps], vec![0.0; steps]),
            AggregateOp::Stddev | AggregateOp::Stdvar => (vec![0.0; steps], vec![0.0; steps]),
            AggregateOp::Min | AggregateOp::Max => (vec![f64::NAN; steps], Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        Self {
            count: vec![0; steps],
            first,
            second,
            follows: Vec::new(),
            columns: Vec::new(),
            natives: Natives::default(),
        }
    }

    /// Bytes that one takes, roughly.
    pub(super) fn bytes(op: AggregateOp, steps: usize) -> usize {
        let per_step = match op {
            AggregateOp::Sum
            | AggregateOp::Avg
            | AggregateOp::Stddev
            | AggregateOp::Stdvar
            | AggregateOp::Quantile => 20,
            AggregateOp::Min | AggregateOp::Max => 12,
            _ => 4,
        };
        256 + per_step * steps
    }

    /// Adds a series.
    pub(super) fn add(
        &mut self,
        op: AggregateOp,
        cells: &Cells,
        notes: &Notes,
        span: Span,
        name: &dyn Fn() -> String,
    ) {
        match op {
            AggregateOp::Sum => self.add_to_sum(&cells.floats),
            AggregateOp::Avg => self.add_to_mean(&cells.floats),
            AggregateOp::Min => self.add_best(&cells.floats, |best, value| best > value),
            AggregateOp::Max => self.add_best(&cells.floats, |best, value| best < value),
            AggregateOp::Stddev | AggregateOp::Stdvar => self.add_to_variance(&cells.floats),
            AggregateOp::Quantile => {
                if cells.has_floats() {
                    self.columns.push(cells.floats.clone());
                }
            }
            _ => {
                for (count, value) in self.count.iter_mut().zip(&cells.floats) {
                    *count += u32::from(!is_absent(*value));
                }
                for (count, histogram) in self.count.iter_mut().zip(&cells.histograms) {
                    *count += u32::from(histogram.is_some());
                }
                return;
            }
        }
        if !cells.has_histograms() {
            return;
        }
        if matches!(op, AggregateOp::Sum | AggregateOp::Avg) {
            self.natives.add(op, cells, notes, span, name);
        } else {
            notes.add(Kind::IgnoredInAggregation(op.as_str()), span, "");
        }
    }

    /// Neumaier's sum at every step, without branches: the loss of each addition is exact.
    fn add_to_sum(&mut self, values: &[f64]) {
        let totals = self.first.iter_mut().zip(&mut self.second).zip(&mut self.count);
        for (((sum, lost), count), value) in totals.zip(values) {
            let there = !is_absent(*value);
            let value = if there { *value } else { -0.0 };
            let next = *sum + value;
            let part = next - *sum;
            *lost += (*sum - (next - part)) + (value - part);
            *sum = next;
            *count += u32::from(there);
        }
    }

    fn add_to_mean(&mut self, values: &[f64]) {
        // A sum that is infinite although its parts are not asks for another way.
        let overflows = self.first.iter().zip(values).fold(false, |any, (sum, value)| {
            any | (!is_absent(*value) && (*sum + *value).is_infinite())
        });
        if !overflows && self.follows.is_empty() {
            return self.add_to_sum(values);
        }
        self.follows.resize(self.first.len(), false);
        for (step, value) in values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
            self.add_to_mean_at(step, *value);
        }
    }

    fn add_to_mean_at(&mut self, step: usize, value: f64) {
        self.count[step] += 1;
        let count = f64::from(self.count[step]);
        let mut total = Kahan { sum: self.first[step], lost: self.second[step] };
        if !self.follows[step] {
            let before = total;
            total.add(value);
            if !total.sum.is_infinite() || count == 1.0 {
                (self.first[step], self.second[step]) = (total.sum, total.lost);
                return;
            }
            self.follows[step] = true;
            let so_far = count - 1.0;
            total = Kahan { sum: before.sum / so_far, lost: before.lost / so_far };
        }
        let part = (count - 1.0) / count;
        total = Kahan { sum: part * total.sum, lost: part * total.lost };
        total.add(value / count);
        (self.first[step], self.second[step]) = (total.sum, total.lost);
    }

    fn add_best(&mut self, values: &[f64], worse: impl Fn(f64, f64) -> bool) {
        for ((best, count), value) in self.first.iter_mut().zip(&mut self.count).zip(values) {
            if is_absent(*value) {
                continue;
            }
            *count += 1;
            if best.is_nan() || worse(*best, *value) {
                *best = *value;
            }
        }
    }

    fn add_to_variance(&mut self, values: &[f64]) {
        for (step, value) in values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
            self.count[step] += 1;
            let count = f64::from(self.count[step]);
            if count == 1.0 {
                self.first[step] = *value;
                self.second[step] = if value.is_finite() { 0.0 } else { f64::NAN };
                continue;
            }
            let delta = value - self.first[step];
            self.first[step] += delta / count;
            self.second[step] += delta * (value - self.first[step]);
        }
    }

    /// Adds the totals of later series.
    pub(super) fn join(&mut self, op: AggregateOp, other: Self) {
        match op {
            AggregateOp::Sum => self.join_sums(&other),
            AggregateOp::Avg => self.join_means(&other),
            AggregateOp::Min => self.join_best(&other, |best, value| best > value),
            AggregateOp::Max => self.join_best(&other, |best, value| best < value),
            AggregateOp::Stddev | AggregateOp::Stdvar => self.join_variances(&other),
            AggregateOp::Quantile => self.columns.extend(other.columns),
            _ => {
                self.count.iter_mut().zip(&other.count).for_each(|(ours, theirs)| *ours += theirs);
            }
        }
        self.natives.join(other.natives);
    }

    fn join_sums(&mut self, other: &Self) {
        for step in 0..self.count.len() {
            if other.count[step] == 0 {
                continue;
            }
            let mut total = Kahan { sum: self.first[step], lost: self.second[step] };
            total.join(Kahan { sum: other.first[step], lost: other.second[step] });
            self.count[step] += other.count[step];
            (self.first[step], self.second[step]) = (total.sum, total.lost);
        }
    }

    fn join_means(&mut self, other: &Self) {
        let follow =
            |totals: &Self, step: usize| totals.follows.get(step).copied().unwrap_or(false);
        for step in 0..self.count.len() {
            if other.count[step] == 0 {
                continue;
            }
            let (ours, theirs) = (f64::from(self.count[step]), f64::from(other.count[step]));
            let sum = self.first[step] + other.first[step];
            let plain = !follow(self, step) && !follow(other, step);
            if plain
                && (sum.is_finite()
                    || !self.first[step].is_finite()
                    || !other.first[step].is_finite())
            {
                let mut total = Kahan { sum: self.first[step], lost: self.second[step] };
                total.join(Kahan { sum: other.first[step], lost: other.second[step] });
                (self.first[step], self.second[step]) = (total.sum, total.lost);
            } else {
                let mean = |totals: &Self, count: f64| {
                    let part = if follow(totals, step) { 1.0 } else { count.max(1.0) };
                    totals.first[step] / part + totals.second[step] / part
                };
                let all = ours + theirs;
                let joined = mean(self, ours) * (ours / all) + mean(other, theirs) * (theirs / all);
                self.follows.resize(self.count.len(), false);
                self.follows[step] = true;
                (self.first[step], self.second[step]) = (joined, 0.0);
            }
            self.count[step] += other.count[step];
        }
    }

    fn join_best(&mut self, other: &Self, worse: impl Fn(f64, f64) -> bool) {
        for step in 0..self.count.len() {
            if other.count[step] == 0 {
                continue;
            }
            self.count[step] += other.count[step];
            let (best, value) = (self.first[step], other.first[step]);
            if best.is_nan() || worse(best, value) {
                self.first[step] = value;
            }
        }
    }

    fn join_variances(&mut self, other: &Self) {
        for step in 0..self.count.len() {
            let (ours, theirs) = (f64::from(self.count[step]), f64::from(other.count[step]));
            if theirs == 0.0 {
                continue;
            }
            self.count[step] += other.count[step];
            if ours == 0.0 {
                (self.first[step], self.second[step]) = (other.first[step], other.second[step]);
                continue;
            }
            let all = ours + theirs;
            let delta = other.first[step] - self.first[step];
            self.first[step] += delta * theirs / all;
            self.second[step] += other.second[step] + delta * delta * ours * theirs / all;
        }
    }

    /// The group's value at every step.
    pub(super) fn finish(
        mut self,
        op: AggregateOp,
        param: &[f64],
        notes: &Notes,
        span: Span,
    ) -> Cells {
        self.natives.say(notes, span);
        let steps = self.count.len();
        let mut cells = Cells::absent(steps);
        if op == AggregateOp::Quantile {
            self.finish_quantiles(param, &mut cells);
            return cells;
        }
        for step in 0..steps {
            let count = f64::from(self.count[step]);
            if count == 0.0 {
                if let Some(total) = self.natives.finish(step, notes, span) {
                    cells.set_histogram(step, Arc::new(total));
                }
                continue;
            }
            if self.natives.has(step) {
                notes.add(Kind::MixedFloatsHistogramsAggregation, span, "");
                continue;
            }
            let sum = |value: f64, lost: f64| if value.is_finite() { value + lost } else { value };
            let value = match op {
                AggregateOp::Sum => sum(self.first[step], self.second[step]),
                AggregateOp::Avg if self.follows.get(step).copied().unwrap_or(false) => {
                    sum(self.first[step], self.second[step])
                }
                AggregateOp::Avg => sum(self.first[step] / count, self.second[step] / count),
                AggregateOp::Min | AggregateOp::Max => self.first[step],
                AggregateOp::Count => count,
                AggregateOp::Group => 1.0,
                AggregateOp::Stdvar => self.second[step] / count,
                AggregateOp::Stddev => (self.second[step] / count).sqrt(),
                _ => ABSENT,
            };
            cells.floats[step] = value;
        }
        cells
    }

    fn finish_quantiles(&mut self, param: &[f64], cells: &mut Cells) {
        let mut values = Vec::with_capacity(self.columns.len());
        for step in 0..cells.len() {
            values.clear();
            let there = self.columns.iter().map(|column| column[step]);
            values.extend(there.filter(|value| !is_absent(*value)));
            if !values.is_empty() {
                let q = param.get(step).copied().unwrap_or(f64::NAN);
                cells.set(step, quantile(q, &mut values));
            }
        }
    }
}
