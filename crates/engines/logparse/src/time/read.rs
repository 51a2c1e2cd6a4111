//! The forms of a time, read from the front of a text.

use super::{Stamp, days_in_month};

/// The time with which `text` begins, and how many bytes it takes; `None` when it begins with none.
pub(crate) fn prefix(text: &str) -> Option<(Stamp, usize)> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let stamp =
        if reader.peek()?.is_ascii_digit() { reader.numeric()? } else { reader.english()? };
    real(stamp, reader.at)
}

/// klog's `0102 15:04:05.999999`.
pub(crate) fn month_day(text: &str) -> Option<(Stamp, usize)> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let (month, day) = (reader.two()?, reader.two()?);
    reader.any(b" ")?;
    let clock = reader.clock()?;
    real(stamp(None, month, day, clock, None), reader.at)
}

/// How many bytes at the front of `text` are a time of day with seconds; 0 when none are.
pub(crate) fn clock_length(text: &str) -> usize {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let seconds = reader.bytes.get(5) == Some(&b':');
    if seconds && reader.clock().is_some() { reader.at } else { 0 }
}

/// Whether there is such a day in some year; which year it is may not be known yet.
fn real(stamp: Stamp, length: usize) -> Option<(Stamp, usize)> {
    (stamp.month >= 1 && stamp.day >= 1 && stamp.day <= days_in_month(2000, stamp.month))
        .then_some((stamp, length))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A time of day: hour, minute, second, nanoseconds.
type Clock = (u8, u8, u8, u32);

const MIDNIGHT: Clock = (0, 0, 0, 0);

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, bytes: &[u8]) -> Option<()> {
        bytes.contains(&self.peek()?).then(|| self.at += 1)
    }

    /// A number of exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<u16> {
        let found = self.bytes.get(self.at..self.at + digits)?;
        let number = found.iter().try_fold(0, |number: u16, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
        })?;
        self.at += digits;
        Some(number)
    }

    fn two(&mut self) -> Option<u8> {
        self.number(2).and_then(|number| u8::try_from(number).ok())
    }

    /// A day of one digit, of two, or of one after a space.
    fn day(&mut self) -> Option<u8> {
        self.eat(b' ');
        self.two().or_else(|| self.number(1).and_then(|number| u8::try_from(number).ok()))
    }

    fn year(&mut self) -> Option<i16> {
        self.number(4).and_then(|number| i16::try_from(number).ok())
    }

    fn month(&mut self) -> Option<u8> {
        let name = self.bytes.get(self.at..self.at + 3)?;
        let month = match name {
            b"Jan" => 1,
            b"Feb" => 2,
            b"Mar" => 3,
            b"Apr" => 4,
            b"May" => 5,
            b"Jun" => 6,
            b"Jul" => 7,
            b"Aug" => 8,
            b"Sep" => 9,
            b"Oct" => 10,
            b"Nov" => 11,
            b"Dec" => 12,
            _ => return None,
        };
        self.at += 3;
        Some(month)
    }

    fn weekday(&mut self) {
        const NAMES: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
        if self.bytes.get(self.at..self.at + 3).is_some_and(|name| NAMES.contains(&name)) {
            self.at += 3;
            self.eat(b',');
            self.eat(b' ');
        }
    }

    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff`, the fraction after a point or a comma.
    fn clock(&mut self) -> Option<Clock> {
        let hour = self.two()?;
        self.any(b":")?;
        let minute = self.two()?;
        let (second, nanos) = if self.eat(b':') { (self.two()?, self.fraction()) } else { (0, 0) };
        sane((hour, minute, second, nanos))
    }

    /// Nanoseconds; digits beyond are cut off. A separator that no digit follows is not taken.
    fn fraction(&mut self) -> u32 {
        let digit = self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        if !digit || self.any(b".,").is_none() {
            return 0;
        }
        let (mut nanos, mut weight) = (0, 100_000_000);
        while let Some(byte) = self.peek().filter(u8::is_ascii_digit) {
            nanos += u32::from(byte - b'0') * weight;
            weight /= 10;
            self.at += 1;
        }
        nanos
    }

    /// An offset or the name of a zone, after an optional space; `None`, and nothing is taken, when there is neither.
    fn offset(&mut self) -> Option<i32> {
        let start = self.at;
        self.eat(b' ');
        let offset = match self.peek() {
            Some(b'+' | b'-') => self.signed_offset(self.at > start),
            Some(byte) if byte.is_ascii_alphabetic() => self.named_offset(),
            _ => None,
        };
        match offset {
            Some(_) => self.skip_name(),
            None => self.at = start,
        }
        offset
    }

    /// `+HH:MM`, `+HHMM`, or `+HH` when no space is before it.
    fn signed_offset(&mut self, after_space: bool) -> Option<i32> {
        let sign = if self.eat(b'-') { -1 } else { 1 };
        self.eat(b'+');
        let hours = self.two()?;
        let colon = self.eat(b':');
        let minutes = match self.two() {
            Some(minutes) => minutes,
            None if colon || after_space => return None,
            None => 0,
        };
        let more = self.peek().is_some_and(|byte| byte.is_ascii_digit());
        (hours <= 18 && minutes < 60 && !more)
            .then(|| sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
    }

    /// Go writes a zone's name after the offset: `-0500 EST`.
    fn skip_name(&mut self) {
        let start = self.at;
        if !self.eat(b' ') || self.named_offset().is_none() {
            self.at = start;
        }
    }

    /// The zones that RFC 2822 names; other abbreviations mean different offsets to different people.
    fn named_offset(&mut self) -> Option<i32> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let hours = match rest.get(..length)? {
            b"Z" | b"z" | b"UTC" | b"GMT" | b"UT" => 0,
            b"EDT" => -4,
            b"EST" | b"CDT" => -5,
            b"CST" | b"MDT" => -6,
            b"MST" | b"PDT" => -7,
            b"PST" => -8,
            _ => return None,
        };
        self.at += length;
        Some(hours * 3600)
    }

    /// A time that begins with a digit.
    fn numeric(&mut self) -> Option<Stamp> {
        let digits = self.bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match digits {
            4 => self.year_first(),
            8 => self.basic(),
            1 | 2 => self.day_first(),
            _ => None,
        }
    }

    /// `2006-01-02T15:04:05.999999999Z07:00`, with `/` for `-`, with a space or `_` for `T`, without an offset, or the date alone.
    fn year_first(&mut self) -> Option<Stamp> {
        let year = self.year()?;
        let separator = self.peek()?;
        self.any(b"-/")?;
        let month = self.two()?;
        self.any(&[separator])?;
        let day = self.two()?;
        let date_only = self.at;
        if self.any(b"Tt _").is_some()
            && let Some(clock) = self.clock()
        {
            let offset = self.offset();
            return Some(stamp(Some(year), month, day, clock, offset));
        }
        self.at = date_only;
        // A time that is none is no date either: `2006-01-02T25:00:00`.
        let ends = self.peek().is_none_or(|byte| byte == b' ');
        let clock_like = self.bytes.get(self.at + 3) == Some(&b':');
        (ends && !clock_like).then(|| stamp(Some(year), month, day, MIDNIGHT, None))
    }

    /// `20060102T150405Z`, and glog's `20060102 15:04:05.999999`.
    fn basic(&mut self) -> Option<Stamp> {
        let (year, month, day) = (self.year()?, self.two()?, self.two()?);
        self.any(b"T ")?;
        let clock = if self.bytes.get(self.at + 2) == Some(&b':') {
            self.clock()?
        } else {
            let (hour, minute, second) = (self.two()?, self.two()?, self.two()?);
            sane((hour, minute, second, self.fraction()))?
        };
        let offset = self.offset();
        Some(stamp(Some(year), month, day, clock, offset))
    }

    /// `02/Jan/2006:15:04:05 -0700`, `02-Jan-2006 15:04:05.999`, `2 Jan 2006 15:04:05 GMT`.
    fn day_first(&mut self) -> Option<Stamp> {
        let day = self.day()?;
        self.any(b"/- ")?;
        let month = self.month()?;
        self.any(b"/- ")?;
        let year = self.year()?;
        self.any(b": ")?;
        let clock = self.clock()?;
        let offset = self.offset();
        Some(stamp(Some(year), month, day, clock, offset))
    }

    /// `Mon Jan _2 15:04:05 MST 2006` with any of its parts but month, day and time missing, and `Mon, 02 Jan 2006 15:04:05 GMT`.
    fn english(&mut self) -> Option<Stamp> {
        self.weekday();
        if self.peek()?.is_ascii_digit() {
            return self.day_first();
        }
        let month = self.month()?;
        self.any(b" ")?;
        let day = self.day()?;
        self.any(b" ")?;
        let mut year = self.year_and(b' ');
        let clock = self.clock()?;
        let mut offset = self.offset();
        let before_year = self.at;
        if year.is_none() && self.eat(b' ') {
            year = self
                .year()
                .filter(|_| self.peek().is_none_or(|byte| !byte.is_ascii_alphanumeric()));
            if year.is_none() {
                self.at = before_year;
            }
        }
        offset = offset.or_else(|| self.offset());
        Some(stamp(year, month, day, clock, offset))
    }

    /// A year that `byte` follows; nothing is taken when it does not.
    fn year_and(&mut self, byte: u8) -> Option<i16> {
        let start = self.at;
        let year = self.year().filter(|_| self.eat(byte));
        if year.is_none() {
            self.at = start;
        }
        year
    }
}

/// A leap second is a second more.
fn sane(clock: Clock) -> Option<Clock> {
    (clock.0 < 24 && clock.1 < 60 && clock.2 <= 60).then_some(clock)
}

fn stamp(year: Option<i16>, month: u8, day: u8, clock: Clock, offset: Option<i32>) -> Stamp {
    let (hour, minute, second, nanos) = clock;
    Stamp { year, month, day, hour, minute, second, nanos, offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ends_where_the_text_goes_on() {
        let length = |text| prefix(text).map(|(_, length)| length);
        assert_eq!(length("2021-04-01 13:02:31.5 INFO x"), Some(21));
        assert_eq!(length("2021-04-01 13:02:31 +0200 x"), Some(25));
        assert_eq!(length("2021-04-01 13:02:31 -12 x"), Some(19));
        assert_eq!(length("2021-04-01 13:02:31. x"), Some(19));
        assert_eq!(length("Jun 13 16:33:35 2048kB"), Some(15));
        assert_eq!(length("Jun 13 16:33:35 2021 x"), Some(20));
        assert_eq!(length("Jun 13 16:33:35 host"), Some(15));
        assert_eq!(length("10.0.0.1"), None);
        assert_eq!(length("May be"), None);
    }
}
