//! The threads that keep the stores in shape: write memory into files, merge them, drop what is old.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use model::Clock;
use parking_lot::Mutex;

use super::Stores;
use crate::control::chain;

/// How long it waits at most for work that the store calls for.
const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// A failure that goes on is told this seldom.
const TELLS_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Maintainer {
    stopping: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Maintainer {
    pub(super) fn start(stores: Arc<Stores>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let maintainer = Self { stopping: Arc::default(), threads: Mutex::default() };
        let metrics = Arc::clone(&stores);
        maintainer.spawn("metrics", &clock, move |clock| {
            metrics.metrics.wait_for_work(LOOKS_EVERY);
            metrics.metrics.maintain(clock.now()).map(drop).map_err(|error| chain(&error))
        })?;
        maintainer.spawn("events", &clock, move |clock| {
            stores.events.wait_for_work(LOOKS_EVERY);
            stores.events.maintain(clock.now()).map(drop).map_err(|error| chain(&error))
        })?;
        Ok(maintainer)
    }

    /// Starts a thread that waits for work and does it, again and again.
    fn spawn(
        &self,
        store: &'static str,
        clock: &Arc<dyn Clock>,
        mut work: impl FnMut(&dyn Clock) -> Result<(), String> + Send + 'static,
    ) -> io::Result<()> {
        let (stop, clock) = (Arc::clone(&self.stopping), Arc::clone(clock));
        let thread = std::thread::Builder::new().name(store.to_owned()).spawn(move || {
            let mut told: Option<Duration> = None;
            while !stop.load(Ordering::Relaxed) {
                let Err(error) = work(&*clock) else {
                    told = None;
                    continue;
                };
                let now = clock.monotonic();
                if told.is_none_or(|at| now.saturating_sub(at) >= TELLS_EVERY) {
                    told = Some(now);
                    tracing::warn!(%error, "the files of the store of {store} are not kept in shape; it is tried again");
                }
            }
        })?;
        self.threads.lock().push(thread);
        Ok(())
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("the thread of a telemetry store panicked");
            }
        }
    }
}
