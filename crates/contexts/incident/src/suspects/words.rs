//! The sentences of the evidence: plain numbers, no adjectives.

use std::time::Duration;

use super::evidence::Counts;

/// A share as people write it: `98 %`, `0.1 %`, `0 %`, `100 %` for all and for nothing less.
pub(super) fn percent(counts: Counts) -> String {
    let Some(share) = counts.share() else { return "none".to_owned() };
    if counts.failed == 0 {
        return "0 %".to_owned();
    }
    if counts.failed >= counts.total {
        return "100 %".to_owned();
    }
    let percent = share * 100.0;
    match percent {
        percent if percent < 0.1 => "under 0.1 %".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1} %").replace(".0 %", " %"),
        percent if percent < 99.0 => format!("{percent:.0} %"),
        percent if percent < 99.9 => format!("{percent:.1} %"),
        _ => "over 99.9 %".to_owned(),
    }
}

/// `45 s`, `12 min`, `1 h 5 min`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds) {
        (0, 0..2, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_neither_rounded_to_all_nor_to_nothing() {
        let check = |failed, total| percent(Counts::new(failed, total));
        assert_eq!(check(98, 100), "98 %");
        assert_eq!(check(1, 1000), "0.1 %");
        assert_eq!(check(3, 100), "3 %");
        assert_eq!(check(1, 100_000), "under 0.1 %");
        assert_eq!(check(99_999, 100_000), "over 99.9 %");
        assert_eq!(check(996, 1000), "99.6 %");
        assert_eq!(check(0, 5), "0 %");
        assert_eq!(check(5, 5), "100 %");
        assert_eq!(check(0, 0), "none");
    }

    #[test]
    fn durations_are_short() {
        let check = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(check(75), "75 s");
        assert_eq!(check(720), "12 min");
        assert_eq!(check(3900), "1 h 5 min");
    }
}
