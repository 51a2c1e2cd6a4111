//! The first pass: each value of each key, on both sides.

use super::{
    cell::{Counts, Tally},
    dictionary::{Dictionary, KeyId, ValueId},
    pairs::Pairs,
    single::Survey,
};

/// Counts the values of events; becomes [`Pairs`] for the second pass over the same events.
#[derive(Debug, Default)]
pub struct Counter {
    pub(super) dictionary: Dictionary,
    /// By key and value.
    pub(super) cells: Vec<Vec<Counts>>,
    /// By key: events whose value is beyond the limits.
    pub(super) overflow: Vec<Counts>,
    pub(super) total: Counts,
    /// How many keys came with [`Self::new`]: where two rows say the same, the earlier of these stands for both.
    pub(super) preferred: usize,
    seen: Seen,
}

/// Which keys an event has already had, so that a key that comes twice counts once.
#[derive(Debug, Default)]
pub(super) struct Seen {
    last: Vec<u64>,
    event: u64,
}

impl Seen {
    pub(super) fn next_event(&mut self) {
        self.event += 1;
    }

    /// Whether this event has the key for the first time.
    pub(super) fn first(&mut self, key: KeyId) -> bool {
        if self.last.len() <= key.place() {
            self.last.resize(key.place() + 1, 0);
        }
        std::mem::replace(&mut self.last[key.place()], self.event) != self.event
    }
}

impl Counter {
    /// A counter that knows these keys, in order of preference; more may come with [`Self::key`].
    pub fn new(keys: &[&str]) -> Self {
        let mut counter = Self::default();
        for name in keys {
            counter.key(name);
        }
        counter.preferred = counter.dictionary.keys.len();
        counter
    }

    /// The key of this name, made when it is new; `None` when there are [`super::KEYS_MAX`] others.
    pub fn key(&mut self, name: &str) -> Option<KeyId> {
        let key = self.dictionary.key(name)?;
        if self.cells.len() <= key.place() {
            self.cells.push(Vec::new());
            self.overflow.push(Counts::default());
        }
        Some(key)
    }

    /// The id of a text of `key`. Ask once for each entry of a dictionary column, not for each event.
    ///
    /// # Panics
    /// When `key` is of another counter.
    pub fn text(&mut self, key: KeyId, text: &str) -> ValueId {
        let value = self.dictionary.text(key, text);
        self.make_room(key, value)
    }

    /// The id of a number of `key`, shared by numbers within one part in 512 of each other. A number that is not finite
    /// is a text.
    ///
    /// # Panics
    /// When `key` is of another counter.
    pub fn number(&mut self, key: KeyId, number: f64) -> ValueId {
        if !number.is_finite() {
            return self.text(key, &number.to_string());
        }
        let value = self.dictionary.number(key, number);
        self.make_room(key, value)
    }

    fn make_room(&mut self, key: KeyId, value: ValueId) -> ValueId {
        let cells = &mut self.cells[key.place()];
        if value != ValueId::OVERFLOW && cells.len() <= value.place() {
            cells.push(Counts::default());
        }
        value
    }

    /// Counts an event: its side, its adjusted count (how many events it stands for) and its values by place of their
    /// keys. Keys beyond the end of `values` are missing.
    pub fn observe(&mut self, inside: bool, weight: f64, values: &[Option<ValueId>]) {
        let one = Tally::one(weight);
        self.total.side(inside).add(&one);
        for ((cells, overflow), value) in self.cells.iter_mut().zip(&mut self.overflow).zip(values)
        {
            if let Some(value) = value {
                cells.get_mut(value.place()).unwrap_or(overflow).side(inside).add(&one);
            }
        }
    }

    /// As [`Self::observe`] for an event that names the keys it has. Of a key that comes twice the first value counts.
    pub fn observe_present(
        &mut self,
        inside: bool,
        weight: f64,
        values: impl IntoIterator<Item = (KeyId, ValueId)>,
    ) {
        let one = Tally::one(weight);
        self.total.side(inside).add(&one);
        self.seen.next_event();
        for (key, value) in values {
            if self.seen.first(key) {
                let cell = self.cells[key.place()].get_mut(value.place());
                cell.unwrap_or(&mut self.overflow[key.place()]).side(inside).add(&one);
            }
        }
    }

    /// Events and their adjusted counts so far.
    pub fn total(&self) -> &Counts {
        &self.total
    }

    /// The events that have this value.
    pub fn count(&self, key: KeyId, value: ValueId) -> Counts {
        let cell = self.cells.get(key.place()).and_then(|cells| cells.get(value.place()));
        cell.copied().unwrap_or_default()
    }

    /// The events that have this key, whatever its value.
    pub fn present(&self, key: KeyId) -> Counts {
        let mut present = self.overflow.get(key.place()).copied().unwrap_or_default();
        for cell in self.cells.get(key.place()).into_iter().flatten() {
            present.add(cell);
        }
        present
    }

    /// Judges the single properties and picks those whose pairs the second pass counts.
    pub fn into_pairs(self) -> Pairs {
        let survey = Survey::of(&self);
        Pairs::new(self, survey)
    }
}
