//! Columns of floats: as integers where all are, as decimals where all are, else as the integers that order them.
//!
//! Those that are few different ones are written by their places in a list, those that grow by multiples of some step by the
//! multiples (see [`super::list`] and [`super::lattice`]).
//!
//! What has no place among numbers (NaN of any payload, infinities, -0) is written apart, as runs; in its place the column
//! repeats the number before.

use super::{
    Mode, SectionError,
    apart::{self, is_apart},
    bits::zigzag,
    cursor::{Cursor, put_signed},
    exact::{POWERS, decimals, whole},
    ints::{self, IntWriter},
    lattice::Lattice,
    list::List,
};

/// Shorter columns are not worth a step's two numbers.
const STEPPED_MIN: usize = 24;
/// The two lowest bits of a column's tag; the four highest count the decimals.
const CONSTANT: u8 = 0;
const DECIMAL: u8 = 1;
const ORDERED: u8 = 2;
const STEPPED: u8 = 3;
const APART: u8 = 1 << 2;
/// Of a constant: eight bytes instead of an integer.
const RAW: u8 = 1 << 3;
/// Of ordered ones: a list, and places in it.
const LISTED: u8 = 1 << 3;

/// Writes columns, with memory that is used again.
#[derive(Debug, Default)]
pub(super) struct FloatWriter {
    ints: IntWriter,
    numbers: Vec<i64>,
    filled: Vec<f64>,
    offs: Vec<i64>,
}

impl FloatWriter {
    /// Appends a column, whose length the reader must know. `lead` has the same length when there is one.
    ///
    /// Gives the numbers when they are integers, and so can be a lead.
    pub(super) fn write(
        &mut self,
        mode: Mode,
        values: &[f64],
        lead: Option<&[i64]>,
        out: &mut Vec<u8>,
    ) -> Option<&[i64]> {
        let Self { ints, numbers, filled, offs } = self;
        let tag_at = out.len();
        out.push(0);
        let mut tag = 0;
        let values = if values.iter().any(|value| is_apart(*value)) {
            tag |= APART;
            apart::write(values, out);
            apart::fill(values, filled);
            filled
        } else {
            values
        };
        let first = values.first()?.to_bits();
        if values.iter().all(|value| value.to_bits() == first) {
            out[tag_at] = tag | CONSTANT | write_constant(first, out);
            return None;
        }
        numbers.clear();
        let decimals = decimals(values, numbers);
        if let Some(decimals) = decimals {
            tag |= DECIMAL | u8::try_from(decimals).expect("is 10 at most") << 4;
        } else {
            numbers.clear();
            if let Some(list) = List::of(values, numbers) {
                out[tag_at] = tag | ORDERED | LISTED;
                list.write(out);
                ints.write(mode, numbers, None, out);
                return None;
            }
            numbers.clear();
            if let Some(lattice) = take_apart(values, numbers, offs) {
                out[tag_at] = tag | STEPPED;
                for part in [lattice.offset, lattice.step, values[0]] {
                    out.extend_from_slice(&part.to_le_bytes());
                }
                ints.write(mode, numbers, None, out);
                ints.write(mode, offs, None, out);
                return None;
            }
            tag |= ORDERED;
            numbers.clear();
            numbers.extend(values.iter().map(|value| order(value.to_bits())));
        }
        out[tag_at] = tag;
        let whole = decimals == Some(0);
        ints.write(mode, numbers, lead.filter(|_| whole), out);
        whole.then_some(numbers)
    }
}

/// Reads the first `upto` of a column of `count` floats onto the end of `out`.
///
/// The cursor is past the column only when `upto` is `count`.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    count: usize,
    upto: usize,
    lead: Option<&[i64]>,
    numbers: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Result<(), SectionError> {
    let from = out.len();
    let tag = cursor.byte()?;
    let runs = if tag & APART > 0 { Some(apart::pass(cursor, count)?) } else { None };
    match tag & 3 {
        _ if count == 0 => {}
        CONSTANT if tag & RAW > 0 => {
            let value = f64::from_le_bytes(cursor.chunk()?);
            out.resize(from + upto, value);
        }
        CONSTANT => {
            #[expect(clippy::cast_precision_loss, reason = "the writer saw that it is exact")]
            let value = cursor.signed()? as f64;
            out.resize(from + upto, value);
        }
        DECIMAL => {
            numbers.clear();
            ints::read(cursor, count, upto, lead, numbers)?;
            let decimals = usize::from(tag >> 4);
            let power = *POWERS.get(decimals).ok_or(SectionError::Malformed("decimals"))?;
            #[expect(clippy::cast_precision_loss, reason = "the writer saw that it is exact")]
            if decimals == 0 {
                out.extend(numbers.iter().map(|number| *number as f64));
            } else {
                out.extend(numbers.iter().map(|number| *number as f64 / power));
            }
        }
        ORDERED if tag & LISTED > 0 => {
            let list = List::read(cursor)?;
            numbers.clear();
            ints::read(cursor, count, upto, None, numbers)?;
            list.put(numbers, out)?;
        }
        ORDERED => {
            numbers.clear();
            ints::read(cursor, count, upto, None, numbers)?;
            out.extend(numbers.iter().map(|number| f64::from_bits(disorder(*number))));
        }
        _ => read_stepped(cursor, count, upto, numbers, out)?,
    }
    if let Some(mut runs) = runs {
        // Checked when they were passed.
        apart::apply(&mut runs, &mut out[from..])?;
    }
    Ok(())
}

/// Reads a whole column that is a lead.
pub(super) fn read_lead(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Vec<i64>,
) -> Result<(), SectionError> {
    let tag = cursor.byte()?;
    if tag & APART > 0 {
        apart::pass(cursor, count)?;
    }
    if tag & !APART != DECIMAL {
        return Err(SectionError::Malformed("lead"));
    }
    out.clear();
    ints::read(cursor, count, count, None, out)
}

