//! When a failure began: the moment from which the counts speak for a failure rather than for an objective that is kept.
//!
//! Each bucket is weighed by how much likelier it is under a failure than under the objective (a cumulative sum test). The
//! sum never falls below zero, so that what came before does not matter, and never rises above a cap, so that a failure
//! which is over is soon forgotten. It begins where the sum last left zero; noise near the objective keeps it there.

use model::Timestamp;

use crate::Point;

/// The sum from which on a failure is taken as real: it is a thousand times likelier than the kept objective.
const EVIDENT: f64 = 6.9;
/// The most that the sum holds.
const CAP: f64 = 14.0;
/// A failure is at least this many times the budget.
const FAILS_AT: f64 = 10.0;
/// The newest buckets whose share of bad events says how hard it fails now.
const LATEST: usize = 5;

/// When the last failure in `points` (oldest first) began, for an objective that allows the share `budget` of bad events.
///
/// `None` where no stretch is worse than an objective that is just kept would show by chance.
pub fn onset(points: &[Point], budget: f64) -> Option<Timestamp> {
    let failing = failing_share(points, budget);
    let (on_bad, on_good) = ((failing / budget).ln(), ((1.0 - failing) / (1.0 - budget)).ln());
    let (mut sum, mut start, mut began) = (0.0, None, None);
    for point in points {
        let (bad, good) = (point.total.saturating_sub(point.good), point.good.min(point.total));
        #[expect(clippy::cast_precision_loss, reason = "counts of a bucket")]
        let weight = bad as f64 * on_bad + good as f64 * on_good;
        sum = (sum + weight).min(CAP);
        if sum <= 0.0 {
            (sum, start) = (0.0, None);
            continue;
        }
        let from = *start.get_or_insert(point.start);
        if sum >= EVIDENT {
            began = Some(from);
        }
    }
    began
}

/// The share of bad events of a failure: that of now, where it is clearly above the budget.
fn failing_share(points: &[Point], budget: f64) -> f64 {
    let latest = points.iter().rev().filter(|point| point.total > 0).take(LATEST);
    let (bad, total) = latest.fold((0_u64, 0_u64), |(bad, total), point| {
        (bad + point.total.saturating_sub(point.good), total + point.total)
    });
    #[expect(clippy::cast_precision_loss, reason = "counts of a few buckets")]
    let now = if total == 0 { 0.0 } else { bad as f64 / total as f64 };
    // Between the budget and certainty, both excluded, whatever the budget.
    now.max(FAILS_AT * budget).min((1.0 + budget) / 2.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Minutes of `(bad, total)`, each so many times; when the failure began, in minutes from the first.
    fn check(budget: f64, minutes: &[(usize, &[(u64, u64)])]) -> Option<u64> {
        let minutes = minutes
            .iter()
            .flat_map(|(times, counts)| counts.iter().copied().cycle().take(times * counts.len()));
        let points: Vec<Point> = (0_u32..)
            .zip(minutes)
            .map(|(at, (bad, total))| Point {
                start: Timestamp::EPOCH + Duration::from_secs(60) * at,
                width: Duration::from_secs(60),
                good: total - bad,
                total,
            })
            .collect();
        onset(&points, budget).map(|at| at.since(Timestamp::EPOCH).as_secs() / 60)
    }

    #[test]
    fn a_failure_begins_with_its_first_bad_minute() {
        assert_eq!(check(0.001, &[(60, &[(0, 100)]), (5, &[(30, 100)])]), Some(60));
        assert_eq!(check(0.001, &[(60, &[(0, 10)]), (5, &[(10, 10)])]), Some(60));
        assert_eq!(check(0.01, &[(60, &[(0, 1)]), (9, &[(1, 1)])]), Some(60));
    }

    #[test]
    fn noise_near_the_objective_is_no_begin() {
        let noise: &[(u64, u64)] = &[(0, 1000), (2, 1000), (1, 1000), (0, 1000), (3, 1000)];
        assert_eq!(check(0.001, &[(20, noise)]), None);
        assert_eq!(check(0.001, &[(20, noise), (3, &[(200, 1000)])]), Some(100));
        // With little traffic, one bad event makes a minute of ten times the budget.
        let sparse: &[(u64, u64)] = &[(0, 20), (0, 20), (1, 20), (0, 20), (0, 20)];
        assert_eq!(check(0.01, &[(20, sparse)]), None);
        assert_eq!(check(0.01, &[(20, sparse), (4, &[(10, 20)])]), Some(100));
    }

    #[test]
    fn a_slow_burn_adds_up_over_minutes() {
        // Of a hundred a minute two are bad now and then: no minute alone is beyond chance.
        let slow: &[(u64, u64)] = &[(2, 100), (1, 100), (0, 100), (3, 100)];
        assert_eq!(check(0.001, &[(60, &[(0, 100)]), (10, slow)]), Some(60));
    }

    #[test]
    fn a_failure_that_is_over_is_another_one() {
        let failing: &[(u64, u64)] = &[(50, 100)];
        let quiet: &[(u64, u64)] = &[(0, 100)];
        assert_eq!(check(0.001, &[(9, failing), (20, quiet), (5, failing)]), Some(29));
        assert_eq!(check(0.001, &[(9, quiet), (5, failing), (40, quiet)]), Some(9));
        assert_eq!(check(0.001, &[(9, quiet)]), None);
        assert_eq!(check(0.001, &[]), None);
    }

    #[test]
    fn any_budget_gives_a_time_or_none() {
        for budget in [1e-9, 0.05, 0.2, 0.9, 0.999_999] {
            assert_eq!(check(budget, &[(10, &[(0, 100)])]), None, "{budget}");
            check(budget, &[(10, &[(100, 100)]), (3, &[(0, 0)])]);
        }
        assert_eq!(check(0.2, &[(10, &[(15, 100)]), (5, &[(100, 100)])]), Some(10));
    }
}
