//! A past for the shop: 30 days of SLI counts by the public back-fill command, and a day of metrics by remote write.
//!
//! The SLO over metrics has its last day counted from those metrics, as any user's would be; its back-fill ends where they begin.

use std::time::{Duration, SystemTime};

use http::{Request, header::CONTENT_TYPE};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::json;

use super::{evenkeel::Evenkeel, remote_write};
use crate::{
    net::{Client, excerpt},
    topology::{Part, rate_of},
};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// Buckets in one request; with some 90 bytes each it stays far below the limit of 1 MiB.
const BUCKETS_PER_REQUEST: usize = 2_000;
/// Share of the error budget that an ordinary hour spends.
const ORDINARY_SPENDING: f64 = 0.10;
/// Bad hours long ago: how many hours ago, and how many times its budget such an hour spent.
const BAD_HOURS: [(u64, f64); 3] = [(9 * 24 + 5, 40.0), (9 * 24 + 4, 18.0), (19 * 24 + 11, 25.0)];

/// The past to make.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// Requests a second at web, as the customers will send them.
    pub rate: f64,
    /// Where the past ends.
    pub now: SystemTime,
    pub seed: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackfillReport {
    pub slos: usize,
    pub buckets: usize,
    pub samples: usize,
}

/// An SLO of the repo and what it counts.
struct Promise {
    slo: &'static str,
    part: Part,
    objective: f64,
    /// Counted from metrics for the last day.
    over_metrics: bool,
}

const PROMISES: [Promise; 4] = [
    Promise {
        slo: "checkout-availability",
        part: Part::Checkout,
        objective: 0.999,
        over_metrics: false,
    },
    Promise {
        slo: "payment-availability",
        part: Part::Payment,
        objective: 0.999,
        over_metrics: false,
    },
    Promise { slo: "web-availability", part: Part::Web, objective: 0.999, over_metrics: true },
    Promise { slo: "web-latency", part: Part::Web, objective: 0.99, over_metrics: false },
];

/// Counts of one span of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Bucket {
    /// RFC 3339.
    start: String,
    width_seconds: u64,
    good: u64,
    total: u64,
}

/// Writes the past through the public API of the Evenkeel at `evenkeel_url`, before the shop starts.
///
/// # Errors
/// What Evenkeel refused.
pub async fn backfill(evenkeel_url: &str, past: &Past) -> anyhow::Result<BackfillReport> {
    let evenkeel = Evenkeel::new(evenkeel_url, "production");
    let mut report = BackfillReport::default();
    for promise in &PROMISES {
        let buckets = history(promise, past);
        for some in buckets.chunks(BUCKETS_PER_REQUEST) {
            evenkeel.backfill(promise.slo, &json!({"source": "demo", "buckets": some})).await?;
        }
        report.buckets += buckets.len();
        report.slos += 1;
    }
    report.samples = write_metrics(evenkeel_url, past).await?;
    Ok(report)
}

