//! When a target is scraped: targets are spread over their interval by a hash, so that they are not all asked at once.

use std::time::Duration;

/// A stable hash (FNV-1a, 64 bits).
#[derive(Clone, Copy, Debug)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// With this text, and its end.
    #[must_use]
    pub fn with(self, text: &str) -> Self {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().chain([0xff]).fold(self.0, step))
    }

    pub const fn value(self) -> u64 {
        self.0
    }
}

/// How long to wait from `now_ns` (since 1970) until the first scrape: always at the same place of the interval, whoever restarts.
pub fn first_wait(now_ns: u64, interval: Duration, hash: u64) -> Duration {
    let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
    let base = interval - now_ns % interval;
    let next = base.saturating_add(hash % interval);
    Duration::from_nanos(if next > interval { next - interval } else { next })
}

/// The time that samples get: the planned one when the scrape began within 2 ms of it, so that times are regular and compress well.
pub fn aligned_ms(planned_ms: i64, actual_ms: i64, interval: Duration) -> i64 {
    /// No more than 1 % of the interval either.
    const TOLERANCE_MS: i64 = 2;
    let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    let tolerance = TOLERANCE_MS.min(interval_ms / 100);
    if (actual_ms - planned_ms).abs() <= tolerance { planned_ms } else { actual_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_keeps_its_place_in_the_interval() {
        let interval = Duration::from_secs(15);
        let hash = Hash::default().with("http://a:1/metrics").value();
        let at =
            |now: u64| now + u64::try_from(first_wait(now, interval, hash).as_nanos()).unwrap();
        let place = at(1_000_000_007) % 15_000_000_000;
        for now in [2_000_000_011, 99_123_456_789, 15_000_000_000_000] {
            assert_eq!(at(now) % 15_000_000_000, place);
            assert!(first_wait(now, interval, hash) <= interval);
        }
        assert_ne!(hash, Hash::default().with("http://b:1/metrics").value());
    }

    #[test]
    fn times_snap_to_the_plan_when_near() {
        let interval = Duration::from_secs(15);
        assert_eq!(aligned_ms(1000, 1002, interval), 1000);
        assert_eq!(aligned_ms(1000, 1003, interval), 1003);
        assert_eq!(aligned_ms(1000, 1002, Duration::from_millis(100)), 1002);
    }
}
