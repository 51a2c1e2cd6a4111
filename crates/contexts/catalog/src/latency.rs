//! A histogram of durations whose classes are log-linear: mergeable, sparse, and true to within [`RELATIVE_ERROR`].
//!
//! Each power of two of nanoseconds has [`PARTS`] classes of equal width (as HdrHistogram has them): below 16 ns each value is a
//! class of its own, above it a class is at most a 16th of its values wide, and its middle at most a 32nd from any of them.

use std::time::Duration;

/// Classes to a power of two.
const PARTS: u64 = 1 << PART_BITS;
const PART_BITS: u32 = 4;
/// Classes that 64 bits of nanoseconds have: 16 single values, and 16 for each of the 60 powers from there.
const CLASSES: u16 = 61 * 16;

/// How far a quantile may be from the duration that has its rank.
pub const RELATIVE_ERROR: f64 = 1.0 / 32.0;

/// Durations, counted by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Classes that hold any, ascending. A class counts no further than `u32::MAX`.
    classes: Vec<(u16, u32)>,
}

impl Latency {
    pub fn add(&mut self, took: Duration) {
        self.add_class(class(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)), 1);
    }

    /// Afterwards this holds what both held.
    pub fn merge(&mut self, other: &Self) {
        other.classes.iter().for_each(|(class, count)| self.add_class(*class, *count));
    }

    pub fn count(&self) -> u64 {
        self.classes.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The `q`-quantile in seconds, to within [`RELATIVE_ERROR`]; `None` without durations.
    pub fn quantile_secs(&self, q: f64) -> Option<f64> {
        let count = self.count();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank of counts, at least 1"
        )]
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1);
        let mut below = 0;
        for (class, in_class) in &self.classes {
            below += u64::from(*in_class);
            if below >= rank {
                return Some(middle_secs(*class));
            }
        }
        None
    }

    /// Classes and their counts, ascending; to be kept and given back to [`Latency::of_classes`].
    pub fn classes(&self) -> &[(u16, u32)] {
        &self.classes
    }

    /// What [`Latency::classes`] gave; classes that do not exist are left out.
    pub fn of_classes(classes: &[(u16, u32)]) -> Self {
        let mut latency = Self::default();
        for (class, count) in classes.iter().filter(|(class, count)| *class < CLASSES && *count > 0)
        {
            latency.add_class(*class, *count);
        }
        latency
    }

    fn add_class(&mut self, class: u16, count: u32) {
        match self.classes.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => self.classes[at].1 = self.classes[at].1.saturating_add(count),
            Err(at) => self.classes.insert(at, (class, count)),
        }
    }
}

fn class(nanos: u64) -> u16 {
    let power = nanos.max(1).ilog2();
    let class = match power.checked_sub(PART_BITS) {
        None => nanos,
        Some(shift) => u64::from(shift + 1) * PARTS + ((nanos >> shift) - PARTS),
    };
    u16::try_from(class).unwrap_or(CLASSES - 1)
}

#[expect(clippy::cast_precision_loss, reason = "far less than the width of a class")]
fn middle_secs(class: u16) -> f64 {
    let (octave, part) = (u64::from(class) / PARTS, u64::from(class) % PARTS);
    let nanos = match octave.checked_sub(1) {
        None => part as f64,
        Some(shift) => {
            let width = (1u64 << shift) as f64;
            (PARTS + part) as f64 * width + (width - 1.0) / 2.0
        }
    };
    nanos / 1e9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(nanos: &[u64]) -> Latency {
        let mut latency = Latency::default();
        nanos.iter().for_each(|nanos| latency.add(Duration::from_nanos(*nanos)));
        latency
    }

    #[test]
    fn the_ends_of_all_durations_have_classes() {
        assert_eq!((class(0), class(15), class(16), class(17)), (0, 15, 16, 17));
        assert_eq!((class(31), class(32), class(33), class(34)), (31, 32, 32, 33));
        assert_eq!(class(u64::MAX), CLASSES - 1);
        assert_eq!(Latency::default().quantile_secs(0.5), None);
        assert_eq!(Latency::of_classes(&[(CLASSES, 1), (3, 0)]), Latency::default());
    }

    proptest! {
        #[test]
        fn quantiles_are_true_to_within_the_stated_error(
            mut nanos in prop::collection::vec(prop_oneof![0..1_000u64, 0..10_000_000_000u64, any::<u64>()], 1..200),
            q in 0.0..=1.0f64,
        ) {
            let found = of(&nanos).quantile_secs(q).unwrap() * 1e9;
            nanos.sort_unstable();
            let rank = (1..=nanos.len()).find(|rank| *rank as f64 >= q * nanos.len() as f64);
            let truth = nanos[rank.unwrap() - 1] as f64;
            prop_assert!((found - truth).abs() <= truth * RELATIVE_ERROR + 1e-6, "{} {}", found, truth);
        }

        #[test]
        fn merging_is_as_adding_all(one in prop::collection::vec(any::<u64>(), 0..50), other in prop::collection::vec(any::<u64>(), 0..50)) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            prop_assert_eq!(&merged, &of(&[one, other].concat()));
            prop_assert_eq!(&Latency::of_classes(merged.classes()), &merged);
        }
    }
}
