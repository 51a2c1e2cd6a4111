//! What is promised: the share of good events, and the window over which it is promised.

use std::{fmt, str::FromStr, time::Duration};

/// The share of events that must be good, strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Objective(f64);

/// Why a number or a text is no objective.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("objective `{text}` is not a share between 0 and 1, both excluded, such as `0.999`")]
pub struct ObjectiveError {
    text: Box<str>,
}

impl Objective {
    /// The promised share of good events.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The error budget: the share of events that may be bad.
    pub fn budget(self) -> f64 {
        1.0 - self.0
    }

    /// The burn rate when every event is bad; there is none above.
    pub fn burn_max(self) -> f64 {
        1.0 / self.budget()
    }
}

impl TryFrom<f64> for Objective {
    type Error = ObjectiveError;

    fn try_from(share: f64) -> Result<Self, ObjectiveError> {
        // So near to 1 that one minus it is 0 would divide by zero later; a float cannot be nearer than 1e-16 anyway.
        if share > 0.0 && share < 1.0 {
            return Ok(Self(share));
        }
        Err(ObjectiveError { text: share.to_string().into() })
    }
}

impl FromStr for Objective {
    type Err = ObjectiveError;

    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        let error = || ObjectiveError { text: text.into() };
        text.parse::<f64>().map_err(|_| error())?.try_into().map_err(|_| error())
    }
}

impl fmt::Display for Objective {
    /// In percent, without the noise of binary fractions: `99.9 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.9}", self.0 * 100.0);
        write!(f, "{} %", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A window of whole days that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollingWindow {
    days: u16,
}

/// Why a number of days or a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "rolling window `{text}` is not 1 to {} whole days, such as `30d` or `4w`",
    RollingWindow::DAYS_MAX
)]
pub struct WindowError {
    text: Box<str>,
}

impl RollingWindow {
    /// The longest window, in days.
    pub const DAYS_MAX: u16 = 90;

    /// How many days it is long.
    pub const fn days(self) -> u16 {
        self.days
    }

    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.days as u64 * 86_400)
    }
}

impl TryFrom<u16> for RollingWindow {
    type Error = WindowError;

    fn try_from(days: u16) -> Result<Self, WindowError> {
        if (1..=Self::DAYS_MAX).contains(&days) {
            return Ok(Self { days });
        }
        Err(WindowError { text: format!("{days}d").into() })
    }
}

impl FromStr for RollingWindow {
    type Err = WindowError;

    /// `30d` or `4w`, as OpenSLO's duration shorthand has them.
    fn from_str(text: &str) -> Result<Self, WindowError> {
        let error = || WindowError { text: text.into() };
        let (number, days) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
            (Some(number), _) => (number, 1),
            (_, Some(number)) => (number, 7),
            (None, None) => return Err(error()),
        };
        let number: u16 = number.parse().map_err(|_| error())?;
        number.checked_mul(days).ok_or_else(error)?.try_into().map_err(|_| error())
    }
}

impl fmt::Display for RollingWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} d", self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_is_a_share_between_0_and_1() {
        for (text, expected) in [("0.999", "99.9 %"), ("0.5", "50 %"), ("0.99995", "99.995 %")] {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), expected);
        }
        for bad in ["", "0", "1", "-0.1", "1.5", "99.9", "NaN", "inf", "0.9999999999999999999"] {
            assert!(bad.parse::<Objective>().is_err(), "{bad}");
        }
        insta::assert_snapshot!("99.9".parse::<Objective>().unwrap_err(), @"objective `99.9` is not a share between 0 and 1, both excluded, such as `0.999`");
    }

    #[test]
    fn a_window_is_whole_days_up_to_90() {
        for (text, days) in [("1d", 1), ("30d", 30), ("4w", 28), ("90d", 90)] {
            assert_eq!(text.parse::<RollingWindow>().unwrap().days(), days);
        }
        for bad in ["", "0d", "91d", "13w", "30", "1h", "-1d", "d", "65535w", "1.5d"] {
            assert!(bad.parse::<RollingWindow>().is_err(), "{bad}");
        }
    }
}
