//! Which series there are, which labels each has, and which series a matcher selects.
//!
//! Labels are numbers of pairs (see [`crate::symbols`]); for each pair and each name there is the set of its series, a
//! *posting*. Regular expressions run once on each distinct value, and what they found is kept.
//!
//! **Invariant:** a series is in the posting of a pair if and only if it has the pair.

mod arena;
mod arrange;
mod blocks;
mod cardinality;
mod matching;
mod pattern;
mod postings;
mod registry;

use std::sync::Arc;

use model::{Labels, Matcher};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use roaring::RoaringBitmap;

pub use blocks::{BlockError, SeriesRead, read_series, write_series};
pub use cardinality::Cardinality;

use arrange::Order;
use matching::Cache;
use registry::Registry;

use crate::codec::Role;

pub type SeriesId = u32;

/// The highest id that a series can have: one more is still a number.
const SERIES_ID_MAX: SeriesId = SeriesId::MAX - 1;

/// The id belongs to a series with other labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("series {id} is taken by other labels")]
pub struct IdTaken {
    pub id: SeriesId,
}

/// The series and their labels; for many threads.
#[derive(Debug, Default)]
pub struct Index {
    registry: RwLock<Registry>,
    cache: Mutex<Cache>,
    order: Mutex<Order>,
}

impl Index {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, labels: &Labels) -> Option<SeriesId> {
        self.registry.read().get(labels)
    }

    /// The series with these labels, and whether it is new.
    pub fn insert(&self, labels: &Labels) -> (SeriesId, bool) {
        if let Some(id) = self.get(labels) {
            return (id, false);
        }
        self.registry.write().insert(labels)
    }

    /// Enters a series under the id that it had before.
    ///
    /// # Errors
    /// When the id belongs to other labels, or the labels to another id.
    pub fn insert_at(&self, labels: &Labels, id: SeriesId) -> Result<(), IdTaken> {
        self.registry.write().insert_at(labels, id)
    }

    /// One more than the highest id that was ever given, or reserved.
    pub fn end(&self) -> SeriesId {
        self.registry.read().end()
    }

    /// Gives no id below `end` to a new series: somebody may still name it.
    pub fn reserve(&self, end: SeriesId) {
        self.registry.write().reserve(end);
    }

    /// Forgets series; gives how many there were.
    ///
    /// Their ids are used again some time: nothing may name them any more.
    pub fn remove(&self, ids: &RoaringBitmap) -> usize {
        let mut order = self.order.lock();
        let removed = self.registry.write().remove(ids);
        order.forget(ids);
        removed
    }

    pub fn len(&self) -> usize {
        self.registry.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn contains(&self, id: SeriesId) -> bool {
        self.registry.read().contains(id)
    }

    /// The labels of a series; names and values are shared.
    pub fn labels(&self, id: SeriesId) -> Option<Labels> {
        self.registry.read().labels(id)
    }

    /// Gives the labels of a series one by one, sorted by name; false when there is no such series.
    pub fn visit_labels(&self, id: SeriesId, visit: &mut dyn FnMut(&str, &str)) -> bool {
        self.registry.read().visit(id, visit)
    }

    /// To look at many series under one lock.
    pub fn reader(&self) -> Reader<'_> {
        Reader(self.registry.read())
    }

    /// The series that pass all matchers; all series when there is none.
    pub fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        matching::select(&self.registry, &self.cache, matchers)
    }

    /// The sorted names of labels that any series has, or any of `among`.
    pub fn label_names(&self, among: Option<&RoaringBitmap>, limit: usize) -> Vec<Arc<str>> {
        self.registry.read().label_names(among, limit)
    }

    /// The sorted values of a label.
    pub fn label_values(
        &self,
        name: &str,
        among: Option<&RoaringBitmap>,
        limit: usize,
    ) -> Vec<Arc<str>> {
        self.registry.read().label_values(name, among, limit)
    }

    /// How many series have this label.
    pub fn count_with(&self, name: &str, value: &str) -> u64 {
        self.registry.read().count_with(name, value)
    }

    /// How many distinct values a label has.
    pub fn values_of(&self, name: &str) -> usize {
        self.registry.read().values_of(name)
    }

    /// What takes the most, the first `top` of each kind.
    pub fn cardinality(&self, top: usize) -> Cardinality {
        cardinality::count(&self.registry.read(), top)
    }

    /// The series in the order in which parts keep them, and what each is to its neighbours.
    ///
    /// Metrics of one name together, in them series with the same labels; a classic histogram's series side by side.
    pub fn arrange(&self, ids: &RoaringBitmap) -> Vec<(SeriesId, Role)> {
        let mut order = self.order.lock();
        order.arrange(&self.registry.read(), ids)
    }

    /// About how many bytes all this takes.
    pub fn memory(&self) -> usize {
        // One lock after the other: held together in this order, they could wait for each other for ever.
        let registry = self.registry.read().memory();
        let order = self.order.lock().memory();
        registry + order + self.cache.lock().memory()
    }
}

/// The series and their labels as they are while this is held; series cannot be added meanwhile.
#[derive(Debug)]
pub struct Reader<'a>(RwLockReadGuard<'a, Registry>);

impl Reader<'_> {
    pub fn contains(&self, id: SeriesId) -> bool {
        self.0.contains(id)
    }

    pub fn labels(&self, id: SeriesId) -> Option<Labels> {
        self.0.labels(id)
    }

    pub fn visit_labels(&self, id: SeriesId, visit: &mut dyn FnMut(&str, &str)) -> bool {
        self.0.visit(id, visit)
    }

    /// The value of one label.
    pub fn label(&self, id: SeriesId, name: &str) -> Option<&str> {
        self.0.label(id, name)
    }
}

#[cfg(test)]
mod tests;
