//! Times as logs write them, to nanoseconds since 1970.
//!
//! Sources: RFC 3339, RFC 2822 section 3.3, ISO 8601's basic format, C's `asctime`, syslog's RFC 3164 section 4.1.2, the common log format's
//! `%d/%b/%Y:%H:%M:%S %z` (httpd.apache.org/docs/current/mod/mod_log_config.html).

mod read;

use model::Timestamp;

use crate::Options;

pub(crate) use read::{clock_length, month_day, prefix};

/// A time as a line writes it; what it leaves out is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    year: Option<i16>,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    /// Seconds east of UTC.
    offset: Option<i32>,
}

/// A line without a year may be this far ahead of us: clocks differ, and so do time zones.
const AHEAD_MAX_NANOS: i64 = 86_400_000_000_000;

/// How far back a 29th of February may lie: 1896 to 1904 had none.
const YEARS_BACK_MAX: i16 = 8;

impl Stamp {
    /// `None` when there is no such day, or when it lies outside the years of a [`Timestamp`].
    pub(crate) fn resolve(self, options: &Options) -> Option<Timestamp> {
        if self.year.is_some() {
            return self.in_zone(options);
        }
        let this_year = year_of(options.now);
        let latest = options.now.as_nanos().saturating_add(AHEAD_MAX_NANOS);
        (this_year - YEARS_BACK_MAX..=this_year + 1)
            .rev()
            .filter_map(|year| Self { year: Some(year), ..self }.in_zone(options))
            .find(|at| at.as_nanos() <= latest)
    }

    fn in_zone(self, options: &Options) -> Option<Timestamp> {
        let year = self.year?;
        if self.day > days_in_month(year, self.month) {
            return None;
        }
        let Some(offset) = self.offset else {
            let (hour, minute) = (i8::try_from(self.hour).ok()?, i8::try_from(self.minute).ok()?);
            let (month, day) = (i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?);
            let local = jiff::civil::DateTime::new(year, month, day, hour, minute, 0, 0).ok()?;
            let minute = options.zone.to_timestamp(local).ok()?.as_second();
            return nanos(minute + i64::from(self.second), self.nanos);
        };
        let clock =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        nanos(
            days_from_epoch(year, self.month, self.day) * 86_400 + clock - i64::from(offset),
            self.nanos,
        )
    }
}

fn nanos(seconds: i64, nanos: u32) -> Option<Timestamp> {
    let whole = seconds.checked_mul(1_000_000_000)?;
    Some(Timestamp::from_nanos(whole.checked_add(i64::from(nanos))?))
}

/// The time that all of `text` is, in any form that [`prefix`] or [`epoch_text`] reads. Java puts a zone's name in brackets after the offset.
pub(crate) fn whole(text: &str, options: &Options) -> Option<Timestamp> {
    let zoned = text.strip_suffix(']').and_then(|text| text.split_once('['));
    let text = zoned.map_or(text, |(text, _)| text);
    match prefix(text) {
        Some((stamp, length)) if length == text.len() => stamp.resolve(options),
        Some(_) => None,
        None => epoch_text(text),
    }
}

/// Below this a number of seconds is a duration rather than a time: 1973-03-03.
const EPOCH_MIN_SECS: i64 = 100_000_000;

/// A number since 1970 whose unit its size gives: seconds below 10^11, then ms below 10^14, µs below 10^17, ns.
pub(crate) fn epoch(number: i64) -> Option<Timestamp> {
    let unit = epoch_unit(number)?;
    number.checked_mul(unit).map(Timestamp::from_nanos)
}

/// The same for a number with a fraction. A double of seconds holds microseconds; finer digits would be noise.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and what is out of range is refused"
)]
#[expect(clippy::cast_precision_loss, reason = "units are powers of ten that a double holds")]
pub(crate) fn epoch_double(number: f64) -> Option<Timestamp> {
    let unit = epoch_unit(number as i64)?;
    let micros = (number * (unit as f64 / 1e3)).round();
    (micros.abs() < 9.2e15).then(|| Timestamp::from_nanos(micros as i64 * 1000))
}

/// The same for digits with an optional fraction, to the last digit.
pub(crate) fn epoch_text(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = whole.parse().ok()?;
    let unit = epoch_unit(number)?;
    let mut part = 0;
    let mut weight = unit;
    for digit in fraction.bytes() {
        weight /= 10;
        part += i64::from(digit - b'0') * weight;
    }
    Some(Timestamp::from_nanos(number.checked_mul(unit)?.checked_add(part)?))
}

