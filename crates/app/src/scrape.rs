//! Scraping: asks targets for their metrics as Prometheus does, by Prometheus' own `scrape_configs`.
//!
//! ```text
//! configuration file -> files::scrape -> Config -> Scrape -> a Pool for each job
//! Pool: discovery -> groups -> scrape::target -> a Worker for each target
//! Worker: fetch -> exposition -> scrape::pass -> ingest -> Telemetry
//! ```
//!
//! The file is read again when it changes; one with an error changes nothing. Jobs that stayed as they were go on undisturbed.

mod discovery;
mod fetch;
mod intake;
mod pool;
mod read;
pub mod targets;
mod worker;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use camino::Utf8PathBuf;
use model::{Clock, Labels, Limits, Timestamp};
use parking_lot::Mutex;
use scrape::{Config, Job, LabelSet};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

pub use intake::Counted;
pub use scrape::relabel::Rule;

use crate::{
    files::{self, Problem, Severity, scrape::Loaded},
    telemetry::Telemetry,
};
use discovery::{Resolver, Tools};
use fetch::Budget;
use intake::Intake;
use pool::{Census, Pool};
use targets::Targets;
use worker::Shared;

/// How often the configuration is looked at.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// How often it is read whether or not it changed: a pattern may name more files now.
const READ_EVERY: u32 = 15;
/// Errors that the log names.
const TOLD_MAX: usize = 20;

/// What scraping is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Prometheus' configuration; without one nothing is scraped.
    pub config_file: Option<Utf8PathBuf>,
    /// Targets of all jobs together: `scrape.max_targets`.
    pub targets_max: usize,
    /// Scrapes that may be under way at one time: `scrape.max_concurrent`.
    pub concurrent_max: usize,
    /// Bytes of one inflated body: `scrape.max_body_bytes`.
    pub body_bytes_max: u64,
    /// Bytes of all bodies in memory: `scrape.max_buffered_bytes`.
    pub buffered_bytes_max: usize,
    /// The name server of `dns_sd_configs`, instead of the system's.
    pub name_server: Option<SocketAddr>,
    /// What `$NAME` in `external_labels` stands for.
    pub variable: files::scrape::Variable,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config_file: None,
            targets_max: 20_000,
            concurrent_max: 512,
            body_bytes_max: 256 << 20,
            buffered_bytes_max: 512 << 20,
            name_server: None,
            variable: |_| None,
        }
    }
}

/// How reading the configuration went.
#[derive(Clone, Debug, Default)]
pub struct ConfigState {
    pub path: Option<Utf8PathBuf>,
    /// When the one in force was read.
    pub loaded_at: Option<Timestamp>,
    /// What is wrong with the one that was read last; with an error the one before it stays in force.
    pub problems: Arc<[Problem]>,
    /// Why it cannot be read at all.
    pub unreadable: Option<Arc<str>>,
}

impl ConfigState {
    /// How many errors keep the file from being in force.
    pub fn errors(&self) -> usize {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error);
        errors.count() + usize::from(self.unreadable.is_some())
    }

    /// The first error, in a sentence; `None` when the file is in force as it stands.
    pub fn first_error(&self) -> Option<String> {
        let wrong = |problem: &&Problem| problem.severity == Severity::Error;
        let why = self.unreadable.as_deref().map(str::to_owned);
        why.or_else(|| self.problems.iter().find(wrong).map(ToString::to_string))
    }
}

/// A handle on what is scraped.
#[derive(Debug)]
pub struct Scrape {
    telemetry: Arc<Telemetry>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    external_url: Box<str>,
    counters: Arc<intake::Counters>,
    running: Mutex<Option<Running>>,
    state: Mutex<ConfigState>,
}

/// What runs once scraping was started.
#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    tools: Tools,
    census: Arc<Census>,
    pools: BTreeMap<Arc<str>, Handle>,
    /// Jobs that are no more, whose series are about to end.
    ending: Vec<(Arc<Pool>, JoinHandle<()>)>,
    config: Arc<Config>,
    /// Whether a configuration was ever in force.
    taken: bool,
    shown: Arc<str>,
}

#[derive(Debug)]
struct Handle {
    pool: Arc<Pool>,
    job: watch::Sender<Arc<Job>>,
    task: JoinHandle<()>,
}

