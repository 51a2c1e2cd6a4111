//! `hour`, `day_of_week` and the other parts of a date, in UTC.

const DAY_SECS: i64 = 86_400;

/// The part of a date, given in Unix seconds, that a function gives.
pub(crate) fn of(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "minute" => |secs| whole(secs, minute),
        "hour" => |secs| whole(secs, hour),
        "day_of_week" => |secs| whole(secs, day_of_week),
        "day_of_month" => |secs| whole(secs, |secs| civil(secs).2),
        "day_of_year" => |secs| whole(secs, day_of_year),
        "days_in_month" => |secs| whole(secs, days_in_month),
        "month" => |secs| whole(secs, |secs| civil(secs).1),
        "year" => |secs| whole(secs, |secs| civil(secs).0),
        _ => return None,
    })
}

fn whole(secs: f64, part: fn(i64) -> i64) -> f64 {
    if !secs.is_finite() || secs.abs() > 1e15 {
        return f64::NAN;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "bounded above"
    )]
    let value = part(secs as i64) as f64;
    value
}

fn minute(secs: i64) -> i64 {
    secs.rem_euclid(3600) / 60
}

fn hour(secs: i64) -> i64 {
    secs.rem_euclid(DAY_SECS) / 3600
}

/// 1970-01-01 was a Thursday.
fn day_of_week(secs: i64) -> i64 {
    (secs.div_euclid(DAY_SECS) + 4).rem_euclid(7)
}

fn day_of_year(secs: i64) -> i64 {
    secs.div_euclid(DAY_SECS) - days(civil(secs).0, 1) + 1
}

fn days_in_month(secs: i64) -> i64 {
    let (year, month, _) = civil(secs);
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next_month) - days(year, month)
}

/// Year, month and day of the proleptic Gregorian calendar, counting in eras of 400 years that begin in March.
fn civil(secs: i64) -> (i64, i64, i64) {
    let days = secs.div_euclid(DAY_SECS) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// Days from 1970-01-01 to the first of `month`.
fn days(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_known_dates() {
        // 2024-02-29T13:45:00Z was a Thursday, the 60th day of a leap year.
        let secs = 1_709_214_300.0;
        let check = |name, expected| assert_eq!(of(name).unwrap()(secs), expected, "{name}");
        check("minute", 45.0);
        check("hour", 13.0);
        check("day_of_week", 4.0);
        check("day_of_month", 29.0);
        check("day_of_year", 60.0);
        check("days_in_month", 29.0);
        check("month", 2.0);
        check("year", 2024.0);
        assert_eq!(civil(-1), (1969, 12, 31));
    }
}
