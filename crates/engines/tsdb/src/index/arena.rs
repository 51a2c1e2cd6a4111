//! The labels of every series as the numbers of their pairs, one after the other in bytes.

use std::collections::VecDeque;

use super::SeriesId;
use crate::symbols::PairId;

const ABSENT: u32 = u32::MAX;
/// So many numbers of series wait before the first is used again, that who still holds one finds nothing there.
const WAITING: usize = 16_384;

/// No store has given as many numbers: it would have known some thousand million series.
const RESERVED_MAX: SeriesId = 1 << 31;
/// Series in a page of offsets.
const PAGE: usize = 4096;

/// Where the pairs of each series begin, in pages that are made when they are needed: numbers come from the disk, too, and
/// one high number must not take memory for all below.
#[derive(Debug, Default)]
struct Offsets {
    /// Empty where no series is.
    pages: Vec<Box<[u32]>>,
    /// One more than the highest number that was ever set or reserved.
    end: SeriesId,
}

impl Offsets {
    fn get(&self, id: SeriesId) -> Option<u32> {
        let at = id as usize;
        let offset = self.pages.get(at / PAGE)?.get(at % PAGE)?;
        (*offset != ABSENT).then_some(*offset)
    }

    fn set(&mut self, id: SeriesId, offset: u32) {
        let at = id as usize;
        if at / PAGE >= self.pages.len() {
            self.pages.resize_with(at / PAGE + 1, Box::default);
        }
        let page = &mut self.pages[at / PAGE];
        if page.is_empty() {
            *page = vec![ABSENT; PAGE].into_boxed_slice();
        }
        page[at % PAGE] = offset;
        self.end = self.end.max(id.checked_add(1).expect("the last number is never given"));
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.pages.iter_mut().flatten().filter(|offset| **offset != ABSENT)
    }

    fn memory(&self) -> usize {
        let pages = self.pages.iter().filter(|page| !page.is_empty()).count();
        pages * PAGE * 4 + self.pages.capacity() * size_of::<Box<[u32]>>()
    }
}

#[derive(Debug, Default)]
pub(super) struct Arena {
    /// Where the pairs of each series begin in `bytes`.
    offsets: Offsets,
    bytes: Vec<u8>,
    /// How many of `bytes` belong to series that are gone.
    dead: usize,
    free: VecDeque<SeriesId>,
    count: usize,
}

impl Arena {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// One more than the highest number that was ever given.
    pub(super) fn end(&self) -> SeriesId {
        self.offsets.end
    }

    pub(super) fn contains(&self, id: SeriesId) -> bool {
        self.offsets.get(id).is_some()
    }

    pub(super) fn pairs(&self, id: SeriesId) -> Pairs<'_> {
        let mut pairs = Pairs { bytes: &[], left: 0 };
        let offset = self.offsets.get(id);
        if let Some(bytes) = offset.and_then(|offset| self.bytes.get(offset as usize..)) {
            pairs.bytes = bytes;
            pairs.left = pairs.number();
        }
        pairs
    }

    pub(super) fn next_id(&mut self) -> SeriesId {
        while self.free.len() > WAITING
            && let Some(id) = self.free.pop_front()
        {
            // It may have been entered again under the number that it had.
            if !self.contains(id) {
                return id;
            }
        }
        self.end()
    }

    /// Gives no number below `end` to a new series, unless it is freed. Beyond any that a store has given, it does nothing.
    pub(super) fn reserve(&mut self, end: SeriesId) {
        if end < RESERVED_MAX {
            self.offsets.end = self.offsets.end.max(end);
        }
    }

    /// The id must not be taken.
    pub(super) fn put(&mut self, id: SeriesId, pairs: &[PairId]) {
        self.offsets.set(id, u32::try_from(self.bytes.len()).expect("labels fit in 4 GiB"));
        put_number(&mut self.bytes, u32::try_from(pairs.len()).expect("labels are few"));
        pairs.iter().for_each(|pair| put_number(&mut self.bytes, *pair));
        self.count += 1;
    }

    pub(super) fn remove(&mut self, id: SeriesId) {
        if !self.contains(id) {
            return;
        }
        let mut pairs = self.pairs(id);
        let before = pairs.bytes.len();
        pairs.by_ref().for_each(drop);
        self.dead += before - pairs.bytes.len() + 1;
        self.offsets.set(id, ABSENT);
        self.free.push_back(id);
        self.count -= 1;
        if self.dead > 4096 && self.dead * 2 > self.bytes.len() {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.dead);
        let old = std::mem::take(&mut self.bytes);
        for offset in self.offsets.iter_mut() {
            let from = *offset as usize;
            let mut pairs = Pairs { bytes: &old[from..], left: 0 };
            pairs.left = pairs.number();
            pairs.by_ref().for_each(drop);
            let to = old.len() - pairs.bytes.len();
            *offset = u32::try_from(bytes.len()).expect("is no more than before");
            bytes.extend_from_slice(&old[from..to]);
        }
        self.bytes = bytes;
        self.dead = 0;
    }

    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.offsets.memory() + self.free.capacity() * 4
    }
}

fn put_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7f | 0x80).to_le_bytes()[0]);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// The pairs of one series, in the order of its labels.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    bytes: &'a [u8],
    left: u32,
}

impl Pairs<'_> {
    fn number(&mut self) -> u32 {
        let (mut number, mut shift) = (0, 0);
        while let Some((byte, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            number |= u32::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
            shift += 7;
        }
        number
    }
}

impl Iterator for Pairs<'_> {
    type Item = PairId;

    fn next(&mut self) -> Option<PairId> {
        self.left = self.left.checked_sub(1)?;
        Some(self.number())
    }
}
