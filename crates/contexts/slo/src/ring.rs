//! A ring of buckets of one width, with sums over blocks of buckets, so that a long window costs a few reads.
//!
//! A bucket's *index* is its start divided by its width, counted from the epoch. The ring holds the newest `slots` indexes
//! up to its *head*. The head moves forward; only when the clock turns out to have been far ahead does it come back, or
//! nothing would be held until time caught up. A block's memory is taken when its first event comes.
//!
//! **Invariant:** a block's sum is the sum of its slots.

use std::time::Duration;

use model::Timestamp;

/// Exact counts of events over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub good: u64,
    pub total: u64,
}

impl Counts {
    pub fn bad(self) -> u64 {
        self.total.saturating_sub(self.good)
    }

    /// Share of bad events; `None` without events.
    pub fn bad_ratio(self) -> Option<f64> {
        (self.total > 0).then(|| ratio(self.bad(), self.total))
    }
}

/// `part / whole`; counts beyond 2^53 lose their last digits, which no ratio shows.
#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 53 bits")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// What a bucket holds: all events, and those that the indicator marks (the good ones or the bad ones).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: u64,
    pub(crate) marked: u64,
}

impl Tally {
    /// The most that one bucket counts of each: 2.8e14. With it no sum over a ring can overflow.
    pub(crate) const MAX: u64 = 1 << 48;

    pub(crate) const fn is_zero(self) -> bool {
        self.total == 0 && self.marked == 0
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            total: self.total.saturating_add(other.total),
            marked: self.marked.saturating_add(other.marked),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            total: self.total.saturating_sub(other.total),
            marked: self.marked.saturating_sub(other.marked),
        }
    }

    fn capped(self) -> Self {
        Self { total: self.total.min(Self::MAX), marked: self.marked.min(Self::MAX) }
    }

    /// The `part`-th of `parts` shares; the shares add up to the whole, whatever the remainder.
    pub(crate) fn share(self, part: u64, parts: u64) -> Self {
        let until = |count: u64, part: u64| {
            u64::try_from(u128::from(count) * u128::from(part) / u128::from(parts.max(1)))
                .unwrap_or(u64::MAX)
        };
        let share = |count: u64| until(count, part + 1).saturating_sub(until(count, part));
        Self { total: share(self.total), marked: share(self.marked) }
    }
}

/// The form of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tier {
    pub(crate) width_s: u32,
    pub(crate) slots: u32,
    /// Divides `slots`.
    pub(crate) block: u32,
}

impl Tier {
    /// 10 s for 2 h, 1 min for 6 h, 5 min for 3 d, 1 h for 400 d (13 months).
    pub(crate) const ALL: [Self; 4] = [
        Self { width_s: 10, slots: 720, block: 30 },
        Self { width_s: 60, slots: 360, block: 30 },
        Self { width_s: 300, slots: 864, block: 36 },
        Self { width_s: 3600, slots: 9600, block: 24 },
    ];

    pub(crate) fn index(self, at: Timestamp) -> i64 {
        at.as_secs().div_euclid(i64::from(self.width_s))
    }

    pub(crate) fn start(self, index: i64) -> Timestamp {
        Timestamp::from_secs(index.saturating_mul(i64::from(self.width_s)))
    }

    pub(crate) fn width(self) -> Duration {
        Duration::from_secs(u64::from(self.width_s))
    }

