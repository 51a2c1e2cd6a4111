//! Floats that are integers, or integers with a point in them.

/// The most decimals that are tried.
pub(super) const DECIMALS_MAX: usize = 10;
pub(super) const POWERS: [f64; DECIMALS_MAX + 1] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
/// Above it not every integer is a float.
const EXACT_MAX: i64 = 1 << 53;

/// The integer that a float is.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "it is one only when nothing is lost"
)]
pub(super) fn whole(value: f64) -> Option<i64> {
    let number = value as i64;
    ((number as f64).to_bits() == value.to_bits()).then_some(number)
}

/// How many decimals all values have, and the numbers they are without the point.
pub(super) fn decimals(values: &[f64], numbers: &mut Vec<i64>) -> Option<usize> {
    for value in values {
        match whole(*value) {
            Some(number) => numbers.push(number),
            None => break,
        }
    }
    if numbers.len() == values.len() {
        return Some(0);
    }
    let mut decimals = 1;
    for value in values.get(numbers.len()..)? {
        while scaled(*value, POWERS[decimals]).is_none() {
            decimals += 1;
            if decimals > DECIMALS_MAX {
                return None;
            }
        }
    }
    numbers.clear();
    for value in values {
        numbers.push(scaled(*value, POWERS[decimals])?);
    }
    Some(decimals)
}

/// The number of which the value is the part that `power` says, if it is exactly that.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what is lost is seen by the comparison"
)]
fn scaled(value: f64, power: f64) -> Option<i64> {
    let number = (value * power + 0.5f64.copysign(value)) as i64;
    let same = (number as f64 / power).to_bits() == value.to_bits();
    (same && number.abs() < EXACT_MAX).then_some(number)
}
