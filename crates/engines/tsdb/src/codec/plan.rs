//! How a run of small integers is written: as one constant, as Rice codes, or as the few that differ from the rest.

use super::{
    SectionError,
    bits::{BitReader, BitWriter, ESCAPE, unzigzag, zigzag},
    cursor::{Cursor, put_count, put_signed},
};

/// What every number is reckoned from, and how the rest is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) centre: i64,
    pub(super) shape: Shape,
    /// What it takes, in bits, more or less.
    pub(super) cost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All are the centre.
    Constant,
    /// Above and below the centre.
    Signed { k: u32 },
    /// Not below the centre.
    Unsigned { k: u32 },
    /// `count` differ from the centre.
    Sparse { count: usize, gap_k: u32, others: Others },
}

/// Those that differ, of which none is 0 from the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    Same(i64),
    Positive { k: u32 },
    Signed { k: u32 },
}

/// What the header of a column says of the shape, in two bits.
impl Shape {
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Constant => 0,
            Self::Signed { .. } => 1,
            Self::Unsigned { .. } => 2,
            Self::Sparse { .. } => 3,
        }
    }
}

/// Plans, with memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Planner {
    codes: Vec<u64>,
    gaps: Vec<u64>,
}

/// How many numbers are looked at to guess the middle.
const SAMPLE: usize = 15;
/// What a sparse shape takes beyond its codes, in bits.
const SPARSE_BITS: u64 = 24;

impl Planner {
    /// The cheapest way to write `numbers`.
    pub(super) fn plan(&mut self, numbers: &[i64]) -> Plan {
        let Some(&first) = numbers.first() else {
            return Plan { centre: 0, shape: Shape::Constant, cost: 0 };
        };
        let usual = usual(numbers);
        let usuals = numbers.iter().filter(|number| **number == usual).count();
        if usuals == numbers.len() {
            return Plan { centre: first, shape: Shape::Constant, cost: 0 };
        }
        let sparse = usuals * 2 > numbers.len();
        let dense = (usuals * 10 < numbers.len() * 9)
            .then(|| self.dense(numbers, if sparse { usual } else { middle(numbers) }));
        let sparse = sparse.then(|| self.sparse(numbers, usual, numbers.len() - usuals));
        match (dense, sparse) {
            (Some(dense), Some(sparse)) if dense.cost <= sparse.cost => dense,
            (_, Some(sparse)) => sparse,
            (Some(dense), None) => dense,
            (None, None) => self.dense(numbers, usual),
        }
    }

    fn dense(&mut self, numbers: &[i64], centre: i64) -> Plan {
        self.codes.clear();
        self.codes.extend(numbers.iter().map(|number| zigzag(number.wrapping_sub(centre))));
        let lengths = lengths(&self.codes);
        let least = numbers.iter().copied().min().unwrap_or_default();
        let above = |number: &i64| number.wrapping_sub(least).cast_unsigned();
        let lengths_above: u64 = numbers.iter().map(|number| length(above(number))).sum();
        if lengths_above < lengths {
            self.codes.clear();
            self.codes.extend(numbers.iter().map(above));
            let (k, cost) = best_k(&self.codes, lengths_above);
            return Plan { centre: least, shape: Shape::Unsigned { k }, cost };
        }
        let (k, cost) = best_k(&self.codes, lengths);
        Plan { centre, shape: Shape::Signed { k }, cost }
    }

    fn sparse(&mut self, numbers: &[i64], centre: i64, count: usize) -> Plan {
        self.codes.clear();
        self.gaps.clear();
        let (mut gap, mut first, mut same, mut positive) = (0, None, true, true);
        for number in numbers {
            let other = number.wrapping_sub(centre);
            if other == 0 {
                gap += 1;
                continue;
            }
            self.gaps.push(std::mem::take(&mut gap));
            self.codes.push(fold(other));
            same &= *first.get_or_insert(other) == other;
            positive &= other > 0;
        }
        let (gap_k, gap_cost) = best_k(&self.gaps, lengths(&self.gaps));
        let (others, cost) = if same {
            (Others::Same(first.unwrap_or_default()), 8)
        } else if positive {
            self.codes.iter_mut().for_each(|code| *code >>= 1);
            let (k, cost) = best_k(&self.codes, lengths(&self.codes));
            (Others::Positive { k }, cost)
        } else {
            let (k, cost) = best_k(&self.codes, lengths(&self.codes));
            (Others::Signed { k }, cost)
        };
        let shape = Shape::Sparse { count, gap_k, others };
        Plan { centre, shape, cost: gap_cost + cost + SPARSE_BITS }
    }
}

