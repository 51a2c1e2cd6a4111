//! Series, pairs and postings, for one thread.

use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use hashbrown::{DefaultHashBuilder, HashTable};
use model::Labels;
use roaring::RoaringBitmap;

use super::{
    IdTaken, SeriesId,
    arena::{Arena, Pairs},
    postings::Posting,
};
use crate::symbols::{NameId, PairId, Symbols};

#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) symbols: Symbols,
    arena: Arena,
    /// By the hash of the pairs.
    ids: HashTable<SeriesId>,
    hasher: DefaultHashBuilder,
    all: Posting,
    by_pair: Vec<Posting>,
    by_name: Vec<Posting>,
}

impl Registry {
    pub(super) fn len(&self) -> usize {
        self.arena.len()
    }

    pub(super) fn contains(&self, id: SeriesId) -> bool {
        self.arena.contains(id)
    }

    pub(super) fn pairs(&self, id: SeriesId) -> Pairs<'_> {
        self.arena.pairs(id)
    }

    /// One more than the highest id that was ever given.
    pub(super) fn end(&self) -> SeriesId {
        self.arena.end()
    }

    pub(super) fn reserve(&mut self, end: SeriesId) {
        self.arena.reserve(end);
    }

    pub(super) fn all(&self) -> &Posting {
        &self.all
    }

    pub(super) fn with_pair(&self, id: PairId) -> &Posting {
        self.by_pair.get(id as usize).unwrap_or(&Posting::None)
    }

    pub(super) fn with_name(&self, id: NameId) -> &Posting {
        self.by_name.get(id as usize).unwrap_or(&Posting::None)
    }

    pub(super) fn get(&self, labels: &Labels) -> Option<SeriesId> {
        let mut pairs = Vec::with_capacity(labels.len());
        for (name, value) in labels.iter() {
            let name = self.symbols.name_id(name)?;
            pairs.push(self.symbols.pair_id(name, value)?);
        }
        self.find(&pairs)
    }

    pub(super) fn find(&self, pairs: &[PairId]) -> Option<SeriesId> {
        let hash = hash(&self.hasher, pairs.iter().copied());
        let same = |id: &SeriesId| self.arena.pairs(*id).eq(pairs.iter().copied());
        self.ids.find(hash, same).copied()
    }

    pub(super) fn insert(&mut self, labels: &Labels) -> (SeriesId, bool) {
        let pairs = self.intern(labels);
        if let Some(id) = self.find(&pairs) {
            return (id, false);
        }
        let id = self.arena.next_id();
        self.enter(id, &pairs);
        (id, true)
    }

    pub(super) fn insert_at(&mut self, labels: &Labels, id: SeriesId) -> Result<(), IdTaken> {
        let pairs = self.intern(labels);
        self.insert_pairs_at(&pairs, id)
    }

    pub(super) fn insert_pairs_at(
        &mut self,
        pairs: &[PairId],
        id: SeriesId,
    ) -> Result<(), IdTaken> {
        match self.find(pairs) {
            Some(found) if found == id => return Ok(()),
            Some(id) => return Err(IdTaken { id }),
            None => {}
        }
        if self.contains(id) {
            return Err(IdTaken { id });
        }
        self.enter(id, pairs);
        Ok(())
    }

    fn intern(&mut self, labels: &Labels) -> Vec<PairId> {
        let mut pairs = Vec::with_capacity(labels.len());
        for label in labels.as_slice() {
            let name = self.symbols.intern_name(&label.name);
            pairs.push(self.symbols.intern_pair(name, &label.value));
        }
        pairs
    }

    fn enter(&mut self, id: SeriesId, pairs: &[PairId]) {
        self.arena.put(id, pairs);
        self.all.insert(id);
        if self.by_pair.len() < self.symbols.pairs_end() {
            self.by_pair.resize_with(self.symbols.pairs_end(), Posting::default);
        }
        for pair in pairs {
            self.by_pair[*pair as usize].insert(id);
            let name = self.symbols.pair(*pair).map_or(0, |pair| pair.name) as usize;
            if self.by_name.len() <= name {
                self.by_name.resize_with(name + 1, Posting::default);
            }
            self.by_name[name].insert(id);
        }
        let (arena, hasher) = (&self.arena, &self.hasher);
        let hash_of = |id: &SeriesId| hash(hasher, arena.pairs(*id));
        self.ids.insert_unique(hash(hasher, pairs.iter().copied()), id, hash_of);
    }

    pub(super) fn remove(&mut self, ids: &RoaringBitmap) -> usize {
        let before = self.len();
        let mut touched: Vec<PairId> = Vec::new();
        for id in ids {
            if !self.contains(id) {
                continue;
            }
            touched.extend(self.arena.pairs(id));
            let hash = hash(&self.hasher, self.arena.pairs(id));
            if let Ok(entry) = self.ids.find_entry(hash, |other| *other == id) {
                entry.remove();
            }
            self.arena.remove(id);
        }
        self.all.remove(ids);
        touched.sort_unstable();
        touched.dedup();
        let mut names: Vec<NameId> =
            touched.iter().filter_map(|pair| Some(self.symbols.pair(*pair)?.name)).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.by_name[name as usize].remove(ids);
        }
        touched.retain(|pair| !self.by_pair[*pair as usize].remove(ids));
        self.symbols.remove_pairs(&mut touched);
        before - self.len()
    }

    pub(super) fn labels(&self, id: SeriesId) -> Option<Labels> {
        if !self.contains(id) {
            return None;
        }
        let pairs = self.arena.pairs(id).filter_map(|pair| {
            let pair = self.symbols.pair(pair)?;
            Some((Arc::clone(&self.symbols.name(pair.name).text), Arc::clone(&pair.value)))
        });
        Some(Labels::from_pairs(pairs))
    }

    pub(super) fn visit(&self, id: SeriesId, visit: &mut dyn FnMut(&str, &str)) -> bool {
        for pair in self.arena.pairs(id) {
            let (name, value) = self.symbols.texts(pair);
            visit(name, value);
        }
        self.contains(id)
    }

    pub(super) fn label(&self, id: SeriesId, name: &str) -> Option<&str> {
        let wanted = self.symbols.name_id(name)?;
        let pairs = self.arena.pairs(id).filter_map(|pair| self.symbols.pair(pair));
        pairs.filter(|pair| pair.name == wanted).map(|pair| &*pair.value).next()
    }

    pub(super) fn label_names(&self, among: Option<&RoaringBitmap>, limit: usize) -> Vec<Arc<str>> {
        let has = |posting: &Posting| match among {
            Some(among) => posting.meets(among),
            None => posting.len() > 0,
        };
        let names = self.symbols.names().filter(|(id, _)| has(self.with_name(*id)));
        let mut names: Vec<Arc<str>> = names.map(|(_, name)| Arc::clone(&name.text)).collect();
        names.sort_unstable();
        names.truncate(limit);
        names
    }

    pub(super) fn label_values(
        &self,
        name: &str,
        among: Option<&RoaringBitmap>,
        limit: usize,
    ) -> Vec<Arc<str>> {
        let Some(name) = self.symbols.name_id(name) else { return Vec::new() };
        let value = |pair: PairId| Some(Arc::clone(&self.symbols.pair(pair)?.value));
        let few = among.filter(|among| among.len() < self.symbols.name(name).values() as u64 / 2);
        if let Some(among) = few {
            let of_name = |pair: &PairId| self.symbols.pair(*pair).is_some_and(|p| p.name == name);
            let pairs = among.iter().filter_map(|id| self.arena.pairs(id).find(of_name));
            let mut values: Vec<Arc<str>> = pairs.filter_map(value).collect();
            values.sort_unstable();
            values.dedup();
            values.truncate(limit);
            return values;
        }
        let pairs = self.symbols.by_value(name).into_iter();
        let pairs =
            pairs.filter(|pair| among.is_none_or(|among| self.with_pair(*pair).meets(among)));
        pairs.filter_map(value).take(limit).collect()
    }

    pub(super) fn count_with(&self, name: &str, value: &str) -> u64 {
        let pair = self.symbols.name_id(name).and_then(|name| self.symbols.pair_id(name, value));
        pair.map_or(0, |pair| self.with_pair(pair).len())
    }

    pub(super) fn values_of(&self, name: &str) -> usize {
        self.symbols.name_id(name).map_or(0, |name| self.symbols.name(name).values())
    }

    pub(super) fn memory(&self) -> usize {
        let postings = self.by_pair.iter().chain(&self.by_name).chain([&self.all]);
        self.symbols.memory()
            + self.arena.memory()
            + self.ids.capacity() * 5
            + self.by_pair.capacity() * size_of::<Posting>()
            + postings.map(Posting::memory).sum::<usize>()
    }
}

fn hash(hasher: &DefaultHashBuilder, pairs: impl Iterator<Item = PairId>) -> u64 {
    let mut hasher = hasher.build_hasher();
    pairs.for_each(|pair| hasher.write_u32(pair));
    hasher.finish()
}