impl Scrape {
    pub(crate) fn new(
        telemetry: Arc<Telemetry>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        external_url: Box<str>,
    ) -> Self {
        Self {
            telemetry,
            clock,
            limits,
            external_url,
            counters: Arc::default(),
            running: Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Reads the configuration, starts scraping, and follows the file until it is dropped; without a file it does nothing.
    pub(crate) async fn run(self: Arc<Self>, options: Options) {
        let Some(path) = options.config_file.clone() else { return };
        self.prepare(&options);
        self.state.lock().path = Some(path.clone());
        let mut stamps: Option<Vec<Stamp>> = None;
        let mut rounds = 0;
        loop {
            let (file, before, variable) =
                (PathBuf::from(path.as_str()), stamps.clone(), options.variable);
            let whatever = rounds % READ_EVERY == 0;
            let reading = tokio::task::spawn_blocking(move || {
                let now = before
                    .as_ref()
                    .map(|files| files.iter().map(|(path, _)| stamp(path)).collect::<Vec<_>>());
                (whatever || now != before).then(|| files::scrape::load(&file, variable))
            });
            match reading.await {
                Ok(Some(loaded)) => {
                    // One that cannot be read is read again as soon as it differs.
                    stamps = Some(match &loaded {
                        Ok(loaded) => loaded.files.iter().map(|path| stamp(path)).collect(),
                        Err(_) => vec![stamp(path.as_std_path())],
                    });
                    self.take(loaded);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "reading the scrape configuration failed");
                    return;
                }
            }
            rounds += 1;
            tokio::time::sleep(FOLLOW_EVERY).await;
        }
    }

    fn prepare(&self, options: &Options) {
        let budget = Budget::new(options.buffered_bytes_max);
        let intake = Intake::new(
            Arc::clone(&self.telemetry),
            Arc::clone(&self.clock),
            self.limits.clone(),
            Arc::clone(&self.counters),
        );
        let shared = Shared {
            intake,
            budget: Arc::clone(&budget),
            turns: Semaphore::new(options.concurrent_max.max(1)),
            body_bytes_max: options.body_bytes_max,
        };
        let census = Census { targets: Mutex::new(0), targets_max: options.targets_max };
        *self.running.lock() = Some(Running {
            shared: Arc::new(shared),
            tools: Tools { resolver: Resolver::with_server(options.name_server), budget },
            census: Arc::new(census),
            pools: BTreeMap::new(),
            ending: Vec::new(),
            config: Arc::default(),
            taken: false,
            shown: "".into(),
        });
    }

    /// Puts what was read into force, if nothing is wrong with it.
    fn take(&self, loaded: std::io::Result<Loaded>) {
        let mut state = self.state.lock();
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                let why: Arc<str> = error.to_string().into();
                if state.unreadable.as_ref() != Some(&why) {
                    tracing::error!(error = %why, path = ?state.path, "the scrape configuration cannot be read");
                }
                state.unreadable = Some(why);
                return;
            }
        };
        state.unreadable = None;
        if *state.problems != *loaded.problems {
            told(&loaded.problems);
            state.problems = loaded.problems.into();
        }
        if let Some(config) = loaded.config
            && self.apply(config, loaded.shown.into())
        {
            state.loaded_at = Some(self.clock.now());
        }
    }

    /// Whether it differs from the one in force.
    fn apply(&self, config: Config, shown: Arc<str>) -> bool {
        let mut running = self.running.lock();
        let Some(running) = running.as_mut() else { return false };
        running.shown = shown;
        if *running.config == config && running.taken {
            return false;
        }
        running.taken = true;
        running.ending.retain(|(_, task)| !task.is_finished());
        let gone: Vec<Arc<str>> = running
            .pools
            .keys()
            .filter(|name| !config.jobs.iter().any(|job| job.name == **name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(Handle { pool, job, task }) = running.pools.remove(&name) {
                drop(job);
                running.ending.push((pool, task));
            }
        }
        for job in &config.jobs {
            match running.pools.get(&job.name) {
                // An equal job stays the same one, so that its workers are not disturbed.
                Some(handle) => drop(handle.job.send_if_modified(|old| {
                    let changed = **old != **job;
                    if changed {
                        *old = Arc::clone(job);
                    }
                    changed
                })),
                None => {
                    let (shared, tools, census) =
                        (running.shared.clone(), running.tools.clone(), running.census.clone());
                    let pool = Arc::new(Pool::new(Arc::clone(&job.name), shared, tools, census));
                    let (sender, receiver) = watch::channel(Arc::clone(job));
                    let task = tokio::spawn(Arc::clone(&pool).run(receiver));
                    let handle = Handle { pool, job: sender, task };
                    running.pools.insert(Arc::clone(&job.name), handle);
                }
            }
        }
        tracing::info!(jobs = config.jobs.len(), "the scrape configuration is in force");
        running.config = Arc::new(config);
        true
    }

    /// What is scraped now and how it went.
    pub fn targets(&self) -> Targets {
        let running = self.running.lock();
        let pools = running.iter().flat_map(|running| running.pools.values());
        Targets { pools: pools.map(|handle| handle.pool.snapshot(&self.external_url)).collect() }
    }

    /// The configuration in force, its secrets masked; `None` when nothing is scraped.
    pub fn config_text(&self) -> Option<Arc<str>> {
        self.running.lock().as_ref().map(|running| Arc::clone(&running.shown))
    }

    /// The configuration in force; `None` when nothing is scraped.
    pub fn config(&self) -> Option<Arc<Config>> {
        self.running.lock().as_ref().map(|running| Arc::clone(&running.config))
    }

    /// What each of the relabelling rules of a job makes of these labels, in order; no labels where they are dropped. `None`:
    /// there is no such job.
    pub fn relabel_steps<'l>(
        &self,
        job: &str,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
    ) -> Option<Vec<(Rule, Option<Labels>)>> {
        let config = self.config()?;
        let job = config.jobs.iter().find(|one| &*one.name == job)?;
        let steps = scrape::relabel::steps(&job.relabel, &LabelSet::from_pairs(labels));
        let shown = |labels: Option<LabelSet>| labels.map(|labels| labels.to_labels());
        Some(job.relabel.iter().cloned().zip(steps.into_iter().map(shown)).collect())
    }

    /// How reading the configuration went.
    pub fn config_state(&self) -> ConfigState {
        self.state.lock().clone()
    }

    /// What was counted since the start.
    pub fn counted(&self) -> Counted {
        self.counters.now()
    }

    /// Ends all at once; no series ends by that.
    pub(crate) fn stop(&self) {
        let Some(running) = self.running.lock().take() else { return };
        for Handle { pool, task, .. } in running.pools.into_values() {
            task.abort();
            pool.abort();
        }
        for (pool, task) in running.ending {
            task.abort();
            pool.abort();
        }
    }
}

