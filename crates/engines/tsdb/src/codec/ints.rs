//! Columns of integers: what remains of each after a prediction from those before it, or from another column.

use super::{
    Mode, SectionError,
    bits::zigzag,
    cursor::{Cursor, put_signed, put_varint},
    plan::{self, Plan, Planner, lengths, middle},
};

/// What a number is predicted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The first number.
    Flat = 0,
    /// The number before.
    Step = 1,
    /// The number before, and the step before.
    Slope = 2,
    /// The number before, and a share of the lead's step.
    Lead = 3,
}

const STEP_FACTOR: u8 = 1 << 4;
const CENTRE: u8 = 1 << 5;
/// Of the fixed-point number that says how much of the lead's step a member takes.
const SHARE_BITS: u32 = 16;

/// Writes columns, with memory that is used again.
#[derive(Debug, Default)]
pub(super) struct IntWriter {
    planner: Planner,
    steps: Vec<i64>,
    flat: Vec<i64>,
    rest: Vec<i64>,
    codes: Vec<u64>,
}

impl IntWriter {
    /// Appends a column, whose length the reader must know. `lead` has the same length when there is one.
    pub(super) fn write(
        &mut self,
        mode: Mode,
        numbers: &[i64],
        lead: Option<&[i64]>,
        out: &mut Vec<u8>,
    ) {
        let Some((&first, rest)) = numbers.split_first() else { return };
        if rest.is_empty() {
            put_signed(out, first);
            return;
        }
        self.steps.clear();
        self.steps.extend(numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
        let step = self.steps[0];
        if self.steps.iter().all(|other| *other == step) {
            let plan = Plan { centre: step, shape: plan::Shape::Constant, cost: 0 };
            header(out, Order::Step, &plan, 1, first);
            return;
        }
        if self.write_against(lead, first, out) {
            return;
        }
        let factor = factor(&self.steps);
        if factor > 1 {
            divide(&mut self.steps, factor);
        }
        let (order, plan) = self.choose(mode);
        header(out, order, &plan, factor, first);
        match order {
            Order::Flat => plan::write(&plan, &self.flat, out),
            Order::Slope => {
                put_signed(out, self.steps[0]);
                plan::write(&plan, &self.rest, out);
            }
            Order::Step | Order::Lead => plan::write(&plan, &self.steps, out),
        }
    }

    fn choose(&mut self, mode: Mode) -> (Order, Plan) {
        self.flat.clear();
        self.flat.extend(self.steps.iter().scan(0i64, |sum, step| {
            *sum = sum.wrapping_add(*step);
            Some(*sum)
        }));
        let step_bits = self.lengths_of(Order::Step);
        let flat_bits = self.lengths_of(Order::Flat);
        let slack = self.steps.len() as u64 / 16 + 4;
        if mode == Mode::Dense {
            self.rest.clear();
            self.rest.extend(self.steps.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
            if self.lengths_of(Order::Slope) + slack < step_bits.min(flat_bits) {
                return (Order::Slope, self.planner.plan(&self.rest));
            }
        }
        if flat_bits * 2 > step_bits * 3 {
            return (Order::Step, self.planner.plan(&self.steps));
        }
        if flat_bits * 3 < step_bits * 2 {
            return (Order::Flat, self.planner.plan(&self.flat));
        }
        let (step, flat) = (self.planner.plan(&self.steps), self.planner.plan(&self.flat));
        if flat.cost < step.cost { (Order::Flat, flat) } else { (Order::Step, step) }
    }

    fn lengths_of(&mut self, order: Order) -> u64 {
        let numbers = match order {
            Order::Flat => &self.flat,
            Order::Step | Order::Lead => &self.steps,
            Order::Slope => &self.rest,
        };
        let centre = middle(numbers);
        self.codes.clear();
        self.codes.extend(numbers.iter().map(|number| zigzag(number.wrapping_sub(centre))));
        lengths(&self.codes)
    }

    /// Whether the column was written against the lead, as it is when that takes much less.
    fn write_against(&mut self, lead: Option<&[i64]>, first: i64, out: &mut Vec<u8>) -> bool {
        let Some(lead) = lead.filter(|lead| lead.len() == self.steps.len() + 1) else {
            return false;
        };
        let Some(share) = share(&self.steps, lead) else { return false };
        self.rest.clear();
        let pairs = self.steps.iter().zip(lead.windows(2));
        self.rest.extend(
            pairs.map(|(step, pair)| step.wrapping_sub(part(pair[1].wrapping_sub(pair[0]), share))),
        );
        let plan = self.planner.plan(&self.rest);
        // One bit for each number is as good as it gets without a lead, unless nearly all are the same.
        if plan.cost > self.steps.len() as u64 / 2
            && plan.cost >= self.planner.plan(&self.steps).cost
        {
            return false;
        }
        header(out, Order::Lead, &plan, 1, first);
        put_signed(out, share);
        plan::write(&plan, &self.rest, out);
        true
    }
}

fn header(out: &mut Vec<u8>, order: Order, plan: &Plan, factor: u64, first: i64) {
    let mut tag = order as u8 | plan.shape.tag() << 2;
    tag |= if factor > 1 { STEP_FACTOR } else { 0 };
    tag |= if plan.centre != 0 { CENTRE } else { 0 };
    out.push(tag);
    put_signed(out, first);
    if factor > 1 {
        put_varint(out, factor);
    }
    if plan.centre != 0 {
        put_signed(out, plan.centre);
    }
}

/// Reads the first `upto` of a column of `count` numbers onto the end of `out`.
///
/// The cursor is past the column only when `upto` is `count`.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    count: usize,
    upto: usize,
    lead: Option<&[i64]>,
    out: &mut Vec<i64>,
) -> Result<(), SectionError> {
    if count <= 1 {
        if count == 1 {
            let first = cursor.signed()?;
            out.extend((upto > 0).then_some(first));
        }
        return Ok(());
    }
    let tag = cursor.byte()?;
    let mut last = cursor.signed()?;
    let factor = if tag & STEP_FACTOR > 0 { cursor.varint()?.cast_signed() } else { 1 };
    let centre = if tag & CENTRE > 0 { cursor.signed()? } else { 0 };
    if upto == 0 {
        return Ok(());
    }
    let shape = tag >> 2 & 3;
    let (count, upto) = (count - 1, upto - 1);
    out.reserve(upto + 1);
    out.push(last);
    match tag & 3 {
        0 => {
            let first = last;
            plan::read(shape, centre, count, upto, cursor, |rest| {
                out.push(first.wrapping_add(rest.wrapping_mul(factor)));
            })
        }
        1 => plan::read(shape, centre, count, upto, cursor, |rest| {
            last = last.wrapping_add(rest.wrapping_mul(factor));
            out.push(last);
        }),
        2 => {
            let mut step = cursor.signed()?;
            if upto == 0 {
                return Ok(());
            }
            last = last.wrapping_add(step.wrapping_mul(factor));
            out.push(last);
            plan::read(shape, centre, count - 1, upto - 1, cursor, |rest| {
                step = step.wrapping_add(rest);
                last = last.wrapping_add(step.wrapping_mul(factor));
                out.push(last);
            })
        }
        _ => {
            let share = cursor.signed()?;
            let lead = lead.filter(|lead| lead.len() == count + 1);
            let mut pairs = lead.ok_or(SectionError::Malformed("lead"))?.windows(2);
            plan::read(shape, centre, count, upto, cursor, |rest| {
                let step = pairs.next().map_or(0, |pair| pair[1].wrapping_sub(pair[0]));
                last = last.wrapping_add(part(step, share)).wrapping_add(rest);
                out.push(last);
            })
        }
    }
}

/// The greatest number that divides all steps; not all are 0.
fn factor(steps: &[i64]) -> u64 {
    let zeros = steps.iter().fold(0, |any, step| any | step.unsigned_abs()).trailing_zeros();
    let mut odd = 0u64;
    for step in steps {
        let other = step.unsigned_abs() >> zeros;
        if odd == 1 {
            break;
        }
        if odd == 0 || !other.is_multiple_of(odd) {
            odd = common(odd, other);
        }
    }
    odd << zeros
}

fn common(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn divide(steps: &mut [i64], factor: u64) {
    if factor.is_power_of_two() {
        let shift = factor.trailing_zeros();
        steps.iter_mut().for_each(|step| *step >>= shift);
    } else if let Ok(factor) = i64::try_from(factor) {
        steps.iter_mut().for_each(|step| *step /= factor);
    }
}

/// How much of the lead's growth the column has, as a fixed-point number.
fn share(steps: &[i64], lead: &[i64]) -> Option<i64> {
    let (mut own, mut whole) = (0i128, 0i128);
    for (step, pair) in steps.iter().zip(lead.windows(2)) {
        let lead = pair[1].wrapping_sub(pair[0]);
        if lead > 0 && *step >= 0 {
            own += i128::from(*step);
            whole += i128::from(lead);
        }
    }
    if whole == 0 {
        return None;
    }
    i64::try_from(((own << SHARE_BITS) + whole / 2) / whole).ok().filter(|share| *share > 0)
}

/// This share of a step, rounded.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both sides wrap alike")]
fn part(step: i64, share: i64) -> i64 {
    let half = 1 << (SHARE_BITS - 1);
    ((i128::from(step) * i128::from(share) + half) >> SHARE_BITS) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(mode: Mode, numbers: &[i64], lead: Option<&[i64]>) -> usize {
        let mut bytes = Vec::new();
        IntWriter::default().write(mode, numbers, lead, &mut bytes);
        for upto in [numbers.len(), numbers.len() / 2, 1.min(numbers.len())] {
            let (mut cursor, mut back) = (Cursor::new(&bytes), Vec::new());
            read(&mut cursor, numbers.len(), upto, lead, &mut back).unwrap();
            assert_eq!(&back[..], &numbers[..upto]);
            assert!(upto < numbers.len() || cursor.is_empty());
        }
        bytes.len()
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            numbers in prop_oneof![
                prop::collection::vec(any::<i64>(), 0..40),
                prop::collection::vec(-20i64..20, 0..100),
                (any::<i64>(), any::<i64>(), 0usize..100).prop_map(|(first, step, count)| {
                    (0..count as i64).map(|at| first.wrapping_add(step.wrapping_mul(at))).collect()
                }),
                prop::collection::vec((-20i64..20).prop_map(|n| n * 4096 * 3), 0..100),
                prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)], 0..30),
            ],
            share in 0i64..70_000,
            noise in prop::collection::vec(-1i64..2, 100),
        ) {
            for mode in [Mode::Fast, Mode::Dense] {
                check(mode, &numbers, None);
                check(mode, &numbers, Some(&numbers));
                let member: Vec<i64> = numbers.iter().zip(&noise)
                    .map(|(number, noise)| part(*number, share).wrapping_add(*noise)).collect();
                check(mode, &member, Some(&numbers));
            }
        }
    }

    #[test]
    fn little_is_written_where_little_happens() {
        let regular: Vec<i64> = (0..480).map(|at| 1_700_000_000_000 + at * 15_000).collect();
        assert_eq!(check(Mode::Dense, &regular, None), 10);
        let pages: Vec<i64> = (0..480).map(|at| (1000 + at * at % 7) * 4096).collect();
        assert!(check(Mode::Dense, &pages, None) < 260);
        let lead: Vec<i64> = (0..480).map(|at| at * 100 + at * at % 13).collect();
        let same: Vec<i64> = lead.iter().map(|number| number + 7).collect();
        assert!(check(Mode::Dense, &same, Some(&lead)) < 8);
    }
}
