//! Sends a queue: a stretch at a time, its series divided among requests that run side by side; the next stretch when all of it
//! has arrived or was refused, so that the samples of a series arrive in order.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use model::{Clock, Timestamp};
use reqwest::{Client, Response, StatusCode, header};

use super::{
    Counts, Dropped, Protocol,
    backoff::Backoff,
    queue::Queue,
    record::Record,
    request::{self, Body, Families},
    window::{Window, WindowLimits},
};
use crate::control::chain;

/// How long fewer samples than fill a request wait for more.
const DEADLINE: Duration = Duration::from_millis(500);
/// How often it is looked around when nothing comes.
const IDLE: Duration = Duration::from_secs(1);
/// Requests that each of those side by side sends in one stretch.
const REQUESTS_PER_SHARD: usize = 4;
/// The most bytes of an answer's text that a log line has.
const TEXT_BYTES_MAX: usize = 300;

/// Sends one queue for as long as it is polled.
#[derive(Debug)]
pub(crate) struct Sender {
    queue: Arc<Queue>,
    http: Client,
    /// Changes to version 1 when the receiver knows no other.
    protocol: Protocol,
    families: Families,
}

/// What came of a request.
enum Sent {
    Taken,
    /// It would be refused again.
    Refused(String),
    /// It may be taken later.
    Later {
        text: String,
        wait: Option<Duration>,
    },
    /// The receiver does not know the message.
    OtherVersion,
}

impl Sender {
    pub(super) fn new(queue: Arc<Queue>, http: Client) -> Self {
        let protocol = queue.options.protocol;
        Self { queue, http, protocol, families: Families::new() }
    }

    /// Sends what is queued, for ever.
    pub(crate) async fn run(mut self, clock: Arc<dyn Clock>) {
        loop {
            let now = clock.now();
            let Some(window) = self.next(now).await else { return };
            if window.is_empty() {
                // Damage may lie between what was sent and the end.
                self.on_queue(move |queue| queue.sent(window.end, now)).await;
                drop(tokio::time::timeout(IDLE, self.queue.more.notified()).await);
                continue;
            }
            self.send_window(window, &*clock).await;
        }
    }

    /// The next stretch, when there is enough of it or it has waited long enough; `None` when the process stops.
    async fn next(&self, now: Timestamp) -> Option<Window> {
        let options = &self.queue.options;
        let per_request = options.samples_per_send_max.max(1);
        let samples_max = (options.shards_max.max(1) * REQUESTS_PER_SHARD * per_request) as u64;
        let limits = WindowLimits { samples_max };
        let read = move |queue: &Queue| {
            queue.tick(now);
            queue.next(&limits)
        };
        let window = self.on_queue(read).await?;
        let waits = window.since.map(|since| DEADLINE.saturating_sub(now.since(since)));
        match waits {
            Some(wait) if window.samples < per_request as u64 && !wait.is_zero() => {
                tokio::time::sleep(wait).await;
                self.on_queue(move |queue| queue.next(&limits)).await
            }
            _ => Some(window),
        }
    }