/// A file and what tells that it is another one.
type Stamp = (PathBuf, Option<(u64, SystemTime)>);

fn stamp(path: &std::path::Path) -> Stamp {
    let found = std::fs::metadata(path).ok();
    let found = found.and_then(|metadata| Some((metadata.len(), metadata.modified().ok()?)));
    (path.to_owned(), found)
}

/// Says what is wrong with the file.
fn told(problems: &[Problem]) {
    let errors: Vec<&Problem> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    if !errors.is_empty() {
        let count = errors.len();
        tracing::error!(
            errors = count,
            "the scrape configuration has errors and is not in force; `evenkeel check scrape` lists them"
        );
    }
    for problem in errors.into_iter().take(TOLD_MAX) {
        tracing::error!("{problem}");
    }
}

/// The URL as others than this machine reach it: a loopback host becomes the one of `external`.
fn global_url(url: &Arc<str>, external: &str) -> Arc<str> {
    let Ok(mut parsed) = url::Url::parse(url) else { return Arc::clone(url) };
    let is_loopback = match parsed.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let host = url::Url::parse(external).ok().and_then(|url| url.host_str().map(str::to_owned));
    match host {
        Some(host) if is_loopback && parsed.set_host(Some(&host)).is_ok() => parsed.as_str().into(),
        _ => Arc::clone(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_target_is_shown_as_others_reach_it() {
        let check =
            |url: &str| global_url(&url.into(), "https://evenkeel.example/base").to_string();
        assert_eq!(check("http://localhost:9100/metrics"), "http://evenkeel.example:9100/metrics");
        assert_eq!(check("http://[::1]:9100/m?a=b"), "http://evenkeel.example:9100/m?a=b");
        assert_eq!(check("http://10.0.0.1:9100/metrics"), "http://10.0.0.1:9100/metrics");
    }
}
