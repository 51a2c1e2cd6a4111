//! Classic histograms: counters with a bound in the label `le`.

/// One classic histogram at one time: bounds and cumulated counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Classic {
    buckets: Vec<(f64, f64)>,
}

/// What was changed to make the counts ascend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    pub(crate) difference_max: f64,
}

/// Counts that differ by no more than this part of themselves are the same but for rounding.
const TOLERANCE: f64 = 1e-12;

impl Classic {
    /// Empties it and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    pub(crate) fn push(&mut self, bound: f64, count: f64) {
        self.buckets.push((bound, count));
    }

    /// Sorts the bounds and joins those that are the same; `false` when there is none for all observations.
    fn order(&mut self) -> bool {
        if !self.buckets.is_sorted_by(|a, b| a.0 < b.0) {
            self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.buckets.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
        }
        self.buckets.last().is_some_and(|(bound, _)| *bound == f64::INFINITY)
    }

    /// Makes counts ascend, as they must.
    fn ascend(&mut self) -> Option<Fixed> {
        let mut fixed: Option<Fixed> = None;
        let mut previous = self.buckets.first()?.1;
        for (bound, count) in &mut self.buckets[1..] {
            if *count == previous {
                continue;
            }
            if almost(previous, *count, TOLERANCE) {
                *count = previous;
            } else if *count < previous {
                let difference = previous - *count;
                *count = previous;
                let found = fixed.get_or_insert(Fixed {
                    lowest: *bound,
                    highest: *bound,
                    difference_max: difference,
                });
                found.highest = *bound;
                found.difference_max = found.difference_max.max(difference);
            } else {
                previous = *count;
            }
        }
        fixed
    }

    /// The `q`-quantile, by linear interpolation within a bucket.
    pub(crate) fn quantile(&mut self, q: f64) -> (f64, Option<Fixed>) {
        if q.is_nan() {
            return (f64::NAN, None);
        }
        if q < 0.0 {
            return (f64::NEG_INFINITY, None);
        }
        if q > 1.0 {
            return (f64::INFINITY, None);
        }
        if !self.order() {
            return (f64::NAN, None);
        }
        let fixed = self.ascend();
        let [lower @ .., (_, all)] = self.buckets.as_slice() else { return (f64::NAN, fixed) };
        let Some((highest, _)) = lower.last() else { return (f64::NAN, fixed) };
        if *all == 0.0 {
            return (f64::NAN, fixed);
        }
        let mut rank = q * all;
        let at = lower.partition_point(|(_, count)| *count < rank || (*count - rank).is_nan());
        let Some(&(end, mut count)) = lower.get(at) else { return (*highest, fixed) };
        let mut start = 0.0;
        if let Some((bound, before)) = at.checked_sub(1).map(|at| lower[at]) {
            start = bound;
            count -= before;
            rank -= before;
        } else if end <= 0.0 {
            return (end, fixed);
        }
        (start + (end - start) * (rank / count), fixed)
    }

    /// The part of all observations between `lower` and `upper`.
    pub(crate) fn fraction(&mut self, lower: f64, upper: f64) -> f64 {
        if !self.order() {
            return f64::NAN;
        }
        let all = self.buckets.last().map_or(0.0, |(_, count)| *count);
        if all == 0.0 || lower.is_nan() || upper.is_nan() {
            return f64::NAN;
        }
        if lower >= upper {
            return 0.0;
        }
        let positive = self.buckets.first().is_some_and(|(bound, _)| *bound > 0.0);
        let mut start = if positive { 0.0 } else { f64::NEG_INFINITY };
        let mut rank = 0.0;
        let (mut low, mut high) = (None, None);
        for &(end, count) in &self.buckets {
            for (bound, found) in [(lower, &mut low), (upper, &mut high)] {
                if found.is_some() {
                    continue;
                }
                if start >= bound {
                    *found = Some(rank);
                } else if end > bound {
                    *found = Some(if start == f64::NEG_INFINITY {
                        count
                    } else {
                        rank + (count - rank) * (bound - start) / (end - start)
                    });
                }
            }
            if low.is_some() && high.is_some() {
                break;
            }
            rank = count;
            start = end;
        }
        let capped = |rank: Option<f64>| rank.filter(|rank| *rank <= all).unwrap_or(all);
        (capped(high) - capped(low)) / all
    }
}

/// Whether two numbers differ by no more than a part of their size.
pub(crate) fn almost(a: f64, b: f64, tolerance: f64) -> bool {
    const SMALL: f64 = f64::MIN_POSITIVE;
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < SMALL {
        return difference < tolerance * SMALL;
    }
    difference / sum.min(f64::MAX) < tolerance
}
