//! One job: its discoveries, the targets that they make, and a worker for each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::Labels;
use parking_lot::Mutex;
use scrape::{
    Group, Job, Target,
    target::{self, Built},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    discovery::{self, Tools, Update},
    fetch::Clients,
    global_url,
    targets::{self, ActiveTarget, DroppedTarget},
    worker::{End, Plan, Shared, Status, Worker},
};

/// How long further updates are waited for before targets are built.
const SETTLE: Duration = Duration::from_millis(50);
/// How long the targets of other discoveries stay while the first look of new ones takes.
const HOLD: Duration = Duration::from_secs(5);
/// Dropped targets that are kept for people where `keep_dropped_targets` says nothing.
const DROPPED_KEPT: usize = 1000;
/// Errors of one build that the log names.
const TOLD_MAX: usize = 20;

/// How many targets all pools have together.
#[derive(Debug)]
pub(super) struct Census {
    pub(super) targets: Mutex<usize>,
    /// `scrape.max_targets`
    pub(super) targets_max: usize,
}

/// A job's targets.
#[derive(Debug)]
pub(super) struct Pool {
    name: Arc<str>,
    shared: Arc<Shared>,
    tools: Tools,
    census: Arc<Census>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the targets' hashes.
    workers: BTreeMap<u64, Handle>,
    dropped: Vec<Labels>,
    dropped_count: u64,
    /// What is counted in the census.
    counted: usize,
    /// Of discoveries, by their places.
    discovery_errors: BTreeMap<usize, Arc<str>>,
    build_error: Option<Arc<str>>,
    clients: Option<(Arc<Job>, Arc<Clients>)>,
}

/// A worker that runs; dropping it ends it at once.
#[derive(Debug)]
struct Handle {
    plan: watch::Sender<Plan>,
    status: Arc<Mutex<Status>>,
    task: JoinHandle<()>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What discoveries have found so far.
struct Seen {
    groups: BTreeMap<usize, Vec<Group>>,
    /// Discoveries that have not looked yet.
    pending: BTreeSet<usize>,
    /// Until when they are waited for.
    hold: Instant,
}

impl Pool {
    pub(super) fn new(
        name: Arc<str>,
        shared: Arc<Shared>,
        tools: Tools,
        census: Arc<Census>,
    ) -> Self {
        Self { name, shared, tools, census, state: Mutex::default() }
    }

    /// Keeps workers for what discovery finds, until nobody holds the job; then its targets' series end.
    pub(super) async fn run(self: Arc<Self>, mut jobs: watch::Receiver<Arc<Job>>) {
        let mut job = jobs.borrow_and_update().clone();
        let (mut alive, receiver) = watch::channel(());
        let mut updates = discovery::start(&job.discovery, &self.tools, &receiver);
        let mut seen = Seen::of(&job, Duration::ZERO);
        let mut open = true;
        loop {
            let holding = !seen.pending.is_empty() && seen.hold > Instant::now();
            tokio::select! {
                changed = jobs.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let new = jobs.borrow_and_update().clone();
                    if new.discovery != job.discovery {
                        let (next, receiver) = watch::channel(());
                        updates = discovery::start(&new.discovery, &self.tools, &receiver);
                        // The old discoveries end with their channel.
                        alive = next;
                        seen = Seen::of(&new, HOLD);
                        open = true;
                        self.state.lock().discovery_errors.clear();
                    }
                    job = new;
                }
                update = updates.recv(), if open => {
                    match update {
                        Some(update) => self.take(update, &mut updates, &mut seen).await,
                        None => open = false,
                    }
                }
                () = tokio::time::sleep_until(seen.hold), if holding => {}
            }
            if seen.pending.is_empty() || seen.hold <= Instant::now() {
                self.sync(&job, &seen.groups);
            }
        }
        drop(alive);
        self.end().await;
    }

    async fn take(&self, update: Update, updates: &mut mpsc::Receiver<Update>, seen: &mut Seen) {
        let mut next = Some(update);
        tokio::time::sleep(SETTLE).await;
        while let Some(update) = next {
            let mut state = self.state.lock();
            match update.error {
                Some(error) => drop(state.discovery_errors.insert(update.at, error)),
                None => drop(state.discovery_errors.remove(&update.at)),
            }
            seen.pending.remove(&update.at);
            seen.groups.insert(update.at, update.groups);
            next = updates.try_recv().ok();
        }
    }

    /// Makes the workers those of the targets that there are now.
    fn sync(&self, job: &Arc<Job>, groups: &BTreeMap<usize, Vec<Group>>) {
        let (targets, dropped, errors) = built(job, groups);
        let mut state = self.state.lock();
        state.dropped_count = dropped.len() as u64;
        let kept = usize::try_from(job.limits.dropped_kept).unwrap_or(usize::MAX);
        state.dropped = dropped;
        state.dropped.truncate(if kept == 0 { DROPPED_KEPT } else { kept });
        state.build_error = errors.into_iter().next();
        let limit = job.limits.targets;
        let forced_error = (limit > 0 && targets.len() as u64 > limit).then(|| {
            let have = targets.len();
            Arc::from(format!("target_limit exceeded (number of targets: {have}, limit: {limit})"))
        });
        let targets = self.within_census(targets, &mut state);
        let clients = self.clients(job, &mut state);
        for (hash, handle) in &state.workers {
            if !targets.contains_key(hash) {
                handle.plan.send_if_modified(|plan| {
                    let was = std::mem::replace(&mut plan.end, End::Gone);
                    was != End::Gone
                });
            }
        }
        state.workers.retain(|_, handle| !handle.task.is_finished());
        for (hash, target) in targets {
            let plan = Plan {
                job: Arc::clone(job),
                target,
                clients: Arc::clone(&clients),
                forced_error: forced_error.clone(),
                end: End::No,
            };
            match state.workers.get(&hash) {
                Some(handle) => drop(handle.plan.send_if_modified(|old| {
                    let same = Arc::ptr_eq(&old.job, &plan.job)
                        && old.target == plan.target
                        && old.forced_error == plan.forced_error
                        && old.end == plan.end;
                    *old = plan;
                    !same
                })),
                None => drop(state.workers.insert(hash, self.spawn(plan))),
            }
        }
    }

