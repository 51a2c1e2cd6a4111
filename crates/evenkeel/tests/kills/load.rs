//! What is sent, and what was acknowledged. A request without an answer is sent again until it has one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

const SPANS_PER_REQUEST: u64 = 20;

/// One request, the same bytes at each try.
#[derive(Clone, Debug)]
enum Request {
    Spans { body: Value, total: u64, bad: u64 },
    Samples { body: Value },
    Deploy { key: String, body: Value },
    TestPage,
    RollBack { incident: String, deploy: String },
}

#[derive(Debug)]
pub(crate) struct Load {
    http: reqwest::Client,
    dice: StdRng,
    /// Sent, and without an answer so far.
    open: Option<Request>,
    sent: u64,
    /// Total and bad spans that were acknowledged.
    pub(crate) spans: (u64, u64),
    pub(crate) samples: u64,
    /// Idempotency key -> id that was answered.
    pub(crate) deploys: BTreeMap<String, String>,
    pub(crate) pages: BTreeSet<String>,
    last_sample_ms: u128,
}

#[expect(clippy::disallowed_methods, reason = "telemetry carries the real time")]
fn unix() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

impl Load {
    pub(crate) fn new(seed: u64) -> Self {
        // Somebody else may have chosen it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            http: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
            dice: StdRng::seed_from_u64(seed ^ 0x5eed),
            open: None,
            sent: 0,
            spans: (0, 0),
            samples: 0,
            deploys: BTreeMap::new(),
            pages: BTreeSet::new(),
            last_sample_ms: 0,
        }
    }

    /// Sends without end; whoever waits stops it.
    pub(crate) async fn run(&mut self, url: &str) {
        loop {
            self.step(url).await;
        }
    }

    /// Repeats what the last kill left without an answer.
    pub(crate) async fn finish(&mut self, url: &str) {
        while self.open.is_some() {
            self.step(url).await;
        }
    }

    async fn step(&mut self, url: &str) {
        let request = match self.open.clone() {
            Some(request) => request,
            None => self.next(url).await,
        };
        // Remembered before it is sent: the kill may come at any await.
        self.open = Some(request.clone());
        let Some(answer) = self.send(url, &request).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            return;
        };
        self.open = None;
        match request {
            Request::Spans { total, bad, .. } => {
                self.spans.0 += total;
                self.spans.1 += bad;
            }
            Request::Samples { .. } => self.samples += 1,
            Request::Deploy { key, .. } => {
                let id = answer["id"].as_str().unwrap().to_owned();
                let before = self.deploys.insert(key.clone(), id.clone());
                assert!(before.is_none_or(|before| before == id), "deploy `{key}` has two ids");
            }
            Request::TestPage => {
                let ids = answer["notifications"].as_array().unwrap();
                self.pages.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
            }
            Request::RollBack { .. } => {}
        }
    }

    async fn next(&mut self, url: &str) -> Request {
        self.sent += 1;
        match self.dice.random_range(0..12) {
            0 | 1 => self.deploy(),
            2 => Request::TestPage,
            3 => self.roll_back(url).await.unwrap_or(Request::TestPage),
            4..=6 => self.samples(),
            _ => self.spans(),
        }
    }

    fn deploy(&mut self) -> Request {
        let key = format!("run-{}", self.sent);
        let body = json!({
            "service": "checkout", "environment": "production", "version": format!("v{}", self.sent),
            "idempotency_key": key,
        });
        Request::Deploy { key, body }
    }

    fn spans(&mut self) -> Request {
        let end = unix();
        let bad = self.dice.random_range(0..SPANS_PER_REQUEST / 2);
        let span = |number: u64, trace: u128, id: u64| {
            let start = end - Duration::from_millis(10);
            let status = if number < bad { json!({"code": 2}) } else { json!({}) };
            json!({
                "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": "POST /orders", "kind": 2,
                "startTimeUnixNano": start.as_nanos().to_string(), "endTimeUnixNano": end.as_nanos().to_string(),
                "status": status,
            })
        };
        let spans: Vec<Value> = (0..SPANS_PER_REQUEST)
            .map(|number| {
                span(number, self.dice.random::<u128>() | 1, self.dice.random::<u64>() | 1)
            })
            .collect();
        let attribute =
            |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": [
                attribute("service.name", "checkout"), attribute("service.version", "v1"),
                attribute("deployment.environment.name", "production"),
            ]},
            "scopeSpans": [{"spans": spans}],
        }]});
        Request::Spans { body, total: SPANS_PER_REQUEST, bad }
    }

    /// One gauge point, each later than the last.
    fn samples(&mut self) -> Request {
        let at_ms = unix().as_millis().max(self.last_sample_ms + 1);
        self.last_sample_ms = at_ms;
        let body = json!({"resourceMetrics": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
            "scopeMetrics": [{"metrics": [{"name": "load_level", "gauge": {"dataPoints": [
                {"timeUnixNano": format!("{at_ms}000000"), "asDouble": self.sent}
            ]}}]}],
        }]});
        Request::Samples { body }
    }

    async fn roll_back(&self, url: &str) -> Option<Request> {
        let open = self.get(url, "incidents?status=open").await?;
        let incident = open["items"][0]["id"].as_str()?.to_owned();
        let newest = self.get(url, "deploys?service=checkout&limit=1").await?;
        let deploy = newest["items"][0]["id"].as_str()?.to_owned();
        newest["items"][0]["previous_version"].as_str()?;
        Some(Request::RollBack { incident, deploy })
    }

    /// `None` when there was no answer, or one that says to come again.
    async fn send(&self, url: &str, request: &Request) -> Option<Value> {
        let (path, body) = match request {
            Request::Spans { body, .. } => ("v1/traces".to_owned(), body.clone()),
            Request::Samples { body } => ("v1/metrics".to_owned(), body.clone()),
            Request::Deploy { body, .. } => ("evenkeel/v1/deploys".to_owned(), body.clone()),
            Request::TestPage => {
                ("evenkeel/v1/notifications/test".to_owned(), json!({"receiver": "on-call"}))
            }
            Request::RollBack { incident, deploy } => {
                let body = json!({"deploy": deploy, "reason": "the test says so"});
                (format!("evenkeel/v1/incidents/{incident}/rollback"), body)
            }
        };
        let answer = self.http.post(format!("{url}/{path}")).json(&body).send().await.ok()?;
        let status = answer.status();
        let body: Value = answer.json().await.ok()?;
        if status.is_success() {
            return Some(body);
        }
        // A rollback may be out of date by the time it is sent again: that is an answer.
        let conflict = matches!(request, Request::RollBack { .. }) && status.as_u16() == 409;
        let again = matches!(status.as_u16(), 429 | 503);
        assert!(conflict || again, "{path}: {status}: {body}");
        conflict.then_some(body)
    }

    async fn get(&self, url: &str, path: &str) -> Option<Value> {
        self.http.get(format!("{url}/evenkeel/v1/{path}")).send().await.ok()?.json().await.ok()
    }

    /// Acts that have not ended.
    pub(crate) async fn open_acts(&self, url: &str) -> usize {
        let open = self.get(url, "incidents").await.unwrap();
        let mut count = 0;
        for incident in open["items"].as_array().unwrap() {
            let incident = self
                .get(url, &format!("incidents/{}", incident["id"].as_str().unwrap()))
                .await
                .unwrap();
            let acts = incident["acts"].as_array().unwrap();
            count += acts.iter().filter(|act| act["ended_at"].is_null()).count();
        }
        count
    }

    /// Ids by version's key.
    pub(crate) async fn stored_deploys(&self, url: &str) -> BTreeMap<String, Vec<String>> {
        let stored = self.get(url, "deploys?limit=10000").await.unwrap();
        let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for deploy in stored["items"].as_array().unwrap() {
            let version = deploy["version"].as_str().unwrap();
            by_key
                .entry(version.replacen('v', "run-", 1))
                .or_default()
                .push(deploy["id"].as_str().unwrap().to_owned());
        }
        by_key
    }

    /// Total and bad events of the SLO.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    pub(crate) async fn counted_spans(&self, url: &str) -> (u64, u64) {
        let slo = self.get(url, "slos/orders").await.unwrap();
        let count = |name: &str| slo["budget"][name].as_f64().unwrap() as u64;
        (count("total_events"), count("bad_events"))
    }

    pub(crate) async fn stored_samples(&self, url: &str) -> u64 {
        let query = format!("{url}/api/v1/query?query=sum(count_over_time(load_level[1d]))");
        let answer: Value = self.http.get(query).send().await.unwrap().json().await.unwrap();
        answer["data"]["result"][0]["value"][1].as_str().map_or(0, |count| count.parse().unwrap())
    }
}
