//! Label names and values, each kept once: a *pair* of a name and a value has a number.
//!
//! Numbers of pairs are used again after the last series of a pair is gone; `Pair::born` tells the users apart.

use std::{hash::BuildHasher, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashTable};

pub(crate) type NameId = u32;
pub(crate) type PairId = u32;

/// A label name and the pairs it is in.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) text: Arc<str>,
    /// By value.
    sorted: Vec<PairId>,
    /// Those that came since `sorted` was made, in no order.
    fresh: Vec<PairId>,
}

#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) name: NameId,
    /// Counts the pairs; a greater one came later.
    pub(crate) born: u64,
    pub(crate) value: Arc<str>,
}

/// All names and pairs.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    hasher: DefaultHashBuilder,
    names: Vec<Name>,
    name_ids: HashTable<NameId>,
    pairs: Vec<Option<Pair>>,
    pair_ids: HashTable<PairId>,
    free: Vec<PairId>,
    born: u64,
}

impl Symbols {
    pub(crate) fn name_id(&self, text: &str) -> Option<NameId> {
        let hash = self.hasher.hash_one(text);
        self.name_ids.find(hash, |id| *self.names[*id as usize].text == *text).copied()
    }

    pub(crate) fn pair_id(&self, name: NameId, value: &str) -> Option<PairId> {
        let hash = self.hasher.hash_one((name, value));
        self.pair_ids.find(hash, |id| self.is_pair(*id, name, value)).copied()
    }

    fn is_pair(&self, id: PairId, name: NameId, value: &str) -> bool {
        self.pair(id).is_some_and(|pair| pair.name == name && *pair.value == *value)
    }

    pub(crate) fn pair(&self, id: PairId) -> Option<&Pair> {
        self.pairs.get(id as usize)?.as_ref()
    }

    pub(crate) fn name(&self, id: NameId) -> &Name {
        &self.names[id as usize]
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (NameId, &Name)> {
        (0..).zip(&self.names)
    }

    /// Name and value of a pair that is there; empty ones otherwise.
    pub(crate) fn texts(&self, id: PairId) -> (&str, &str) {
        match self.pair(id) {
            Some(pair) => (&self.names[pair.name as usize].text, &pair.value),
            None => ("", ""),
        }
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (PairId, &Pair)> {
        (0..).zip(&self.pairs).filter_map(|(id, pair)| Some((id, pair.as_ref()?)))
    }

    pub(crate) fn pairs_len(&self) -> usize {
        self.pairs.len() - self.free.len()
    }

    /// One more than the highest number of a pair.
    pub(crate) fn pairs_end(&self) -> usize {
        self.pairs.len()
    }

    /// How many pairs there ever were; those that come have a greater `Pair::born`.
    pub(crate) fn born(&self) -> u64 {
        self.born
    }

    pub(crate) fn intern_name(&mut self, text: &Arc<str>) -> NameId {
        if let Some(id) = self.name_id(text) {
            return id;
        }
        let id = u32::try_from(self.names.len()).expect("names fit in memory");
        self.names.push(Name { text: Arc::clone(text), sorted: vec![], fresh: vec![] });
        let (names, hasher) = (&self.names, &self.hasher);
        let hash = |id: &NameId| hasher.hash_one(&*names[*id as usize].text);
        self.name_ids.insert_unique(hash(&id), id, hash);
        id
    }

    pub(crate) fn intern_pair(&mut self, name: NameId, value: &Arc<str>) -> PairId {
        let hash = self.hasher.hash_one((name, &**value));
        if let Some(id) = self.pair_ids.find(hash, |id| self.is_pair(*id, name, value)) {
            return *id;
        }
        self.born += 1;
        let pair = Some(Pair { name, born: self.born, value: Arc::clone(value) });
        let id = match self.free.pop() {
            Some(id) => {
                self.pairs[id as usize] = pair;
                id
            }
            None => {
                self.pairs.push(pair);
                u32::try_from(self.pairs.len() - 1).expect("pairs fit in memory")
            }
        };
        let (pairs, hasher) = (&self.pairs, &self.hasher);
        self.pair_ids.insert_unique(hash, id, |id| {
            pairs[*id as usize]
                .as_ref()
                .map_or(0, |pair| hasher.hash_one((pair.name, &*pair.value)))
        });
        let name = &mut self.names[name as usize];
        name.fresh.push(id);
        if name.fresh.len() > FRESH_MIN + name.sorted.len() / 8 {
            name.settle(&self.pairs);
        }
        id
    }

    /// Forgets pairs that no series has any more.
    pub(crate) fn remove_pairs(&mut self, dead: &mut Vec<PairId>) {
        dead.sort_unstable();
        dead.dedup();
        let mut names: Vec<NameId> = Vec::new();
        for id in &*dead {
            let Some(pair) = self.pair(*id) else { continue };
            names.push(pair.name);
            let hash = self.hasher.hash_one((pair.name, &*pair.value));
            if let Ok(entry) = self.pair_ids.find_entry(hash, |other| other == id) {
                entry.remove();
            }
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            let name = &mut self.names[name as usize];
            name.sorted.retain(|id| dead.binary_search(id).is_err());
            name.fresh.retain(|id| dead.binary_search(id).is_err());
        }
        for id in dead {
            if self.pairs[*id as usize].take().is_some() {
                self.free.push(*id);
            }
        }
    }

    /// The pairs of a name whose values begin with `prefix`, in no order.
    pub(crate) fn with_prefix<'a>(
        &'a self,
        name: NameId,
        prefix: &'a str,
    ) -> impl Iterator<Item = (PairId, &'a Pair)> {
        let name = &self.names[name as usize];
        let value = |id: &PairId| self.texts(*id).1;
        let from = name.sorted.partition_point(|id| value(id) < prefix);
        let begins = move |id: &&PairId| value(id).starts_with(prefix);
        let sorted = name.sorted[from..].iter().take_while(begins);
        let fresh = name.fresh.iter().filter(begins);
        sorted.chain(fresh).filter_map(|id| Some((*id, self.pair(*id)?)))
    }

    /// All pairs of a name by value.
    pub(crate) fn by_value(&self, name: NameId) -> Vec<PairId> {
        let name = &self.names[name as usize];
        let mut all = [&name.sorted[..], &name.fresh[..]].concat();
        // Two runs, of which the first is sorted: cheap for a stable sort.
        all.sort_by(|a, b| self.texts(*a).1.cmp(self.texts(*b).1));
        all
    }

    /// About how many bytes all this takes.
    pub(crate) fn memory(&self) -> usize {
        let text = |text: &str| (text.len() + 16).next_multiple_of(16);
        let names = self.names.iter().map(|name| {
            let lists = name.sorted.capacity() + name.fresh.capacity();
            size_of::<Name>() + text(&name.text) + lists * size_of::<PairId>()
        });
        let values = self.pairs().map(|(_, pair)| text(&pair.value));
        names.sum::<usize>()
            + values.sum::<usize>()
            + self.pairs.capacity() * size_of::<Option<Pair>>()
            + (self.pair_ids.capacity() + self.free.capacity()) * 5
    }
}

/// How many pairs may be out of order at least.
const FRESH_MIN: usize = 64;

impl Name {
    pub(crate) fn values(&self) -> usize {
        self.sorted.len() + self.fresh.len()
    }

    fn settle(&mut self, pairs: &[Option<Pair>]) {
        let value = |id: &PairId| pairs[*id as usize].as_ref().map(|pair| &*pair.value);
        self.sorted.append(&mut self.fresh);
        self.sorted.sort_by(|a, b| value(a).cmp(&value(b)));
    }
}
