//! Sums that keep what floating point loses.

/// A running sum after Kahan and Neumaier: `lost` is what rounding took from `sum`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Kahan {
    pub(crate) sum: f64,
    pub(crate) lost: f64,
}

impl Kahan {
    /// Adds one value. An infinite sum has lost nothing.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        if next.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - next) + value;
        } else {
            self.lost += (value - next) + self.sum;
        }
        self.sum = next;
    }

    /// The sum with what was lost.
    #[inline]
    pub(crate) fn total(self) -> f64 {
        self.sum + self.lost
    }

    /// Adds another running sum.
    #[inline]
    pub(crate) fn join(&mut self, other: Self) {
        self.add(other.sum);
        self.lost += other.lost;
    }
}

/// The sum of all values.
#[cfg(test)]
pub(crate) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut kahan = Kahan::default();
    values.into_iter().for_each(|value| kahan.add(value));
    kahan.total()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_a_plain_sum_loses() {
        assert_eq!(sum([1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum([0.1; 10]), 1.0);
        assert_eq!(sum([1e308, 1e308]), f64::INFINITY);
        assert!(sum([f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
