//! Exact statistics of two counts: the Clopper-Pearson interval and Fisher's exact test.
//!
//! Sources: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
//! binomial" (1934); R. A. Fisher, "The Design of Experiments" (1935), chapter 2; the incomplete beta function by Lentz's
//! continued fraction (Abramowitz and Stegun 26.5.8), the logarithm of gamma by Stirling's series (6.1.41).

use super::evidence::Counts;

/// Iterations of the continued fraction, which converges in some `sqrt(max(a, b))`.
const FRACTION_STEPS_MAX: usize = 20_000;
/// Bisection of the unit interval to the last bit of a double.
const BISECTION_STEPS: usize = 60;
/// Terms of a hypergeometric tail; they vanish long before.
const TAIL_TERMS_MAX: u64 = 1_000_000;

/// The natural logarithm of the gamma function, for `x > 0`.
pub fn ln_gamma(x: f64) -> f64 {
    // Stirling's series is good to 1e-15 from 10 on; gamma(x) = gamma(x + 1) / x leads there.
    let mut shift = 0.0;
    let mut x = x;
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            - square
                * (1.0 / 360.0
                    - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// The regularised incomplete beta function `I_x(a, b)`, the distribution function of Beta(a, b).
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast on this side of the mean only; the other is its mirror.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

/// Lentz's evaluation of the continued fraction.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let keep = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    let mut m = 0.0;
    for _ in 0..FRACTION_STEPS_MAX {
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        let step = d * c;
        result *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..BISECTION_STEPS {
        let middle = 0.5 * (low + high);
        if beta_cdf(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The Clopper-Pearson interval of a share: with `confidence` (such as 0.95) the true share lies within. `(0, 1)` without events.
#[expect(clippy::cast_precision_loss, reason = "counts under 2^53")]
pub fn interval(counts: Counts, confidence: f64) -> (f64, f64) {
    let (n, k) = (counts.total as f64, counts.failed.min(counts.total) as f64);
    let tail = 0.5 * (1.0 - confidence);
    let low = if k == 0.0 { 0.0 } else { beta_quantile(tail, k, n - k + 1.0) };
    let high = if k == n { 1.0 } else { beta_quantile(1.0 - tail, k + 1.0, n - k) };
    (low, high)
}

/// Fisher's exact test, one-sided: the chance of seeing at least as many failures in `on`, were both equally likely to fail.
#[expect(clippy::cast_precision_loss, reason = "counts under 2^53")]
pub fn fisher_greater(on: Counts, elsewhere: Counts) -> f64 {
    let (a, n) = (on.failed.min(on.total) as f64, on.total as f64);
    let failed = a + elsewhere.failed.min(elsewhere.total) as f64;
    let all = n + elsewhere.total as f64;
    if n == 0.0 || n == all || failed == 0.0 || failed == all {
        return 1.0;
    }
    // Hypergeometric: `n` drawn from `all`, of which `failed` are bad.
    let (least, most) = ((n + failed - all).max(0.0), n.min(failed));
    let ln_all = ln_choose(all, n);
    let ln_term = |k: f64| ln_choose(failed, k) + ln_choose(all - failed, n - k) - ln_all;
    let mode = ((n + 1.0) * (failed + 1.0) / (all + 2.0)).floor();
    // Sum away from the mode, where terms only fall; the other tail is the complement.
    if a > mode {
        let next = |k: f64| (failed - k) * (n - k) / ((k + 1.0) * (all - failed - n + k + 1.0));
        tail(ln_term(a).exp(), a, most, 1.0, next).min(1.0)
    } else if a <= least {
        1.0
    } else {
        let next = |k: f64| k * (all - failed - n + k) / ((failed - k + 1.0) * (n - k + 1.0));
        (1.0 - tail(ln_term(a - 1.0).exp(), a - 1.0, least, -1.0, next)).clamp(0.0, 1.0)
    }
}

/// Counts of two groups over several strata, made comparable: the first as it is, the second as if its events had been
/// spread over the strata as the first's (direct standardisation), at the size that leaves its variance what it is (Kish).
///
/// So a version that served mostly before an outage is not better for it than one that served mostly during it. Strata in
/// which either has no events are left out.
#[expect(clippy::cast_precision_loss, reason = "counts under 2^53")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the counts"
)]
pub fn standardised(strata: impl Iterator<Item = (Counts, Counts)>) -> (Counts, Counts) {
    let mut on = Counts::default();
    let (mut expected, mut spread) = (0.0, 0.0);
    for (here, there) in strata {
        let Some(share) = there.share().filter(|_| here.total > 0) else { continue };
        let weight = here.total as f64;
        on = on.plus(here);
        expected += weight * share;
        spread += weight * weight / there.total as f64;
    }
    if on.total == 0 {
        return (on, Counts::default());
    }
    let weight = on.total as f64;
    let total = (weight * weight / spread).round();
    let failed = (expected / weight * total).round();
    (on, Counts::new(failed as u64, total as u64))
}

/// Sums terms from `k` to `end`; `next(k)` is the ratio of the following term to that at `k`.
fn tail(first: f64, k: f64, end: f64, step: f64, next: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut term, mut k) = (first, first, k);
    for _ in 0..TAIL_TERMS_MAX {
        if k == end || term <= sum * 1e-17 {
            break;
        }
        term *= next(k);
        sum += term;
        k += step;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() <= 1e-9 * right.abs().max(1e-3), "{left} is not {right}");
    }

    #[test]
    fn gamma_has_its_known_values() {
        near(ln_gamma(1.0).abs(), 0.0);
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
        near(ln_gamma(5.0), 24f64.ln());
        near(ln_gamma(171.0), (1..=170).map(|n| f64::from(n).ln()).sum());
    }

    #[test]
    fn beta_has_its_known_values() {
        near(beta_cdf(0.3, 1.0, 1.0), 0.3);
        near(beta_cdf(0.5, 7.0, 7.0), 0.5);
        // P(X >= 2) of four throws of a coin that fails 30 %.
        near(beta_cdf(0.3, 2.0, 3.0), 0.3483);
        near(beta_cdf(0.5, 1e6, 1e6), 0.5);
    }

    #[test]
    fn intervals_are_clopper_and_pearsons() {
        let check = |failed, total| interval(Counts::new(failed, total), 0.95);
        // The closed forms at the ends: 1 - (alpha / 2)^(1 / n).
        near(check(0, 10).1, 1.0 - 0.025f64.powf(0.1));
        near(check(10, 10).0, 0.025f64.powf(0.1));
        assert_eq!((check(0, 10).0, check(10, 10).1), (0.0, 1.0));
        let (low, high) = check(5, 10);
        assert!((low - 0.187_086).abs() < 1e-6 && (high - 0.812_914).abs() < 1e-6, "{low} {high}");
        let (low, high) = check(1, 100);
        assert!((low - 0.000_253).abs() < 1e-6 && (high - 0.054_459).abs() < 1e-6, "{low} {high}");
        assert_eq!(check(0, 0), (0.0, 1.0));
    }

    #[test]
    fn fisher_is_exact() {
        let check = |a, n, b, m| fisher_greater(Counts::new(a, n), Counts::new(b, m));
        // Fisher's lady tasting tea: three of four right by chance 17 in 70, four of four 1 in 70.
        near(check(3, 4, 1, 4), 17.0 / 70.0);
        near(check(4, 4, 0, 4), 1.0 / 70.0);
        near(check(0, 4, 4, 4), 1.0);
        near(check(1, 4, 3, 4), 69.0 / 70.0);
        near(check(2, 4, 2, 4), 53.0 / 70.0);
        near(check(1, 10, 11, 14), 0.999_966_348_095_2);
        assert_eq!(check(0, 0, 5, 9), 1.0);
        assert!(check(500_000, 1_000_000, 1_000, 1_000_000) < 1e-300);
        assert!((0.4..0.6).contains(&check(50_000, 1_000_000, 50_000, 1_000_000)));
    }

    #[test]
    fn standardising_takes_the_time_out_of_a_comparison() {
        type Pair = (u64, u64);
        let check = |strata: &[(Pair, Pair)]| {
            standardised(strata.iter().map(|(on, elsewhere)| {
                (Counts::new(on.0, on.1), Counts::new(elsewhere.0, elsewhere.1))
            }))
        };
        // Alike in each stratum, and the first served mostly in the bad one.
        let (on, elsewhere) = check(&[((0, 10), (0, 90)), ((90, 90), (10, 10))]);
        assert_eq!((on, elsewhere), (Counts::new(90, 100), Counts::new(11, 12)));
        // Spread alike, nothing changes.
        let (_, elsewhere) = check(&[((5, 10), (1, 30)), ((5, 20), (0, 60))]);
        assert_eq!(elsewhere, Counts::new(1, 90));
        assert_eq!(check(&[((5, 10), (0, 0)), ((0, 0), (1, 9))]).1, Counts::default());
    }

    #[test]
    fn fisher_agrees_with_the_sum_over_all_tables() {
        let choose = |n: u64, k: u64| {
            (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
        };
        for (n, m) in [(3, 5), (8, 8), (12, 4)] {
            for a in 0..=n {
                for b in 0..=m {
                    let failed = a + b;
                    let naive: f64 = (a..=n.min(failed))
                        .filter(|k| failed - k <= m)
                        .map(|k| choose(n, k) * choose(m, failed - k))
                        .sum::<f64>()
                        / choose(n + m, failed);
                    near(fisher_greater(Counts::new(a, n), Counts::new(b, m)), naive.min(1.0));
                }
            }
        }
    }
}
