//! What has no place among numbers: NaN of any payload, infinities and -0, as runs with their places.

use super::{
    SECTION_SAMPLES_MAX, SectionError,
    cursor::{Cursor, put_count},
};

/// Whether a value is written apart.
pub(super) fn is_apart(value: f64) -> bool {
    !value.is_finite() || value.to_bits() == (-0.0f64).to_bits()
}

/// Repeats the number before in the place of what is apart; at the front, the first there is.
pub(super) fn fill(values: &[f64], into: &mut Vec<f64>) {
    into.clear();
    let mut last = values.iter().copied().find(|value| !is_apart(*value)).unwrap_or(0.0);
    into.extend(values.iter().map(|value| {
        if !is_apart(*value) {
            last = *value;
        }
        last
    }));
}

/// The runs of what is apart: how many others lie before, the bits, how many more of the same.
pub(super) fn write(values: &[f64], out: &mut Vec<u8>) {
    let all = || {
        let alike = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || !is_apart(*a) && !is_apart(*b);
        values.chunk_by(alike)
    };
    put_count(out, all().filter(|run| is_apart(run[0])).count());
    let mut gap = 0;
    for run in all() {
        if !is_apart(run[0]) {
            gap += run.len();
            continue;
        }
        put_count(out, std::mem::take(&mut gap));
        let bits = run[0].to_bits();
        match KNOWN.iter().position(|known| *known == bits) {
            Some(known) => out.push(u8::try_from(known).expect("there are five")),
            None => {
                out.push(OTHER);
                out.extend_from_slice(&bits.to_le_bytes());
            }
        }
        put_count(out, run.len() - 1);
    }
}

/// What is apart as a rule: the stale marker, the usual NaNs, infinities, -0.
pub(super) const KNOWN: [u64; 6] = [
    model::Sample::STALE,
    0x7ff8_0000_0000_0001,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x8000_0000_0000_0000,
];
const OTHER: u8 = 255;

pub(super) fn pass<'a>(cursor: &mut Cursor<'a>, count: usize) -> Result<Cursor<'a>, SectionError> {
    let from = *cursor;
    runs(cursor, count, |_, _, _| {})?;
    Ok(from)
}

pub(super) fn apply(cursor: &mut Cursor<'_>, values: &mut [f64]) -> Result<(), SectionError> {
    runs(cursor, SECTION_SAMPLES_MAX, |from, to, bits| {
        let to = to.min(values.len());
        if let Some(run) = values.get_mut(from..to) {
            run.fill(f64::from_bits(bits));
        }
    })
}

fn runs(
    cursor: &mut Cursor<'_>,
    count: usize,
    mut each: impl FnMut(usize, usize, u64),
) -> Result<(), SectionError> {
    let mut at = 0;
    for _ in 0..cursor.count(count)? {
        let from = at + cursor.count(count - at)?;
        let bits = match cursor.byte()? {
            OTHER => u64::from_le_bytes(cursor.chunk()?),
            known => *KNOWN.get(usize::from(known)).ok_or(SectionError::Malformed("float"))?,
        };
        let more = cursor.count(count - from)?;
        at = from + more + 1;
        if at > count {
            return Err(SectionError::Malformed("run"));
        }
        each(from, at, bits);
    }
    Ok(())
}
