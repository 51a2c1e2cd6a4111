//! Everything together: opens the data directory, recovers, runs, stops in reverse; and the use cases.

mod environment;
mod follow;
mod health;
mod open;
mod use_case;

use std::{sync::Arc, time::Duration};

use camino::Utf8PathBuf;
use model::{Clock, Limits, Timestamp};
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinHandle};
use wal::SyncPolicy;

pub use environment::{AmbiguousEnvironment, DEFAULT_ENVIRONMENT};
pub use follow::FollowState;
pub use health::Readiness;
pub use open::OpenError;
pub use use_case::{ApplyError, BackfillUseError, RollbackError, TestPageError};

use crate::{
    acts::Runner,
    control::{Control, chain},
    data_dir::DataDir,
    events::QueryThreads,
    judge::Judge,
    mint::Mint,
    notify::{link::LinkSigner, signature::SigningKey},
    outbox::Outbox,
    query::{QueryFeatures, QueryLimits},
    react::Acts,
    remote::{
        Remote, RemoteOptions,
        forward::{ForwardOptions, Sender as ForwardSender},
    },
    scrape::Scrape,
    telemetry::{Stores, Telemetry},
    triage::Triage,
};

/// How often every SLO is judged.
pub const JUDGE_EVERY: Duration = Duration::from_millis(250);
/// How often open incidents are looked at.
const TRIAGE_EVERY: Duration = Duration::from_secs(1);
/// How often the journal's file is verified anew.
const VERIFY_EVERY: Duration = Duration::from_secs(600);
/// How often it is looked for a postmortem that is owed.
const DRAFT_EVERY: Duration = Duration::from_secs(1);
/// How often traces are asked who calls whom.
const TOPOLOGY_EVERY: Duration = Duration::from_secs(2);
/// How often a followed directory is looked at.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// What Evenkeel is started with.
#[derive(Debug)]
pub struct Options {
    pub data_dir: Utf8PathBuf,
    /// A directory that is applied at the start and whenever it changes.
    pub repo: Option<Utf8PathBuf>,
    /// Where people reach the server; no slash at the end.
    pub external_url: Box<str>,
    pub limits: Limits,
    pub sync: SyncPolicy,
    /// `None` keeps metrics for ever.
    pub metrics_retention: Option<Duration>,
    /// How much the parts of samples may take; `None` is without end.
    pub metrics_bytes: Option<u64>,
    /// By how much a sample may be older than its series' newest.
    pub out_of_order_window: Duration,
    pub events_retention: Option<Duration>,
    pub query: QueryLimits,
    pub query_features: QueryFeatures,
    /// The cluster that is asked in place of the own metric store.
    pub remote: Option<RemoteOptions>,
    /// Whom stored samples are sent on to.
    pub forward: Vec<ForwardOptions>,
    pub acts: Acts,
    /// The receiver of pages that none of theirs got within a minute.
    pub fallback_receiver: Option<Box<str>>,
    /// Signs webhooks.
    pub webhook_key: Option<SigningKey>,
}

/// A running Evenkeel, without its network.
#[derive(Debug)]
pub struct App {
    pub(crate) options: AppOptions,
    pub control: Arc<Control>,
    pub stores: Arc<Stores>,
    pub telemetry: Arc<Telemetry>,
    pub(crate) remote: Option<Arc<Remote>>,
    pub scrape: Arc<Scrape>,
    pub judge: Arc<Judge>,
    pub triage: Arc<Triage>,
    pub clock: Arc<dyn Clock>,
    pub links: LinkSigner,
    pub acts: Arc<Acts>,
    pub reader: journal::Reader,
    pub started_at: Timestamp,
    pub follow: watch::Receiver<FollowState>,
    follow_tx: watch::Sender<FollowState>,
    pub(crate) mint: Mutex<Mint>,
    pub(crate) backfilled_seq: Arc<std::sync::atomic::AtomicU64>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    data_dir: Mutex<Option<DataDir>>,
    last_round: Mutex<Round>,
    config_damage: Mutex<Option<Arc<str>>>,
    /// One apply at a time: the counters follow the order of the facts.
    applying: tokio::sync::Mutex<()>,
    pub(crate) query_threads: QueryThreads,
}

/// What of the options is needed while it runs.
#[derive(Debug)]
pub(crate) struct AppOptions {
    pub(crate) data_dir: Utf8PathBuf,
    pub(crate) repo_store: Utf8PathBuf,
    pub external_url: Box<str>,
    pub limits: Limits,
    pub(crate) query: QueryLimits,
    pub(crate) query_features: QueryFeatures,
    /// Below it the stores take no telemetry.
    pub(crate) free_bytes_min: u64,
}

/// The judge's last round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    pub at: Option<Timestamp>,
    /// How much later than planned it ended.
    pub lag: Duration,
}

impl App {
    pub fn data_dir(&self) -> &Utf8PathBuf {
        &self.options.data_dir
    }

    pub fn external_url(&self) -> &str {
        &self.options.external_url
    }