fn epoch_unit(number: i64) -> Option<i64> {
    match number {
        EPOCH_MIN_SECS..100_000_000_000 => Some(1_000_000_000),
        100_000_000_000..100_000_000_000_000 => Some(1_000_000),
        100_000_000_000_000..100_000_000_000_000_000 => Some(1000),
        100_000_000_000_000_000.. => Some(1),
        _ => None,
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar, counted in years that begin in March (Howard Hinnant's
/// `days_from_civil`), so that the leap day comes last.
fn days_from_epoch(year: i16, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// 0 when there is no such month.
fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

fn year_of(at: Timestamp) -> i16 {
    jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos()))
        .map_or(1970, |at| jiff::tz::TimeZone::UTC.to_datetime(at).year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(now: &str) -> Options {
        Options::new(now.parse().unwrap())
    }

    fn check(text: &str, expected: &str) {
        let at = whole(text, &options("2026-11-26T00:00:00Z"));
        assert_eq!(at.map_or("none".to_owned(), |at| at.to_string()), expected, "{text}");
    }

    #[test]
    fn iso_dates_and_their_variants() {
        check("2016-10-06T00:17:09.669794202Z", "2016-10-06T00:17:09.669794202Z");
        check("2016-10-06t00:17:09z", "2016-10-06T00:17:09Z");
        check("2016-10-06T00:17:09+02:00", "2016-10-05T22:17:09Z");
        check("2016-10-06 00:17:09,669", "2016-10-06T00:17:09.669Z");
        check("2016-10-06 00:17:09.669 -0730", "2016-10-06T07:47:09.669Z");
        check("2016-10-06 00:17:09.5 UTC", "2016-10-06T00:17:09.5Z");
        check("2016-10-06 00:17:09.669 -0500 EST", "2016-10-06T05:17:09.669Z");
        check("2016-10-06 00:17 EST", "2016-10-06T05:17:00Z");
        check("2021/04/01 13:02:31", "2021-04-01T13:02:31Z");
        check("20161006T001709Z", "2016-10-06T00:17:09Z");
        check("2016-10-06T00:17:09.6697942021234Z", "2016-10-06T00:17:09.669794202Z");
        check("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z");
        check("2016-10-06", "2016-10-06T00:00:00Z");
    }

    #[test]
    fn english_dates() {
        check("10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z");
        check("10/Oct/2000:13:55:36.25 +0000", "2000-10-10T13:55:36.25Z");
        check("Tue Jun 08 11:54:08.929301 2021", "2021-06-08T11:54:08.929301Z");
        check("Sun Jan 10 16:47:39 EST 2021", "2021-01-10T21:47:39Z");
        check("Wed, 16 Oct 2019 12:00:00 +0100", "2019-10-16T11:00:00Z");
        check("Wed, 16 Oct 2019 12:00:00 GMT", "2019-10-16T12:00:00Z");
        check("08-Jun-2021 11:54:08.929", "2021-06-08T11:54:08.929Z");
        check("Jun  8 2021 11:54:08", "2021-06-08T11:54:08Z");
    }

    #[test]
    fn numbers_have_the_unit_that_their_size_gives() {
        check("1446249499", "2015-10-30T23:58:19Z");
        check("1446249499.322", "2015-10-30T23:58:19.322Z");
        check("1446249499322", "2015-10-30T23:58:19.322Z");
        check("1446249499322123", "2015-10-30T23:58:19.322123Z");
        check("1446249499322123456", "2015-10-30T23:58:19.322123456Z");
        check("1446249499322.5", "2015-10-30T23:58:19.3225Z");
        let at = epoch_double(1_446_249_499.322).unwrap();
        assert_eq!(at.to_string(), "2015-10-30T23:58:19.322Z");
        assert_eq!(epoch_double(f64::NAN), None);
        assert_eq!(epoch_double(1e300), None);
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "now",
            "12",
            "2016-13-01T00:00:00Z",
            "2016-02-30T00:00:00Z",
            "2016-10-06T24:00:00Z",
            "2016-10-06T00:61:00Z",
            "2016-10-06T00:17:09Zebra",
            "0001-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
            "99999999999999999999",
            "00/Oct/2000:13:55:36 -0700",
            "10/Okt/2000:13:55:36 -0700",
            "Foo 10 16:47:39",
            "2016-10-06T00:17:09 CEST",
        ] {
            check(text, "none");
        }
    }

    #[test]
    fn a_missing_year_is_the_latest_that_is_not_ahead() {
        let resolve = |text, now| whole(text, &options(now)).unwrap().to_string();
        assert_eq!(resolve("May  5 17:59:40", "2026-11-26T00:00:00Z"), "2026-05-05T17:59:40Z");
        assert_eq!(resolve("Dec 31 23:59:59", "2026-01-01T00:00:01Z"), "2025-12-31T23:59:59Z");
        assert_eq!(resolve("Jan  1 00:00:01", "2025-12-31T23:59:59Z"), "2026-01-01T00:00:01Z");
        assert_eq!(resolve("Feb 29 12:00:00", "2027-03-01T00:00:00Z"), "2024-02-29T12:00:00Z");
    }

    #[test]
    fn a_time_without_an_offset_is_in_the_callers_zone() {
        let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let paris = Options { zone, ..options("2026-11-26T00:00:00Z") };
        let at = |text| whole(text, &paris).unwrap().to_string();
        assert_eq!(at("2021/06/03 09:30:50"), "2021-06-03T07:30:50Z");
        assert_eq!(at("2021/12/03 09:30:50"), "2021-12-03T08:30:50Z");
        assert_eq!(at("2021-12-03T09:30:50Z"), "2021-12-03T09:30:50Z");
    }

    #[test]
    fn days_agree_with_another_calendar() {
        for (year, month, day) in
            [(1677, 9, 22), (1900, 3, 1), (1970, 1, 1), (2000, 2, 29), (2262, 4, 11)]
        {
            let date = jiff::civil::date(year, i8::try_from(month).unwrap(), day);
            let seconds =
                jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap().as_second();
            let day = u8::try_from(day).unwrap();
            assert_eq!(days_from_epoch(year, month, day) * 86_400, seconds);
        }
    }
}
