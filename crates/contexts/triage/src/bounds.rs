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

/// The exact chance that a binomial of `events` with this share is `least` or more.
pub(crate) fn binomial_tail(least: u64, events: u64, share: f64) -> f64 {
    if least == 0 {
        return 1.0;
    }
    // The smaller tail has falling terms, so that a few say it all.
    if (least as f64) < events as f64 * share {
        return 1.0 - falling_tail(events - least + 1, events, 1.0 - share);
    }
    falling_tail(least, events, share)
}

/// [`binomial_tail`] for a `least` that is not below the mean.
fn falling_tail(least: u64, events: u64, share: f64) -> f64 {
    if least > events {
        return 0.0;
    }
    let (n, mut k) = (events as f64, least as f64);
    let power = |base: f64, times: f64| if times > 0.0 { times * base.ln() } else { 0.0 };
    let choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let mut term = (choose + power(share, k) + power(1.0 - share, n - k)).exp();
    let mut sum = 0.0;
    while term > sum * f64::EPSILON {
        sum += term;
        term *= (n - k) / (k + 1.0) * share / (1.0 - share);
        k += 1.0;
    }
    sum.min(1.0)
}

/// `ln n!` by Stirling's series, exact to the last digits from 16 on and by multiplication below.
fn ln_factorial(n: f64) -> f64 {
    let (mut n, mut product) = (n, 1.0);
    while n < 16.0 {
        n += 1.0;
        product *= n;
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    let stirling = n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series;
    stirling - f64::ln(product)
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

    #[test]
    fn binomial_tails_are_exact() {
        let tail = |least: u64, events: u64, share: f64| {
            let mut chances = vec![1.0];
            for _ in 0..events {
                let shifted = std::iter::once(&0.0).chain(&chances);
                let stays = chances.iter().chain(std::iter::once(&0.0));
                chances = stays
                    .zip(shifted)
                    .map(|(stay, step)| stay * (1.0 - share) + step * share)
                    .collect();
            }
            chances.iter().skip(usize::try_from(least).unwrap()).sum::<f64>()
        };
        for share in [0.1, 0.5, 0.8] {
            for events in [0, 1, 5, 20, 60] {
                for least in 0..=events + 1 {
                    let [ours, want] =
                        [binomial_tail(least, events, share), tail(least, events, share)];
                    assert!(
                        (ours - want).abs() <= 1e-10 * want + 1e-15,
                        "{least} of {events}: {ours} {want}"
                    );
                }
            }
        }
        assert!(binomial_tail(10_600, 20_000, 0.5) < 1e-16);
        assert!((binomial_tail(500_000, 1_000_000, 0.5) - 0.5).abs() < 1e-3);
    }
}