fn read_stepped(
    cursor: &mut Cursor<'_>,
    count: usize,
    upto: usize,
    numbers: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Result<(), SectionError> {
    let mut part = || Ok(f64::from_le_bytes(cursor.chunk()?));
    let (offset, step, mut last) = (part()?, part()?, part()?);
    let lattice = Lattice { offset, step };
    numbers.clear();
    // The second column begins where all of the first ends.
    ints::read(cursor, count - 1, count - 1, None, numbers)?;
    ints::read(cursor, count - 1, upto.saturating_sub(1), None, numbers)?;
    let (multiples, offs) = numbers.split_at((count - 1).min(numbers.len()));
    out.extend((upto > 0).then_some(last));
    out.extend(multiples.iter().zip(offs).map(|(multiple, off)| {
        last = lattice.put_together(last, *multiple, *off);
        last
    }));
    Ok(())
}

/// Writes a constant; gives the flag for the tag.
fn write_constant(bits: u64, out: &mut Vec<u8>) -> u8 {
    let value = f64::from_bits(bits);
    match whole(value).filter(|number| number.unsigned_abs() < 1 << 48) {
        Some(number) => {
            put_signed(out, number);
            0
        }
        None => {
            out.extend_from_slice(&bits.to_le_bytes());
            RAW
        }
    }
}

/// The multiples of a step that values grow by and what they are off by, when that takes less than the values.
fn take_apart(values: &[f64], multiples: &mut Vec<i64>, offs: &mut Vec<i64>) -> Option<Lattice> {
    let lattice = Lattice::find(values).filter(|_| values.len() >= STEPPED_MIN)?;
    offs.clear();
    let (mut parts, mut whole) = (0, 0);
    for pair in values.windows(2) {
        let (multiple, off) = lattice.take_apart(pair[0], pair[1]);
        parts += length(multiple) + length(off);
        whole += length(order(pair[1].to_bits()).wrapping_sub(order(pair[0].to_bits())));
        multiples.push(multiple);
        offs.push(off);
    }
    (parts + (values.len() * 4) as u64 + 192 < whole).then_some(lattice)
}

pub(super) fn length(number: i64) -> u64 {
    u64::from(64 - zigzag(number).leading_zeros())
}

/// Floats in their order as integers in the same order; every bit pattern has its own.
#[inline]
pub(super) fn order(bits: u64) -> i64 {
    let signed = bits.cast_signed();
    signed ^ ((signed >> 63).cast_unsigned() >> 1).cast_signed()
}

#[inline]
pub(super) fn disorder(number: i64) -> u64 {
    order(number.cast_unsigned()).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::apart::KNOWN, *};

    fn check(mode: Mode, values: &[f64], lead: Option<&[i64]>) -> usize {
        let mut bytes = Vec::new();
        FloatWriter::default().write(mode, values, lead, &mut bytes);
        for upto in [values.len(), values.len() / 2] {
            let (mut cursor, mut back) = (Cursor::new(&bytes), Vec::new());
            read(&mut cursor, values.len(), upto, lead, &mut Vec::new(), &mut back).unwrap();
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&back), bits(&values[..upto]));
            assert!(upto < values.len() || cursor.is_empty());
        }
        bytes.len()
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => any::<u64>().prop_map(f64::from_bits),
            2 => any::<i32>().prop_map(f64::from),
            2 => any::<i32>().prop_map(|v| f64::from(v) / 100.0),
            1 => prop::sample::select(KNOWN.to_vec()).prop_map(f64::from_bits),
            1 => prop::sample::select(vec![0.0, 1e300, 5e-324, 9.3e18, -9.3e18, 0.1, f64::MAX]),
        ]
    }

    proptest! {
        #[test]
        fn values_come_back_bit_for_bit(
            values in prop::collection::vec(value(), 0..60),
            kind in 0usize..6,
        ) {
            let values: Vec<f64> = match kind {
                0 => values,
                1 => values.iter().map(|value| if is_apart(*value) { *value } else { (value % 1e6).round() }).collect(),
                5 => values.iter().cycle().take(100).enumerate().map(|(at, _)| values.get(at * at % 7).copied().unwrap_or(0.7)).collect(),
                2 => values.iter().enumerate().map(|(at, value)| if is_apart(*value) { *value } else { 0.25 + at as f64 * 1e-7 / 3.0 + (value % 1e3).round() * 1e-6 / 7.0 }).collect(),
                3 => values.iter().enumerate().map(|(at, value)| if at % 9 == 8 { *value } else { 0.3 + (at * at % 1009) as f64 / 1013.0 }).collect(),
                _ => values.iter().map(|value| (value % 1e4 * 1000.0).round() / 1000.0).collect(),
            };
            for mode in [Mode::Fast, Mode::Dense] {
                check(mode, &values, None);
                let lead: Vec<i64> = (0..values.len() as i64).map(|at| at * 7).collect();
                check(mode, &values, Some(&lead));
            }
        }
    }

    #[test]
    fn what_is_exact_is_small() {
        let cents: Vec<f64> =
            (0..400).map(|at| f64::from(100_000 + at * 37 % 11) / 100.0).collect();
        assert!(check(Mode::Dense, &cents, None) < 270);
        let mut counter: Vec<f64> = (0..400).map(|at| f64::from(at * 3)).collect();
        assert!(check(Mode::Dense, &counter, None) < 10);
        counter[399] = f64::from_bits(model::Sample::STALE);
        assert!(check(Mode::Dense, &counter, None) < 24);
        assert_eq!(check(Mode::Dense, &[f64::NAN; 300], None), 7);
    }
}
