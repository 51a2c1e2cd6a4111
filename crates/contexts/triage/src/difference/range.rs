//! Ranges of numeric keys, between quantiles.

use super::{
    cell::{Counts, Effect},
    dictionary::Entry,
};

/// The quantiles of all events between which ranges are tried: even in the middle, finer at the ends.
const QUANTILES: [f64; 19] = [
    0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99,
    0.995, 0.999,
];

/// How much a closed range must separate better than one with an open end.
const OPEN_END_FAVOUR: f64 = 1.1;

/// Different numbers of a key from which ranges say more than the values.
const VALUES_MIN: usize = 8;

/// A key's numbers in order, cut at quantiles into bins.
#[derive(Debug)]
pub(super) struct Bins {
    /// Value ids in order of their numbers.
    order: Vec<usize>,
    /// Where each bin starts in `order`, and the end of the last.
    cuts: Vec<usize>,
    /// Events before each cut.
    before: Vec<Counts>,
}

/// A range as two places in [`Bins::cuts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    from: usize,
    to: usize,
}

impl Bins {
    /// `None` when the key has texts, or so few numbers that their values say it all.
    pub(super) fn of(values: &[Entry], counts: &[Counts]) -> Option<Self> {
        let number = |value: &Entry| match value {
            Entry::Text(_) => None,
            Entry::Number { least, .. } => Some(*least),
        };
        let numbers: Vec<f64> = values.iter().map(number).collect::<Option<_>>()?;
        if numbers.len() < VALUES_MIN {
            return None;
        }
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
        let mut sums = vec![Counts::default()];
        for value in &order {
            let mut sum = sums[sums.len() - 1];
            sum.add(&counts[*value]);
            sums.push(sum);
        }
        let weight = sums[order.len()].weight();
        let mut cuts = vec![0];
        cuts.extend(QUANTILES.map(|q| sums.partition_point(|sum| sum.weight() < q * weight)));
        cuts.push(order.len());
        cuts.dedup();
        let before = cuts.iter().map(|cut| sums[*cut]).collect();
        Some(Self { order, cuts, before })
    }

    /// How many ranges there are to try.
    pub(super) fn ranges(&self) -> usize {
        let bins = self.cuts.len() - 1;
        bins * (bins + 1) / 2 - 1
    }

    /// The range that separates best with more events inside (or less), if one has.
    pub(super) fn best(&self, more: bool, total: &Counts) -> Option<(Range, Counts)> {
        let last = self.cuts.len() - 1;
        let mut best = None;
        for from in 0..last {
            for to in from + 1..=last {
                let range = Range { from, to };
                if to - from == last {
                    continue;
                }
                let counts = self.before[to].without(&self.before[from]);
                let effect = Effect::of(&counts, total);
                // An open end is simpler, and noise in a thin tail should not close it.
                let favour = if from == 0 || to == last { OPEN_END_FAVOUR } else { 1.0 };
                let score = (effect.separation_low * favour, effect.separation * favour);
                if (effect.difference > 0.0) == more
                    && best.as_ref().is_none_or(|(_, _, best)| score > *best)
                {
                    best = Some((range, counts, score));
                }
            }
        }
        best.map(|(range, counts, _)| (range, counts))
    }

    /// The value ids of a range.
    pub(super) fn values(&self, range: Range) -> &[usize] {
        &self.order[self.cuts[range.from]..self.cuts[range.to]]
    }

    /// The least and the greatest number of a range; `None` at an end of all.
    pub(super) fn ends(&self, range: Range, values: &[Entry]) -> (Option<f64>, Option<f64>) {
        let end = |value: Option<&usize>, high: bool| match values[*value?] {
            Entry::Text(_) => None,
            Entry::Number { least, most } => Some(if high { most } else { least }),
        };
        let inner = self.values(range);
        let from = if range.from == 0 { None } else { end(inner.first(), false) };
        let to = if range.to == self.cuts.len() - 1 { None } else { end(inner.last(), true) };
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difference::Counter;

    /// Events with the numbers 1 to 1000, inside when `inside` says so.
    fn best(inside: impl Fn(u32) -> bool) -> (Option<f64>, Option<f64>) {
        let mut counter = Counter::new(&["n"]);
        let key = counter.key("n").unwrap();
        for n in (1..=1000).rev() {
            let value = counter.number(key, f64::from(n));
            counter.observe(inside(n), 1.0, &[Some(value)]);
        }
        let values = &counter.dictionary.keys[0].values;
        let bins = Bins::of(values, &counter.cells[0]).unwrap();
        assert_eq!(bins.ranges(), 209);
        let (range, counts) = bins.best(true, &counter.total).unwrap();
        assert_eq!(counts.events(), bins.values(range).len() as u64);
        bins.ends(range, values)
    }

    #[test]
    fn finds_the_range() {
        assert_eq!(best(|n| n > 900), (Some(901.0), None));
        assert_eq!(best(|n| n <= 50), (None, Some(50.0)));
        assert_eq!(best(|n| n > 200 && n <= 400), (Some(201.0), Some(400.0)));
    }
}
