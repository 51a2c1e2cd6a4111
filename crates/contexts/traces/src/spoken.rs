//! Durations and counts as a sentence has them.

use std::{fmt, time::Duration};

/// A duration with three digits: `1.25 s`, `340 ms`, `12 µs`, `2 h 5 min`.
pub(crate) struct Spoken(pub(crate) Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.as_secs();
        if secs >= 3600 {
            return write!(f, "{} h {} min", secs / 3600, secs % 3600 / 60);
        }
        if secs >= 60 {
            return write!(f, "{} min {} s", secs / 60, secs % 60);
        }
        let nanos = self.0.as_secs_f64() * 1e9;
        let (value, unit) = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")]
            .iter()
            .find(|(one, _)| nanos >= *one)
            .map_or((nanos, "ns"), |(one, unit)| (nanos / one, *unit));
        let digits = if value >= 100.0 {
            0
        } else if value >= 10.0 {
            1
        } else {
            2
        };
        let text = format!("{value:.digits$}");
        let text =
            if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        write!(f, "{text} {unit}")
    }
}

/// A signed number of nanoseconds.
pub(crate) struct Signed(pub(crate) i64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "+" };
        write!(f, "{sign}{}", Spoken(Duration::from_nanos(self.0.unsigned_abs())))
    }
}

/// Nanoseconds from `from` to `to`; none when they are the wrong way round.
pub(crate) fn lasting(from: i64, to: i64) -> Duration {
    Duration::from_nanos(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let check = |nanos, expected: &str| {
            assert_eq!(Spoken(Duration::from_nanos(nanos)).to_string(), expected);
        };
        check(0, "0 ns");
        check(1_250_000_000, "1.25 s");
        check(340_000_000, "340 ms");
        check(12_040, "12 µs");
        check(65_000_000_000, "1 min 5 s");
        check(7_500_000_000_000, "2 h 5 min");
        assert_eq!(Signed(-35_000_000).to_string(), "-35 ms");
    }
}
