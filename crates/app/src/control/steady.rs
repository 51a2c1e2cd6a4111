//! The time that facts are dated by: never goes back, and never stands still.
//!
//! After the wall clock stepped back, facts could not be dated by it without going back; dated by the last fact's time they
//! would stand still, and with them every retry of a page. So this clock goes on at half speed until the wall clock has
//! caught up with it.

use std::{sync::Arc, time::Duration};

use model::{Clock, Timestamp};
use parking_lot::Mutex;

/// A clock over another one; both its readings are the same wherever it is shared.
#[derive(Debug)]
pub struct SteadyClock {
    inner: Arc<dyn Clock>,
    /// What was told last, and the monotonic time then.
    told: Mutex<(Timestamp, Duration)>,
}

impl SteadyClock {
    /// A clock that tells no time before `floor`, which is the last fact's.
    pub fn new(inner: Arc<dyn Clock>, floor: Timestamp) -> Self {
        let told = Mutex::new((floor, inner.monotonic()));
        Self { inner, told }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let mut told = self.told.lock();
        let (wall, monotonic) = (self.inner.now(), self.inner.monotonic());
        let (last, then) = *told;
        let now = wall.max(last + monotonic.saturating_sub(then) / 2);
        *told = (now, monotonic);
        now
    }

    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use model::ManualClock;

    use super::*;

    #[test]
    fn goes_on_at_half_speed_after_a_step_back_until_the_wall_clock_has_caught_up() {
        let at = Timestamp::from_secs;
        let wall = ManualClock::new(at(10_000));
        let steady = SteadyClock::new(Arc::new(wall.clone()), at(9_000));
        assert_eq!(steady.now(), at(10_000));
        wall.step_to(at(9_900));
        assert_eq!(steady.now(), at(10_000));
        wall.advance(Duration::from_secs(100));
        assert_eq!(steady.now(), at(10_050));
        wall.advance(Duration::from_secs(100));
        assert_eq!(steady.now(), at(10_100));
        wall.advance(Duration::from_secs(7));
        assert_eq!(steady.now(), at(10_107));
        wall.step_to(at(20_000));
        assert_eq!(steady.now(), at(20_000));
    }

    #[test]
    fn tells_nothing_before_its_floor() {
        let wall = ManualClock::new(Timestamp::from_secs(100));
        let steady = SteadyClock::new(Arc::new(wall.clone()), Timestamp::from_secs(150));
        assert_eq!(steady.now(), Timestamp::from_secs(150));
        wall.advance(Duration::from_secs(10));
        assert_eq!(steady.now(), Timestamp::from_secs(155));
    }
}
