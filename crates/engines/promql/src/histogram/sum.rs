//! The sum of many histograms, with what rounding loses kept for each bucket.

use model::{Histogram, ResetHint};

use super::{
    Incompatible, Outcome,
    add::{Sides, common_bounds, level, onto, same_bounds},
    bins, merge_hints,
};
use crate::kahan::Kahan;

/// A running sum of histograms.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    schema: i32,
    threshold: f64,
    zero: Kahan,
    count: Kahan,
    sum: Kahan,
    positive: Vec<(i32, Kahan)>,
    negative: Vec<(i32, Kahan)>,
    custom: Vec<f64>,
    hint: ResetHint,
}

fn plain(value: f64) -> Kahan {
    Kahan { sum: value, lost: 0.0 }
}

fn started(spans: &[model::BucketSpan], counts: &[f64]) -> Vec<(i32, Kahan)> {
    bins::bins(spans, counts).into_iter().map(|(at, count)| (at, plain(count))).collect()
}

impl Sum {
    /// Starts with one histogram.
    pub(crate) fn new(first: &Histogram) -> Self {
        Self {
            schema: first.schema,
            threshold: first.zero_threshold,
            zero: plain(first.zero_count),
            count: plain(first.count),
            sum: plain(first.sum),
            positive: started(&first.positive_spans, &first.positive),
            negative: started(&first.negative_spans, &first.negative),
            custom: first.custom_values.clone(),
            hint: first.reset_hint,
        }
    }

    fn is_custom(&self) -> bool {
        self.schema == Histogram::CUSTOM
    }

    /// Adds one histogram.
    pub(crate) fn add(&mut self, other: &Histogram) -> Result<Outcome, Incompatible> {
        if self.is_custom() != other.is_custom() {
            return Err(Incompatible);
        }
        let mut outcome = Outcome::default();
        (self.hint, outcome.collision) = merge_hints(self.hint, other.reset_hint);
        self.count.add(other.count);
        self.sum.add(other.sum);
        if self.is_custom() {
            outcome.reconciled = self.add_custom(other);
            return Ok(outcome);
        }
        let mut right = Sides::of(other);
        if self.threshold != right.threshold {
            self.level(&mut right);
        }
        self.zero.add(right.zero);
        let schema = self.schema.min(right.schema);
        let right = right.reduced(schema);
        if self.schema > schema {
            self.positive = reduced(&self.positive, self.schema, schema);
            self.negative = reduced(&self.negative, self.schema, schema);
            self.schema = schema;
        }
        join(&mut self.positive, &right.positive);
        join(&mut self.negative, &right.negative);
        Ok(outcome)
    }

    fn add_custom(&mut self, other: &Histogram) -> bool {
        let theirs = bins::bins(&other.positive_spans, &other.positive);
        if same_bounds(&self.custom, &other.custom_values) {
            join(&mut self.positive, &theirs);
            return false;
        }
        let bounds = common_bounds(&self.custom, &other.custom_values);
        let mut merged = vec![Kahan::default(); bounds.len() + 1];
        let ours: Vec<_> = self.positive.iter().map(|(at, count)| (*at, count.sum)).collect();
        let mut lost = self.positive.iter().map(|(_, count)| count.lost);
        onto(&bounds, &ours, &self.custom, |at, count| {
            merged[at].add(count);
            merged[at].add(lost.next().unwrap_or(0.0));
        });
        onto(&bounds, &theirs, &other.custom_values, |at, count| merged[at].add(count));
        self.positive = (0..).zip(merged).collect();
        self.custom = bounds;
        true
    }

    /// Gives both the same zero bucket; what falls into ours keeps its rounding.
    fn level(&mut self, right: &mut Sides) {
        let side =
            |bins: &[(i32, Kahan)]| bins.iter().map(|(at, count)| (*at, count.sum)).collect();
        let mut left = Sides {
            schema: self.schema,
            threshold: self.threshold,
            zero: self.zero.sum,
            positive: side(&self.positive),
            negative: side(&self.negative),
        };
        level(&mut left, right);
        for (ours, kept) in
            [(&mut self.positive, &left.positive), (&mut self.negative, &left.negative)]
        {
            let gone = ours.len().saturating_sub(kept.len());
            for (_, count) in ours.drain(..gone) {
                self.zero.join(count);
            }
        }
        self.threshold = left.threshold;
    }

    /// Multiplies all that was summed.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.each(|value| {
            value.sum *= factor;
            value.lost *= factor;
        });
    }

    /// Divides all that was summed.
    pub(crate) fn divide(&mut self, divisor: f64) {
        self.each(|value| {
            value.sum /= divisor;
            value.lost /= divisor;
        });
    }

    fn each(&mut self, mut change: impl FnMut(&mut Kahan)) {
        change(&mut self.zero);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive.iter_mut().chain(&mut self.negative).for_each(|(_, count)| change(count));
    }

    /// Whether a count or the sum has become infinite.
    pub(crate) fn is_infinite(&self) -> bool {
        let counts = self.positive.iter().chain(&self.negative).map(|(_, count)| count);
        [&self.zero, &self.count, &self.sum]
            .into_iter()
            .chain(counts)
            .any(|value| value.sum.is_infinite())
    }

    /// The sum of all, without empty buckets.
    pub(crate) fn finish(&self) -> Histogram {
        let total = |bins: &[(i32, Kahan)]| {
            let totals: Vec<_> = bins.iter().map(|(at, count)| (*at, count.total())).collect();
            bins::spans(&totals)
        };
        let (positive_spans, positive) = total(&self.positive);
        let (negative_spans, negative) = total(&self.negative);
        Histogram {
            schema: self.schema,
            zero_threshold: self.threshold,
            zero_count: self.zero.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive_spans,
            negative_spans,
            positive,
            negative,
            custom_values: self.custom.clone(),
            reset_hint: self.hint,
        }
    }
}

fn reduced(bins: &[(i32, Kahan)], from: i32, to: i32) -> Vec<(i32, Kahan)> {
    let mut out: Vec<(i32, Kahan)> = Vec::with_capacity(bins.len());
    for (index, count) in bins {
        let index = bins::target(*index, from, to);
        match out.last_mut() {
            Some((last, total)) if *last == index => {
                total.add(count.sum);
                total.add(count.lost);
            }
            Some(_) | None => out.push((index, *count)),
        }
    }
    out
}

fn join(ours: &mut Vec<(i32, Kahan)>, theirs: &[(i32, f64)]) {
    let alike = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.0 == b.0);
    if alike {
        ours.iter_mut().zip(theirs).for_each(|((_, total), (_, count))| total.add(*count));
        return;
    }
    let both = |mut total: Kahan, count: f64| {
        total.add(count);
        total
    };
    *ours = bins::merge(ours, theirs, both, plain);
}
