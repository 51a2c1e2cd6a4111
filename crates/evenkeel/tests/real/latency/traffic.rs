//! What a run sends: two hours of history, healthy spans, then failing ones, at a steady rate.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::unix;

/// As the SLO of [`crate::keep`] has it.
pub(super) const BUDGET: f64 = 0.001;
/// The burn rate that both windows of the fastest pair must exceed.
pub(super) const THRESHOLD: f64 = 14.4;
/// So long that no slower pair is crossed first.
const HISTORY: Duration = Duration::from_secs(24 * 3600);
/// How much of it comes in minutes.
const MINUTES: Duration = Duration::from_secs(2 * 3600);
/// How often finished spans are sent, as an exporter does.
const EXPORT_EVERY: Duration = Duration::from_secs(1);

/// One bucket of history: all of its events are good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) start: Duration,
    pub(super) width: Duration,
    pub(super) total: u64,
}

/// One event, by the end of its span.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) end: Duration,
    pub(super) bad: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) history: Vec<Bucket>,
    /// Spans a second.
    pub(super) rate: f64,
    /// Share of them that fails once it burns.
    pub(super) failing: f64,
    /// How long all are good.
    pub(super) healthy: Duration,
}

impl Plan {
    /// History is as dense as makes the long window cross some seconds after the first failure.
    pub(super) fn draw(dice: &mut StdRng, now: Duration) -> Self {
        let (rate, failing) = (dice.random_range(10.0..60.0), dice.random_range(0.2..1.0));
        let crosses_after = dice.random_range(5.0..12.0);
        let hour = rate * failing * crosses_after / (THRESHOLD * BUDGET);
        Self {
            history: history(hour / 3600.0, now),
            rate,
            failing,
            healthy: Duration::from_millis(dice.random_range(3000..6000)),
        }
    }
}

/// Hours, then minutes, and tens of seconds for the minute that is not over.
fn history(rate: f64, now: Duration) -> Vec<Bucket> {
    let mut buckets = Vec::new();
    let mut start = (now - HISTORY).as_secs() / 3600 * 3600;
    for (width, end) in [(3600, now - MINUTES), (60, now), (10, now)] {
        while start + width <= end.as_secs() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::cast_sign_loss,
                reason = "some thousands of events"
            )]
            let total = (rate * width as f64).round() as u64;
            let (start_at, width_of) = (Duration::from_secs(start), Duration::from_secs(width));
            buckets.push(Bucket { start: start_at, width: width_of, total });
            start += width;
        }
    }
    buckets
}

#[derive(Debug)]
pub(super) struct Traffic {
    http: reqwest::Client,
    url: String,
    pub(super) plan: Plan,
    dice: StdRng,
    began: Duration,
    exported_at: Duration,
    /// Ended, and not sent yet.
    waiting: Vec<Event>,
    /// All that were sent, in order.
    pub(super) events: Vec<Event>,
    /// When each export had its answer, with the end of its last event.
    answers: Vec<(Duration, Duration)>,
    ended: u64,
}

impl Traffic {
    pub(super) fn new(http: reqwest::Client, url: &str, plan: Plan, seed: u64) -> Self {
        let began = unix();
        Self {
            http,
            url: url.to_owned(),
            plan,
            dice: StdRng::seed_from_u64(seed),
            began,
            exported_at: began,
            waiting: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            ended: 0,
        }
    }

    pub(super) async fn backfill(&mut self) {
        let bucket = |bucket: &Bucket| {
            let start = i64::try_from(bucket.start.as_secs()).unwrap();
            json!({
                "start": model::Timestamp::from_secs(start).to_string(),
                "width_seconds": bucket.width.as_secs(), "good": bucket.total, "total": bucket.total,
            })
        };
        let buckets: Vec<Value> = self.plan.history.iter().map(bucket).collect();
        let body = json!({"source": "page-latency", "buckets": buckets});
        self.post("evenkeel/v1/slos/orders/backfill", &body).await;
        self.began = unix();
        self.exported_at = self.began;
    }

    /// Lets the spans end whose time has come, and exports them when that is due.
    pub(super) async fn step(&mut self) {
        let now = unix();
        loop {
            #[expect(clippy::cast_precision_loss, reason = "some thousands of events")]
            let after = Duration::from_secs_f64((self.ended + 1) as f64 / self.plan.rate);
            if self.began + after > now {
                break;
            }
            let bad = after > self.plan.healthy && self.dice.random_bool(self.plan.failing);
            self.waiting.push(Event { end: self.began + after, bad });
            self.ended += 1;
        }
        if now - self.exported_at >= EXPORT_EVERY && !self.waiting.is_empty() {
            self.exported_at = now;
            self.export().await;
        }
    }

    async fn export(&mut self) {
        let events = std::mem::take(&mut self.waiting);
        let span = |event: &Event| {
            let status = if event.bad { json!({"code": 2}) } else { json!({}) };
            json!({
                "traceId": format!("{:032x}", self.dice.random::<u128>() | 1),
                "spanId": format!("{:016x}", self.dice.random::<u64>() | 1),
                "name": "POST /orders", "kind": 2, "status": status,
                "startTimeUnixNano": (event.end - Duration::from_millis(5)).as_nanos().to_string(),
                "endTimeUnixNano": event.end.as_nanos().to_string(),
            })
        };
        let spans: Vec<Value> = events.iter().map(span).collect();
        let attribute =
            |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": [
                attribute("service.name", "checkout"), attribute("service.version", "v1"),
                attribute("deployment.environment.name", "production"),
            ]},
            "scopeSpans": [{"spans": spans}],
        }]});
        self.post("v1/traces", &body).await;
        self.answers.push((events[events.len() - 1].end, unix()));
        self.events.extend(events);
    }

    /// When the event that ended at `end` was acknowledged.
    pub(super) fn acknowledged(&self, end: Duration) -> Duration {
        let answer = self.answers.iter().find(|(last, _)| *last >= end);
        answer.expect("the event was sent").1
    }

    async fn post(&self, path: &str, body: &Value) {
        let sent = self.http.post(format!("{}/{path}", self.url)).json(body).send().await.unwrap();
        assert!(sent.status().is_success(), "{path}: {}", sent.text().await.unwrap());
    }

    /// The items of a list.
    pub(super) async fn get(&self, url: &str) -> Vec<Value> {
        let list: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        list["items"].as_array().unwrap().clone()
    }
}
