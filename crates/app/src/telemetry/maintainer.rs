//! The thread that keeps the sample store in shape: writes memory into parts, merges them, drops what is old.

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
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Maintainer {
    pub(super) fn start(stores: Arc<Stores>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            let mut told: Option<Duration> = None;
            while !stop.load(Ordering::Relaxed) {
                stores.metrics.wait_for_work(LOOKS_EVERY);
                let Err(error) = stores.metrics.maintain(clock.now()) else {
                    told = None;
                    continue;
                };
                let now = clock.monotonic();
                if told.is_none_or(|at| now.saturating_sub(at) >= TELLS_EVERY) {
                    told = Some(now);
                    tracing::warn!(error = %chain(&error), "the parts of the metric store are not kept in shape; it is tried again");
                }
            }
        })?;
        Ok(Self { stopping, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the metric store panicked");
        }
    }
}
