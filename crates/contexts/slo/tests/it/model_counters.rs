//! Random streams of counter samples: resets, duplicates, late ones; against the increments as they were made.

use std::time::Duration;

use model::{Batch, Labels, Matcher, Sample, Series, Timestamp};
use proptest::prelude::*;
use slo::{CounterIndicator, Counters, Indicator, Part, Slo};

const START: Timestamp = Timestamp::from_secs(1_795_400_000);

fn selector(metric: &str) -> Vec<Matcher> {
    vec![Matcher::equal("__name__", metric)]
}

fn slo(part: Part<Vec<Matcher>>) -> Slo {
    Slo {
        name: "metrics".into(),
        display_name: "Metrics".into(),
        description: "".into(),
        service: "checkout".into(),
        environment: None,
        indicator: Indicator::Counters(CounterIndicator {
            total: selector("requests_total"),
            part,
        }),
        objective: "0.99".parse().unwrap(),
        window: "30d".parse().unwrap(),
        owner: None,
        labels: Labels::default(),
    }
}

/// One scrape of one instance.
#[derive(Clone, Debug)]
struct Scrape {
    instance: usize,
    pause_s: u64,
    requests: u32,
    errors: u32,
    /// The process restarted just before the requests came.
    restarted: bool,
    /// Sends the last scrapes of all instances again.
    again: bool,
    stale: bool,
}

fn scrape() -> impl Strategy<Value = Scrape> {
    (
        0..3_usize,
        1..60_u64,
        0..500_u32,
        0..50_u32,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(instance, pause_s, requests, errors, restarted, again, stale)| Scrape {
            instance,
            pause_s,
            requests: requests.max(errors),
            errors,
            restarted,
            again,
            stale,
        })
}

#[derive(Clone, Copy, Default)]
struct Process {
    requests: f64,
    errors: f64,
    scraped: bool,
}

fn series(metric: &str, instance: usize, at: Timestamp, value: f64) -> Series {
    Series {
        labels: Labels::from_pairs([
            ("__name__", metric.to_owned()),
            ("instance", instance.to_string()),
        ]),
        samples: vec![Sample { at_ms: at.as_millis(), value }],
    }
}

/// The batches, and the bad and all events that they bring.
fn play(scrapes: &[Scrape]) -> (Vec<Batch>, u64, u64) {
    let (mut now, mut processes) = (START, [Process::default(); 3]);
    let (mut bad, mut total) = (0, 0);
    let mut batches: Vec<Batch> = Vec::new();
    for scrape in scrapes {
        now = now + Duration::from_secs(scrape.pause_s);
        let process = &mut processes[scrape.instance];
        // A counter that starts anew and gets further than it was cannot be seen to have been reset.
        let (requests, errors) = (f64::from(scrape.requests), f64::from(scrape.errors));
        let is_seen = requests < process.requests
            && errors < process.errors
            && requests - errors < process.requests - process.errors;
        if scrape.restarted && is_seen {
            (process.requests, process.errors) = (0.0, 0.0);
        }
        process.requests += f64::from(scrape.requests);
        process.errors += f64::from(scrape.errors);
        if process.scraped {
            total += u64::from(scrape.requests);
            bad += u64::from(scrape.errors);
        }
        process.scraped = true;
        let (requests, errors) = (process.requests, process.errors);
        let mut brought = vec![
            series("requests_total", scrape.instance, now, requests),
            series("errors_total", scrape.instance, now, errors),
            series("ok_total", scrape.instance, now, requests - errors),
        ];
        if scrape.again {
            brought.extend(batches.iter().rev().take(4).flat_map(|batch| batch.series.clone()));
        }
        if scrape.stale {
            let stale = f64::from_bits(Sample::STALE);
            let at = now + Duration::from_millis(1);
            brought.push(series("requests_total", scrape.instance, at, stale));
        }
        batches.push(Batch { received_at: now, series: brought, ..Batch::default() });
    }
    (batches, bad, total)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn increments_add_up_whatever_comes_between(scrapes in prop::collection::vec(scrape(), 1..80), cut in 0..80_usize) {
        let (batches, bad, total) = play(&scrapes);
        let end = batches.last().unwrap().received_at;
        let counted = |part: Part<Vec<Matcher>>, now: Timestamp| {
            let mut counters = Counters::new(vec![slo(part.clone())]);
            for (at, batch) in batches.iter().enumerate() {
                if at == cut {
                    counters = Counters::restore(&counters.snapshot(), vec![slo(part.clone())]);
                }
                counters.observe(batch);
            }
            let budget = counters.evaluate(now)[0].budget;
            (budget.bad_events, budget.total_events)
        };
        prop_assert_eq!(counted(Part::Bad(selector("errors_total")), end), (bad, total));
        let settled = end + Duration::from_secs(30);
        prop_assert_eq!(counted(Part::Good(selector("ok_total")), settled), (bad, total));
    }
}
