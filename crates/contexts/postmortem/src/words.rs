//! Times, durations, shares and due dates as people write them.

use std::time::Duration;

use model::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// `2026-11-23 03:00:05`, in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    let text = at.floor(Duration::from_secs(1)).to_string();
    text.trim_end_matches('Z').replacen('T', " ", 1)
}

/// `2026-11-23`.
pub(crate) fn date(at: Timestamp) -> String {
    time(at).split(' ').next().unwrap_or_default().to_owned()
}

/// `45 s`, `12 min 5 s`, `1 h 5 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `12 %`, `0.3 %`, `under 0.1 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        percent if percent > 0.0 && percent < 0.1 => "under 0.1 %".to_owned(),
        percent if percent < 10.0 => {
            format!("{} %", format!("{percent:.1}").trim_end_matches(".0"))
        }
        percent => format!("{percent:.0} %"),
    }
}

/// `one alert`, `3 alerts`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("one {one}") } else { format!("{count} {many}") }
}

/// When the review is due: three calendar days after a SEV1, five business days after anything less (PagerDuty).
pub(crate) fn due(severity: &str, ended_at: Timestamp) -> Timestamp {
    if severity == "SEV1" {
        return ended_at + DAY * 3;
    }
    let (mut at, mut left) = (ended_at, 5);
    while left > 0 {
        at = at + DAY;
        // 1970-01-01 was a Thursday.
        let weekday = (at.as_secs().div_euclid(86_400) + 3).rem_euclid(7);
        if weekday < 5 {
            left -= 1;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_second() {
        let at: Timestamp = "2026-11-23T03:00:05.678Z".parse().unwrap();
        assert_eq!(time(at), "2026-11-23 03:00:05");
        assert_eq!(date(at), "2026-11-23");
    }

    #[test]
    fn durations_keep_two_units() {
        let check = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [check(0), check(60), check(75), check(3600), check(7265)],
            ["0 s", "1 min", "1 min 15 s", "1 h", "2 h 1 min"]
        );
    }

    #[test]
    fn a_review_is_due_on_a_business_day() {
        let check = |severity, text: &str| date(due(severity, text.parse().unwrap()));
        // 2026-11-23 is a Monday.
        assert_eq!(check("SEV2", "2026-11-23T10:00:00Z"), "2026-11-30");
        assert_eq!(check("SEV2", "2026-11-28T10:00:00Z"), "2026-12-04");
        assert_eq!(check("SEV1", "2026-11-27T10:00:00Z"), "2026-11-30");
    }
}
