//! One of several that send at once. What can be repeated without harm is sent again until it has an answer.

use std::time::Duration;

use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::sync::watch;

use super::{
    book::Book,
    request::{Holds, Order, Request, What},
    telemetry,
};
use crate::{http, keep::Address};

/// Whether there is somebody to send to.
#[derive(Clone, Debug)]
pub(super) enum Server {
    Down,
    Up(Address),
    /// What is open is finished, and nothing new begun.
    Last(Address),
}

/// What came of one try.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// No answer, or one that says to come again: nobody knows whether it was taken.
    Nothing,
    Done(Value),
    /// It does not fit any more.
    Refused,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: String,
    pub(super) http: reqwest::Client,
    pub(super) dice: StdRng,
    pub(super) sent: u64,
    pub(super) last_sample_ms: i64,
    /// `routing.yaml` of every repo that is applied.
    pub(super) routing: String,
    /// Sent, and without an answer so far, with the number of tries.
    open: Option<(Request, u64)>,
    book: Book,
}

impl Client {
    pub(super) fn new(number: u64, seed: u64, routing: &str) -> Self {
        Self {
            name: format!("client{number}"),
            http: http(),
            dice: StdRng::seed_from_u64(seed ^ (number + 1) << 32),
            sent: 0,
            last_sample_ms: 0,
            routing: routing.to_owned(),
            open: None,
            book: Book::default(),
        }
    }

    pub(super) async fn run(mut self, mut server: watch::Receiver<Server>) -> Book {
        loop {
            let found = server.wait_for(|server| !matches!(server, Server::Down)).await;
            let found = found.expect("the test outlives its clients").clone();
            let address = match found {
                Server::Up(address) => address,
                Server::Last(address) if self.open.is_some() => address,
                Server::Last(_) | Server::Down => return self.book,
            };
            self.step(&address).await;
        }
    }

    async fn step(&mut self, to: &Address) {
        let (request, tries) = match self.open.take() {
            Some((request, tries)) => (request, tries + 1),
            None => (self.next(&to.url).await, 1),
        };
        let told = match &request {
            Request::Telemetry { way, body, .. } => {
                telemetry::send(&self.http, to, *way, body).await
            }
            Request::Order(order) => self.order(&to.url, order).await,
        };
        match (told, request) {
            (Told::Nothing, Request::Order(order)) if order.what != What::Deploy => {
                let fact = order.what.fact().map(|kind| (kind, order.token));
                self.book.unanswered.extend(fact);
            }
            (Told::Nothing, request) => {
                self.open = Some((request, tries));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (Told::Refused, _) => {}
            (Told::Done(_), Request::Telemetry { holds, .. }) => self.note_telemetry(holds, tries),
            (Told::Done(answer), Request::Order(order)) => self.note_order(order, &answer),
        }
    }

    async fn order(&self, url: &str, order: &Order) -> Told {
        let path = format!("evenkeel/v1/{}", order.path);
        let request = self.http.post(format!("{url}/{path}")).json(&order.body);
        told(request, &path).await
    }

    pub(super) async fn get(&self, url: &str, path: &str) -> Option<Value> {
        self.http.get(format!("{url}/evenkeel/v1/{path}")).send().await.ok()?.json().await.ok()
    }

    fn note_telemetry(&mut self, holds: Holds, tries: u64) {
        let what = match holds {
            Holds::Spans(ids) => {
                self.book.spans.extend(ids);
                "spans"
            }
            Holds::Logs(texts) => {
                self.book.logs.extend(texts.into_iter().map(|text| (text, tries)));
                "logs"
            }
            Holds::Sample { metric, at_ms, value } => {
                let series = self.book.samples.entry((metric, self.name.clone())).or_default();
                series.insert(at_ms, value);
                metric
            }
        };
        *self.book.answers.entry(what).or_default() += 1;
    }

    fn note_order(&mut self, order: Order, answer: &Value) {
        *self.book.answers.entry(order.what.name()).or_default() += 1;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        match order.what {
            What::Deploy => {
                self.book.deploys.insert(order.token, text(&answer["id"]));
            }
            What::TestPage => {
                let ids = answer["notifications"].as_array().expect("a list");
                self.book.pages.extend(ids.iter().map(text));
            }
            What::Apply => {
                let applied = &answer["applied"];
                let fact = applied["fact"].as_u64().unwrap_or_else(|| panic!("{answer}"));
                self.book.applied.insert(fact, text(&applied["config_hash"]));
            }
            What::Gate | What::Acknowledge | What::Assign | What::Update => {
                let kind = order.what.fact().expect("it leaves a fact");
                let seq = answer["seq"].as_u64().expect("a number");
                self.book.answered.push(((kind, order.token), seq));
            }
            What::RollBack => {}
        }
    }
}

/// Sends a request and reads its answer.
pub(super) async fn told(request: reqwest::RequestBuilder, path: &str) -> Told {
    let Ok(answer) = request.send().await else { return Told::Nothing };
    let status = answer.status();
    let Ok(body) = answer.bytes().await else { return Told::Nothing };
    match status.as_u16() {
        200..300 => Told::Done(serde_json::from_slice(&body).unwrap_or_default()),
        429 | 503 => Told::Nothing,
        // An order may be out of date by the time it comes: that is an answer.
        409 => Told::Refused,
        _ => panic!("{path}: {status}: {}", String::from_utf8_lossy(&body)),
    }
}
