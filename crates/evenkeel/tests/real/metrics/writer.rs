//! A client that remote-writes series whose samples can be told apart, remembers what was acknowledged, and finds it again.

use std::{collections::BTreeMap, time::Duration};

use prost::Message;
use serde_json::Value;

use super::ask;
use crate::{http, unix};

/// `prometheus.WriteRequest`, as far as it is needed here.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(super) series: Vec<Series>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Series {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) at_ms: i64,
}

/// A series with one sample.
pub(super) fn series(labels: &[(&str, &str)], at_ms: i64, value: f64) -> Series {
    let label =
        |(name, value): &(&str, &str)| Label { name: (*name).into(), value: (*value).into() };
    Series { labels: labels.iter().map(label).collect(), samples: vec![Sample { value, at_ms }] }
}

pub(super) fn compressed(request: &Request) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

/// Sends it once; `None` when there is no answer.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &str,
    body: Vec<u8>,
) -> Option<(u16, String)> {
    let sent = client
        .post(format!("{url}/api/v1/write"))
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .body(body)
        .send()
        .await
        .ok()?;
    Some((sent.status().as_u16(), sent.text().await.ok()?))
}

pub(super) fn now_ms() -> i64 {
    i64::try_from(unix().as_millis()).unwrap()
}

/// Writes `width` series, one sample of each in a request.
pub(super) struct Writer {
    name: String,
    width: u32,
    client: reqwest::Client,
    last_ms: i64,
    /// Sent, and without an answer so far; sent again as it was.
    open: Option<(i64, f64)>,
    /// Acknowledged: time and value, the same for each series.
    pub(super) acknowledged: BTreeMap<i64, f64>,
}

impl Writer {
    pub(super) fn new(name: &str, width: u32) -> Self {
        Self {
            name: name.to_owned(),
            width,
            client: http(),
            last_ms: 0,
            open: None,
            acknowledged: BTreeMap::new(),
        }
    }

    fn request(&self, at_ms: i64, value: f64) -> Request {
        let one = |n: u32| {
            let n = n.to_string();
            series(
                &[("__name__", "written"), ("job", "load"), ("n", &n), ("writer", &self.name)],
                at_ms,
                value,
            )
        };
        Request { series: (0..self.width).map(one).collect() }
    }

    /// Sends what is open, else the next; the status, when there was an answer.
    pub(super) async fn step(&mut self, url: &str) -> Option<u16> {
        let (at_ms, value) = self.open.unwrap_or_else(|| {
            self.last_ms = now_ms().max(self.last_ms + 1);
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let count = self.acknowledged.len() as f64;
            (self.last_ms, count)
        });
        // Before it is sent: whoever waits may give up at any time.
        self.open = Some((at_ms, value));
        let body = compressed(&self.request(at_ms, value));
        let answer = post(&self.client, url, body).await;
        match answer {
            Some((200..300, _)) => {
                self.acknowledged.insert(at_ms, value);
                self.open = None;
            }
            Some((429 | 503 | 507, _)) | None => {}
            Some((status, text)) => panic!("{status}: {text}"),
        }
        answer.map(|(status, _)| status)
    }

    /// Sends until nobody answers any more.
    pub(super) async fn run_down(&mut self, url: &str) {
        while let Some(status) = self.step(url).await {
            if status >= 300 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// What was acknowledged and is not there, over all series; what is there beyond it must be the open request.
    pub(super) async fn lost(&self, url: &str) -> usize {
        self.lost_of(url, i64::MIN, "1d").await
    }

    /// As [`Writer::lost`], of the last minute alone: after many lives there is too much to look at all of it each time.
    pub(super) async fn lost_lately(&self, url: &str) -> usize {
        self.lost_of(url, (self.last_ms / 1000 - 59) * 1000 + 1, "1m").await
    }

    async fn lost_of(&self, url: &str, since_ms: i64, window: &str) -> usize {
        let mut lost = 0;
        for n in 0..self.width {
            lost += self.lost_of_series(url, n, since_ms, window).await;
        }
        lost
    }

    /// One series at a time: all of them would in the end be more than one query may hold.
    async fn lost_of_series(&self, url: &str, n: u32, since_ms: i64, window: &str) -> usize {
        let query = format!("written{{writer=\"{}\",n=\"{n}\"}}[{window}]", self.name);
        // A fast writer's times run ahead of the clock.
        let time = (self.last_ms / 1000 + 1).to_string();
        let asked = [("query", &*query), ("time", &*time)];
        let (status, answer) = ask(url, "/api/v1/query", &asked).await;
        assert_eq!(status, 200, "{answer}");
        let stored = pairs(&answer["data"]["result"][0]["values"]);
        for (at, value) in &stored {
            let is_known = self.acknowledged.contains_key(at);
            assert!(is_known || Some((*at, *value)) == self.open, "a sample that nobody sent");
        }
        let expected = self.acknowledged.range(since_ms..);
        expected.filter(|(at, value)| stored.get(at) != Some(value)).count()
    }
}

fn pairs(values: &Value) -> BTreeMap<i64, f64> {
    let pair = |pair: &Value| {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century")]
        let at = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
        (at, pair[1].as_str().unwrap().parse().unwrap())
    };
    values.as_array().into_iter().flatten().map(pair).collect()
}