    /// How far back the ring reaches, the open bucket included.
    pub(crate) fn reach(self) -> Duration {
        Duration::from_secs(u64::from(self.width_s) * u64::from(self.slots))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    sum: Tally,
    /// Empty until the first event.
    slots: Vec<Tally>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ring {
    tier: Tier,
    /// The newest index that the ring has reached.
    head: i64,
    blocks: Vec<Block>,
}

impl Ring {
    pub(crate) fn new(tier: Tier) -> Self {
        let blocks = vec![Block::default(); (tier.slots / tier.block) as usize];
        Self { tier, head: i64::MIN / 2, blocks }
    }

    pub(crate) fn tier(&self) -> Tier {
        self.tier
    }

    pub(crate) fn head(&self) -> i64 {
        self.head
    }

    /// The oldest index that is still held.
    pub(crate) fn oldest(&self) -> i64 {
        self.head - i64::from(self.tier.slots) + 1
    }

    /// Makes room up to `index`; buckets that fall out of the ring are forgotten.
    pub(crate) fn advance(&mut self, index: i64) {
        if index > self.head {
            self.clear_after(self.head, index);
            self.head = index;
        } else if self.head - index > i64::from(self.tier.slots / 2) {
            self.clear_after(index, self.head);
            self.head = index;
        }
    }

    /// Empties the buckets `after + 1 ..= last`, or all when those are as many.
    fn clear_after(&mut self, after: i64, last: i64) {
        if last - after >= i64::from(self.tier.slots) {
            self.blocks.fill(Block::default());
        } else {
            for index in after + 1..=last {
                self.clear(index);
            }
        }
    }

    /// Counts into the bucket, if the ring still holds it.
    pub(crate) fn add(&mut self, index: i64, tally: Tally) {
        if index > self.head || index < self.oldest() || tally.is_zero() {
            return;
        }
        let (block, slot) = self.place(index);
        let size = self.tier.block as usize;
        let block = &mut self.blocks[block];
        if block.slots.is_empty() {
            block.slots = vec![Tally::default(); size];
        }
        let slot = &mut block.slots[slot];
        let new = slot.plus(tally).capped();
        block.sum = block.sum.plus(new.minus(*slot));
        *slot = new;
    }

    /// The sum over `first..=last`; what the ring does not hold counts as zero.
    pub(crate) fn sum(&self, first: i64, last: i64) -> Tally {
        let (mut index, last) = (first.max(self.oldest()), last.min(self.head));
        let size = i64::from(self.tier.block);
        let mut sum = Tally::default();
        while index <= last {
            let (block, slot) = self.place(index);
            let block = &self.blocks[block];
            if slot == 0 && index + size - 1 <= last {
                sum = sum.plus(block.sum);
                index += size;
            } else {
                sum = sum.plus(block.slots.get(slot).copied().unwrap_or_default());
                index += 1;
            }
        }
        sum
    }

    /// All buckets that hold something, by index.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (i64, Tally)> + '_ {
        (self.oldest()..=self.head).filter_map(|index| {
            let (block, slot) = self.place(index);
            let tally = self.blocks[block].slots.get(slot).copied()?;
            (!tally.is_zero()).then_some((index, tally))
        })
    }

    fn clear(&mut self, index: i64) {
        let (block, slot) = self.place(index);
        let block = &mut self.blocks[block];
        if let Some(slot) = block.slots.get_mut(slot) {
            block.sum = block.sum.minus(*slot);
            *slot = Tally::default();
        }
        if block.sum.is_zero() {
            block.slots = Vec::new();
        }
    }

    fn place(&self, index: i64) -> (usize, usize) {
        let slot = usize::try_from(index.rem_euclid(i64::from(self.tier.slots)))
            .expect("a remainder of a u32 is not negative and fits");
        let size = self.tier.block as usize;
        (slot / size, slot % size)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const SMALL: Tier = Tier { width_s: 10, slots: 12, block: 4 };

    #[test]
    fn every_tier_is_made_of_whole_blocks() {
        for tier in Tier::ALL {
            assert_eq!(tier.slots % tier.block, 0);
        }
        assert_eq!(Tier::ALL.map(|tier| tier.reach().as_secs() / 3600), [2, 6, 72, 9600]);
    }

    #[test]
    fn shares_add_up() {
        let whole = Tally { total: 1000, marked: 7 };
        let sum = (0..360).fold(Tally::default(), |sum, part| sum.plus(whole.share(part, 360)));
        assert_eq!(sum, whole);
    }

    proptest! {
        #[test]
        fn equals_a_map_of_all_buckets(steps in prop::collection::vec((0_i64..30, 0_i64..14, 0_u64..5), 1..60)) {
            let mut ring = Ring::new(SMALL);
            let mut all: BTreeMap<i64, u64> = BTreeMap::new();
            let mut head = -20;
            for (forward, back, total) in steps {
                head += forward / 8;
                ring.advance(head);
                if back < 12 {
                    *all.entry(head - back).or_default() += total;
                }
                ring.add(head - back, Tally { total, marked: total / 2 });
                for first in head - 13..=head + 1 {
                    for last in first..=head + 1 {
                        let held = first.max(head - 11)..=last.max(head - 12);
                        let expected: u64 = if held.is_empty() { 0 } else { all.range(held).map(|(_, n)| n).sum() };
                        prop_assert_eq!(ring.sum(first, last).total, expected);
                    }
                }
            }
        }
    }
}
