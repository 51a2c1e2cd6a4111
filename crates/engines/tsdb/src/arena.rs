//! Memory for samples that are in no part yet: small blocks in slabs, chained by series.
//!
//! A block holds up to [`SLOTS`] samples of one series: `previous block u32, how many that one holds u8 | time of the first |
//! values | times as 32-bit differences, two to a word`. What was written once never changes, so that a reader that
//! learnt a chain's end under the head's lock reads the rest without one. The words are atomics for that alone.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use model::Points;

pub(crate) const SLOTS: u8 = 8;
const VALUES: usize = 2;
const TIMES: usize = VALUES + SLOTS as usize;
const WORDS: usize = TIMES + SLOTS as usize / 2;
/// Blocks in a slab: 448 KiB.
const SLAB_BLOCKS: usize = 4096;
/// Slabs that are kept for the next head.
const SPARE_MAX: usize = 512;
/// No block.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Slab(Box<[AtomicU64]>);

/// Where a series' samples end in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The newest block.
    pub(crate) block: u32,
    /// How many samples it holds.
    pub(crate) fill: u8,
}

impl Tail {
    pub(crate) const EMPTY: Self = Self { block: NONE, fill: 0 };

    pub(crate) fn is_empty(self) -> bool {
        self.block == NONE
    }
}

/// The slabs, to be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slabs(Arc<Vec<Arc<Slab>>>);

#[derive(Debug, Default)]
pub(crate) struct Arena {
    slabs: Slabs,
    blocks: u32,
    spare: Vec<Arc<Slab>>,
}

impl Arena {
    /// What the blocks take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.slabs.0.len() * SLAB_BLOCKS * WORDS * size_of::<u64>()
    }

    pub(crate) fn slabs(&self) -> Slabs {
        self.slabs.clone()
    }

    /// Appends a sample to the chain that ends at `tail`.
    pub(crate) fn push(&mut self, tail: &mut Tail, at_ms: i64, bits: u64) {
        if tail.block != NONE && tail.fill < SLOTS {
            let block = self.slabs.block(tail.block);
            let base = block[1].load(Relaxed).cast_signed();
            if let Some(delta) = at_ms.checked_sub(base).and_then(|delta| u32::try_from(delta).ok())
            {
                let slot = usize::from(tail.fill);
                block[VALUES + slot].store(bits, Relaxed);
                let word = &block[TIMES + slot / 2];
                if slot.is_multiple_of(2) {
                    word.store(u64::from(delta), Relaxed);
                } else {
                    word.store(word.load(Relaxed) | u64::from(delta) << 32, Relaxed);
                }
                tail.fill += 1;
                return;
            }
        }
        let number = self.new_block();
        let block = self.slabs.block(number);
        block[0].store(u64::from(tail.block) | u64::from(tail.fill) << 32, Relaxed);
        block[1].store(at_ms.cast_unsigned(), Relaxed);
        block[VALUES].store(bits, Relaxed);
        block[TIMES].store(0, Relaxed);
        *tail = Tail { block: number, fill: 1 };
    }

    fn new_block(&mut self) -> u32 {
        let number = self.blocks;
        let slab = usize::try_from(number).expect("32 bits fit") / SLAB_BLOCKS;
        if slab == self.slabs.0.len() {
            let words = || (0..SLAB_BLOCKS * WORDS).map(|_| AtomicU64::new(0)).collect();
            let fresh = self.spare.pop().unwrap_or_else(|| Arc::new(Slab(words())));
            Arc::make_mut(&mut self.slabs.0).push(fresh);
        }
        self.blocks =
            number.checked_add(1).filter(|next| *next != NONE).expect("memory ends first");
        number
    }

    /// Hands the blocks over and begins anew.
    pub(crate) fn take(&mut self) -> Slabs {
        self.blocks = 0;
        std::mem::take(&mut self.slabs)
    }

    /// Takes back slabs that nobody reads any more.
    pub(crate) fn recycle(&mut self, slabs: Slabs) {
        let Ok(slabs) = Arc::try_unwrap(slabs.0) else { return };
        let room = SPARE_MAX.saturating_sub(self.spare.len());
        let free = slabs.into_iter().filter(|slab| Arc::strong_count(slab) == 1);
        self.spare.extend(free.take(room));
    }

    /// Lets go of the memory that is kept for the next head.
    pub(crate) fn forget_spare(&mut self) {
        self.spare = Vec::new();
    }
}

impl Slabs {
    fn block(&self, number: u32) -> &[AtomicU64] {
        let number = usize::try_from(number).expect("32 bits fit");
        let start = number % SLAB_BLOCKS * WORDS;
        &self.0[number / SLAB_BLOCKS].0[start..start + WORDS]
    }

    /// Appends the samples of the chain from `start_ms` to `end_ms`, in the order in which they came.
    pub(crate) fn read(&self, tail: Tail, start_ms: i64, end_ms: i64, into: &mut Points) {
        let mut chain: [Tail; 64] = [Tail::EMPTY; 64];
        let mut more = Vec::new();
        let mut count = 0;
        let mut at = tail;
        while !at.is_empty() {
            match chain.get_mut(count) {
                Some(place) => *place = at,
                None => more.push(at),
            }
            count += 1;
            at = self.previous(at);
        }
        for tail in more.iter().rev().chain(chain[..count.min(chain.len())].iter().rev()) {
            let block = self.block(tail.block);
            let base = block[1].load(Relaxed).cast_signed();
            for slot in 0..usize::from(tail.fill) {
                let word = block[TIMES + slot / 2].load(Relaxed);
                let delta = (word >> (slot % 2 * 32)) & 0xffff_ffff;
                let at_ms = base.wrapping_add_unsigned(delta);
                if (start_ms..=end_ms).contains(&at_ms) {
                    into.push(at_ms, f64::from_bits(block[VALUES + slot].load(Relaxed)));
                }
            }
        }
    }

    fn previous(&self, tail: Tail) -> Tail {
        let word = self.block(tail.block)[0].load(Relaxed);
        let block = u32::try_from(word & 0xffff_ffff).expect("32 bits were kept");
        Tail { block, fill: u8::try_from(word >> 32 & 0xff).expect("8 bits were kept") }
    }

    /// How many samples the chain has.
    pub(crate) fn count(&self, tail: Tail) -> usize {
        let (mut count, mut at) = (0, tail);
        while !at.is_empty() {
            count += usize::from(at.fill);
            at = self.previous(at);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chains_keep_what_was_pushed(pushes in prop::collection::vec((0_usize..3, any::<i64>()), 0..400)) {
            let mut arena = Arena::default();
            let mut tails = [Tail::EMPTY; 3];
            let mut oracle = vec![Vec::new(); 3];
            for (bits, (series, at_ms)) in (0_u64..).zip(&pushes) {
                // Most go on in small steps.
                let at_ms = if bits.is_multiple_of(7) { *at_ms } else { bits.cast_signed() * 15_000 };
                arena.push(&mut tails[*series], at_ms, bits);
                oracle[*series].push((at_ms, bits));
            }
            let slabs = arena.take();
            for (tail, oracle) in tails.iter().zip(&oracle) {
                let mut points = Points::default();
                slabs.read(*tail, i64::MIN, i64::MAX, &mut points);
                let bits = points.values.iter().map(|value| value.to_bits());
                let found: Vec<_> = points.times.iter().copied().zip(bits).collect();
                prop_assert_eq!(&found, oracle);
                prop_assert_eq!(slabs.count(*tail), oracle.len());
            }
        }
    }
}
