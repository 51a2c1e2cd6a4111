//! The mean of many histograms.

use model::Histogram;

use super::{Incompatible, Outcome, Sum, divide};

/// A running mean: a sum that is divided at the end, or, once that would overflow, a mean that follows each value.
#[derive(Clone, Debug)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    follows: bool,
}

/// Sums below this cannot overflow by adding one more below it.
const SAFE: f64 = 8e307;

impl Mean {
    /// Starts with one histogram.
    pub(crate) fn new(first: &Histogram) -> Self {
        Self { sum: Sum::new(first), count: 1.0, follows: false }
    }

    /// Takes one more into the mean.
    pub(crate) fn add(&mut self, other: &Histogram) -> Result<Outcome, Incompatible> {
        self.count += 1.0;
        if !self.follows {
            let safe = other.sum.abs() < SAFE && other.count.abs() < SAFE;
            let before = (!safe || self.is_large()).then(|| self.sum.clone());
            let outcome = self.sum.add(other)?;
            let Some(before) = before else { return Ok(outcome) };
            if !self.sum.is_infinite() {
                return Ok(outcome);
            }
            self.sum = before;
            self.follows = true;
            self.sum.divide(self.count - 1.0);
        }
        self.sum.scale((self.count - 1.0) / self.count);
        let mut part = other.clone();
        divide(&mut part, self.count);
        self.sum.add(&part)
    }

    /// Takes all of another mean into this one.
    pub(crate) fn join(&mut self, other: &Self) -> Result<Outcome, Incompatible> {
        let all = self.count + other.count;
        if !self.follows && !other.follows && !self.is_large() && !other.is_large() {
            self.count = all;
            return self.sum.add(&other.sum.finish());
        }
        let (mut ours, mut theirs) = (self.finish(), other.finish());
        crate::histogram::scale(&mut ours, self.count / all);
        crate::histogram::scale(&mut theirs, other.count / all);
        self.follows = true;
        self.count = all;
        self.sum = Sum::new(&ours);
        self.sum.add(&theirs)
    }

    fn is_large(&self) -> bool {
        let so_far = self.sum.finish();
        !(so_far.sum.abs() < SAFE && so_far.count.abs() < SAFE)
    }

    /// The mean, without empty buckets.
    pub(crate) fn finish(&self) -> Histogram {
        let mut sum = self.sum.clone();
        if !self.follows {
            sum.divide(self.count);
        }
        sum.finish()
    }
}
