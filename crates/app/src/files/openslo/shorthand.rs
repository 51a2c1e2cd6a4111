//! Durations as OpenSLO writes them: a whole number and one letter, `m h d w M Q Y`.

use std::time::Duration;

use crate::files::{problem::Code, reader::Field, text::shorten};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shorthand {
    pub value: u32,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

const UNITS: [(&str, Unit, u64); 7] = [
    ("m", Unit::Minute, 1),
    ("h", Unit::Hour, 60),
    ("d", Unit::Day, 24 * 60),
    ("w", Unit::Week, 7 * 24 * 60),
    ("M", Unit::Month, 30 * 24 * 60),
    ("Q", Unit::Quarter, 90 * 24 * 60),
    ("Y", Unit::Year, 365 * 24 * 60),
];

impl Shorthand {
    pub fn parse(text: &str) -> Option<Self> {
        let (unit, digits) =
            UNITS.iter().find_map(|(name, unit, _)| Some((*unit, text.strip_suffix(name)?)))?;
        let form = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = form.then(|| digits.parse().ok()).flatten()?;
        Some(Self { value, unit })
    }

    /// How long it is; a month has 30 days, a quarter 90 and a year 365, as OpenSLO's own tools count.
    pub fn duration(self) -> Duration {
        let minutes = UNITS
            .iter()
            .find(|(_, unit, _)| *unit == self.unit)
            .map_or(0, |(_, _, minutes)| *minutes);
        Duration::from_secs(u64::from(self.value) * minutes * 60)
    }
}

/// A positive duration.
pub(super) fn read(field: Field<'_>) -> Option<Shorthand> {
    let text = field.text()?;
    let shorthand = Shorthand::parse(text).filter(|shorthand| shorthand.value > 0);
    if shorthand.is_none() {
        let message = format!("`{}` is `{}`, which is not a duration", field.name(), shorten(text));
        let hint = "write a whole number above 0 and one of `m`, `h`, `d`, `w`, `M`, `Q` or `Y`, such as `28d`";
        field.error(Code::DURATION, message, hint);
    }
    shorthand
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_and_a_letter() {
        let check =
            |text| Shorthand::parse(text).map(|shorthand| shorthand.duration().as_secs() / 60);
        assert_eq!(check("10m"), Some(10));
        assert_eq!(check("4w"), Some(4 * 7 * 24 * 60));
        assert_eq!(check("1M"), Some(30 * 24 * 60));
        assert_eq!(check("1Q"), Some(90 * 24 * 60));
        for bad in
            ["", "m", "1", "1s", "-1d", "+1d", "1.5d", "1 d", "1dd", "invalid", "99999999999d"]
        {
            assert_eq!(check(bad), None, "{bad}");
        }
    }
}
