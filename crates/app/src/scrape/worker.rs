//! One target's loop: wait for its place in the interval, ask, store, report.

use std::{sync::Arc, time::Duration};

use model::{Labels, Metadata, Sample, Series, Timestamp};
use parking_lot::Mutex;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use scrape::{
    Job, Target, accept, offset,
    pass::{self, Counts, Extra, Memory, Report, Rules, Scraped},
};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use crate::control::chain;

use super::{
    fetch::{self, Answer, Budget, Clients, FetchError, Room},
    intake::Intake,
    read,
    targets::Health,
};

/// Bodies up to this size are read on the spot; larger ones on a thread of their own.
const SPOT_BYTES_MAX: usize = 64 << 10;

/// What all workers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) intake: Intake,
    pub(super) budget: Arc<Budget>,
    /// One permit for each scrape that is under way.
    pub(super) turns: Semaphore,
    /// The most bytes of a body where the job says nothing.
    pub(super) body_bytes_max: u64,
}

/// What a worker does, until it is told otherwise.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) job: Arc<Job>,
    pub(super) target: Target,
    pub(super) clients: Arc<Clients>,
    /// Why the target is not asked at all: `target_limit`.
    pub(super) forced_error: Option<Arc<str>>,
    pub(super) end: End,
}

/// Whether the target is still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    No,
    /// Discovery does not name it any more: its series end.
    Gone,
}

/// How the target is, for the snapshot.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) health: Health,
    pub(super) last_error: Arc<str>,
    pub(super) last_scrape: Option<Timestamp>,
    pub(super) last_duration: Duration,
    pub(super) metadata: Arc<[Metadata]>,
}

/// The loop of one target.
pub(super) struct Worker {
    shared: Arc<Shared>,
    plan: watch::Receiver<Plan>,
    status: Arc<Mutex<Status>>,
    memory: Memory,
    rules: Arc<Rules>,
    /// The labels of `up` and so on; `None` where ingest refuses them.
    reports: Vec<(&'static str, Option<Labels>)>,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        plan: watch::Receiver<Plan>,
        status: Arc<Mutex<Status>>,
    ) -> Self {
        let rules = {
            let plan = plan.borrow();
            Arc::new(Rules::new(&plan.job, plan.target.labels.clone()))
        };
        let memory = Memory::default();
        Self { shared, plan, status, memory, rules, reports: Vec::new() }
    }

