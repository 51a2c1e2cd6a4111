//! Whether a few bad events are more than chance, by the exact binomial tail.
//!
//! A ratio of three requests says little: one bad of three is a burn rate of 333 for an objective of 99.9 %, and yet a
//! service that keeps its promise shows it once in 333 such hours.

/// A page needs evidence that would come by chance less often than this from a service that just keeps its objective.
pub const CHANCE_MAX: f64 = 0.001;

/// From this many bad events on, a burn rate that pages is evident, and nothing is computed.
const EVIDENT_FROM: u64 = 50;

/// The probability of `bad` or more bad events of `total`, each bad with probability `share`.
///
/// Taken as zero from 50 bad events on: at six times what is expected, the lowest burn rate that pages, it is below 1e-20.
pub fn of_at_least(bad: u64, total: u64, share: f64) -> f64 {
    if bad >= EVIDENT_FROM {
        return 0.0;
    }
    // In logarithms: the first term underflows for a large total.
    let (ln_bad, ln_good) = (share.ln(), (-share).ln_1p());
    #[expect(clippy::cast_precision_loss, reason = "a probability needs no more than 53 bits")]
    let total = total as f64;
    let (mut ln_term, mut below) = (total * ln_good, 0.0);
    let mut count = 0.0;
    for _ in 0..bad {
        below += f64::exp(ln_term);
        ln_term += f64::ln((total - count) / (count + 1.0)) + ln_bad - ln_good;
        count += 1.0;
    }
    (1.0 - below).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bad: u64, total: u64, share: f64, expected: f64) {
        let found = of_at_least(bad, total, share);
        assert!((found - expected).abs() < 1e-6, "{bad} of {total} at {share}: {found}");
    }

    #[test]
    fn equals_known_binomial_tails() {
        check(0, 10, 0.001, 1.0);
        check(1, 3, 0.001, 0.002_997);
        check(2, 3, 0.001, 0.000_003);
        check(3, 3, 0.5, 0.125);
        check(2, 100, 0.001, 0.004_638_6);
        check(5, 10, 0.5, 0.623_046_9);
        check(60, 1000, 0.001, 0.0);
        check(1, 1_000_000_000, 0.001, 1.0);
    }
}
