//! The second pass: pairs of the most promising single properties.
//!
//! Every event becomes a mask of the candidates it has. A matrix counts the events of every two bits; a bounded sample of
//! the masks tells afterwards how far the sets of any two rows agree.

use std::collections::HashMap;

use super::{
    cell::{Counts, Tally},
    count::{Counter, Seen},
    dictionary::{Dictionary, KeyId, ValueId},
    group,
    row::Difference,
    single::{CANDIDATES_MAX, Slots, Survey},
};

/// Masks kept as a sample.
const MASKS_MAX: usize = 4096;

/// Counts pairs of values; made by [`Counter::into_pairs`], it takes the same events once more.
#[derive(Debug)]
pub struct Pairs {
    pub(super) counter: Counter,
    pub(super) survey: Survey,
    /// By key: the candidates each value has.
    bits: Vec<Vec<u64>>,
    /// By key: the candidate that is its absence.
    missing: Vec<u64>,
    /// The candidates of an event that has no key at all.
    missing_all: u64,
    pub(super) matrix: Matrix,
    pub(super) sample: Sample,
    seen: Seen,
}

impl Pairs {
    pub(super) fn new(counter: Counter, survey: Survey) -> Self {
        let mut bits: Vec<_> = counter.cells.iter().map(|cells| vec![0; cells.len()]).collect();
        let mut missing = vec![0; counter.cells.len()];
        for single in &survey.singles {
            let Some(bit) = single.bit else { continue };
            match &single.slots {
                Slots::Missing => missing[single.key.place()] |= 1 << bit,
                Slots::Values(values) => {
                    for value in values {
                        bits[single.key.place()][*value] |= 1 << bit;
                    }
                }
            }
        }
        let missing_all = missing.iter().fold(0, |all, bit| all | bit);
        let (matrix, sample) = (Matrix::default(), Sample::default());
        Self { counter, survey, bits, missing, missing_all, matrix, sample, seen: Seen::default() }
    }

    /// As [`Counter::observe`], for the same event.
    pub fn observe(&mut self, inside: bool, weight: f64, values: &[Option<ValueId>]) {
        let mut mask = self.missing_all;
        for ((bits, missing), value) in self.bits.iter().zip(&self.missing).zip(values) {
            if let Some(value) = value {
                mask = (mask & !missing) | bits.get(value.place()).unwrap_or(&0);
            }
        }
        self.take(inside, weight, mask);
    }

    /// As [`Counter::observe_present`], for the same event.
    pub fn observe_present(
        &mut self,
        inside: bool,
        weight: f64,
        values: impl IntoIterator<Item = (KeyId, ValueId)>,
    ) {
        self.seen.next_event();
        let mut mask = self.missing_all;
        for (key, value) in values {
            if self.seen.first(key) {
                mask &= !self.missing[key.place()];
                mask |= self.bits[key.place()].get(value.place()).unwrap_or(&0);
            }
        }
        self.take(inside, weight, mask);
    }

    fn take(&mut self, inside: bool, weight: f64, mask: u64) {
        let mut one = Counts::default();
        *one.side(inside) = Tally::one(weight);
        if self.sample.wants(mask) {
            self.sample.add(mask, &one, &mut self.matrix);
        } else {
            self.matrix.add(mask, &one);
        }
    }

    /// The key of this name, if the first pass met it.
    pub fn key(&self, name: &str) -> Option<KeyId> {
        self.dictionary().find_key(name)
    }

    /// The id that the first pass gave a text of `key`.
    ///
    /// # Panics
    /// When `key` is of another counter.
    pub fn text(&self, key: KeyId, text: &str) -> ValueId {
        self.dictionary().find_text(key, text)
    }

    /// The id that the first pass gave a number of `key`.
    ///
    /// # Panics
    /// When `key` is of another counter.
    pub fn number(&self, key: KeyId, number: f64) -> ValueId {
        if number.is_finite() {
            self.dictionary().find_number(key, number)
        } else {
            self.text(key, &number.to_string())
        }
    }

    fn dictionary(&self) -> &Dictionary {
        &self.counter.dictionary
    }

    /// Ranks what was counted.
    pub fn into_difference(mut self) -> Difference {
        self.sample.pour(&mut self.matrix);
        group::difference(&self)
    }
}

/// Events of every two candidates.
#[derive(Debug)]
pub(super) struct Matrix(Box<[Counts]>);

impl Default for Matrix {
    fn default() -> Self {
        Self(vec![Counts::default(); CANDIDATES_MAX * CANDIDATES_MAX].into_boxed_slice())
    }
}

impl Matrix {
    fn add(&mut self, mask: u64, counts: &Counts) {
        let (mut low, has_inside) = (mask, counts.inside.events > 0);
        let has_outside = counts.outside.events > 0;
        while low != 0 {
            let row = low.trailing_zeros() as usize * CANDIDATES_MAX;
            low &= low - 1;
            let cells = &mut self.0[row..row + CANDIDATES_MAX];
            let mut high = low;
            while high != 0 {
                let cell = &mut cells[high.trailing_zeros() as usize];
                high &= high - 1;
                if has_inside {
                    cell.inside.add(&counts.inside);
                }
                if has_outside {
                    cell.outside.add(&counts.outside);
                }
            }
        }
    }

    /// The events that have both.
    pub(super) fn both(&self, one: usize, other: usize) -> &Counts {
        &self.0[one.min(other) * CANDIDATES_MAX + one.max(other)]
    }
}

/// The exact counts of a share of all masks: those whose hash is low. The share is halved whenever there are too many,
/// so that what is kept in the end depends on which masks came and not on their order.
#[derive(Debug, Default)]
pub(super) struct Sample {
    masks: HashMap<u64, Counts, std::hash::BuildHasherDefault<Mixed>>,
    /// The share is `2^-halvings`.
    halvings: u32,
}

impl Sample {
    fn wants(&self, mask: u64) -> bool {
        mix(mask).leading_zeros() >= self.halvings
    }

    fn add(&mut self, mask: u64, counts: &Counts, matrix: &mut Matrix) {
        self.masks.entry(mask).or_default().add(counts);
        while self.masks.len() > MASKS_MAX {
            self.halvings += 1;
            let halvings = self.halvings;
            self.masks.retain(|mask, counts| {
                let stays = mix(*mask).leading_zeros() >= halvings;
                if !stays {
                    matrix.add(*mask, counts);
                }
                stays
            });
        }
    }

    /// Adds what is kept here to the matrix, which then has all.
    fn pour(&self, matrix: &mut Matrix) {
        #[expect(clippy::iter_over_hash_type, reason = "sums of fixed-point weights have no order")]
        for (mask, counts) in &self.masks {
            matrix.add(*mask, counts);
        }
    }

    /// The masks in order.
    pub(super) fn masks(&self) -> Vec<(u64, Counts)> {
        let mut masks: Vec<_> = self.masks.iter().map(|(mask, counts)| (*mask, *counts)).collect();
        masks.sort_unstable_by_key(|(mask, _)| *mask);
        masks
    }
}

/// A bijection whose bits all depend on all bits (splitmix64's finaliser).
fn mix(mask: u64) -> u64 {
    let mask = (mask ^ (mask >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mask = (mask ^ (mask >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mask ^ (mask >> 31)
}

/// Hashes one `u64` by [`mix`].
#[derive(Debug, Default)]
pub(super) struct Mixed(u64);

impl std::hash::Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Turned, so that the table's bits are not those by which the sample is chosen.
        self.0 = mix(number).rotate_left(32);
    }
}
