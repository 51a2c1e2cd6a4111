//! How long to wait before a request is tried again.

use std::time::Duration;

/// The first wait, the longest, and the longest that a receiver may ask for.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(10);
const ASKED_LONGEST: Duration = Duration::from_secs(300);

/// Waits that double, with jitter, so that many senders do not come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next wait; at least what the receiver asks for by `Retry-After`.
    pub(super) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let next = self.next;
        self.next = (next * 2).min(LONGEST);
        // Half to all of it.
        let jittered = next / 2 + next.mul_f64(random()) / 2;
        jittered.max(asked.unwrap_or_default().min(ASKED_LONGEST))
    }
}

/// 0 to 1.
fn random() -> f64 {
    let mut bytes = [0; 2];
    // Without randomness all wait the same.
    if getrandom::fill(&mut bytes).is_err() {
        return 1.0;
    }
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_obey_the_receiver() {
        let mut backoff = Backoff::new();
        let first = backoff.wait(None);
        assert!((FIRST / 2..=FIRST).contains(&first), "{first:?}");
        for _ in 0..20 {
            backoff.wait(None);
        }
        let late = backoff.wait(None);
        assert!((LONGEST / 2..=LONGEST).contains(&late), "{late:?}");
        assert_eq!(backoff.wait(Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert_eq!(backoff.wait(Some(Duration::from_secs(86_400))), ASKED_LONGEST);
    }
}
