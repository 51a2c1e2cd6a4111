//! Confidence bounds of shares, and how well a share separates two sets.
//!
//! The bounds invert the Chernoff–Hoeffding inequality `P(share ≥ x) ≤ exp(−n·KL(x ‖ p))`: they hold for every size of
//! sample, so that one event in ten is never taken for a finding, at the price of being somewhat wide.

/// Natural logarithm of `1/α`: how sure a bound is.
pub(crate) type Nats = f64;

/// A share between 0 and 1 as it was counted, with the number of independent events it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) value: f64,
    pub(crate) events: f64,
}

impl Share {
    /// The least share that is not refuted.
    pub(crate) fn low(self, sure: Nats) -> f64 {
        self.bound(sure, 0.0)
    }

    /// The greatest share that is not refuted.
    pub(crate) fn high(self, sure: Nats) -> f64 {
        self.bound(sure, 1.0)
    }

    /// The point towards `end` at which the divergence has used up `sure`.
    fn bound(self, sure: Nats, end: f64) -> f64 {
        let (mut kept, mut refuted) = (self.value, end);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(kept, refuted);
            if self.events * divergence(self.value, middle) <= sure {
                kept = middle;
            } else {
                refuted = middle;
            }
        }
        refuted
    }
}

/// Steps of bisection: a bound is within `2⁻⁴⁰` of where it belongs.
const HALVINGS: usize = 40;

/// The Kullback–Leibler divergence of two coins with these shares of heads, in nats.
pub(crate) fn divergence(from: f64, to: f64) -> f64 {
    let term = |from: f64, to: f64| if from <= 0.0 { 0.0 } else { from * (from / to).ln() };
    (term(from, to) + term(1.0 - from, 1.0 - to)).max(0.0)
}

/// How much knowing whether an event has a property tells about the side it is from, were both sides equally likely, in
/// bits: 0 says nothing, 1 says all (the Jensen–Shannon divergence of the two shares).
pub(crate) fn separation(inside: f64, outside: f64) -> f64 {
    let middle = f64::midpoint(inside, outside);
    let nats = f64::midpoint(divergence(inside, middle), divergence(outside, middle));
    nats / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separation_is_0_for_equal_shares_and_1_for_all_against_none() {
        assert!(separation(0.3, 0.3).abs() < 1e-12);
        assert!((separation(1.0, 0.0) - 1.0).abs() < 1e-12);
        assert!((separation(0.0, 1.0) - 1.0).abs() < 1e-12);
        assert!(separation(0.97, 0.02) > separation(0.98, 0.20));
    }

    #[test]
    fn bounds_hold_the_share_and_narrow_with_events() {
        let sure = 100_f64.ln();
        for value in [0.0, 0.01, 0.5, 1.0] {
            let [few, many] = [10.0, 1e6].map(|events| Share { value, events });
            assert!(few.low(sure) <= value && value <= few.high(sure));
            assert!(many.low(sure) >= few.low(sure) && many.high(sure) <= few.high(sure));
            assert!(many.high(sure) - many.low(sure) < 0.01);
        }
        // Nothing of 100 seen: the bound is that of the geometric law, 1 − α^(1/n).
        let none = Share { value: 0.0, events: 100.0 };
        assert!((none.high(sure) - (1.0 - 0.01_f64.powf(0.01))).abs() < 1e-9);
    }

    #[test]
    fn one_event_of_ten_is_no_finding() {
        let one = Share { value: 0.1, events: 10.0 };
        let none = Share { value: 0.0, events: 1e5 };
        let sure = 1e6_f64.ln();
        assert!(one.low(sure) < none.high(sure));
    }
}