async fn write_metrics(evenkeel_url: &str, past: &Past) -> anyhow::Result<usize> {
    let client = Client::new(Duration::from_secs(30));
    let url = format!("{}/api/v1/write", evenkeel_url.trim_end_matches('/'));
    let mut samples = 0;
    for request in remote_write::day(past.rate, seconds(past.now)) {
        samples += request.samples();
        let request = Request::post(&url)
            .header(CONTENT_TYPE, "application/x-protobuf")
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-write-version", "0.1.0")
            .body(request.encode()?.into())?;
        let response = client.send(request).await?;
        let status = response.status();
        anyhow::ensure!(
            status.is_success(),
            "`{url}` answered {status}: {}",
            excerpt(response.body())
        );
    }
    Ok(samples)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Hours up to 3 days ago, then 5 minutes, and minutes for the last 6 hours; oldest first.
fn history(promise: &Promise, past: &Past) -> Vec<Bucket> {
    let now = seconds(past.now);
    let end = if promise.over_metrics { remote_write::start(now) } else { now };
    let mut dice = StdRng::seed_from_u64(
        past.seed ^ u64::from(promise.slo.as_bytes()[0]) ^ promise.slo.len() as u64,
    );
    let widths = [
        (HOUR, now - 30 * DAY, now - 3 * DAY),
        (5 * MINUTE, now - 3 * DAY, now - 6 * HOUR),
        (MINUTE, now - 6 * HOUR, now),
    ];
    let mut buckets = Vec::new();
    // All but the last boundary lie on whole hours, so that no bucket reaches over one.
    for (width, from, to) in widths {
        let to =
            if to == now { floor(end, MINUTE) } else { floor(to, HOUR).min(floor(end, width)) };
        let mut start = floor(from, HOUR);
        while start + width <= to {
            buckets.push(bucket(promise, past.rate, now, (start, width), &mut dice));
            start += width;
        }
    }
    buckets
}

const fn floor(time: u64, width: u64) -> u64 {
    time - time % width
}

fn bucket(
    promise: &Promise,
    rate: f64,
    now: u64,
    (start, width): (u64, u64),
    dice: &mut StdRng,
) -> Bucket {
    let rate = rate_of(promise.part, rate) * traffic(now - start);
    let total = draw(rate * as_f64(width), dice);
    let hours_ago = (now - start).div_ceil(HOUR);
    let worse =
        BAD_HOURS.iter().find(|(hours, _)| *hours == hours_ago).map_or(0.0, |(_, times)| *times);
    let bad = draw(as_f64(total) * (1.0 - promise.objective) * (ORDINARY_SPENDING + worse), dice)
        .min(total);
    let start = jiff::Timestamp::from_second(i64::try_from(start).unwrap_or(i64::MAX))
        .unwrap_or(jiff::Timestamp::MAX);
    Bucket { start: start.to_string(), width_seconds: width, good: total - bad, total }
}

/// Share of the live rate so long ago: now is the day's peak, twelve hours from it is night, and the last hour is as now, so that
/// a one-hour window has the live rate all along.
pub(super) fn traffic(seconds_ago: u64) -> f64 {
    if seconds_ago <= HOUR {
        return 1.0;
    }
    let turn = as_f64((seconds_ago - HOUR) % DAY) / as_f64(DAY) * std::f64::consts::TAU;
    0.65 + 0.35 * turn.cos()
}

#[expect(clippy::cast_precision_loss, reason = "counts and times far below 2^53")]
pub(super) const fn as_f64(count: u64) -> f64 {
    count as f64
}

/// A Poisson draw: by its definition for a small mean, by the normal one with the same mean and spread for a large.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, far below 2^53"
)]
fn draw(mean: f64, dice: &mut StdRng) -> u64 {
    if mean > 30.0 {
        // The sum of twelve even draws is close to normal, with a spread of one.
        let spread: f64 = (0..12).map(|_| dice.random::<f64>()).sum::<f64>() - 6.0;
        return (mean + spread * mean.sqrt()).round().max(0.0) as u64;
    }
    let (limit, mut product, mut count) = ((-mean).exp(), dice.random::<f64>(), 0);
    while product > limit {
        product *= dice.random::<f64>();
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::repo::FILES;

    const NOW: u64 = 1_795_460_000;

    fn past() -> Past {
        Past { rate: 40.0, now: SystemTime::UNIX_EPOCH + Duration::from_secs(NOW), seed: 1 }
    }

    fn start_of(bucket: &Bucket) -> u64 {
        u64::try_from(bucket.start.parse::<jiff::Timestamp>().unwrap().as_second()).unwrap()
    }

    #[test]
    fn buckets_join_without_a_gap_from_30_days_ago_to_now() {
        for promise in &PROMISES {
            let buckets = history(promise, &past());
            for pair in buckets.windows(2) {
                assert_eq!(
                    start_of(&pair[0]) + pair[0].width_seconds,
                    start_of(&pair[1]),
                    "{}",
                    promise.slo
                );
            }
            for bucket in &buckets {
                assert_eq!(start_of(bucket) % bucket.width_seconds, 0);
                assert!(bucket.good <= bucket.total);
            }
            let first = start_of(&buckets[0]);
            assert!((NOW - 30 * DAY - HOUR..=NOW - 30 * DAY).contains(&first));
            let last = buckets.last().unwrap();
            let end = if promise.over_metrics { remote_write::start(NOW) } else { NOW };
            assert!(end - (start_of(last) + last.width_seconds) < 5 * MINUTE, "{}", promise.slo);
        }
    }

    #[test]
    fn the_last_hour_has_the_live_rate() {
        let buckets = history(&PROMISES[0], &past());
        let hour: u64 = buckets.iter().rev().take(60).map(|bucket| bucket.total).sum();
        assert!((as_f64(hour) / (6.0 * 3_600.0) - 1.0).abs() < 0.03, "{hour} requests in an hour");
    }

    #[test]
    fn days_have_nights() {
        assert!((traffic(0) - 1.0).abs() < 1e-9 && (traffic(HOUR + DAY) - 1.0).abs() < 1e-9);
        assert!((traffic(HOUR + DAY / 2) - 0.3).abs() < 1e-9);
    }

    #[test]
    fn most_of_each_budget_is_left_and_nothing_burns_now() {
        for promise in &PROMISES {
            let buckets = history(promise, &past());
            let sum = |buckets: &[Bucket]| -> (u64, u64) {
                buckets.iter().fold((0, 0), |(bad, total), bucket| {
                    (bad + bucket.total - bucket.good, total + bucket.total)
                })
            };
            let burn =
                |(bad, total): (u64, u64)| as_f64(bad) / as_f64(total) / (1.0 - promise.objective);
            let whole = burn(sum(&buckets));
            assert!((0.1..0.4).contains(&whole), "{} spent {whole} of its budget", promise.slo);
            let recent: Vec<Bucket> =
                buckets.iter().filter(|bucket| start_of(bucket) > NOW - 3 * DAY).cloned().collect();
            assert!(burn(sum(&recent)) < 0.3, "{} burns", promise.slo);
        }
    }

    #[test]
    fn every_slo_of_the_repo_gets_a_past_for_its_own_objective() {
        let slos = FILES.iter().filter(|(path, _)| path.starts_with("slos/"));
        for (path, text) in slos.clone() {
            let promise = PROMISES
                .iter()
                .find(|promise| *path == format!("slos/{}.yaml", promise.slo))
                .unwrap();
            assert!(text.contains(&format!("target: {}\n", promise.objective)), "{path}");
            assert!(text.contains(&format!("  service: {}\n", promise.part)), "{path}");
            assert_eq!(text.contains("type: Prometheus"), promise.over_metrics, "{path}");
        }
        assert_eq!(slos.count(), PROMISES.len());
    }

    #[test]
    fn a_seed_is_a_past_and_a_request_is_small() {
        assert_eq!(history(&PROMISES[0], &past()), history(&PROMISES[0], &past()));
        let buckets = history(&PROMISES[0], &past());
        let some: Vec<&Bucket> = buckets.iter().take(BUCKETS_PER_REQUEST).collect();
        assert!(serde_json::to_vec(&some).unwrap().len() < 512 * 1024);
    }

    #[test]
    fn draws_have_their_mean() {
        let mut dice = StdRng::seed_from_u64(5);
        for mean in [0.02, 3.0, 400.0] {
            let sum: u64 = (0..20_000).map(|_| draw(mean, &mut dice)).sum();
            assert!((as_f64(sum) / 20_000.0 / mean - 1.0).abs() < 0.12, "mean {mean}");
        }
    }
}
