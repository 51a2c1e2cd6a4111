//! Evidence on what is about to page: gathered ahead, so that a page names its suspect and never waits for it.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::triage::Suspicions;

/// How long a page waits for its suspects.
pub(super) const LOOK_MAX: Duration = Duration::from_secs(1);
/// How often it is looked ahead.
const AHEAD_EVERY: Duration = Duration::from_secs(2);
/// What was found longer ago says too little of now.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// One look for suspects at a time, and what the last one found.
#[derive(Debug)]
pub(super) struct Lookout {
    looking: Arc<Semaphore>,
    last: Arc<Mutex<Found>>,
}

#[derive(Debug, Default)]
struct Found {
    suspicions: Suspicions,
    /// Monotonic, when the look began; `None` before the first.
    at: Option<Duration>,
}

impl Default for Lookout {
    fn default() -> Self {
        Self { looking: Arc::new(Semaphore::new(1)), last: Arc::default() }
    }
}

impl Lookout {
    /// What is found within `limit`, else what was found lately: a page without a suspect is better than none.
    ///
    /// A look that is late goes on by itself, and until it ends there is no other.
    pub(super) async fn look(
        &self,
        limit: Duration,
        now: Duration,
        look: impl FnOnce() -> Suspicions + Send + 'static,
    ) -> Suspicions {
        let in_turn = async {
            let permit = Arc::clone(&self.looking).acquire_owned().await;
            // The semaphore is never closed.
            let Ok(permit) = permit else { return };
            if self.start(permit, now, look).await.is_err() {
                tracing::error!("a look for suspects stopped in the middle");
            }
        };
        if tokio::time::timeout(limit, in_turn).await.is_err() {
            tracing::warn!(limit_s = limit.as_secs_f64(), "triage is late; the page goes without");
        }
        self.lately(now)
    }

    /// Looks on the side, unless that was done just now.
    pub(super) fn ahead(&self, now: Duration, look: impl FnOnce() -> Suspicions + Send + 'static) {
        let is_due = self.last.lock().at.is_none_or(|at| now.saturating_sub(at) >= AHEAD_EVERY);
        if is_due && let Ok(permit) = Arc::clone(&self.looking).try_acquire_owned() {
            // It goes on by itself.
            drop(self.start(permit, now, look));
        }
    }

    fn start(
        &self,
        permit: OwnedSemaphorePermit,
        now: Duration,
        look: impl FnOnce() -> Suspicions + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        let last = Arc::clone(&self.last);
        tokio::task::spawn_blocking(move || {
            let suspicions = look();
            *last.lock() = Found { suspicions, at: Some(now) };
            drop(permit);
        })
    }

    fn lately(&self, now: Duration) -> Suspicions {
        let last = self.last.lock();
        let is_fresh = last.at.is_some_and(|at| now.saturating_sub(at) <= FRESH_FOR);
        if is_fresh { last.suspicions.clone() } else { Suspicions::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::{Place, Suspicion};

    fn found(service: &str) -> Suspicions {
        let place: Place = (service.into(), "prod".into());
        Suspicions::from([(place, Suspicion { suspects: Vec::new(), impact: None })])
    }

    async fn until_it_ends(lookout: &Lookout) {
        while lookout.looking.available_permits() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    const MOMENT: Duration = Duration::from_millis(20);
    const MINUTE: Duration = Duration::from_secs(60);
    const NOW: Duration = Duration::from_secs(1000);

    #[tokio::test]
    async fn a_page_does_not_wait_for_a_look_that_is_late() {
        let lookout = Lookout::default();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let slow = move || {
            // Ends when the sender is gone, at the latest.
            assert!(released.recv().is_err());
            found("checkout")
        };
        assert_eq!(lookout.look(MOMENT, NOW, slow).await, Suspicions::default());
        let other = lookout.look(MOMENT, NOW, || found("cart")).await;
        assert_eq!(other, Suspicions::default(), "one at a time");
        drop(release);
        until_it_ends(&lookout).await;
        assert_eq!(lookout.look(MINUTE, NOW, || found("cart")).await, found("cart"));
    }

    #[tokio::test]
    async fn what_was_found_ahead_stands_in_for_a_look_that_is_late() {
        let lookout = Lookout::default();
        lookout.ahead(NOW, || found("checkout"));
        until_it_ends(&lookout).await;
        lookout.ahead(NOW + Duration::from_secs(1), || panic!("it was done just now"));
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let slow = move || {
            assert!(held.recv().is_err());
            found("cart")
        };
        assert_eq!(lookout.look(MOMENT, NOW + MOMENT, slow).await, found("checkout"));
        drop(hold);
        until_it_ends(&lookout).await;
        assert_eq!(lookout.lately(NOW + MINUTE), Suspicions::default(), "too long ago");
    }
}
