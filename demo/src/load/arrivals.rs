//! Who comes when, and for what: a seeded Poisson process.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::topology::Action;

/// Customers who ever come; few of them come often.
const USERS: u32 = 2_000;
/// The fastest that one generator goes, requests a second.
const RATE_MAX: f64 = 10_000.0;

/// One request to come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrival {
    /// Time since the arrival before.
    pub(super) after: Duration,
    pub(super) action: Action,
    /// Number of the customer, from 0.
    pub(super) user: u32,
}

/// The rate cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error(
    "rate `{rate}` is not allowed; it must be more than 0 and at most {RATE_MAX} requests a second"
)]
pub(crate) struct BadRate {
    rate: f64,
}

/// An endless stream of arrivals; the same seed gives the same one.
#[derive(Debug)]
pub(super) struct Arrivals {
    rate: f64,
    dice: StdRng,
}

impl Arrivals {
    pub(super) fn new(rate: f64, seed: u64) -> Result<Self, BadRate> {
        if rate > 0.0 && rate <= RATE_MAX {
            Ok(Self { rate, dice: StdRng::seed_from_u64(seed) })
        } else {
            Err(BadRate { rate })
        }
    }

    fn roll(&mut self) -> f64 {
        self.dice.random()
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let gap = -(1.0 - self.roll()).ln() / self.rate;
        let action = Action::at(self.roll());
        // The square makes the first customers come most.
        let user = (self.roll().powi(2) * f64::from(USERS)).floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to less than 2,000"
        )]
        Some(Arrival { after: Duration::from_secs_f64(gap), action, user: user as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_and_gaps_vary_as_poisson_says() {
        let gaps: Vec<f64> = Arrivals::new(40.0, 7)
            .unwrap()
            .take(20_000)
            .map(|arrival| arrival.after.as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / 20_000.0;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean * 40.0 - 1.0).abs() < 0.03, "mean gap {mean}");
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.05,
            "an exponential gap deviates by its mean"
        );
    }

    #[test]
    fn the_mix_and_the_customers_are_kept() {
        let arrivals: Vec<Arrival> = Arrivals::new(40.0, 7).unwrap().take(20_000).collect();
        for (action, share) in Action::MIX {
            let count = arrivals.iter().filter(|arrival| arrival.action == action).count();
            let seen = f64::from(u32::try_from(count).unwrap()) / 20_000.0;
            assert!((seen - share).abs() < 0.01, "{action:?} is {seen}, not {share}");
        }
        assert!(arrivals.iter().all(|arrival| arrival.user < USERS));
        let frequent = arrivals.iter().filter(|arrival| arrival.user < USERS / 4).count();
        assert!(
            (9_000..11_000).contains(&frequent),
            "a quarter of the customers makes half of the requests"
        );
    }

    #[test]
    fn a_seed_is_a_plan() {
        let plan = |seed| Arrivals::new(5.0, seed).unwrap().take(50).collect::<Vec<_>>();
        assert_eq!(plan(3), plan(3));
        assert_ne!(plan(3), plan(4));
    }

    #[test]
    fn impossible_rates_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Arrivals::new(rate, 1).is_err(), "{rate}");
        }
    }
}