    /// Does what blocks on the disk, on a thread where it may; `None` when the process stops.
    async fn on_queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queue) -> T + Send + 'static,
    ) -> Option<T> {
        let queue = Arc::clone(&self.queue);
        tokio::task::spawn_blocking(move || work(&queue)).await.ok()
    }

    async fn send_window(&mut self, mut window: Window, clock: &dyn Clock) {
        let (counts, options) = (Arc::clone(&self.queue.counts), &self.queue.options);
        let too_old = window.forget_before(clock.now() - options.age_max);
        counts.drop_samples(Dropped::TooOld, too_old);
        let per_request = options.samples_per_send_max.max(1);
        let end = window.end;
        let wanted = usize::try_from(window.samples).unwrap_or(usize::MAX).div_ceil(per_request);
        let (parts, metadata) = window.split(wanted.clamp(1, options.shards_max.max(1)));
        for one in &metadata {
            self.families.insert(one.family.clone(), one.clone());
        }
        loop {
            counts.shards.store(parts.len() as u64, Ordering::Relaxed);
            let this = &*self;
            let sending = parts.iter().map(|part| this.send_part(part, clock));
            let metadata = this.send_metadata(&metadata, clock);
            let (known, _) = tokio::join!(join_all(sending), metadata);
            counts.shards.store(0, Ordering::Relaxed);
            if known.into_iter().all(|known| known) {
                break;
            }
            tracing::warn!(
                receiver = self.queue.name(),
                "the receiver does not know remote write 2.0; it is sent 1.0 from now on"
            );
            self.protocol = Protocol::V1;
        }
        let now = clock.now();
        self.on_queue(move |queue| queue.sent(end, now)).await;
    }

    /// Version 1 has metadata on its own.
    async fn send_metadata(&self, metadata: &[model::Metadata], clock: &dyn Clock) {
        if self.protocol == Protocol::V1 && !metadata.is_empty() {
            for some in metadata.chunks(500) {
                self.deliver(request::v1(&Record::default(), some), clock).await;
            }
        }
    }

    /// Sends one part's requests, one after the other; `false` when the receiver does not know the version.
    async fn send_part(&self, part: &Record, clock: &dyn Clock) -> bool {
        for chunk in request::chunks(part, self.queue.options.samples_per_send_max) {
            let body = match self.protocol {
                Protocol::V1 => request::v1(&chunk, &[]),
                Protocol::V2 => request::v2(&chunk, &self.families),
            };
            if !self.deliver(body, clock).await {
                return false;
            }
        }
        true
    }

    /// Sends a request until it is taken, refused for good, or too old; `false` when the receiver does not know the version.
    async fn deliver(&self, body: Body, clock: &dyn Clock) -> bool {
        let counts = &self.queue.counts;
        let Ok(packed) = snap::raw::Encoder::new().compress_vec(&body.bytes) else {
            counts.drop_samples(Dropped::Rejected, body.samples);
            return true;
        };
        let packed = bytes::Bytes::from(packed);
        let mut backoff = Backoff::new();
        let began = clock.monotonic();
        loop {
            Counts::add(&counts.requests, 1);
            Counts::add(&counts.bytes, packed.len() as u64);
            match self.post(packed.clone()).await {
                Sent::Taken => {
                    Counts::add(&counts.sent, body.samples);
                    Counts::add(&counts.exemplars, body.exemplars);
                    let newest = u64::try_from(body.newest_ms).unwrap_or(0);
                    counts.sent_until_ms.fetch_max(newest, Ordering::Relaxed);
                    return true;
                }
                Sent::OtherVersion => return false,
                Sent::Refused(text) => {
                    counts.drop_samples(Dropped::Rejected, body.samples);
                    let samples = body.samples;
                    tracing::warn!(receiver = self.queue.name(), samples, text, "refused");
                    return true;
                }
                Sent::Later { text, wait } => {
                    Counts::add(&counts.retried, body.samples);
                    let waited = clock.monotonic().saturating_sub(began);
                    if waited > self.queue.options.age_max {
                        counts.drop_samples(Dropped::TooOld, body.samples);
                        return true;
                    }
                    let wait = backoff.wait(wait);
                    tracing::debug!(receiver = self.queue.name(), text, ?wait, "sent again later");
                    tokio::time::sleep(wait).await;
                    let now = clock.now();
                    self.on_queue(move |queue| queue.tick(now)).await;
                }
            }
        }
    }

    async fn post(&self, packed: bytes::Bytes) -> Sent {
        let endpoint = &self.queue.options.endpoint;
        let (kind, version) = match self.protocol {
            Protocol::V1 => ("application/x-protobuf", "0.1.0"),
            Protocol::V2 => {
                ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0")
            }
        };
        let request = self
            .http
            .post(endpoint.url.clone())
            .header(header::CONTENT_TYPE, kind)
            .header(header::CONTENT_ENCODING, "snappy")
            .header("X-Prometheus-Remote-Write-Version", version)
            .body(packed);
        match endpoint.sign(request).send().await {
            Ok(answer) => self.answered(answer).await,
            // The address may hold a secret.
            Err(error) => Sent::Later { text: chain(&error.without_url()), wait: None },
        }
    }

    async fn answered(&self, answer: Response) -> Sent {
        let status = answer.status();
        if status.is_success() {
            // Older receivers take any message for one of version 1, find nothing in it and say that all is well. Who knows
            // version 2 says what it has written ("Required Written Response Headers").
            let says = |what| {
                answer.headers().contains_key(format!("X-Prometheus-Remote-Write-{what}-Written"))
            };
            let knows = self.protocol == Protocol::V1
                || ["Samples", "Histograms", "Exemplars"].into_iter().any(says);
            return if knows { Sent::Taken } else { Sent::OtherVersion };
        }
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE && self.protocol == Protocol::V2 {
            return Sent::OtherVersion;
        }
        let seconds = answer.headers().get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|text| text.to_str().ok()?.trim().parse().ok());
        let text = format!("{status}: {}", shortened(answer).await);
        let later = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if later {
            Sent::Later { text, wait: seconds.map(Duration::from_secs) }
        } else {
            Sent::Refused(text)
        }
    }
}

/// The start of an answer's text.
async fn shortened(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < TEXT_BYTES_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(TEXT_BYTES_MAX);
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
