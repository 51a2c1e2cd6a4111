//! Columns of few different floats: the floats once, and for each sample its place among them.

use super::{
    SectionError,
    cursor::{Cursor, put_count},
    floats::{length, order},
};

/// The most different values.
const VALUES_MAX: usize = 32;
/// A column has at least so many samples for each of its values.
const SAMPLES_EACH_MIN: usize = 8;

/// Different values, the most frequent first.
#[derive(Debug, PartialEq)]
pub(super) struct List(Vec<f64>);

impl List {
    /// The list of these values and their places in it, when that takes less than the values.
    pub(super) fn of(values: &[f64], places: &mut Vec<i64>) -> Option<Self> {
        let most = VALUES_MAX.min(values.len() / SAMPLES_EACH_MIN);
        let mut found: Vec<(u64, usize)> = Vec::with_capacity(VALUES_MAX);
        let (mut whole, mut before) = (0, values.first()?.to_bits());
        for value in values {
            let bits = value.to_bits();
            whole += length(order(bits).wrapping_sub(order(before)));
            before = bits;
            match found.iter().position(|(other, _)| *other == bits) {
                Some(at) => found[at].1 += 1,
                None if found.len() == most => return None,
                None => found.push((bits, 1)),
            }
        }
        found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let place = |bits: u64| found.iter().position(|(other, _)| *other == bits);
        for value in values {
            places.push(i64::try_from(place(value.to_bits())?).ok()?);
        }
        let steps = places.windows(2).map(|pair| length(pair[1] - pair[0]));
        let parts = steps.sum::<u64>() + found.len() as u64 * 64;
        let list = || Self(found.iter().map(|(bits, _)| f64::from_bits(*bits)).collect());
        (parts < whole).then(list)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_count(out, self.0.len());
        self.0.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }

    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SectionError> {
        let count = cursor.count(VALUES_MAX)?;
        let values = (0..count).map(|_| Ok(f64::from_le_bytes(cursor.chunk()?)));
        values.collect::<Result<_, _>>().map(Self)
    }

    /// Appends the values at these places.
    pub(super) fn put(&self, places: &[i64], out: &mut Vec<f64>) -> Result<(), SectionError> {
        for place in places {
            let value = usize::try_from(*place).ok().and_then(|place| self.0.get(place));
            out.push(*value.ok_or(SectionError::Malformed("place"))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_make_a_list() {
        let values: Vec<f64> = (0..200u32).map(|at| f64::from(at * at % 7).sqrt() / 3.0).collect();
        let mut places = Vec::new();
        let list = List::of(&values, &mut places).unwrap();
        assert_eq!(list.0.len(), 4);
        let mut back = Vec::new();
        list.put(&places, &mut back).unwrap();
        assert_eq!(back, values);
        assert!(list.put(&[4], &mut back).is_err());
        let many: Vec<f64> = (0..200).map(|at| f64::from(at).sqrt()).collect();
        assert_eq!(List::of(&many, &mut Vec::new()), None);
        // It hardly ever changes: the change is cheaper.
        let steps: Vec<f64> = (0..200).map(|at| f64::from(at / 100).sqrt() + 0.1).collect();
        assert_eq!(List::of(&steps, &mut Vec::new()), None);
    }
}
