//! Keys and values by number, within limits.

use std::collections::HashMap;

use super::{ALL_VALUES_MAX, KEYS_MAX, NUMBERS_MAX, VALUE_BYTES_MAX, VALUES_MAX};

/// A key of a [`super::Counter`], by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(super) u32);

/// A value of a key of a [`super::Counter`]; means nothing for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(super) u32);

impl KeyId {
    /// The place among the keys: the first of those given is 0.
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

impl ValueId {
    /// What a key has that holds as many values as it may.
    pub const OVERFLOW: Self = Self(u32::MAX);

    pub(super) fn place(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Text(Box<str>),
    /// Numbers that agree to one part in 512: the least and the greatest of them.
    Number {
        least: f64,
        most: f64,
    },
}

#[derive(Debug, Default)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    pub(super) values: Vec<Entry>,
    texts: HashMap<Box<str>, ValueId>,
    numbers: HashMap<u64, ValueId>,
}

#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pub(super) keys: Vec<Key>,
    names: HashMap<Box<str>, KeyId>,
    values: usize,
    /// Keys refused at [`KEYS_MAX`], each time they were met.
    pub(super) refused: u64,
}

impl Dictionary {
    /// The key of this name, made when it is new; `None` when there are as many keys as there may be.
    pub(super) fn key(&mut self, name: &str) -> Option<KeyId> {
        if let Some(key) = self.names.get(name) {
            return Some(*key);
        }
        if self.keys.len() >= KEYS_MAX {
            self.refused += 1;
            return None;
        }
        let key = KeyId(u32::try_from(self.keys.len()).expect("keys are few"));
        self.keys.push(Key { name: name.into(), ..Key::default() });
        self.names.insert(name.into(), key);
        Some(key)
    }

    pub(super) fn find_key(&self, name: &str) -> Option<KeyId> {
        self.names.get(name).copied()
    }

    pub(super) fn text(&mut self, key: KeyId, text: &str) -> ValueId {
        let text = cut(text);
        let full = self.values >= ALL_VALUES_MAX;
        let key = &mut self.keys[key.place()];
        if let Some(value) = key.texts.get(text) {
            return *value;
        }
        if full || key.texts.len() >= VALUES_MAX {
            return ValueId::OVERFLOW;
        }
        let value = key.push(Entry::Text(text.into()));
        key.texts.insert(text.into(), value);
        self.values += 1;
        value
    }

    pub(super) fn number(&mut self, key: KeyId, number: f64) -> ValueId {
        let full = self.values >= ALL_VALUES_MAX;
        let key = &mut self.keys[key.place()];
        if let Some(value) = key.numbers.get(&bucket(number)) {
            if let Entry::Number { least, most } = &mut key.values[value.place()] {
                *least = least.min(number);
                *most = most.max(number);
            }
            return *value;
        }
        if full || key.numbers.len() >= NUMBERS_MAX {
            return ValueId::OVERFLOW;
        }
        let value = key.push(Entry::Number { least: number, most: number });
        key.numbers.insert(bucket(number), value);
        self.values += 1;
        value
    }

    /// As [`Self::text`] for a value met before.
    pub(super) fn find_text(&self, key: KeyId, text: &str) -> ValueId {
        let found = self.keys[key.place()].texts.get(cut(text));
        found.copied().unwrap_or(ValueId::OVERFLOW)
    }

    /// As [`Self::number`] for a value met before.
    pub(super) fn find_number(&self, key: KeyId, number: f64) -> ValueId {
        let found = self.keys[key.place()].numbers.get(&bucket(number));
        found.copied().unwrap_or(ValueId::OVERFLOW)
    }
}

impl Key {
    fn push(&mut self, entry: Entry) -> ValueId {
        let value = ValueId(u32::try_from(self.values.len()).expect("values are within limits"));
        self.values.push(entry);
        value
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or(text)
}

/// Sign, exponent and nine bits of the mantissa: whole numbers up to 1024 each have a bucket of their own.
fn bucket(number: f64) -> u64 {
    // −0 is 0, and every NaN is one.
    let number = if number.is_nan() { f64::NAN } else { number + 0.0 };
    number.to_bits() >> 43
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_share_a_bucket_only_when_they_are_near() {
        let mut dictionary = Dictionary::default();
        let key = dictionary.key("size").unwrap();
        let mut ids: Vec<_> =
            (-1024..=1024).map(|n| dictionary.number(key, f64::from(n))).collect();
        ids.dedup();
        assert_eq!(ids.len(), 2049);
        assert_eq!(dictionary.number(key, 1e6), dictionary.number(key, 1_000_100.0));
        assert_ne!(dictionary.number(key, 1e6), dictionary.number(key, 1_010_000.0));
        assert_eq!(dictionary.number(key, -0.0), dictionary.number(key, 0.0));
        assert_eq!(dictionary.number(key, f64::NAN), dictionary.find_number(key, -f64::NAN));
        assert_eq!(dictionary.find_number(key, 7e9), ValueId::OVERFLOW);
    }

    #[test]
    fn limits_hold() {
        let mut dictionary = Dictionary::default();
        let key = dictionary.key("user").unwrap();
        for n in 0..VALUES_MAX {
            assert_eq!(dictionary.text(key, &n.to_string()).place(), n);
        }
        assert_eq!(dictionary.text(key, "one more"), ValueId::OVERFLOW);
        assert_eq!(dictionary.text(key, "7").place(), 7);
        for n in 1..KEYS_MAX {
            assert!(dictionary.key(&format!("k{n}")).is_some());
        }
        assert!(dictionary.key("one more").is_none());
        assert_eq!(dictionary.refused, 1);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "é".repeat(VALUE_BYTES_MAX);
        assert_eq!(cut(&long).len(), VALUE_BYTES_MAX);
        assert_eq!(cut(&format!("x{long}")).len(), VALUE_BYTES_MAX - 1);
    }
}