    /// Targets up to `scrape.max_targets` of all pools together.
    fn within_census(
        &self,
        mut targets: BTreeMap<u64, Target>,
        state: &mut State,
    ) -> BTreeMap<u64, Target> {
        let mut all = self.census.targets.lock();
        let others = all.saturating_sub(state.counted);
        let room = self.census.targets_max.saturating_sub(others);
        if targets.len() > room {
            let have = targets.len();
            let error = format!(
                "{have} targets, and there is room for {room}; the rest is not scraped (`scrape.max_targets`)"
            );
            tracing::error!(job = %self.name, error);
            state.build_error = Some(error.into());
            while targets.len() > room {
                targets.pop_last();
            }
        }
        *all = others + targets.len();
        state.counted = targets.len();
        targets
    }

    /// The job's clients, with the connections they have where the job asks as before.
    fn clients(&self, job: &Arc<Job>, state: &mut State) -> Arc<Clients> {
        if let Some((of, clients)) = &state.clients
            && of.http == job.http
        {
            return Arc::clone(clients);
        }
        let clients = Clients::new(job.http.clone());
        state.clients = Some((Arc::clone(job), Arc::clone(&clients)));
        clients
    }

    fn spawn(&self, plan: Plan) -> Handle {
        let status = Arc::default();
        let (sender, receiver) = watch::channel(plan);
        let worker = Worker::new(Arc::clone(&self.shared), receiver, Arc::clone(&status));
        Handle { plan: sender, status, task: tokio::spawn(worker.run()) }
    }

    /// Ends all workers, their series too.
    async fn end(&self) {
        let mut workers = {
            let mut state = self.state.lock();
            let mut all = self.census.targets.lock();
            *all = all.saturating_sub(std::mem::take(&mut state.counted));
            std::mem::take(&mut state.workers)
        };
        for handle in workers.values() {
            handle.plan.send_modify(|plan| plan.end = End::Gone);
        }
        for handle in workers.values_mut() {
            if (&mut handle.task).await.is_err() {
                tracing::debug!(job = %self.name, "a worker was cut off");
            }
        }
    }

    /// Ends all workers at once: the server stops.
    pub(super) fn abort(&self) {
        self.state.lock().workers.clear();
    }

    /// What is scraped now; `external` is where people reach this server.
    pub(super) fn snapshot(&self, external: &str) -> targets::Pool {
        let state = self.state.lock();
        let mut active: Vec<ActiveTarget> = state
            .workers
            .values()
            .filter_map(|handle| {
                let plan = handle.plan.borrow();
                (plan.end == End::No).then(|| shown(&plan.target, &handle.status.lock(), external))
            })
            .collect();
        active.sort_by(|a, b| (&a.scrape_url, &a.labels).cmp(&(&b.scrape_url, &b.labels)));
        let error = state.discovery_errors.values().next().or(state.build_error.as_ref());
        targets::Pool {
            name: Arc::clone(&self.name),
            active,
            dropped: state
                .dropped
                .iter()
                .map(|labels| DroppedTarget { discovered_labels: labels.clone() })
                .collect(),
            dropped_count: state.dropped_count,
            last_error: error.cloned().unwrap_or_default(),
        }
    }
}

impl Seen {
    fn of(job: &Job, hold: Duration) -> Self {
        Self {
            groups: BTreeMap::new(),
            pending: if hold.is_zero() {
                BTreeSet::new()
            } else {
                (0..job.discovery.len()).collect()
            },
            hold: Instant::now() + hold,
        }
    }
}

/// Targets by their hashes, what was dropped, and what cannot be a target.
type Targets = (BTreeMap<u64, Target>, Vec<Labels>, Vec<Arc<str>>);

fn built(job: &Job, groups: &BTreeMap<usize, Vec<Group>>) -> Targets {
    let (mut targets, mut dropped, mut errors) = (BTreeMap::new(), Vec::new(), Vec::new());
    for group in groups.values().flatten() {
        for one in target::build(job, group) {
            match one {
                Ok(Built::Target(target)) => drop(targets.insert(target.hash, *target)),
                Ok(Built::Dropped(labels)) => dropped.push(labels),
                Err(error) => errors.push(Arc::from(error.to_string())),
            }
        }
    }
    for error in errors.iter().take(TOLD_MAX) {
        tracing::warn!(job = %job.name, %error, "a target cannot be scraped");
    }
    (targets, dropped, errors)
}

fn shown(target: &Target, status: &Status, external: &str) -> ActiveTarget {
    ActiveTarget {
        discovered_labels: target.discovered.clone(),
        labels: target.labels.clone(),
        scrape_url: Arc::clone(&target.url),
        global_url: global_url(&target.url, external),
        health: status.health,
        last_error: Arc::clone(&status.last_error),
        last_scrape: status.last_scrape,
        last_scrape_duration: status.last_duration,
        interval: target.interval,
        timeout: target.timeout,
        metadata: Arc::clone(&status.metadata),
    }
}
