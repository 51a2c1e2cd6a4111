//! A point in time, and arithmetic that never panics.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    time::Duration,
};

/// Nanoseconds since 1970-01-01T00:00:00Z; covers the years 1677 to 2262.
///
/// Prints and parses as RFC 3339 in UTC with the precision it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is not a timestamp.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a time; write RFC 3339 such as `2026-11-23T03:00:00Z` or Unix seconds")]
pub struct ParseTimestampError {
    text: String,
}

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Saturates outside the range of nanoseconds in an `i64`.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Saturates outside the range of nanoseconds in an `i64`.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Wire formats carry unsigned nanoseconds; what lies beyond 2262 saturates.
    pub fn from_unsigned_nanos(nanos: u64) -> Self {
        Self(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Rounds down, so that two times in one millisecond stay equal.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// Unix seconds with a fraction, as Prometheus' HTTP API writes times.
    #[expect(clippy::cast_precision_loss, reason = "a float of seconds is what the API speaks")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The start of the bucket of `width` that holds this time, counted from the epoch.
    ///
    /// # Panics
    /// When `width` is zero.
    pub fn floor(self, width: Duration) -> Self {
        let width = nanos(width);
        assert!(width > 0, "a bucket has a width");
        Self(self.0.saturating_sub(self.0.rem_euclid(width)))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(rhs)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        jiff::Timestamp::from_nanosecond(i128::from(self.0))
            .expect("jiff covers more years than an i64 of nanoseconds")
            .fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// RFC 3339, or Unix seconds with an optional fraction.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseTimestampError { text: text.to_owned() };
        if let Ok(secs) = text.parse::<f64>() {
            // A float of seconds holds microseconds; finer digits would be noise.
            let micros = (secs * 1e6).round();
            #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
            return if micros.abs() < 9.2e15 {
                Ok(Self(micros as i64 * 1000))
            } else {
                Err(error())
            };
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| error())?;
        i64::try_from(parsed.as_nanosecond()).map(Self).map_err(|_| error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_rfc_3339() {
        let time: Timestamp = "2026-11-23T03:00:00.25Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-23T03:00:00.25Z");
        assert_eq!("1795402800.25".parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "soon", "NaN", "inf", "1e300", "2026-13-01T00:00:00Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX + Duration::from_secs(1), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::from_secs(5)), Duration::ZERO);
        assert_eq!(
            Timestamp::from_secs(-1).floor(Duration::from_secs(10)),
            Timestamp::from_secs(-10)
        );
    }
}
