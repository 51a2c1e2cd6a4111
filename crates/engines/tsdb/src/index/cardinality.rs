//! How many series, names and pairs there are, and which of them are the most.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use model::Labels;

use super::registry::Registry;
use crate::symbols::PairId;

/// Counts over all series; the lists have the greatest first, and of equals the first by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    pub series: u64,
    pub pairs: u64,
    pub names: u64,
    /// Metrics by their series.
    pub by_metric: Vec<(Arc<str>, u64)>,
    /// Label names by their distinct values.
    pub by_name_values: Vec<(Arc<str>, u64)>,
    /// Pairs by their series.
    pub by_pair: Vec<(Arc<str>, Arc<str>, u64)>,
    /// Label names by the bytes of their values, each counted for each series.
    pub by_name_bytes: Vec<(Arc<str>, u64)>,
}

/// Keeps the greatest.
struct Top<T> {
    most: usize,
    heap: BinaryHeap<Reverse<(u64, Reverse<T>)>>,
}

impl<T: Ord> Top<T> {
    fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new() }
    }

    fn add(&mut self, count: u64, item: impl FnOnce() -> T) {
        let full = self.heap.len() >= self.most;
        if full && self.heap.peek().is_none_or(|Reverse((least, _))| count < *least) {
            return;
        }
        self.heap.push(Reverse((count, Reverse(item()))));
        if full {
            self.heap.pop();
        }
    }

    fn into_vec(self) -> Vec<(T, u64)> {
        let sorted = self.heap.into_sorted_vec().into_iter();
        sorted.map(|Reverse((count, Reverse(item)))| (item, count)).collect()
    }
}

pub(super) fn count(registry: &Registry, top: usize) -> Cardinality {
    let symbols = &registry.symbols;
    let metric = symbols.name_id(Labels::METRIC_NAME);
    let (mut metrics, mut pairs) = (Top::new(top), Top::<PairKey<'_>>::new(top));
    let mut bytes = vec![0; symbols.names().count()];
    for (id, pair) in symbols.pairs() {
        let series = registry.with_pair(id).len();
        let name = &symbols.name(pair.name).text;
        bytes[pair.name as usize] += series * pair.value.len() as u64;
        pairs.add(series, || (&**name, &*pair.value, id));
        if Some(pair.name) == metric {
            metrics.add(series, || Arc::clone(&pair.value));
        }
    }
    let (mut by_values, mut by_bytes, mut names) = (Top::new(top), Top::new(top), 0);
    for (id, name) in symbols.names().filter(|(_, name)| name.values() > 0) {
        names += 1;
        by_values.add(name.values() as u64, || Arc::clone(&name.text));
        by_bytes.add(bytes[id as usize], || Arc::clone(&name.text));
    }
    let pairs = pairs.into_vec().into_iter();
    Cardinality {
        series: registry.len() as u64,
        pairs: symbols.pairs_len() as u64,
        names,
        by_metric: metrics.into_vec(),
        by_name_values: by_values.into_vec(),
        by_pair: pairs
            .map(|((name, value, _), count)| (name.into(), value.into(), count))
            .collect(),
        by_name_bytes: by_bytes.into_vec(),
    }
}

type PairKey<'a> = (&'a str, &'a str, PairId);
