//! Intervals of an offset, and where most of them meet (Marzullo's algorithm, as RFC 5905 11.2.1 uses it).

/// The part of calls that may be wrong without the bounds being so, as one in so many.
const WRONG_ONE_IN: usize = 20;
/// The part beyond which there is no estimate, as one in so many.
const WRONG_MOST_ONE_IN: usize = 4;

/// An offset in nanoseconds lies between these, inclusive; without one of them, on that side anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    pub(crate) low: Option<i64>,
    pub(crate) high: Option<i64>,
}

/// What many intervals say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// Holds the offset as long as at most one interval in [`WRONG_ONE_IN`] is wrong.
    pub(crate) bounds: Interval,
    /// Where most intervals meet.
    pub(crate) tightest: Interval,
    /// Intervals that miss that place.
    pub(crate) outliers: usize,
}

impl Interval {
    /// Of the same offset seen from the other side.
    pub(crate) fn reversed(self) -> Self {
        let negated = |bound: Option<i64>| bound.map(i64::saturating_neg);
        Self { low: negated(self.high), high: negated(self.low) }
    }

    pub(crate) fn wider(self, by: i64) -> Self {
        Self {
            low: self.low.map(|low| low.saturating_sub(by)),
            high: self.high.map(|high| high.saturating_add(by)),
        }
    }

    /// Of the sum of two offsets.
    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = |one: Option<i64>, other: Option<i64>| Some(one?.saturating_add(other?));
        Self { low: sum(self.low, other.low), high: sum(self.high, other.high) }
    }

    pub(crate) fn contains(self, offset: i64) -> bool {
        self.low.is_none_or(|low| low <= offset) && self.high.is_none_or(|high| offset <= high)
    }

    /// Whether some offset lies within both.
    pub(crate) fn meets(self, other: Self) -> bool {
        let ((low, high), (other_low, other_high)) = (self.ends(), other.ends());
        low <= other_high && other_low <= high
    }

    /// `None` when a side is open.
    pub(crate) fn width(self) -> Option<u64> {
        self.high?.checked_sub(self.low?).map(i64::unsigned_abs).or(Some(u64::MAX))
    }

    /// The middle; when a side is open, the place nearest to zero.
    pub(crate) fn middle(self) -> i64 {
        match (self.low, self.high) {
            (Some(low), Some(high)) => low.midpoint(high),
            (Some(low), None) => low.max(0),
            (None, Some(high)) => high.min(0),
            (None, None) => 0,
        }
    }

    fn ends(self) -> (i64, i64) {
        (self.low.unwrap_or(i64::MIN), self.high.unwrap_or(i64::MAX))
    }

    fn of_ends(low: i64, high: i64) -> Self {
        Self { low: (low > i64::MIN).then_some(low), high: (high < i64::MAX).then_some(high) }
    }
}

/// Where the intervals meet; `None` when there are none, or when too many miss each other.
pub(crate) fn agree(intervals: &[Interval]) -> Option<Agreed> {
    let count = intervals.len();
    if count == 0 {
        return None;
    }
    // Ends by place; at one place an interval begins before another ends.
    let mut ends: Vec<(i64, bool)> = Vec::with_capacity(2 * count);
    for interval in intervals {
        let (low, high) = interval.ends();
        ends.extend([(low, false), (high, true)]);
    }
    ends.sort_unstable();
    let most = levels(&ends).map(|(_, within)| within).max().unwrap_or(0);
    let outliers = count - most;
    if outliers > count / WRONG_MOST_ONE_IN {
        return None;
    }
    let tightest = region(&ends, most)?;
    let wrong = (count / WRONG_ONE_IN).max(outliers);
    Some(Agreed { bounds: hull(&ends, count - wrong)?, tightest, outliers })
}

/// After each end: its place, and within how many intervals one then is.
fn levels(ends: &[(i64, bool)]) -> impl Iterator<Item = (i64, usize)> + '_ {
    ends.iter().scan(0usize, |within, (at, closes)| {
        *within = if *closes { *within - 1 } else { *within + 1 };
        Some((*at, *within))
    })
}

/// The first region within `least` intervals.
fn region(ends: &[(i64, bool)], least: usize) -> Option<Interval> {
    let from = levels(ends).position(|(_, within)| within >= least)?;
    let to = levels(ends).skip(from).find(|(_, within)| *within < least)?;
    Some(Interval::of_ends(ends[from].0, to.0))
}

/// From the first to the last place within `least` intervals.
fn hull(ends: &[(i64, bool)], least: usize) -> Option<Interval> {
    let from = levels(ends).position(|(_, within)| within >= least)?;
    // The last place at which the level falls below.
    let before = [(0, 0)].into_iter().chain(levels(ends)).map(|(_, within)| within);
    let to = before
        .zip(levels(ends))
        .filter(|(before, (_, within))| *before >= least && *within < least)
        .map(|(_, (at, _))| at)
        .last()?;
    Some(Interval::of_ends(ends[from].0, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(low: i64, high: i64) -> Interval {
        Interval { low: Some(low), high: Some(high) }
    }

    #[test]
    fn intervals_meet_where_most_of_them_are() {
        // Marzullo's own example: 8 to 12, 11 to 13 and 10 to 12 meet from 11 to 12.
        let agreed = agree(&[of(8, 12), of(11, 13), of(10, 12)]).unwrap();
        assert_eq!((agreed.bounds, agreed.outliers), (of(11, 12), 0));
        assert_eq!(agree(&[of(3, 3)]).unwrap().tightest, of(3, 3));
        assert_eq!(agree(&[]), None);
    }

    #[test]
    fn one_in_four_may_miss_the_others_and_no_more() {
        let near = [of(0, 10), of(1, 11), of(2, 9)];
        let agreed = agree(&[near[0], near[1], near[2], of(100, 110)]).unwrap();
        assert_eq!((agreed.bounds, agreed.outliers), (of(2, 9), 1));
        assert_eq!(agree(&[near[0], near[1], of(100, 110)]), None);
    }

    #[test]
    fn one_in_twenty_may_lie_within_the_others_and_be_wrong() {
        let mut all = vec![of(-100, 100); 19];
        all.push(of(50, 60));
        let agreed = agree(&all).unwrap();
        assert_eq!((agreed.tightest, agreed.bounds), (of(50, 60), of(-100, 100)));
    }

    #[test]
    fn an_open_side_stays_open() {
        let below = Interval { low: None, high: Some(-5) };
        let agreed = agree(&[below, Interval { low: None, high: Some(7) }]).unwrap();
        assert_eq!((agreed.bounds, agreed.tightest.middle()), (below, -5));
        assert_eq!(Interval { low: None, high: Some(7) }.middle(), 0);
        assert_eq!(below.reversed(), Interval { low: Some(5), high: None });
    }
}
