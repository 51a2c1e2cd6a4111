//! From the moment at which the mathematics allow a page to the page in the receiver's hands.
//!
//! Each run starts the real binary on an empty directory, gives its SLO a day of history by the public back-fill, sends healthy
//! spans and then failing ones, and works out from what it sent, by itself, when both windows of the fastest pair were first crossed.

mod crossing;
mod report;
mod traffic;

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::{http, keep::Kept, now, number, receiver::Receiver, seed, unix};
use report::{Measured, Report};
use traffic::{Plan, Traffic};

/// What the slowest but one of twenty pages may take.
const AIM: Duration = Duration::from_secs(5);
/// From the first failing span to the page, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How often the receiver and the next spans are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_latency_from_the_crossing_is_short() {
    let (seed, rounds) = (seed(), number("EVENKEEL_ROUNDS").unwrap_or(1));
    println!("seed {seed}, {rounds} runs");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut report = Report::new(seed);
    for round in 1..=rounds {
        let measured = run(&mut dice).await;
        println!("{round:>3}: {measured}");
        report.runs.push(measured);
    }
    println!("{report}");
    if let Some(folder) = std::env::var_os("EVENKEEL_RESULTS") {
        report.write(folder.as_ref());
    }
    if rounds >= 20 {
        assert!(report.slowest_of_20() <= AIM.as_secs_f64(), "the aim is {AIM:?}");
    }
}

/// One crossing and its page.
async fn run(dice: &mut StdRng) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut kept = Kept::new(folder.path(), &receiver.url());
    let url = kept.start(READY_WITHIN).await.url;
    // The judge's looks and the buckets of ten seconds have their own phase.
    tokio::time::sleep(Duration::from_millis(dice.random_range(0..2000))).await;
    let plan = Plan::draw(dice, unix());
    let mut traffic = Traffic::new(http(), &url, plan, dice.random());
    traffic.backfill().await;
    let page = page(&mut traffic, &receiver).await;
    let crossed = crossing::find(&traffic.plan, &traffic.events, page.at)
        .expect("there is a page, so both windows are crossed");
    let [delivered, fired] =
        [delivered(&traffic, &url, &page.id).await, fired(&traffic, &url).await];
    let since = |at: Duration| at.as_secs_f64() - crossed.at.as_secs_f64();
    kept.stop();
    Measured {
        rate: traffic.plan.rate,
        failing: traffic.plan.failing,
        burn: crossed.burn,
        acknowledged: since(traffic.acknowledged(crossed.at)),
        judged: since(fired),
        received: since(page.at),
        delivered: since(delivered),
    }
}

/// Sends until the page comes.
async fn page(traffic: &mut Traffic, receiver: &Receiver) -> crate::receiver::Arrival {
    let began = now();
    loop {
        traffic.step().await;
        if let Some(page) = receiver.arrivals().into_iter().next() {
            return page;
        }
        assert!(began.elapsed() < traffic.plan.healthy + PATIENCE, "no page came");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// When the journal says that the page was delivered.
async fn delivered(traffic: &Traffic, url: &str, id: &str) -> Duration {
    let began = now();
    loop {
        let facts =
            traffic.get(&format!("{url}/evenkeel/v1/journal?kind=notification.delivered")).await;
        let fact = facts.iter().find(|fact| fact["payload"]["notification"] == id);
        if let Some(fact) = fact {
            return time(&fact["occurred_at"]);
        }
        assert!(began.elapsed() < PATIENCE, "`{id}` came and was never delivered");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// When the judge saw it.
async fn fired(traffic: &Traffic, url: &str) -> Duration {
    let facts = traffic.get(&format!("{url}/evenkeel/v1/journal?kind=alert.fired")).await;
    let fact = facts.iter().find(|fact| fact["payload"]["key"]["pair"] == "1h+5m");
    time(&fact.expect("the fastest pair fired")["payload"]["crossed_at"])
}

fn time(text: &Value) -> Duration {
    let at: model::Timestamp = text.as_str().unwrap().parse().unwrap();
    Duration::from_nanos(u64::try_from(at.as_nanos()).unwrap())
}