/// Writes `numbers` as `plan` says; its tag and its centre are written elsewhere.
pub(super) fn write(plan: &Plan, numbers: &[i64], out: &mut Vec<u8>) {
    let from_centre = |number: &i64| number.wrapping_sub(plan.centre);
    match plan.shape {
        Shape::Constant => {}
        Shape::Signed { k } => {
            out.push(parameter(k));
            let mut bits = BitWriter::new(out);
            numbers.iter().for_each(|number| bits.put_rice(zigzag(from_centre(number)), k));
            bits.finish();
        }
        Shape::Unsigned { k } => {
            out.push(parameter(k));
            let mut bits = BitWriter::new(out);
            let code = |number| from_centre(number).cast_unsigned();
            numbers.iter().for_each(|number| bits.put_rice(code(number), k));
            bits.finish();
        }
        Shape::Sparse { count, gap_k, others } => {
            put_count(out, count);
            out.push(parameter(gap_k));
            match others {
                Others::Same(other) => {
                    out.push(SAME);
                    put_signed(out, other);
                }
                Others::Positive { k } => out.push(POSITIVE | parameter(k)),
                Others::Signed { k } => out.push(SIGNED | parameter(k)),
            }
            write_sparse(numbers, plan.centre, gap_k, others, BitWriter::new(out));
        }
    }
}

const SAME: u8 = 0;
const POSITIVE: u8 = 1 << 6;
const SIGNED: u8 = 2 << 6;

fn write_sparse(numbers: &[i64], centre: i64, gap_k: u32, others: Others, mut bits: BitWriter<'_>) {
    let mut gap = 0;
    for number in numbers {
        let other = number.wrapping_sub(centre);
        if other == 0 {
            gap += 1;
            continue;
        }
        bits.put_rice(std::mem::take(&mut gap), gap_k);
        match others {
            Others::Same(_) => {}
            Others::Positive { k } => bits.put_rice(fold(other) >> 1, k),
            Others::Signed { k } => bits.put_rice(fold(other), k),
        }
    }
    bits.finish();
}

/// Reads what [`write`] wrote of `count` numbers, and gives the first `upto` of them to `each`.
///
/// The cursor is past them only when `upto` is `count`.
pub(super) fn read(
    tag: u8,
    centre: i64,
    count: usize,
    upto: usize,
    cursor: &mut Cursor<'_>,
    mut each: impl FnMut(i64),
) -> Result<(), SectionError> {
    match tag {
        0 => (0..upto).for_each(|_| each(centre)),
        1 => {
            let k = read_parameter(cursor.byte()?)?;
            cursor.bits(|bits| {
                (0..upto).for_each(|_| each(unzigzag(bits.take_rice(k)).wrapping_add(centre)));
            })?;
        }
        2 => {
            let k = read_parameter(cursor.byte()?)?;
            cursor.bits(|bits| {
                (0..upto).for_each(|_| each(bits.take_rice(k).cast_signed().wrapping_add(centre)));
            })?;
        }
        _ => {
            let others = cursor.count(count)?;
            let gap_k = read_parameter(cursor.byte()?)?;
            let kind = cursor.byte()?;
            let (sparse, k) = (Sparse { others, gap_k, centre }, u32::from(kind & 63));
            match kind & !63 {
                SAME => {
                    let other = cursor.signed()?;
                    let next = |_: &mut BitReader<'_>| other;
                    read_sparse(sparse, upto, cursor, next, each)?;
                }
                POSITIVE => {
                    let next = |bits: &mut BitReader<'_>| unfold(bits.take_rice(k) << 1);
                    read_sparse(sparse, upto, cursor, next, each)?;
                }
                SIGNED => {
                    let next = |bits: &mut BitReader<'_>| unfold(bits.take_rice(k));
                    read_sparse(sparse, upto, cursor, next, each)?;
                }
                _ => return Err(SectionError::Malformed("kind of numbers")),
            }
        }
    }
    Ok(())
}

/// How many differ from the centre, and how their distances are coded.
struct Sparse {
    others: usize,
    gap_k: u32,
    centre: i64,
}

fn read_sparse<'a>(
    Sparse { others, gap_k, centre }: Sparse,
    upto: usize,
    cursor: &mut Cursor<'a>,
    mut next: impl FnMut(&mut BitReader<'a>) -> i64,
    mut each: impl FnMut(i64),
) -> Result<(), SectionError> {
    cursor.bits(|bits| {
        let mut at = 0;
        for _ in 0..others {
            let gap = usize::try_from(bits.take_rice(gap_k)).unwrap_or(usize::MAX);
            let other = next(bits);
            let rest = upto - at;
            if gap >= rest {
                break;
            }
            (0..gap).for_each(|_| each(centre));
            each(centre.wrapping_add(other));
            at += gap + 1;
        }
        (at..upto).for_each(|_| each(centre));
    })
}

fn parameter(k: u32) -> u8 {
    u8::try_from(k).expect("a Rice parameter is below 64")
}