    pub fn limits(&self) -> &Limits {
        &self.options.limits
    }

    pub fn last_round(&self) -> Round {
        *self.last_round.lock()
    }

    /// Waits until the journal or a telemetry log could not be written, and says why: the process must end.
    pub async fn failed(&self) -> Arc<str> {
        let (mut control, mut telemetry) = (self.control.failed(), self.telemetry.failed());
        loop {
            for failed in [&control, &telemetry] {
                if let Some(why) = failed.borrow().clone() {
                    return why;
                }
            }
            tokio::select! {
                changed = control.changed() => if changed.is_err() { return std::future::pending().await },
                changed = telemetry.changed() => if changed.is_err() { return std::future::pending().await },
            }
        }
    }

    /// Why the configuration that was applied last is not the one in force.
    pub fn config_damage(&self) -> Option<Arc<str>> {
        self.config_damage.lock().clone()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().push(tokio::spawn(task));
    }

    /// Starts what runs by itself.
    fn start(
        self: &Arc<Self>,
        outbox: Arc<Outbox>,
        runner: Arc<Runner>,
        repo: Option<Utf8PathBuf>,
        forward: Vec<ForwardSender>,
    ) {
        for sender in forward {
            self.spawn(sender.run(Arc::clone(&self.clock)));
        }
        self.spawn(outbox.run());
        self.spawn(runner.run());
        let this = Arc::clone(self);
        self.spawn(async move { this.judging().await });
        let this = Arc::clone(self);
        self.spawn(async move { this.looking().await });
        let this = Arc::clone(self);
        self.spawn(async move { this.drafting().await });
        let this = Arc::clone(self);
        self.spawn(async move { this.verifying().await });
        let this = Arc::clone(self);
        self.spawn(async move { this.mapping().await });
        if let Some(repo) = repo {
            let this = Arc::clone(self);
            self.spawn(async move { this.following(repo).await });
        }
    }

    /// Starts scraping by a configuration file, and follows it; without one this does nothing.
    pub fn start_scraping(&self, options: crate::scrape::Options) {
        self.spawn(Arc::clone(&self.scrape).run(options));
    }

    async fn judging(&self) {
        let mut tick = tokio::time::interval(JUDGE_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let began = self.clock.monotonic();
            if self.judge.round().await.is_err() {
                return;
            }
            let lag = self.clock.monotonic().saturating_sub(began);
            *self.last_round.lock() = Round { at: Some(self.clock.now()), lag };
        }
    }

    async fn looking(&self) {
        let mut tick = tokio::time::interval(TRIAGE_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if self.triage.round().await.is_err() {
                return;
            }
        }
    }

    /// Drafts the postmortems that are owed.
    async fn drafting(self: Arc<Self>) {
        loop {
            // One that could not be drafted is not tried again at once.
            let wait = match self.draft_ended().await {
                Ok(true) => DRAFT_EVERY,
                Ok(false) => DRAFT_EVERY * 2,
                Err(_) => return,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Looks for changes of the journal's file under the running server: then gates and acts stop.
    async fn verifying(&self) {
        loop {
            tokio::time::sleep(VERIFY_EVERY).await;
            let dir = self.options.data_dir.clone();
            let verify = move || crate::offline::verify_journal(&dir);
            let is_whole = match tokio::task::spawn_blocking(verify).await {
                Ok(Ok(report)) => report.is_whole(),
                Ok(Err(error)) => {
                    tracing::warn!(error = %chain(&error), "the journal cannot be verified");
                    continue;
                }
                Err(_) => continue,
            };
            if !is_whole && self.control.health().is_whole() {
                tracing::error!("the journal's file was changed under the running server");
                if self.control.verify_again().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Keeps the control thread's picture of who calls whom up to date.
    async fn mapping(&self) {
        let mut tick = tokio::time::interval(TOPOLOGY_EVERY);
        loop {
            tick.tick().await;
            let world = self.control.world();
            let topology =
                self.stores.catalog.read().topology(&world.repo.services, self.clock.now());
            if *world.topology == topology {
                continue;
            }
            let topology = Arc::new(topology);
            if self.control.update_world(move |world| world.topology = topology).await.is_err() {
                return;
            }
        }
    }

    /// Stops in reverse: no new effect, then the writers, then the directory's lock.
    pub async fn stop(self: Arc<Self>) {
        for task in std::mem::take(&mut *self.tasks.lock()) {
            task.abort();
        }
        self.scrape.stop();
        let this = Arc::clone(&self);
        let stopped = tokio::task::spawn_blocking(move || {
            this.telemetry.stop();
            this.stores.forwarding.stop();
            this.control.stop();
            if let Some(data_dir) = this.data_dir.lock().take()
                && let Err(error) = data_dir.close()
            {
                tracing::warn!(%error, "the data directory was not closed cleanly");
            }
        });
        if stopped.await.is_err() {
            tracing::error!("stopping panicked");
        }
    }
}
