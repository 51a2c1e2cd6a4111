//! `time_intervals` and the older `mute_time_intervals`: checked; the routes that name them are told that they have no effect yet.

use super::{Names, define};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The names of all intervals.
pub(super) fn read<'r>(map: Map<'r>) -> Names<'r> {
    let mut names = Names::new();
    for list in ["mute_time_intervals", "time_intervals"] {
        for item in map.optional(list).and_then(Field::list).unwrap_or_default() {
            let Some(interval) = item.map(&["name", "time_intervals"]) else { continue };
            if let Some(name) = interval.required("name") {
                define(&mut names, name, "time interval");
            }
            let ranges = interval.optional("time_intervals").and_then(Field::list);
            ranges.unwrap_or_default().into_iter().for_each(check);
        }
    }
    names
}

fn check(field: Field<'_>) {
    let fields = ["times", "weekdays", "days_of_month", "months", "years", "location"];
    let Some(map) = field.map(&fields) else { return };
    let items = |name: &str| map.optional(name).and_then(Field::list).unwrap_or_default();
    items("times").into_iter().for_each(times);
    for item in items("weekdays") {
        range(item, "a weekday or `monday:friday`", |text| {
            let at = WEEKDAYS.iter().position(|day| *day == text)?;
            i64::try_from(at).ok()
        });
    }
    for item in items("months") {
        range(item, "a month, 1 to 12, or `january:march`", |text| {
            match MONTHS.iter().position(|month| *month == text) {
                Some(at) => i64::try_from(at + 1).ok(),
                None => text.parse().ok().filter(|month| (1..=12).contains(month)),
            }
        });
    }
    for item in items("years") {
        range(item, "a year or `2026:2027`", |text| text.parse().ok());
    }
    items("days_of_month").into_iter().for_each(days_of_month);
    map.optional("location").and_then(Field::filled);
}

fn times(item: Field<'_>) {
    let Some(map) = item.map(&["start_time", "end_time"]) else { return };
    let minutes = |name: &str| {
        let field = map.required(name)?;
        let text = field.text()?;
        let minutes = minutes_of(text);
        if minutes.is_none() {
            let message = format!("`{name}` is `{}`", shorten(text));
            field.error(Code::TIME, message, "write `00:00` to `24:00`, in quotes");
        }
        minutes
    };
    let (start, end) = (minutes("start_time"), minutes("end_time"));
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        let hint = "split a night in two: until `24:00` and from `00:00`";
        item.error(Code::TIME, "`start_time` is not before `end_time`", hint);
    }
}

/// `HH:MM` as minutes of the day.
fn minutes_of(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse::<u32>().ok())
            .flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

/// One member or `first:last`, in order.
fn range(item: Field<'_>, allowed: &str, member: impl Fn(&str) -> Option<i64>) {
    let Some(text) = item.text() else { return };
    let lower = text.to_lowercase();
    let (first, last) = lower.split_once(':').unwrap_or((&lower, &lower));
    match (member(first), member(last)) {
        (Some(first), Some(last)) if first <= last => {}
        (Some(_), Some(_)) => {
            let message = format!("`{}` ends before it starts", shorten(text));
            item.error(Code::TIME, message, format!("write {allowed}"));
        }
        _ => {
            let message = format!("`{}` is not a range of time", shorten(text));
            item.error(Code::TIME, message, format!("write {allowed}"));
        }
    }
}

/// Days from 1 to 31, or from the month's end as -1 to -31.
fn days_of_month(item: Field<'_>) {
    let Some(text) = item.text() else { return };
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let day =
        |text: &str| text.parse::<i64>().ok().filter(|day| *day != 0 && (-31..=31).contains(day));
    // In the shortest month, so that what is always in the wrong order is refused.
    let from_start = |day: i64| if day < 0 { 28 + day } else { day };
    let fits = day(first).zip(day(last)).is_some_and(|(first, last)| {
        !(first < 0 && last > 0) && from_start(first) <= from_start(last)
    });
    if !fits {
        let message = format!("`{}` is not a range of days", shorten(text));
        item.error(Code::TIME, message, "write 1 to 31, -1 to -31 from the month's end, or `1:5`");
    }
}