fn read_parameter(byte: u8) -> Result<u32, SectionError> {
    if byte < 64 { Ok(u32::from(byte)) } else { Err(SectionError::Malformed("parameter")) }
}

/// Small numbers of either sign without 0: 1, -1, 2, -2.
fn fold(other: i64) -> u64 {
    zigzag(other).wrapping_sub(u64::from(other > 0) * 2)
}

fn unfold(code: u64) -> i64 {
    if code & 1 == 0 { (code >> 1).cast_signed().wrapping_add(1) } else { unzigzag(code) }
}

/// The number that more than half are, if there is one.
fn usual(numbers: &[i64]) -> i64 {
    let (mut usual, mut lead) = (0, 0u32);
    for &number in numbers {
        if lead == 0 {
            usual = number;
        }
        if number == usual {
            lead += 1;
        } else {
            lead -= 1;
        }
    }
    usual
}

/// About the middle of the numbers, whatever a few of them are: the mean of those near the middle of a sample.
pub(super) fn middle(numbers: &[i64]) -> i64 {
    let mut sample = [0; SAMPLE];
    let step = numbers.len().div_ceil(SAMPLE).max(1);
    let mut taken = 0;
    for (to, &number) in sample.iter_mut().zip(numbers.iter().step_by(step)) {
        *to = number;
        taken += 1;
    }
    let sample = &mut sample[..taken];
    sample.sort_unstable();
    let (Some(&low), Some(&high)) = (sample.get(taken / 4), sample.get(taken * 3 / 4)) else {
        return 0;
    };
    let middle = sample[taken / 2];
    let reach = high.wrapping_sub(low).unsigned_abs().saturating_mul(4).saturating_add(4);
    if reach >= 1 << 40 {
        return middle;
    }
    // Of 2^22 numbers at most, none further off than 2^40: the sum fits.
    let (mut sum, mut count) = (0i64, 0i64);
    for number in numbers {
        let off = number.wrapping_sub(middle);
        if off.unsigned_abs() <= reach {
            sum += off;
            count += 1;
        }
    }
    middle.wrapping_add((sum + count / 2).div_euclid(count.max(1)))
}

/// How many bits a number has.
#[inline]
fn length(code: u64) -> u64 {
    u64::from(64 - code.leading_zeros())
}

pub(super) fn lengths(codes: &[u64]) -> u64 {
    codes.iter().map(|code| length(*code)).sum()
}

/// The best Rice parameter and what the codes take with it; `lengths` are theirs together.
fn best_k(codes: &[u64], lengths: u64) -> (u32, u64) {
    let count = codes.len().max(1) as u64;
    let guess = u32::try_from((lengths / count).saturating_sub(1)).unwrap_or(62).min(62);
    let mut best = (guess, rice_bits(codes, guess));
    for up in [true, false] {
        let mut k = guess;
        loop {
            let next = if up { k + 1 } else { k.wrapping_sub(1) };
            if next > 63 {
                break;
            }
            let bits = rice_bits(codes, next);
            if bits >= best.1 {
                break;
            }
            best = (next, bits);
            k = next;
        }
        if best.0 != guess {
            break;
        }
    }
    best
}

/// What the codes take, with a guess at those that are escaped.
fn rice_bits(codes: &[u64], k: u32) -> u64 {
    let escape = u64::from(ESCAPE);
    let each = codes.iter().map(|code| {
        let upper = code >> k;
        if upper < escape { upper } else { escape + 12 }
    });
    each.sum::<u64>() + codes.len() as u64 * u64::from(k + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let small = prop_oneof![8 => Just(0i64), 1 => -4i64..5, 1 => any::<i64>()];
        prop_oneof![
            prop::collection::vec(small, 1..200),
            prop::collection::vec(any::<i64>(), 1..50),
            prop::collection::vec(1000i64..1050, 1..200),
            prop::collection::vec(prop_oneof![9 => Just(5i64), 1 => Just(6)], 1..200),
        ]
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers in numbers(), part in 0usize..200) {
            let plan = Planner::default().plan(&numbers);
            let mut bytes = Vec::new();
            write(&plan, &numbers, &mut bytes);
            for upto in [numbers.len(), part.min(numbers.len())] {
                let mut cursor = Cursor::new(&bytes);
                let mut back = Vec::new();
                read(plan.shape.tag(), plan.centre, numbers.len(), upto, &mut cursor, |number| back.push(number)).unwrap();
                prop_assert_eq!(&back[..], &numbers[..upto]);
                prop_assert!(upto < numbers.len() || cursor.is_empty());
            }
        }
    }

    #[test]
    fn a_reset_moves_the_middle_little() {
        let mut numbers = vec![10; 100];
        numbers[50] = -1_000_000;
        numbers[51] = 12;
        assert_eq!(middle(&numbers), 10);
    }
}