    /// Scrapes until the target is gone or nobody holds the plan.
    pub(super) async fn run(mut self) {
        let mut plan = self.plan.borrow_and_update().clone();
        let mut due = Instant::now() + self.first_wait(&plan.target);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                changed = self.plan.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let mut new = self.plan.borrow_and_update().clone();
                    if new.end == End::Gone {
                        match self.retire(due, plan.target.interval).await {
                            Some(back) => new = back,
                            None => return,
                        }
                        due = Instant::now() + self.first_wait(&new.target);
                    }
                    if new.target.interval != plan.target.interval {
                        due = Instant::now() + self.first_wait(&new.target);
                    }
                    self.adopt(&plan, &new);
                    plan = new;
                    continue;
                }
            }
            let late = due.elapsed();
            self.scrape(&plan, late).await;
            let interval = plan.target.interval;
            due += interval;
            // A scrape that took longer than the interval leaves out those that it overran.
            while due + interval <= Instant::now() {
                due += interval;
            }
        }
    }

    fn first_wait(&self, target: &Target) -> Duration {
        let now = u64::try_from(self.shared.intake.now().as_nanos()).unwrap_or(0);
        offset::first_wait(now, target.interval, target.hash)
    }

    /// Goes on under a new plan of the same target.
    fn adopt(&mut self, old: &Plan, new: &Plan) {
        if Arc::ptr_eq(&old.job, &new.job) {
            return;
        }
        let same = old.job.honor_labels == new.job.honor_labels
            && old.job.metric_relabel == new.job.metric_relabel
            && old.job.scheme_of_names == new.job.scheme_of_names
            && old.job.limits == new.job.limits;
        self.rules = Arc::new(Rules::new(&new.job, new.target.labels.clone()));
        if !same {
            self.memory.forget_labels();
        }
    }

    async fn scrape(&mut self, plan: &Plan, late: Duration) {
        let shared = Arc::clone(&self.shared);
        let Ok(turn) = shared.turns.acquire().await else { return };
        let began = Instant::now();
        let now = self.shared.intake.now();
        let planned = (now - late).as_millis();
        let at_ms = offset::aligned_ms(planned, now.as_millis(), plan.target.interval);
        let answer = match &plan.forced_error {
            Some(error) => Err(FetchError::Forced(Arc::clone(error))),
            None => self.ask(plan).await,
        };
        let body_bytes = match &answer {
            Ok(answer) => Some(answer.body.bytes().len() as u64),
            Err(FetchError::BodyLimit { .. }) => None,
            Err(_) => Some(0),
        };
        let (mut scraped, error) = match answer {
            Ok(answer) => self.read(plan, answer, at_ms).await,
            Err(error) => (self.memory.retire(at_ms), Some(chain(&error))),
        };
        drop(turn);
        let report = Report {
            up: error.is_none(),
            duration: began.elapsed(),
            counts: scraped.counts,
            extra: plan.job.extra_metrics.then_some(Extra {
                timeout: plan.target.timeout,
                sample_limit: plan.job.limits.samples,
                body_bytes,
            }),
        };
        self.report(&pass::report(&report), at_ms, now, &mut scraped);
        self.note(error.as_deref(), now, report.duration, &scraped, plan);
        self.store(scraped, plan).await;
    }

    async fn ask(&self, plan: &Plan) -> Result<Answer, FetchError> {
        let job = &plan.job;
        let limit = job.limits.body_bytes;
        let own = self.shared.body_bytes_max;
        let room = Room {
            limit: if limit == 0 { own } else { limit.min(own) },
            setting: if limit == 0 || own < limit {
                "scrape.max_body_bytes"
            } else {
                "body_size_limit"
            },
            budget: Arc::clone(&self.shared.budget),
        };
        let headers = headers(job, plan.target.timeout);
        let timeout = plan.target.timeout;
        let fetch = fetch::get(&plan.clients, &plan.target.url, &headers, room);
        tokio::time::timeout(timeout, fetch).await.unwrap_or(Err(FetchError::Timeout(timeout)))
    }

    /// Reads the body into samples.
    async fn read(&mut self, plan: &Plan, answer: Answer, at_ms: i64) -> (Scraped, Option<String>) {
        let outcome = if answer.body.bytes().len() <= SPOT_BYTES_MAX {
            let shared = Arc::clone(&self.shared);
            read::body(&answer, &plan.job, &self.rules, &mut self.memory, at_ms, &shared.intake)
        } else {
            let mut memory = std::mem::take(&mut self.memory);
            let (shared, rules, job) =
                (Arc::clone(&self.shared), Arc::clone(&self.rules), Arc::clone(&plan.job));
            let reading = tokio::task::spawn_blocking(move || {
                let outcome = read::body(&answer, &job, &rules, &mut memory, at_ms, &shared.intake);
                (memory, outcome)
            });
            match reading.await {
                Ok((memory, outcome)) => {
                    self.memory = memory;
                    outcome
                }
                Err(error) => {
                    // What was known of the target is lost with the panic; it begins anew.
                    tracing::error!(%error, url = %plan.target.url, "reading a scrape failed");
                    return (Scraped::default(), Some("reading the answer failed".to_owned()));
                }
            }
        };
        (outcome.scraped, outcome.error)
    }

    /// Adds `up` and the other series about the scrape.
    fn report(
        &mut self,
        values: &[(&'static str, f64)],
        at_ms: i64,
        now: Timestamp,
        scraped: &mut Scraped,
    ) {
        for &(name, value) in values {
            if !self.reports.iter().any(|(known, _)| *known == name) {
                let labels = pass::report_labels(name, &self.rules.target);
                self.reports.push((name, self.shared.intake.admit(labels, now)));
            }
            let labels = self.reports.iter().find(|(known, _)| *known == name);
            if let Some(labels) = labels.and_then(|(_, labels)| labels.clone()) {
                scraped.series.push(Series { labels, samples: vec![Sample { at_ms, value }] });
            }
        }
    }

    fn note(
        &self,
        error: Option<&str>,
        now: Timestamp,
        duration: Duration,
        scraped: &Scraped,
        plan: &Plan,
    ) {
        let mut status = self.status.lock();
        let health = if error.is_none() { Health::Up } else { Health::Down };
        if status.health != health {
            match error {
                Some(error) => tracing::warn!(url = %plan.target.url, error, "a scrape failed"),
                None => tracing::debug!(url = %plan.target.url, "the target answers"),
            }
        }
        status.health = health;
        status.last_error = error.unwrap_or_default().into();
        (status.last_scrape, status.last_duration) = (Some(now), duration);
        if !scraped.metadata.is_empty() {
            status.metadata = self.memory.metadata().cloned().collect();
        }
        self.shared.intake.counters.scraped(error.is_none());
        let Counts { duplicates, .. } = scraped.counts;
        if duplicates > 0 {
            tracing::debug!(url = %plan.target.url, duplicates, "samples of one series stand twice in a scrape");
        }
    }

    async fn store(&self, scraped: Scraped, plan: &Plan) {
        if let Err(error) = self.shared.intake.store(scraped).await {
            tracing::warn!(url = %plan.target.url, %error, "a scrape was not stored");
            let mut status = self.status.lock();
            status.health = Health::Down;
            status.last_error = error.to_string().into();
        }
    }

    /// The target is gone: its series end, unless it is back by the scrape after the next, as Prometheus waits too; then its plan
    /// is given back. `None`: the loop is over.
    async fn retire(&mut self, due: Instant, interval: Duration) -> Option<Plan> {
        let wait = interval + interval / 10;
        let mut at_ms = None;
        for until in [due, due + wait] {
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(until) => break,
                    changed = self.plan.changed() => {
                        // Nobody holds the plan: the server stops, and stopping ends no series.
                        changed.ok()?;
                        let plan = self.plan.borrow_and_update().clone();
                        if plan.end == End::No {
                            return Some(plan);
                        }
                    }
                }
            }
            at_ms.get_or_insert_with(|| self.shared.intake.now().as_millis());
        }
        let at_ms = at_ms.unwrap_or_default();
        let mut scraped = self.memory.retire(at_ms);
        for (_, labels) in &mut self.reports {
            if let Some(labels) = labels.take() {
                let sample = Sample { at_ms, value: pass::stale() };
                scraped.series.push(Series { labels, samples: vec![sample] });
            }
        }
        if let Err(error) = self.shared.intake.store(scraped).await {
            tracing::warn!(%error, "the end of a target's series was not stored");
        }
        None
    }
}

/// What a scrape's request says.
fn headers(job: &Job, timeout: Duration) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(header::ACCEPT, &accept::header(job));
    set(header::ACCEPT_ENCODING, if job.compression { "gzip" } else { "identity" });
    let name = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
    set(name, &timeout.as_secs_f64().to_string());
    headers
}
